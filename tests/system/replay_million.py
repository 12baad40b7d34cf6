#!/usr/bin/env python3
"""One recording replayed with 1 to 4 workers, in both thread modes, at three speeds: the same decisions and score bits each
time. `make replay-million` takes a million events (4 GB beside the build, and a while); replay_digest_test.py takes few.
Usage: replay_million.py BUILD_DIR [EVENTS] [EVENTS_PER_SECOND]"""
import itertools
import pathlib
import sys
import tempfile
import time

from tool import Tool

LIMIT_S = 4 * 3600


def recorded_seconds(tool, recording):
    """From the first to the last message."""
    summary = tool.json("inspect", recording)
    return (summary["end_ns"] - summary["start_ns"]) / 1e9


def replay_all(build_dir, events, rate):
    tool = Tool(build_dir)
    with tempfile.TemporaryDirectory(prefix="replay-", dir=build_dir) as folder:
        recording = pathlib.Path(folder, "events.mcap")
        tool.run("generate", "--events", events, "--signals", 0.02, "--seed", 3, "--output", recording, timeout=LIMIT_S)
        speeds = {"as fast as possible": (), "at a fixed rate": ("--rate", rate),
                  "in its own time, scaled": ("--speed", recorded_seconds(tool, recording) * rate / events)}
        digests = set()
        for workers, mode, (speed, pace) in itertools.product((1, 2, 3, 4), ("shared", "dedicated"), speeds.items()):
            begin = time.monotonic()
            result = tool.json("replay", recording, "--workers", workers, "--mode", mode, *pace, timeout=LIMIT_S)
            print(f"{workers} workers, {mode}, {speed}: digest {result['digest']}, "
                  f"{events / (time.monotonic() - begin):.0f} events/s", flush=True)
            assert result["events"] == events and result["imbalance_zero"], result
            assert result["accepted"] > 0 and result["rejected"] > 0, result
            digests.add(result["digest"])
        assert len(digests) == 1, digests
    print(f"{events} events, 24 combinations of workers, modes and speeds: one digest")


if __name__ == "__main__":
    replay_all(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000, float(sys.argv[3]) if len(sys.argv) > 3 else 40_000)
