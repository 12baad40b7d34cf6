#!/usr/bin/env python3
"""Downstream dead for a while, then back: accepted events wait in the node's spool, rejected ones go on; the spool drains in order,
nothing is lost or recorded twice. Then the spool at its bound: a stream that may be dropped is dropped and counted, the others wait.
And a full disk (a tmpfs of 64 MiB where root may mount one): no torn record, the recorder goes on by itself, twice.
Usage: spool_test.py BUILD_DIR SOURCE_DIR [SECONDS_AWAY]"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

from reliable_run import ReliableRun
from tool import free_ports

RATE = 2000


def downstream_away(build_dir, seconds):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tamis-spool-"))
    run = ReliableRun(build_dir, folder)
    events = int(RATE * (seconds + 3))
    node_port, down_port = free_ports(2)
    downstream = run.recorder(down_port, "--continue")
    node = run.node("node0", node_port, down_port, 'spool: "spool/down"')
    downstream.wait_ready()
    node.wait_ready()
    sources = run.sources(node_port, events, RATE)
    time.sleep(1)
    downstream.kill()
    time.sleep(seconds)
    spooled = sum(path.stat().st_size for path in (folder / "spool").iterdir())
    assert spooled > 0, "accepted events are on disk while nobody takes them"
    downstream.start()
    downstream.wait_ready()
    for source in sources:
        source.wait(60)
    deadline = time.monotonic() + 30
    while list((folder / "spool").iterdir()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not list((folder / "spool").iterdir()), "the spool is empty again"
    node.stop()
    downstream.stop()
    report = run.audit()
    assert report["breaches"] == 0, report["first_breach"]
    assert report["events_safe"] == report["verdicts"] == events
    print(f"downstream away for {seconds} s: {spooled} bytes spooled, {report['recorded']} events recorded, each once; "
          f"{events} decided")


def bound_reached(build_dir):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tamis-spool-"))
    run = ReliableRun(build_dir, folder)
    node_port, down_port = free_ports(2)
    node = run.node("node0", node_port, down_port, 'spool: "spool/down" spool_bytes: 1048576 spool_drop_stream: "physics"',
                    extra_input="max_event_bytes: 262144 max_message_bytes: 262144")
    node.wait_ready()
    sources = run.sources(node_port, 6000, 1e9)
    for source in sources:
        source.wait(60)
    node.stop()
    summary = json.loads((folder / "node0.json").read_text())
    output = summary["outputs"][0]
    held = sum(path.stat().st_size for path in (folder / "spool").iterdir())
    assert output["dropped_full"] > 0, output
    assert held <= 1048576, held
    assert summary["books"]["closed"], summary["books"]
    print(f"spool at its bound of 1 MiB: {held} bytes held, {output['dropped_full']} events of the droppable stream dropped and counted")


def full_disk(build_dir):
    mount = pathlib.Path(tempfile.mkdtemp(prefix="tamis-full-"))
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(mount)], check=False,
                                           capture_output=True).returncode != 0:
        print("skipped: a full disk needs root and the right to mount a tmpfs")
        return
    try:
        folder = pathlib.Path(tempfile.mkdtemp(prefix="tamis-spool-"))
        run = ReliableRun(build_dir, folder)
        node_port, down_port = free_ports(2)
        downstream = run.recorder(down_port)
        downstream.process.terminate()
        downstream.process.wait()
        (folder / "down.mcap").unlink(missing_ok=True)
        for leftover in folder.glob("down*"):
            leftover.unlink()
        downstream.command[downstream.command.index("down.mcap")] = mount / "down.mcap"
        downstream.command += ["--compression", "none"]
        ballast = mount / "ballast"
        ballast.write_bytes(b"\0" * (60 << 20))
        downstream.start()
        node = run.node("node0", node_port, down_port)
        downstream.wait_ready()
        node.wait_ready()
        sources = run.sources(node_port, 12000, 3000)
        for size in (62, 63):  # twice: the disk fills, then space is freed
            deadline = time.monotonic() + 20
            while os.statvfs(mount).f_bavail * os.statvfs(mount).f_frsize > 4096 * 4 and time.monotonic() < deadline:
                time.sleep(0.02)
            time.sleep(0.5)
            ballast.write_bytes(b"")
            time.sleep(1)
            used = (64 << 20) - os.statvfs(mount).f_bavail * os.statvfs(mount).f_frsize
            if size == 62:
                ballast.write_bytes(b"\0" * max(0, (62 << 20) - used))
        for source in sources:
            source.wait(60)
        node.stop()
        downstream.stop()
        for path in mount.glob("down*.mcap"):
            (folder / path.name).write_bytes(path.read_bytes())
        report = run.audit()
        assert report["breaches"] == 0, report["first_breach"]
        assert report["events_safe"] == report["verdicts"] == 12000
        waits = downstream.log()
        assert "waiting for room" in waits, waits
        print(f"full disk: waited {waits.count('waiting for room')} times, {report['recorded']} events recorded, none torn or lost")
    finally:
        subprocess.run(["umount", "-l", str(mount)], check=False)


def main():
    build_dir = sys.argv[1]
    downstream_away(build_dir, float(sys.argv[3]) if len(sys.argv) > 3 else 3)
    bound_reached(build_dir)
    full_disk(build_dir)


if __name__ == "__main__":
    main()
