#!/usr/bin/env python3
"""Hostile peers beside good sources, at a best-effort and at a reliable input of a running node: messages without an end, giant
frames, ten times the rated load, 100,000 malformed messages. The peers are plain, or have keys that the node knows. Memory stays within the
configured bytes, what came whole is counted, the books close, and the good sources are served. Usage: flood_test.py BUILD_DIR SOURCE_DIR"""
import json
import pathlib
import subprocess
import sys
import tempfile
import time

import zmq

from hostile_peer import FLOOD_PER_SECOND, MALFORMED
from menus import CUTS_ONLY
from node import Node, good_event, wire_module
from reliable_client_test import CLOSE, Sender, encode
from tool import Tool

RUN, GOOD_EVENTS, GOOD_PER_SECOND = 3, 400, 200
POOL_BYTES, LINK_BYTES = 32 << 20, 32 << 20
# Beside both budgets: the tables of a slot, buffers of the library, and what the allocator cannot give back.
ALLOWANCE = 16 << 20
PATIENCE = 20


def is_instrumented(program):
    """A sanitizer's shadow of what is touched counts as resident: memory then says nothing of the node."""
    code = program.read_bytes()
    return b"__tsan_init" in code or b"__asan_init" in code


class PlainPeers:
    """Whoever can reach the node."""
    name, input_settings, hostile_keys = "plain", "", ()

    def prepare(self, peer):
        """peer: a ZeroMQ socket before it connects."""


class AuthenticatedPeers:
    """The node knows their keys: those of the good sources, and those of the one that turns hostile."""
    name = "authenticated"

    def __init__(self, tool, folder):
        for name in ("node", "good", "hostile"):
            tool.run("keys", name, cwd=folder)
        (folder / "peers").write_text("".join((folder / f"{name}.public").read_text() for name in ("good", "hostile")))
        self.input_settings = f'security {{ secret_key: "{folder}/node.secret" peer_keys: "{folder}/peers" }}'
        key = {file: (folder / file).read_text().split()[1] for file in (
            "node.public", "good.public", "good.secret", "hostile.public", "hostile.secret")}
        self.good_keys = [key[file].encode() for file in ("good.public", "good.secret", "node.public")]
        self.hostile_keys = [key[file] for file in ("hostile.public", "hostile.secret", "node.public")]

    def prepare(self, peer):
        peer.curve_publickey, peer.curve_secretkey, peer.curve_serverkey = self.good_keys


class NoFaults:
    """For a sender that damages, repeats and withholds nothing."""

    @staticmethod
    def random():
        return 1.0


class BestEffortSources:
    """One connection for each of the four sources."""

    def __init__(self, endpoint, peers):
        self.sockets = [zmq.Context.instance().socket(zmq.PUSH) for _ in range(4)]
        for socket in self.sockets:
            socket.setsockopt(zmq.SNDHWM, 0)
            peers.prepare(socket)
            socket.connect(endpoint)

    def offer(self, fragments):
        for socket, message in zip(self.sockets, fragments, strict=True):
            socket.send(message)

    def turn(self):
        """The library sends by itself."""

    def close(self):
        for socket in self.sockets:
            socket.close(5000)


class ReliableSources:
    """One connection for all four, credits and acknowledgements as PROTOCOL.md says."""

    def __init__(self, endpoint, peers):
        self.sender = Sender(zmq.Context.instance(), endpoint.rsplit(":", 1)[1], NoFaults, prepare=peers.prepare)

    def offer(self, fragments):
        for message in fragments:
            self.sender.offer(message)

    def turn(self):
        self.sender.turn()

    def close(self):
        end = time.monotonic() + PATIENCE
        while self.sender.durable < self.sender.offered and time.monotonic() < end:
            self.turn()
        assert self.sender.durable == self.sender.offered, "every good fragment is acknowledged in the end"
        self.sender.socket.send(encode(CLOSE, (self.sender.epoch,)))
        self.sender.socket.close(5000)


