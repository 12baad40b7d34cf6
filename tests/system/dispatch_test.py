#!/usr/bin/env python3
"""Three nodes behind `tamis dispatch`: one is killed for good, one stands still for 3 s (SIGSTOP), one joins in the middle of
the run. Then one that stands still for so long that it is taken for dead, and one whose network is gone for a while: both come
back with events that others have. Every event is decided exactly once; nothing is lost. Prints what three nodes do against one.
Usage: dispatch_test.py BUILD_DIR SOURCE_DIR"""
import json
import pathlib
import signal
import sys
import tempfile
import time

from chaos_proxy import ChaosProxy
from reliable_run import DETECTORS, ReliableRun
from tool import free_ports

EVENTS, RATE = 16000, 2000
PATIENCE = 600  # of an instrumented program on a busy machine


def faults(build_dir):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tamis-dispatch-"))
    run = ReliableRun(build_dir, folder)
    dispatch_port, down_port, *node_ports = free_ports(5)
    downstream = run.recorder(down_port)
    downstream.wait_ready()
    nodes = [run.node(f"node{i}", port, down_port) for i, port in enumerate(node_ports[:2])]
    dispatcher = run.dispatcher(dispatch_port, node_ports[:2])
    for part in (*nodes, dispatcher):
        part.wait_ready()
    sources = run.sources(dispatch_port, EVENTS, RATE)
    time.sleep(1)
    nodes.append(run.node("node2", node_ports[2], down_port))  # joins
    run.list_nodes(node_ports)
    nodes[2].wait_ready()
    time.sleep(1)
    nodes[0].kill()  # for good
    time.sleep(0.5)
    nodes[1].signal(signal.SIGSTOP)
    time.sleep(3)
    nodes[1].signal(signal.SIGCONT)
    for source in sources:
        source.wait(PATIENCE)
    dispatcher.stop()
    for node in nodes[1:]:
        node.stop()
    downstream.stop()
    report = run.audit()
    print(json.dumps(report, indent=1))
    print(dispatcher.log())
    assert report["breaches"] == 0, report["first_breach"]
    assert report["events_safe"] == EVENTS
    assert report["verdicts"] - report["void_verdicts"] == EVENTS, "every event was decided once"
    assert report["outcomes"].keys() == {"accepted", "rejected"}, "no event lacked a fragment"
    for i in (1, 2):
        assert json.loads((folder / f"node{i}.json").read_text())["books"]["events"]["opened"] > 0, "every node had a part"


def mistaken_for_dead(build_dir, is_stopped):
    """A node that is not dead comes back after others have got its events. Its window ends meanwhile: what it has of them in part
    must become no verdict."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tamis-dispatch-"))
    run = ReliableRun(build_dir, folder)
    dispatch_port, proxy_port, down_port, *node_ports = free_ports(5)
    downstream = run.recorder(down_port)
    downstream.wait_ready()
    nodes = [run.node(f"node{i}", port, down_port, window_ms=2000) for i, port in enumerate(node_ports)]
    proxy = ChaosProxy(proxy_port, node_ports[0])
    dispatcher = run.dispatcher(dispatch_port, [proxy_port, node_ports[1]], "--stall", 1)
    for part in (*nodes, dispatcher):
        part.wait_ready()
    sources = [run.source(name, dispatch_port, EVENTS // 2, RATE // 2) for name in DETECTORS[:-1]]
    time.sleep(0.1)  # one lags: a node has the parts of some hundred events at any time
    sources.append(run.source(DETECTORS[-1], dispatch_port, EVENTS // 2, RATE // 2))
    time.sleep(1)
    if is_stopped:
        nodes[0].signal(signal.SIGSTOP)
    else:
        proxy.part()
    time.sleep(5)
    if is_stopped:
        nodes[0].signal(signal.SIGCONT)
    else:
        proxy.join()
    for source in sources:
        source.wait(PATIENCE)
    dispatcher.stop()
    for node in nodes:
        node.stop()
    downstream.stop()
    proxy.stop()
    report = run.audit()
    summary = json.loads((folder / "node0.json").read_text())
    (link,), books = summary["input"]["links"], summary["books"]
    print(json.dumps(report), dispatcher.log(), books["events"], "taken back:", books["taken_back"])
    assert report["breaches"] == 0, report["first_breach"]
    assert report["events_safe"] == report["verdicts"] - report["void_verdicts"] == EVENTS // 2, "every event was decided once"
    assert report["outcomes"].keys() == {"accepted", "rejected"}, "no event lacked a fragment"
    assert link["opened"] == 2, "the node came back"
    assert is_stopped or books["taken_back"] > 0, "it had parts of events that others have got"


def throughput(build_dir, count, events=6000):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tamis-dispatch-"))
    run = ReliableRun(build_dir, folder)
    dispatch_port, down_port, *node_ports = free_ports(2 + count)
    parts = [run.recorder(down_port)]
    parts += [run.node(f"node{i}", port, down_port) for i, port in enumerate(node_ports)]
    parts.append(run.dispatcher(dispatch_port, node_ports))
    for part in parts:
        part.wait_ready()
    begin = time.monotonic()
    for source in run.sources(dispatch_port, events, 1e9):
        source.wait(PATIENCE)
    seconds = time.monotonic() - begin
    for part in reversed(parts):
        part.stop()
    assert run.audit()["verdicts"] == events
    return events / seconds


def main():
    build_dir = sys.argv[1]
    faults(build_dir)
    mistaken_for_dead(build_dir, is_stopped=True)
    mistaken_for_dead(build_dir, is_stopped=False)
    one, three = throughput(build_dir, 1), throughput(build_dir, 3)
    print(f"one node {one:.0f} events/s, three nodes {three:.0f} events/s: {three / one:.2f} times (all on this machine)")


if __name__ == "__main__":
    main()
