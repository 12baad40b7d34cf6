#!/usr/bin/env python3
"""A recording from its making to its use by other programs: recorded by a node in several files, inspected, repaired, exported
and imported. Usage: recording_test.py BUILD_DIR SOURCE_DIR"""
import csv
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

import zmq

from tool import Tool


def start_recorder(tool, menu, folder, *options):
    ready = folder / "ready.json"
    ready.unlink(missing_ok=True)
    process = subprocess.Popen([tool.program, "record", "--bind", "tcp://127.0.0.1:*", "--menu", menu, "--output",
                                folder / "run.mcap", "--ready-file", ready, *map(str, options)],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 30
    while not ready.exists():
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()
        time.sleep(0.01)
    return process, json.loads(ready.read_text())["endpoint"]


def send(endpoint, messages):
    context = zmq.Context()
    socket = context.socket(zmq.PUSH)
    socket.connect(endpoint)
    for message in messages:
        socket.send(message)
    socket.close(linger=10000)
    context.term()


def selected_events(tool, folder, count):
    """Messages of a stream of the physics menu, made without a node."""
    sys.path.insert(0, str(folder))
    import wire_pb2  # pylint: disable=import-outside-toplevel
    messages = []
    for number in range(count):
        message = wire_pb2.SelectedEvent()
        message.decision.run, message.decision.event, message.decision.outcome = 5, number, wire_pb2.ACCEPTED
        message.decision.streams.append("physics")
        path = message.decision.paths.add()
        path.accepted, path.score, path.threshold = True, number + 0.5, 0.25
        fragment = message.fragments.add()
        fragment.run, fragment.event, fragment.source, fragment.payload_type = 5, number, 3, wire_pb2.PHYSICS_OBJECTS
        objects = wire_pb2.PhysicsObjects()
        objects.jet_pt.append(40.0 + number)
        for field in (objects.jet_eta, objects.jet_phi, objects.jet_mass, objects.jet_btag):
            field.append(0.5)
        objects.met_pt = 12.5
        fragment.payload = objects.SerializeToString()
        messages.append(message.SerializeToString())
    return messages


def main():
    build_dir, source_dir = sys.argv[1:3]
    tool, folder = Tool(build_dir), pathlib.Path(tempfile.mkdtemp(prefix="tamis-recording-"))
    subprocess.run(["protoc", f"--python_out={folder}", "-I", f"{source_dir}/streams", "wire.proto"], check=True)
    menu = pathlib.Path(source_dir, "config/menus/physics.pbtxt")
    messages = selected_events(tool, folder, 3000)

    check_rotation_and_continuation(tool, menu, folder, messages)
    check_repair(tool, folder)
    check_export(tool, folder)
    print("recorded, inspected, repaired, exported, imported: ok")


def check_rotation_and_continuation(tool, menu, folder, messages):
    process, endpoint = start_recorder(tool, menu, folder, "--file-bytes", 60000, "--compression", "none")
    for first in range(0, 2000, 250):
        send(endpoint, messages[first:first + 250])
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    shown, errors = process.communicate(timeout=60)
    assert process.returncode == 0 and "2000 events recorded" in shown, (shown, errors)
    held = tool.json("inspect", folder / "run.mcap")
    assert held["state"] == "complete" and held["messages"] == 2000 and len(held["files"]) > 2, held
    assert sum(file["messages"] for file in held["files"]) == 2000, held
    assert any(record["name"] == "tamis.paths" for record in held["metadata"]), held["metadata"]
    physics = next(channel for channel in held["channels"] if channel["topic"] == "physics")
    assert physics["messages"] == 2000 and physics["schema"] == "tamis.wire.SelectedEvent", physics
    text = tool.run("inspect", folder / "run.mcap")
    assert "run.0002.mcap" in text and "menu.pbtxt" in text, text

    # The next one dies; its file stays readable, and the recording goes on behind it.
    files = len(held["files"])
    process, endpoint = start_recorder(tool, menu, folder, "--continue")
    send(endpoint, messages[2000:2500])
    deadline = time.monotonic() + 30
    while tool.json("inspect", folder / "run.mcap")["messages"] < 2500:
        assert time.monotonic() < deadline, "what was recorded is not on the disk"
        time.sleep(0.05)
    process.kill()
    process.communicate()
    process, endpoint = start_recorder(tool, menu, folder, "--continue")
    send(endpoint, messages[2500:])
    time.sleep(0.5)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    held = tool.json("inspect", folder / "run.mcap")
    assert held["state"] == "torn" and held["messages"] == 3000 and len(held["files"]) == files + 2, held
    check_file_that_holds_nothing(tool, folder, held)

    refused = subprocess.run([tool.program, "record", "--bind", "tcp://127.0.0.1:*", "--menu", menu, "--output",
                              folder / "run.mcap"], capture_output=True, text=True, check=False)
    assert refused.returncode == 73 and "exists" in refused.stderr, refused
    tool.run("replay", folder / "run.mcap", "--menu", menu)


def check_file_that_holds_nothing(tool, folder, held):
    """A first file whose writer died before its first byte: no damage, and the others are read under the recording's name."""
    killed = folder / "killed"
    killed.mkdir()
    for file in folder.glob("run.*mcap*"):
        (killed / file.name).symlink_to(file)
    (killed / "run.mcap").unlink()
    (killed / "run.mcap.part").touch()
    rest = tool.json("inspect", killed / "run.mcap")
    assert rest["state"] == "torn" and rest["messages"] == 3000 - held["files"][0]["messages"], rest
    assert "run.mcap: " in rest["reason"], rest["reason"]


def contents_of(path, h5py):
    """Every number and text of an HDF5 file by its name, as bytes: some are not a number."""
    with h5py.File(path) as file:
        found = {name: file.attrs[name] for name in file.attrs}

        def add(name, table):
            if isinstance(table, h5py.Dataset):
                for column in table.dtype.names:
                    found[f"{name}/{column}"] = (table[column].dtype, table[column].tobytes())
        file.visititems(add)
    return found


def check_killed_export(tool, folder, h5py):
    """An export to HDF5 that is killed three times and goes on has what one has that was left alone."""
    long, whole, killed = (folder / name for name in ("long.mcap", "whole.h5", "killed.h5"))
    tool.run("generate", "--events", 10000, "--output", long)
    tool.run("export", long, "--output", whole)
    command = ("export", long, "--output", killed, "--checkpoint", 0, "--resume")
    copy = pathlib.Path(f"{killed}.checkpoint")
    kills = 0
    for _ in range(20):
        before = copy.stat().st_mtime_ns if copy.exists() else 0
        process = subprocess.Popen([tool.program, *map(str, command)], stdout=subprocess.DEVNULL)
        while process.poll() is None and not (copy.exists() and copy.stat().st_mtime_ns != before):
            time.sleep(0.001)
        process.kill()
        process.wait()
        kills += process.returncode == -signal.SIGKILL
        if kills == 3:
            break
        killed.unlink(missing_ok=True)  # it was faster than the kill
    assert kills == 3 and not killed.exists(), "the export was never killed in its middle"
    refused = tool.run("export", long, "--output", killed, status=65)
    assert not refused and "resume" in tool.errors, tool.errors
    tool.run(*command, "--no-features", status=65)
    shown = tool.run(*command)
    assert "10000 events" in shown and "events were there before" in shown, shown
    assert contents_of(killed, h5py) == contents_of(whole, h5py)
    assert not list(folder.glob("killed.h5.*")), "nothing is left beside it"
    assert "--output selected.h5 --resume" in tool.run("export", "--help")


def check_selection_by_event(tool, folder):
    """As the example of the help has it; from a whole file, from one without an end, and of a run that is not there."""
    assert "--run 1 --first-event 52 --last-event 52" in tool.run("export", "--help")
    for event, run, expected in ((52, 5, [52]), (2345, 5, [2345]), (2999, 5, [2999]), (52, 6, [])):
        one = ("--run", run, "--first-event", event, "--last-event", event)
        tool.run("export", folder / "run.mcap", *one, "--output", folder / "event.ndjson", "--replace")
        lines = [json.loads(line) for line in open(folder / "event.ndjson", encoding="utf-8")]
        assert [(line["run"], line["event"]) for line in lines] == [(5, number) for number in expected], lines
    assert tool.json("replay", folder / "run.mcap", "--run", 5, "--first-event", 52, "--last-event", 54)["events"] == 3
    tool.run("replay", folder / "run.mcap", "--run", 6, status=65)


def check_repair(tool, folder):
    torn = next(folder.glob("run.*.mcap.part"))
    done = tool.json("repair", torn, "--output", folder / "repaired.mcap")
    assert done["state"] == "torn" and done["messages"] == 500 and done["damaged_chunks"] == 0, done
    held = tool.json("inspect", folder / "repaired.mcap")
    assert held["state"] == "complete" and held["messages"] == 500, held
    tool.run("repair", torn, "--output", folder / "repaired.mcap", status=65)
    tool.run("repair", folder / "absent.mcap", "--output", folder / "x.mcap", status=66)


def check_export(tool, folder):
    tool.run("export", folder / "run.mcap", "--output", folder / "run.csv")
    with open(folder / "run.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3000 and [int(row["event"]) for row in rows] == list(range(3000))
    score = next(name for name in rows[0] if name.endswith(".score"))
    assert not score.startswith("path_"), "paths have their names of the menu"
    assert all(float(row[score]) == int(row["event"]) + 0.5 for row in rows)
    assert all(float(row["HT"]) == 40 + int(row["event"]) for row in rows[:50]), rows[0]
    tool.run("export", folder / "run.mcap", "--output", folder / "run.csv", status=65)
    tool.run("export", folder / "run.mcap", "--output", folder / "few.ndjson", "--first-event", 10, "--last-event", 19,
             "--topic", "physics", "--no-features")
    lines = [json.loads(line) for line in open(folder / "few.ndjson", encoding="utf-8")]
    assert [line["event"] for line in lines] == list(range(10, 20)) and "derived" not in lines[0]
    check_selection_by_event(tool, folder)
    tool.run("export", folder / "run.mcap", "--output", folder / "run.h5")
    shown = tool.run("import", folder / "run.h5", "--output", folder / "again.mcap")
    assert "3000 events" in shown and "tamis-hdf5" in shown, shown
    tool.run("export", folder / "again.mcap", "--output", folder / "again.ndjson", "--events", 5)
    first = json.loads(open(folder / "again.ndjson", encoding="utf-8").readline())
    assert first["jets"][0]["pt"] == 40.0 and first["met"]["pt"] == 12.5, first
    tool.run("export", folder / "absent.mcap", "--output", folder / "x.csv", status=66)
    try:
        import h5py  # pylint: disable=import-outside-toplevel
    except ImportError:
        print("skipped: h5py (Debian: python3-h5py) to read the HDF5 file")
        return
    check_killed_export(tool, folder, h5py)
    with h5py.File(folder / "run.h5") as file:
        assert len(file["events"]) == 3000 and file["derived"]["HT"][7] == 47.0
        name = next(name for name in file["paths"] if len(file["paths"][name]) == 3000)
        assert name and os.fspath(folder)


if __name__ == "__main__":
    main()
