#!/usr/bin/env python3
"""Faults that a replay injects on its way to a node, over both kinds of links: every count of the node's books equals the
injector's log; a silent source is masked and comes back. Usage: replay_faults_test.py BUILD_DIR SOURCE_DIR"""
import pathlib
import sys
import tempfile
import time

from fault_books import check_books, read_faults
from menus import CUTS_ONLY
from node import Node
from tool import Tool

EVENTS, RATE = 3000, 1500
WINDOW_MS, LATE_MS = 2500, 7000


def run(tool, build_dir, folder, name, delivery, faults, rate=RATE, extra=f"window_ms: {WINDOW_MS}"):
    delivers = "RELIABLE" if delivery == "reliable" else "BEST_EFFORT"
    work = folder / name
    work.mkdir()
    node = Node(build_dir, CUTS_ONLY, work_dir=work, extra_input=f"delivery: {delivers} {extra}")
    node.push.close(0)
    shown = tool.run("replay", folder / "input.mcap", "--connect", node.ready["endpoints"][0], "--delivery", delivery, "--rate", rate,
                     *faults, "--fault-log", work / "faults.ndjson")
    assert "of 4 sources" in shown, shown
    # What was handed over has arrived and every window has ended.
    totals, deadline = read_faults(work / "faults.ndjson"), time.monotonic() + 30
    while time.monotonic() < deadline:
        metrics = node.metrics()
        if (metrics["tamis_fragments_received_total"] == totals["expected"]["received"]
                and metrics["tamis_events_in_flight"] == 0):
            break
        node.receive_for(0.1)
    node.receive_for(0.1)
    return totals, node.stop(), metrics


def main():
    build_dir = sys.argv[1]
    tool, folder = Tool(build_dir), pathlib.Path(tempfile.mkdtemp(prefix="tamis-faults-"))
    tool.run("generate", "--events", EVENTS, "--signals", 0.02, "--output", folder / "input.mcap")
    faults = ("--fault-seed", 9, "--loss", 0.005, "--duplicate", 0.05, "--reorder", 0.05, "--reorder-window", 64, "--late", 0.01,
              "--late-ms", LATE_MS, "--delay", 0.01, "--delay-ms", 20, "--corrupt", 0.005, "--silent", "2:1000:1049")
    logs = []
    for delivery in ("best_effort", "reliable"):
        totals, summary, metrics = run(tool, build_dir, folder, delivery, delivery, faults)
        assert all(count > 0 for count in totals["faults"].values()), totals["faults"]
        check_books(totals, summary)
        lost = {source["id"]: source["lost"] for source in totals["sources"]}
        assert metrics['tamis_source_lost_fragments{source="muons"}'] == lost[2], metrics
        logs.append((totals["faults"], totals["expected"], lost))
    assert logs[0] == logs[1], "the same seed, the same faults, whatever the link"

    totals, summary, metrics = run(tool, build_dir, folder, "masked", "reliable", ("--silent", "2:1000:2500"), rate=600,
                                   extra="window_ms: 1000 mask_after_events: 20")
    muons, books = summary["sources"][1], summary["books"]
    silent = totals["faults"]["silence"]
    assert silent == 1501 and books["closed"], (totals, books)
    assert muons["fell_silent"] == 1 and muons["absent_events"] == 20 == books["events"]["debug_incomplete"], (muons, books)
    # When it comes back, the first event may be complete before its fragment is there.
    assert muons["excused_events"] == books["complete_without_masked_sources"] == silent - 20 + muons["late"], (muons, books)
    assert muons["late"] <= 3 and muons["used"] + muons["late"] == muons["received"] == EVENTS - silent, muons
    assert metrics['tamis_source_masked{source="muons"}'] == 0, "it speaks again"
    assert muons["lost"] == muons["longest_gap"] == silent and muons["gaps"] == 1, muons
    print("a silent source is masked after 20 events and comes back: ok")
    tool.run("replay", folder / "input.mcap", "--loss", 0.1, status=64)
    tool.run("replay", folder / "input.mcap", "--connect", "tcp://127.0.0.1:1", "--loss", 0.9, "--late", 0.9, status=64)
    tool.run("replay", folder / "input.mcap", "--connect", "tcp://127.0.0.1:1", "--silent", "2:9", status=64)


if __name__ == "__main__":
    main()
