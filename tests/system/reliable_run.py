"""The parts of a run on reliable links: sources, nodes with ledgers, a recorder; and the proof of their books."""
import json
import subprocess

from menus import CUTS_ONLY
from node import SOURCES
from process import Process

DETECTORS = ("calorimeter", "muon", "tracker", "pixel")


class ReliableRun:
    def __init__(self, build_dir, folder):
        self.folder, self.tamis, self.tamisd = folder, f"{build_dir}/bin/tamis", f"{build_dir}/bin/tamisd"
        self.ledgers, self.dispatch_log = [], None
        (folder / "menu.pbtxt").write_text(CUTS_ONLY)

    def recorder(self, port, *options):
        ready = self.folder / "down.ready"
        return Process("downstream", self.folder, [
            self.tamis, "record", "--bind", f"tcp://127.0.0.1:{port}", "--delivery", "reliable", "--menu", "menu.pbtxt",
            "--output", "down.mcap", "--ready-file", ready, *options], ready)

    def node(self, name, port, down_port, extra_output="", window_ms=60000, extra_input=""):
        """A node that waits long for its fragments: a source that is away for a moment makes nothing incomplete."""
        sources = "\n".join(f'  source {{ id: {number} name: "{source}" }}' for number, source in SOURCES.items())
        (self.folder / f"{name}.pbtxt").write_text(f"""
name: "{name}"
menu: "menu.pbtxt"
input {{
  endpoint: "tcp://127.0.0.1:{port}"
  delivery: RELIABLE
  window_ms: {window_ms}
  {extra_input}
{sources}
}}
output {{ name: "downstream" endpoint: "tcp://127.0.0.1:{down_port}" pattern: RELIABLE {extra_output} }}
ledger: "{name}.ledger"
run_summary: "{name}.json"
drain_timeout_ms: 20000
""")
        ledger = self.folder / f"{name}.ledger"
        if ledger not in self.ledgers:
            self.ledgers.append(ledger)
        ready = self.folder / f"{name}.ready"
        return Process(name, self.folder, [self.tamisd, f"{name}.pbtxt", "--ready-file", ready], ready)

    def source(self, name, port, events, rate):
        return Process(f"source-{name}", self.folder, [
            self.tamis, "generate", "--events", events, "--rate", rate, "--seed", 11, "--source", name,
            "--connect", f"tcp://127.0.0.1:{port}", "--delivery", "reliable", "--log", f"{name}.sent"])

    def sources(self, port, events, rate):
        return [self.source(name, port, events, rate) for name in DETECTORS]

    def dispatcher(self, port, node_ports, *options):
        self.dispatch_log, ready = self.folder / "dispatch.log.json", self.folder / "dispatch.ready"
        self.dispatch_log.touch()
        self.list_nodes(node_ports)
        return Process("dispatch", self.folder, [
            self.tamis, "dispatch", "--bind", f"tcp://127.0.0.1:{port}", "--node-file", "nodes.txt", "--grace", 1,
            "--log", self.dispatch_log, "--ready-file", ready, *options], ready)

    def list_nodes(self, ports):
        staged = self.folder / "nodes.new"
        staged.write_text("".join(f"tcp://127.0.0.1:{port}\n" for port in ports))
        staged.rename(self.folder / "nodes.txt")

    def audit(self):
        """The report of `tamis audit` over everything that the run left; its exit status must agree with it."""
        recordings = sorted(path for path in self.folder.glob("down*.mcap*") if path.suffix in (".mcap", ".part"))
        command = [self.tamis, "audit", "--json", "--ledger", *[ledger for ledger in self.ledgers if ledger.exists()],
                   "--recording", *recordings, "--source-log", *[self.folder / f"{name}.sent" for name in DETECTORS]]
        if self.dispatch_log is not None:
            command += ["--dispatch-log", self.dispatch_log]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
        assert done.returncode in (0, 1), done.stderr
        report = json.loads(done.stdout)
        assert (done.returncode == 0) == (report["breaches"] == 0), report
        return report
