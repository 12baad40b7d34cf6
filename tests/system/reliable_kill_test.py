#!/usr/bin/env python3
"""kill -9 of the node, a source or the downstream at random instants under load: no acknowledged event is lost, none is
decided twice, the books are exact by `tamis audit`.
Usage: reliable_kill_test.py BUILD_DIR SOURCE_DIR [CYCLES] [SEED]"""
import json
import pathlib
import random
import sys
import tempfile
import time

from reliable_run import ReliableRun
from tool import free_ports

RATE = 2000  # events per second
KINDS = ("node", "source", "downstream")


def main():
    build_dir, cycles = sys.argv[1], int(sys.argv[3]) if len(sys.argv) > 3 else 6
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else 20261126
    print(f"seed {seed}, {cycles} cycles")
    rng = random.Random(seed)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tamis-kill-"))
    events = int(RATE * (2 + cycles * 0.6))
    run = ReliableRun(build_dir, folder)
    node_port, down_port = free_ports(2)
    downstream = run.recorder(down_port, "--continue")
    node = run.node("killed", node_port, down_port)
    downstream.wait_ready()
    node.wait_ready()
    sources = run.sources(node_port, events, RATE)
    slowest, killed = 0.0, dict.fromkeys(KINDS, 0)
    for cycle in range(cycles):
        time.sleep(rng.uniform(0.2, 0.8))
        kind = KINDS[cycle % len(KINDS)]
        running = [source for source in sources if source.is_running()]
        if kind == "source" and not running:
            continue
        part = {"node": node, "source": rng.choice(running or sources), "downstream": downstream}[kind]
        part.kill()
        part.start()
        killed[kind] += 1
        if part.ready is not None:
            slowest = max(slowest, part.wait_ready())
    for source in sources:
        source.wait(120)
    node.stop()
    downstream.stop()
    report = run.audit()
    print(json.dumps(report, indent=1))
    print(f"killed {killed}; ready again after at most {slowest:.2f} s")
    assert report["breaches"] == 0, report["first_breach"]
    assert report["events_safe"] == events and report["verdicts"] == events, "every event was decided, once"
    assert report["recorded_early"] == 0, "everything that was recorded was booked"
    assert killed["node"] > 0 and killed["downstream"] > 0


if __name__ == "__main__":
    main()