class Trial:
    """A node with its good sources, and one attack after the other."""

    def __init__(self, build_dir, wire, delivery, peers):
        self.wire, self.delivery, self.peers = wire, delivery, peers
        self.memory_is_its_own = not is_instrumented(pathlib.Path(build_dir, "bin", "tamisd"))
        self.node = Node(build_dir, CUTS_ONLY, extra_output='stream: "physics"', extra_input=(
            f"run: {RUN} window_ms: 300 delivery: {delivery} max_message_bytes: 65536 max_event_bytes: 262144 "
            f"pool_bytes: {POOL_BYTES} link_bytes: {LINK_BYTES} pool_events: 1024 {peers.input_settings}"))
        self.node.push.close(0)
        sources = ReliableSources if delivery == "RELIABLE" else BestEffortSources
        self.endpoint = self.node.ready["endpoints"][0]
        self.sources, self.served, self.offered = sources(self.endpoint, peers), set(), 0

    def resident(self, which):
        """VmRSS now, VmHWM the most there was."""
        with open(f"/proc/{self.node.process.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) << 10 for line in status if line.startswith(which))

    def take(self):
        while self.node.pull.poll(0):
            selected = self.wire.SelectedEvent.FromString(self.node.pull.recv())
            if selected.decision.outcome == self.wire.ACCEPTED and len(selected.fragments) == 4:
                self.served.add(selected.decision.event)

    def turn(self):
        self.sources.turn()
        self.take()
        assert self.node.process.poll() is None, self.node.log_text()
        time.sleep(0.001)

    def serve(self):
        """Good events at their rate, and some patience for the last ones; the share of them that was decided complete, and the seconds
        it took."""
        first, begin = self.offered + 1, time.monotonic()
        while self.offered < first + GOOD_EVENTS - 1:
            if self.offered - first + 1 < (time.monotonic() - begin) * GOOD_PER_SECOND:
                self.offered += 1
                self.sources.offer(good_event(self.wire, RUN, self.offered))
            self.turn()
        wanted = set(range(first, self.offered + 1))
        end = time.monotonic() + PATIENCE
        while not wanted <= self.served and time.monotonic() < end:
            self.turn()
        return len(wanted & self.served) / GOOD_EVENTS, time.monotonic() - begin

    def attack(self, kind):
        """The good sources are served while the hostile peer is at work, to its end: its own counts."""
        here = pathlib.Path(__file__).parent
        peer = subprocess.Popen([sys.executable, str(here / "hostile_peer.py"), kind, self.endpoint, self.delivery, str(RUN),
                                 *self.peers.hostile_keys],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            share, seconds = self.serve()
            assert peer.poll() is None, "the attack lasts as long as the good sources send"
            peer.stdin.close()
            while peer.poll() is None:
                self.turn()
            counts = json.loads(peer.stdout.read())
        finally:
            peer.kill()
        grown = self.resident("VmHWM") - self.at_rest
        print(f"{self.peers.name} {self.delivery} {kind}: {share:.1%} of the good events in {seconds:.1f} s ({self.seconds_at_rest:.1f} s without attack), "
              f"at most {grown >> 20} MiB taken; hostile {counts}")
        assert share >= 0.9, f"{kind}: {share:.1%} of the good events were decided complete"
        assert not self.memory_is_its_own or grown < POOL_BYTES + LINK_BYTES + ALLOWANCE, f"{kind}: {grown >> 20} MiB more than at rest"
        return counts

    def run(self):
        share, self.seconds_at_rest = self.serve()
        assert share == 1, share
        self.at_rest = self.resident("VmRSS")
        counts = {kind: self.attack(kind) for kind in ("endless", "giant", "flood", "malformed")}
        share, _ = self.serve()
        assert share == 1, "after the attacks all is as before"
        self.sources.close()
        metrics, summary = self.node.metrics(), self.node.stop()
        cut = summary["input"]["cut_connections"][0]
        assert cut >= counts["endless"]["cut"] >= 2, (cut, counts["endless"])
        assert metrics[f'tamis_link_cut_connections_total{{endpoint="{self.endpoint}"}}'] == cut
        assert counts["giant"]["cut"] >= 2, "a giant frame is cut off"
        self.check_books(summary, {kind: count["whole"] for kind, count in counts.items()}, counts["flood"]["unknown"])

    def check_books(self, summary, whole, unknown):
        """Each hostile message that arrived whole is counted by its reason, and the books close."""
        books, fragments = summary["books"], summary["books"]["fragments"]
        assert books["closed"] and all(value == 0 for value in books["imbalance"].values()), books
        assert whole["malformed"] == MALFORMED
        good, broken = 4 * self.offered, whole["endless"] + whole["malformed"]
        if self.delivery == "RELIABLE":
            link = summary["input"]["links"][0]
            assert link["damaged"] + link["malformed"] == broken and link["malformed"] >= whole["endless"] + MALFORMED // 20, link
            assert link["delivered"] == fragments["received"], (link, fragments)
            assert link["delivered"] + link["beyond"] + link["duplicates"] >= good + whole["giant"] + whole["flood"], (link, whole)
            broken = 0
        else:
            assert fragments["malformed"] == broken, (fragments, whole)
            assert fragments["received"] == good + broken + whole["giant"] + whole["flood"], (fragments, whole)
            assert fragments["unknown_source"] == unknown, (fragments, unknown)
        assert fragments["oversize"] == whole["giant"], (fragments, whole)
        assert fragments["received"] - broken >= good
        assert books["events"]["accepted"] == len(self.served) == self.offered, (books["events"], self.offered)


def main():
    build_dir, source_dir = sys.argv[1:3]
    wire = wire_module(source_dir, tempfile.mkdtemp(prefix="tamis-wire-"))
    assert FLOOD_PER_SECOND >= 10 * 4 * GOOD_PER_SECOND
    trusted = AuthenticatedPeers(Tool(build_dir), pathlib.Path(tempfile.mkdtemp(prefix="tamis-keys-")))
    for peers in (PlainPeers(), trusted):
        for delivery in ("BEST_EFFORT", "RELIABLE"):
            Trial(build_dir, wire, delivery, peers).run()
    print("memory within its budget, good sources served, books closed: ok")


main()
