#!/usr/bin/env python3
"""A decision made once is made again, bit for bit: whatever the number of workers, the threads or the batch, and from what
the node recorded. Usage: replay_test.py BUILD_DIR SOURCE_DIR"""
import json
import pathlib
import re
import sys
import tempfile

from tool import Tool

EVENTS = 3000


def main():
    build_dir, source_dir = sys.argv[1:3]
    tool, folder = Tool(build_dir), pathlib.Path(tempfile.mkdtemp(prefix="tamis-replay-"))
    recording = folder / "events.mcap"
    tool.run("generate", "--events", EVENTS, "--signals", 0.05, "--seed", 5, "--output", recording)
    variants = [(workers, mode, batch) for workers in (1, 2, 3) for mode in ("shared", "dedicated") for batch in (1, 7, 64)]
    results = [tool.json("replay", recording, "--workers", workers, "--mode", mode, "--batch", batch)
               for workers, mode, batch in variants]
    digests = {result["digest"] for result in results}
    assert len(digests) == 1, list(zip(variants, results))
    assert all(result["events"] == EVENTS and result["imbalance_zero"] for result in results), results
    print(f"{EVENTS} events, {len(variants)} combinations of workers, modes and batches: one digest {digests.pop()}")

    # A rate that instrumented processes keep up with.
    shown = tool.run("demo", "--events", 1000, "--rate", 250, "--directory", folder / "demo", cwd=folder)
    assert shown.rstrip().endswith("demo: ok"), shown
    selected = folder / "demo" / "selected.mcap"
    summary = json.loads((folder / "demo" / "run_summary.json").read_text())
    accepted = summary["books"]["events"]["accepted"]
    for workers, mode in ((1, "shared"), (2, "shared"), (1, "dedicated"), (2, "dedicated")):
        result = tool.json("replay", selected, "--compare", "--workers", workers, "--mode", mode)
        assert result["compared"] == accepted and result["different"] == 0, result
    print(f"{accepted} events that the node selected are decided again with the same score bits")
    find_planted_change(tool, source_dir, selected, folder)
    rates = tool.json("rates", recording)
    assert rates["events"] == EVENTS and rates["overlaps"][0][0] == rates["paths"][0]["count"], rates


def find_planted_change(tool, source_dir, selected, folder):
    """A menu with another threshold: the comparison must see it."""
    menu = pathlib.Path(source_dir, "config/menus/physics.pbtxt").read_text()
    menu = menu.replace('"../../models', f'"{source_dir}/models')
    changed = re.sub(r'"met" above: 150', '"met" above: 40', menu)
    assert changed != menu, "the shipped menu has no met cut any more"
    (folder / "changed.pbtxt").write_text(changed)
    result = tool.json("replay", selected, "--compare", "--menu", folder / "changed.pbtxt", status=1)
    assert result["different"] > 0, result
    print(f"a planted change of a cut is seen in {result['different']} events")


main()
