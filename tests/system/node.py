"""A running tamisd for system tests: its own folder, ephemeral ports, stopped by SIGTERM. Needs only Debian's python3-zmq
and python3-protobuf; the wire classes are generated from streams/wire.proto by protoc."""
import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

import zmq

SOURCES = {1: "calorimeter", 2: "muons", 3: "tracker", 4: "pixel"}


def wire_module(source_dir, work_dir):
    """The protobuf classes of streams/wire.proto, generated into work_dir."""
    subprocess.run(["protoc", f"--proto_path={source_dir}/streams", f"--python_out={work_dir}", "wire.proto"], check=True)
    sys.path.insert(0, str(work_dir))
    import wire_pb2  # noqa: E402  (made a line above)
    return wire_pb2


def crc32c(data, crc=0):
    """CRC-32C (Castagnoli), bit by bit from its polynomial: independent of the node's own."""
    table = crc32c.table
    if not table:
        for byte in range(256):
            value = byte
            for _ in range(8):
                value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
            table.append(value)
    crc ^= 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


crc32c.table = []


def sign(fragment):
    """Sets a fragment's crc32c as wire.proto defines it."""
    import struct
    head = struct.pack("<IQIQQI", fragment.run, fragment.event, fragment.source, fragment.timestamp_ns, fragment.sequence,
                       fragment.payload_type)
    fragment.crc32c = crc32c(head + fragment.payload)
    return fragment


def good_event(wire, run, event):
    """Messages of the four sources; accepted by high_met of the menu CUTS_ONLY."""
    tracker = wire.PhysicsObjects(met_pt=150.0, met_phi=0.5).SerializeToString()
    fragments = [wire.Fragment(run=run, event=event, source=source, timestamp_ns=event, sequence=event,
                               payload_type=wire.PHYSICS_OBJECTS if source == 3 else wire.RAW,
                               payload=tracker if source == 3 else b"untouched") for source in (1, 2, 3, 4)]
    return [sign(fragment).SerializeToString() for fragment in fragments]


class Node:
    """tamisd on `menu` (text of a menu file); one PUSH socket into it, one PULL socket for what it selects."""

    def __init__(self, build_dir, menu, work_dir=None, extra_input="", threads="mode: SHARED", context=None,
                 extra_output=""):
        self.folder = pathlib.Path(work_dir or tempfile.mkdtemp(prefix="tamis-test-"))
        self.context = context or zmq.Context()
        self.pull = self.context.socket(zmq.PULL)
        self.pull.setsockopt(zmq.LINGER, 0)
        self.pull.setsockopt(zmq.RCVHWM, 0)
        port = self.pull.bind_to_random_port("tcp://127.0.0.1")
        (self.folder / "menu.pbtxt").write_text(menu)
        sources = "\n".join(f'  source {{ id: {number} name: "{name}" }}' for number, name in SOURCES.items())
        (self.folder / "node.pbtxt").write_text(f"""
name: "system-test"
menu: "menu.pbtxt"
input {{
  endpoint: "tcp://127.0.0.1:*"
{sources}
  {extra_input}
}}
output {{ name: "downstream" endpoint: "tcp://127.0.0.1:{port}" {extra_output} }}
threads {{ {threads} }}
run_summary: "{self.folder}/summary.json"
""")
        ready = self.folder / "ready.json"
        self.log = open(self.folder / "tamisd.log", "w")
        self.process = subprocess.Popen([f"{build_dir}/bin/tamisd", str(self.folder / "node.pbtxt"), "--ready-file", str(ready)],
                                        stdout=self.log, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + 30
        while not ready.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"tamisd did not start:\n{self.log_text()}")
            time.sleep(0.01)
        self.ready = json.loads(ready.read_text())
        self.push = self.context.socket(zmq.PUSH)
        self.push.setsockopt(zmq.LINGER, 5000)
        self.push.setsockopt(zmq.SNDHWM, 0)
        self.push.connect(self.ready["endpoints"][0])

    def log_text(self):
        return (self.folder / "tamisd.log").read_text()

    def receive_for(self, seconds, until=None):
        """Messages that arrive within `seconds`, or until `until` of them are there."""
        messages, deadline = [], time.monotonic() + seconds
        while time.monotonic() < deadline and (until is None or len(messages) < until):
            if self.pull.poll(50):
                messages.append(self.pull.recv())
        return messages

    def receive_until_quiet(self, quiet, limit):
        """Messages until none has come for `quiet` seconds; `limit` seconds at most."""
        messages, deadline = [], time.monotonic() + limit
        while time.monotonic() < deadline and self.pull.poll(int(1000 * quiet)):
            messages.append(self.pull.recv())
        return messages

    def metrics(self):
        """The Prometheus page as {name{labels}: value}."""
        import urllib.request
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ready['metrics_port']}/metrics", timeout=5) as page:
            lines = page.read().decode().splitlines()
        return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines if line and not line.startswith("#")}

    def stop(self, limit=10):
        """SIGTERM, exit status 0 within `limit` seconds; returns the run summary."""
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(timeout=limit)
        assert status == 0, f"tamisd ended with {status}:\n{self.log_text()}"
        return json.loads((self.folder / "summary.json").read_text())
