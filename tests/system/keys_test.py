#!/usr/bin/env python3
"""Links with keys: whoever has a listed key gets its events decided, over both delivery classes, from `tamis generate` and from a
client in Python; a hundred strangers each with an unlisted key, with another server's key and without keys get nothing in, are
counted, and do not disturb. Usage: keys_test.py BUILD_DIR SOURCE_DIR"""
import json
import pathlib
import random
import re
import sys
import tempfile
import time

import zmq

from menus import CUTS_ONLY
from node import Node, sign, wire_module
from process import Process
from python_client_test import fragments_of
from reliable_client_test import Sender
from reliable_run import ReliableRun
from tool import Tool, free_ports

STRANGERS, GOOD_EVENTS, PYTHON_EVENTS, SEED = 100, 600, 20, 20261126


def make_keys(tool, folder):
    """What `tamis keys --help` shows: a pair for each, and the lists of who may connect."""
    for name in ("node", "source", "python", "dispatch", "recorder"):
        told = tool.run("keys", name, cwd=folder)
        assert f"{name}.secret" in told and f"{name}.public" in told, told
        modes = [(folder / f"{name}.{kind}").stat().st_mode & 0o777 for kind in ("secret", "public")]
        assert modes[0] == 0o600 and modes[1] & 0o600 == 0o600, modes
    tool.run("keys", "node", cwd=folder, status=73)
    assert "another name" in tool.errors, tool.errors
    (folder / "peers").write_text("# who may send\n" + "".join((folder / f"{name}.public").read_text() for name in ("source", "python")))


def key_of(folder, file):
    return (folder / file).read_text().split()[1].encode()


def client_context(public, secret, server):
    """All sockets of it are CURVE clients."""
    context = zmq.Context()
    if public is not None:
        context.setsockopt(zmq.CURVE_PUBLICKEY, public)
        context.setsockopt(zmq.CURVE_SECRETKEY, secret)
        context.setsockopt(zmq.CURVE_SERVERKEY, server)
    return context


class Strangers:
    """A hundred of each kind, each with a fragment that would open an event of its own."""

    def __init__(self, folder, wire, endpoint, kind):
        server = key_of(folder, "node.public")
        self.unlisted = zmq.curve_keypair()
        self.contexts = {
            "unlisted_key": client_context(*self.unlisted, server),
            "wrong_server_key": client_context(key_of(folder, "source.public"), key_of(folder, "source.secret"), zmq.curve_keypair()[0]),
            "no_keys": client_context(None, None, None)}
        self.sockets = []
        for context in self.contexts.values():
            for number in range(STRANGERS):
                socket = context.socket(kind)
                socket.setsockopt(zmq.LINGER, 0)
                socket.setsockopt(zmq.RECONNECT_IVL, 1000)
                socket.connect(endpoint)
                socket.send(sign(wire.Fragment(run=1, event=1_000_000 + number, source=1, payload=b"x")).SerializeToString())
                self.sockets.append(socket)

    def close(self):
        for socket in self.sockets:
            socket.close()
        for context in self.contexts.values():
            context.term()


def connections(node):
    """Of the node's input with keys, by class."""
    prefix = 'tamis_link_connections_total{endpoint="' + node.ready["endpoints"][0] + '",class="'
    return {name[len(prefix):-2]: value for name, value in node.metrics().items() if name.startswith(prefix)}


def are_all_refused(counts):
    # One without keys may hang up before the node has read what it said.
    return (counts["unlisted_key"] >= STRANGERS and counts["wrong_server_key"] >= STRANGERS and
            counts["not_curve"] + counts["unfinished"] >= STRANGERS)


def send_from_python(folder, wire, node, delivery, first_event):
    """The client that knows only ZeroMQ, the key files and the wire; all its fragments must be taken."""
    context = client_context(key_of(folder, "python.public"), key_of(folder, "python.secret"), key_of(folder, "node.public"))
    rng = random.Random(SEED)
    messages = []
    for event in range(first_event, first_event + PYTHON_EVENTS):
        for fragment in fragments_of(wire, rng, event)[0]:
            fragment.run = 1
            messages.append(sign(fragment).SerializeToString())
    if delivery == "RELIABLE":
        sender = Sender(context, int(node.ready["endpoints"][0].rsplit(":", 1)[1]), rng)
        sender.transmit = lambda number, careful=True: Sender.transmit(sender, number, careful=True)
        for message in messages:
            sender.offer(message)
        deadline = time.monotonic() + 60
        while sender.durable < sender.offered:
            assert time.monotonic() < deadline, f"{sender.durable} of {sender.offered} acknowledged"
            sender.turn()
            time.sleep(0.001)
        sender.socket.close()
    else:
        socket = context.socket(zmq.PUSH)
        socket.connect(node.ready["endpoints"][0])
        for message in messages:
            socket.send(message)
        socket.close(linger=10000)
    context.term()


