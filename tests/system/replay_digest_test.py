#!/usr/bin/env python3
"""The short form of replay_million.py; and that a part of a recording, or a recording looped, is decided as it must be.
Usage: replay_digest_test.py BUILD_DIR SOURCE_DIR [EVENTS]"""
import pathlib
import sys
import tempfile

from replay_million import replay_all
from tool import Tool


def check_slices_and_loops(build_dir):
    tool, folder = Tool(build_dir), pathlib.Path(tempfile.mkdtemp(prefix="tamis-slices-"))
    recording = folder / "events.mcap"
    tool.run("generate", "--events", 1000, "--first-event", 5001, "--output", recording)
    part = tool.json("replay", recording, "--first-event", 5101, "--last-event", 5300)
    other = folder / "part.mcap"
    tool.run("generate", "--events", 200, "--first-event", 5101, "--output", other)
    assert part["events"] == 200 and part["digest"] == tool.json("replay", other)["digest"], part
    seconds = tool.json("inspect", recording)
    period_s = (seconds["end_ns"] - seconds["start_ns"]) / 1e9 / 999
    timed = tool.json("replay", recording, "--from", 99.5 * period_s, "--to", 299.5 * period_s)
    assert timed["events"] == 200 and timed["digest"] == part["digest"], (timed, part)
    looped = tool.json("replay", recording, "--loop", 3)
    assert looped["events"] == 3000 and looped["imbalance_zero"], looped
    tool.run("replay", recording, "--loop", 2, "--compare", status=64)
    tool.run("replay", recording, "--loop", 0, status=64)
    print("slices by event and time, loops: ok")


def main():
    build_dir, events = sys.argv[1], int(sys.argv[3]) if len(sys.argv) > 3 else 4000
    check_slices_and_loops(build_dir)
    replay_all(build_dir, events, events)


if __name__ == "__main__":
    main()
