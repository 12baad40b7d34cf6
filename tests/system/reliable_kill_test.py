#!/usr/bin/env python3
"""kill -9 of the node, a source or the downstream at random instants under load: no acknowledged event is lost, none is
decided twice, the books are exact by `tamis audit`, and the node is ready again within a second.
Usage: reliable_kill_test.py BUILD_DIR SOURCE_DIR [CYCLES] [SEED]"""
import json
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

from menus import CUTS_ONLY
from node import SOURCES
from tool import free_ports

RATE = 2000  # events per second


class Part:
    """One process that is killed and started again."""

    def __init__(self, name, folder, command, ready=None):
        self.name, self.folder, self.command, self.ready, self.process = name, folder, command, ready, None
        self.start()

    def start(self):
        if self.ready is not None:
            self.ready.unlink(missing_ok=True)
        with open(self.folder / f"{self.name}.log", "a") as log:
            self.process = subprocess.Popen(self.command(), stdout=log, stderr=log, cwd=self.folder)

    def wait_ready(self, limit):
        begin = time.monotonic()
        while not self.ready.exists():
            assert self.process.poll() is None, f"{self.name} ended:\n{self.log()}"
            assert time.monotonic() < begin + limit, f"{self.name} is not ready after {limit} s:\n{self.log()}"
            time.sleep(0.005)
        return time.monotonic() - begin

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self, limit=30):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=limit) == 0, f"{self.name}:\n{self.log()}"

    def log(self):
        return (self.folder / f"{self.name}.log").read_text()[-2000:]


def start_parts(build_dir, folder, events):
    node_port, down_port = free_ports(2)
    (folder / "menu.pbtxt").write_text(CUTS_ONLY)
    sources = "\n".join(f'  source {{ id: {number} name: "{name}" }}' for number, name in SOURCES.items())
    (folder / "node.pbtxt").write_text(f"""
name: "killed"
menu: "menu.pbtxt"
input {{
  endpoint: "tcp://127.0.0.1:{node_port}"
  delivery: RELIABLE
  window_ms: 30000  # a source that is away for a moment makes nothing incomplete
{sources}
}}
output {{ name: "downstream" endpoint: "tcp://127.0.0.1:{down_port}" pattern: RELIABLE }}
ledger: "node.ledger"
drain_timeout_ms: 20000
""")
    tamis = f"{build_dir}/bin/tamis"
    down_ready, node_ready = folder / "down.ready", folder / "node.ready"
    downstream = Part("downstream", folder, lambda: [
        tamis, "record", "--bind", f"tcp://127.0.0.1:{down_port}", "--delivery", "reliable", "--menu", "menu.pbtxt",
        "--output", "down.mcap", "--continue", "--ready-file", str(down_ready)], down_ready)
    node = Part("node", folder, lambda: [f"{build_dir}/bin/tamisd", "node.pbtxt", "--ready-file", str(node_ready)], node_ready)
    generators = [Part(f"source-{name}", folder, lambda name=name: [
        tamis, "generate", "--events", str(events), "--rate", str(RATE), "--seed", "11", "--source", name,
        "--connect", f"tcp://127.0.0.1:{node_port}", "--delivery", "reliable", "--log", f"{name}.sent"])
        for name in ("calorimeter", "muon", "tracker", "pixel")]
    return downstream, node, generators


def main():
    build_dir, cycles = sys.argv[1], int(sys.argv[3]) if len(sys.argv) > 3 else 6
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else 20261126
    print(f"seed {seed}, {cycles} cycles")
    rng = random.Random(seed)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tamis-kill-"))
    events = int(RATE * (3 + cycles * 0.8))
    downstream, node, generators = start_parts(build_dir, folder, events)
    downstream.wait_ready(20)
    node.wait_ready(20)
    slowest, killed = 0.0, {"node": 0, "source": 0, "downstream": 0}
    for cycle in range(cycles):
        time.sleep(rng.uniform(0.2, 0.8))
        kind = ["node", "source", "downstream"][cycle % 3]
        part = {"node": node, "source": rng.choice(generators), "downstream": downstream}[kind]
        if part.process.poll() is not None:
            continue  # a source that has sent all
        part.kill()
        part.start()
        killed[kind] += 1
        if part.ready is not None:
            slowest = max(slowest, part.wait_ready(20))
    for generator in generators:
        assert generator.process.wait(timeout=120) == 0, f"{generator.name}:\n{generator.log()}"
    node.stop()
    downstream.stop()
    recordings = sorted(str(path) for path in folder.glob("down*.mcap*"))
    audit = subprocess.run(
        [f"{build_dir}/bin/tamis", "audit", "--json", "--ledger", str(folder / "node.ledger"), "--recording", *recordings,
         "--source-log", *[str(folder / f"{name}.sent") for name in ("calorimeter", "muon", "tracker", "pixel")]],
        capture_output=True, text=True)
    report = json.loads(audit.stdout)
    print(json.dumps(report, indent=1))
    print(f"killed {killed}; slowest to be ready again: {slowest:.2f} s; {len(recordings)} recordings")
    assert audit.returncode == 0 and report["breaches"] == 0, audit.stderr
    assert report["events_safe"] == events and report["verdicts"] == events, "every event was decided, once"
    assert report["recorded_early"] == 0, "everything that was recorded was booked"
    assert sum(killed.values()) >= cycles - 2


if __name__ == "__main__":
    main()