def check_input(build_dir, wire, folder, delivery):
    security = 'security { secret_key: "node.secret" peer_keys: "peers" }'
    node = Node(build_dir, CUTS_ONLY, work_dir=folder, extra_input=f"run: 1 window_ms: 20000 delivery: {delivery} {security}")
    endpoint = node.ready["endpoints"][0]
    ready = folder / "never"
    good = Process("good", folder, [
        f"{build_dir}/bin/tamis", "generate", "--events", GOOD_EVENTS, "--rate", 200, "--connect", endpoint, "--delivery",
        delivery.lower(), "--secret-key", "source.secret", "--server-key", "node.public"], ready)
    strangers = Strangers(folder, wire, endpoint, zmq.DEALER if delivery == "RELIABLE" else zmq.PUSH)
    deadline = time.monotonic() + 60
    while not are_all_refused(connections(node)):
        assert time.monotonic() < deadline, connections(node)
        time.sleep(0.05)
    send_from_python(folder, wire, node, delivery, GOOD_EVENTS + 1)
    good.wait(120)
    events, deadline = GOOD_EVENTS + PYTHON_EVENTS, time.monotonic() + 60
    while node.metrics()['tamis_fragments_total{class="used"}'] < 4 * events:
        assert time.monotonic() < deadline, node.metrics()
        time.sleep(0.02)
    counts = connections(node)
    strangers.close()
    summary = node.stop()
    assert counts["admitted"] == 2, counts
    books = summary["books"]
    assert books["fragments"]["received"] == books["fragments"]["used"] == 4 * events, books
    assert books["events"]["opened"] == books["events"]["accepted"] + books["events"]["rejected"] == events, books
    assert summary["connections"][0]["unlisted_key"] >= STRANGERS, summary["connections"]
    # Ten lines of one reason in a while: who comes first is in the log, all of them are in the counts.
    refused = [line.replace("\\\\", "\\") for line in node.log_text().splitlines() if "connection_refused" in line]
    assert any("address=127.0.0.1" in line for line in refused), refused
    reasons = {re.search("why=([a-z_]+) ", line).group(1) for line in refused}
    assert reasons == {"unlisted_key", "wrong_server_key", "not_curve", "unfinished"}, refused
    unlisted = [line for line in refused if "why=unlisted_key" in line]
    assert all(any(key.decode() in line for key in strangers.unlisted) for line in unlisted), "the log names the unlisted key"
    print(f"{delivery}: {events} events decided, connections {counts}")


def check_chain(build_dir, folder):
    """Every link of a run has keys: source, dispatcher, node, recorder."""
    for name, listed in (("sources", "source"), ("nodes", "dispatch"), ("recorders", "node")):
        (folder / name).write_text((folder / f"{listed}.public").read_text())
    run = ReliableRun(build_dir, folder)
    dispatch_port, node_port, down_port = free_ports(3)
    recorder = run.recorder(down_port, "--secret-key", "recorder.secret", "--peer-keys", "recorders")
    node = run.node("node0", node_port, down_port, extra_input='security { secret_key: "node.secret" peer_keys: "nodes" }',
                    extra_output='security { secret_key: "node.secret" server_key: "recorder.public" }')
    ready = folder / "dispatch.ready"
    dispatcher = Process("dispatch", folder, [
        run.tamis, "dispatch", "--bind", f"tcp://127.0.0.1:{dispatch_port}", "--node", f"tcp://127.0.0.1:{node_port}", "--ready-file",
        ready, "--secret-key", "dispatch.secret", "--peer-keys", "sources", "--server-key", "node.public"], ready)
    for process in (recorder, node, dispatcher):
        process.wait_ready()
    source = Process("source", folder, [
        run.tamis, "generate", "--events", 200, "--connect", f"tcp://127.0.0.1:{dispatch_port}", "--delivery", "reliable",
        "--secret-key", "source.secret", "--server-key", "dispatch.public"])
    source.wait(120)
    for process in (dispatcher, node, recorder):
        process.stop()
    summary = json.loads((folder / "node0.json").read_text())
    accepted = summary["books"]["events"]["accepted"]
    assert summary["books"]["events"]["opened"] == 200 and accepted > 0, summary["books"]
    assert f"{accepted} events recorded" in recorder.log(), recorder.log()
    print(f"a chain of four links with keys: {accepted} of 200 events recorded")


def check_configuration(build_dir, tool, folder):
    """A secret that others may read stops the start; an open port is warned of; a command says what its keys lack."""
    text = (folder / "node.pbtxt").read_text()
    tool.run("check", folder / "node.pbtxt")
    assert "warning" not in tool.errors, tool.errors
    (folder / "node.secret").chmod(0o644)
    tool.run("check", folder / "node.pbtxt", status=78)
    assert "chmod 600" in tool.errors and "node.pbtxt:" in tool.errors, tool.errors
    (folder / "node.secret").chmod(0o600)
    begin = text.index("security {")
    text = text[:begin] + "insecure: true" + text[text.index("}", begin) + 1:]
    (folder / "open.pbtxt").write_text(text.replace("tcp://127.0.0.1:*", "tcp://*:*"))
    tool.run("check", folder / "open.pbtxt")
    assert 'warning: input endpoint "tcp://*:*" is open' in tool.errors and "tamis keys" in tool.errors, tool.errors
    started = Process("open", folder, [f"{build_dir}/bin/tamisd", "open.pbtxt", "--ready-file", folder / "open.ready"], folder / "open.ready")
    started.wait_ready()
    started.stop()
    assert "tamis keys" in started.log(), started.log()
    for options in (["--secret-key", "source.secret"], ["--secret-key", "source.public", "--server-key", "node.public"],
                    ["--secret-key", "source.secret", "--server-key", "peers"]):
        tool.run("generate", "--events", 1, "--connect", "tcp://127.0.0.1:1", *options, cwd=folder, status=69)
        assert "key" in tool.errors, tool.errors


def main():
    build_dir, source_dir = sys.argv[1:3]
    assert zmq.has("curve"), "pyzmq without CURVE"
    wire = wire_module(source_dir, tempfile.mkdtemp(prefix="tamis-wire-"))
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tamis-keys-"))
    tool = Tool(build_dir)
    make_keys(tool, folder)
    for delivery in ("BEST_EFFORT", "RELIABLE"):
        (folder / "ready.json").unlink(missing_ok=True)
        check_input(build_dir, wire, folder, delivery)
    check_configuration(build_dir, tool, folder)
    check_chain(build_dir, folder)


if __name__ == "__main__":
    main()
