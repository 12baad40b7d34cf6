#!/usr/bin/env python3
"""Reliable links over a bad network: every connection is cut each 500 ms and one bit flipped in one message of a thousand,
while sources send and a replay injects duplicates, overtaking and late fragments. No event is lost or decided twice, no wrong
byte is recorded, and every count equals that of the injector. Usage: link_chaos_test.py BUILD_DIR SOURCE_DIR"""
import json
import pathlib
import sys
import tempfile
import time

from chaos_proxy import ChaosProxy
from fault_books import check_books, read_faults
from reliable_run import ReliableRun
from tool import Tool, free_ports

EVENTS, RATE = 5000, 800


def settled(proxy, flipped=0):
    """The cuts end and what was sent has arrived."""
    proxy.stop_cutting()
    time.sleep(0.5)
    return proxy.flipped - flipped


def sources_through_cuts(build_dir):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tamis-chaos-"))
    run = ReliableRun(build_dir, folder)
    proxy_port, node_port, down_port = free_ports(3)
    downstream = run.recorder(down_port)
    node = run.node("chaos", node_port, down_port)
    for part in (downstream, node):
        part.wait_ready()
    proxy = ChaosProxy(proxy_port, node_port, cut_s=0.5, flip=0.001, seed=3)
    sources = run.sources(proxy_port, EVENTS, RATE)
    for source in sources:
        source.wait(150)
    flipped = settled(proxy)
    node.stop()
    downstream.stop()
    proxy.stop()
    report = run.audit()
    summary = json.loads((folder / "chaos.json").read_text())
    (link,) = summary["input"]["links"]
    print(f"{proxy.messages} messages, {proxy.cuts} cuts, {flipped} bits flipped; link {link}")
    assert report["breaches"] == 0, report["first_breach"]
    assert report["events_safe"] == EVENTS and report["verdicts"] == EVENTS, "every event was decided, once"
    assert report["outcomes"].keys() == {"accepted", "rejected"}, "no event lacked a fragment"
    assert proxy.cuts >= 5 and flipped >= 5, "the network was bad"
    assert link["damaged"] == flipped, "every flipped bit was found, and nothing else"
    fragments = summary["books"]["fragments"]
    assert fragments["received"] == fragments["used"] == 4 * EVENTS, fragments
    check_payloads(build_dir, folder)


def check_payloads(build_dir, folder):
    """What was recorded is decided again, bit for bit: no payload was changed on the way."""
    result = Tool(build_dir).json("replay", folder / "down.mcap", "--compare", "--menu", folder / "menu.pbtxt")
    assert result["different"] == 0 and result["compared"] > 0, result
    assert result["imbalance_zero"], result


def faults_through_cuts(build_dir):
    """Faults of the sources and of the network at once."""
    tool, folder = Tool(build_dir), pathlib.Path(tempfile.mkdtemp(prefix="tamis-chaos-"))
    run = ReliableRun(build_dir, folder)
    proxy_port, node_port, down_port = free_ports(3)
    downstream = run.recorder(down_port)
    # Above every delay by cuts (a second of silence until a link connects anew), below the injected lateness.
    node = run.node("chaos", node_port, down_port, window_ms=6000)
    for part in (downstream, node):
        part.wait_ready()
    tool.run("generate", "--events", EVENTS // 2, "--output", folder / "input.mcap")
    proxy = ChaosProxy(proxy_port, node_port, cut_s=0.5, flip=0.001, seed=4)
    tool.run("replay", folder / "input.mcap", "--connect", f"tcp://127.0.0.1:{proxy_port}", "--delivery", "reliable", "--rate", RATE,
             "--fault-seed", 5, "--duplicate", 0.05, "--reorder", 0.1, "--reorder-window", 64, "--late", 0.01, "--late-ms", 13000,
             "--corrupt", 0.002, "--loss", 0.002, "--fault-log", folder / "faults.ndjson")
    flipped = settled(proxy)
    node.stop()
    downstream.stop()
    proxy.stop()
    summary = json.loads((folder / "chaos.json").read_text())
    (link,) = summary["input"]["links"]
    print(f"{proxy.messages} messages, {proxy.cuts} cuts, {flipped} bits flipped; link {link}")
    assert link["damaged"] == flipped and flipped > 0 and proxy.cuts >= 5
    # Messages that are sent again arrive behind later ones: their order is the link's own.
    check_books(read_faults(folder / "faults.ndjson"), summary, orders=False)
    check_payloads(build_dir, folder)


def main():
    sources_through_cuts(sys.argv[1])
    faults_through_cuts(sys.argv[1])


if __name__ == "__main__":
    main()
