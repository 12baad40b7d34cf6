#!/usr/bin/env python3
"""CMS's anomaly triggers through the command line and through the node: layer tables imported, scored from tables and from
FEATURES payloads, equal to integer arithmetic in Python and, where the recorded data is, to every published vector.
Usage: anomaly_trigger_test.py BUILD_DIR SOURCE_DIR"""
import csv
import json
import pathlib
import random
import sys
import tempfile

import fixed_point
from node import Node, sign, wire_module
from tool import Tool, data_dir

ROWS = 200


def score(tool, model, folder, columns, rows):
    with open(folder / "inputs.csv", "w", newline="") as file:
        csv.writer(file).writerows([columns, *rows])
    tool.run("score", model, "--input", folder / "inputs.csv", "--output", folder / "scores.csv")
    with open(folder / "scores.csv", newline="") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def numbered(letter, count):
    return [f"{letter}{i}" for i in range(count)]


def check_arithmetic(tool, folder):
    """Every score equals Python's own; names of the schema and x0, x1, ... both do."""
    rng = random.Random(20240704)
    objects = ["met_et", "met_eta", "met_phi"] + [f"{name}{i}_{quantity}" for name, count in (("eg", 4), ("mu", 4), ("jet", 10))
                                                  for i in range(count) for quantity in ("et", "eta", "phi")]
    for kind, table, names in (("axol1tl", fixed_point.object_table(7), objects),
                               ("cicada", fixed_point.region_table(8), numbered("r", 252))):
        (folder / f"{kind}.json").write_text(json.dumps(table))
        told = tool.run("import-model", kind, folder / f"{kind}.json", "--output", folder / kind)
        assert f"of kind {kind} written" in told, told
        sizes = [8, 64, 512, 4096, 40000]  # and from few values that are not 0 to all of them
        rows = [[0] * len(names)] + [[rng.randrange(-sizes[n % 5], sizes[n % 5]) if rng.random() < n / ROWS else 0 for _ in names]
                                     for n in range(ROWS)]
        expected = [fixed_point.score(table, row) for row in rows]
        for columns in (names, numbered("x", len(names))):
            got = [row["score"] for row in score(tool, folder / kind, folder, columns, rows)]
            wrong = [n for n, (one, other) in enumerate(zip(got, expected)) if one != other]
            assert len(got) == len(rows) and not wrong, f"{kind}: rows {wrong[:9]} of {len(rows)} differ"
        print(f"{kind}: {len(rows)} scores of a made-up table equal, {len(set(expected))} of them different")
    manifest = (folder / "axol1tl" / "manifest.pbtxt").read_text()
    assert 'kind: "axol1tl"' in manifest and 'name: "Tight"' in manifest and "relative_tolerance: 0" in manifest
    tool.run("inspect", folder / "axol1tl")


def check_refusals(tool, folder):
    """Bad tables and bad rows: exit 65, the place named, nothing written."""
    def refused(change, told, kind="axol1tl"):
        table = fixed_point.object_table(7)
        change(table)
        (folder / "bad.json").write_text(json.dumps(table))
        tool.run("import-model", kind, folder / "bad.json", "--output", folder / "never", status=65)
        assert told in tool.errors and "bad.json:" in tool.errors, tool.errors
        assert not (folder / "never").exists()

    refused(lambda table: table["network"].pop(2), "network[2] (linear): reads 'last', which no step before it answers")
    refused(lambda table: table["weights"]["wlast"].pop(), "weights of network[2] (dense): \"wlast\" has 95 numbers; right are 96")
    refused(lambda table: table["network"][0].update(accum_t="ap_fixed<70,40>"), "width of 70 bits; right are 1 to 62")
    refused(lambda table: table["weights"].update(blast=[float("nan")] * 8), "not a JSON object")
    refused(lambda table: table["network"].clear(), "no array of steps")
    refused(lambda table: table.update(working_points={"very loose": 3}), "working_points: \"very loose\" cannot be a name")
    refused(lambda table: None, "57 scaled inputs; right for kind cicada", kind="cicada")
    (folder / "bad.json").write_text(json.dumps(fixed_point.object_table(7))[:-200])
    tool.run("import-model", "axol1tl", folder / "bad.json", "--output", folder / "never", status=65)
    tool.run("import-model", "axol1tl", folder / "absent.json", "--output", folder / "never", status=66)
    for bad, told in (("12.5", "12.5 is not what axol1tl takes; right is a whole number"), ("16777216", "below 2^24"),
                      ("nan", "empty or not finite"), ("jet", "is no number")):
        (folder / "bad.csv").write_text("\n".join([",".join(numbered("x", 57)), ",".join(["1"] * 57),
                                                   ",".join(["1"] * 56 + [bad])]) + "\n")
        tool.run("score", folder / "axol1tl", "--input", folder / "bad.csv", "--output", folder / "never.csv", status=65)
        assert "bad.csv:3: column x56" in tool.errors and told in tool.errors, tool.errors
        assert not (folder / "never.csv").exists()


def check_node(build_dir, source_dir, folder):
    """In a menu: the paths of two working points accept the events whose score reaches them."""
    wire = wire_module(source_dir, tempfile.mkdtemp(prefix="tamis-wire-"))
    table, rng = fixed_point.object_table(7), random.Random(5)
    menu = f"""
name: "anomalies"
model {{ name: "axol1tl" directory: "{folder}/axol1tl" }}
stream {{ name: "physics" }}
stream {{ name: "debug" }}
debug_stream: "debug"
path {{ name: "loose" model: "axol1tl" working_point: "Loose" stream: "physics" }}
path {{ name: "tight" model: "axol1tl" working_point: "Tight" stream: "physics" }}
"""
    node, expected = Node(build_dir, menu, extra_input="run: 3 window_ms: 2000"), {}
    for event in range(1, 301):
        row = [rng.randrange(-200, 400) if rng.random() < event / 300 else 0 for _ in range(57)]
        if event % 50 == 0:
            row[9] = 0.5  # no hardware unit
            expected[event] = None
        else:
            value = fixed_point.score(table, row)
            expected[event] = {name for name, least in table["working_points"].items() if value >= least}
        payloads = {1: (wire.FEATURES, wire.Features(schema="l1_objects57", values=row).SerializeToString()),
                    2: (wire.RAW, b""), 3: (wire.RAW, b""), 4: (wire.RAW, b"")}
        for source, (kind, payload) in payloads.items():
            node.push.send(sign(wire.Fragment(run=3, event=event, source=source, timestamp_ns=event, sequence=event,
                                              payload_type=kind, payload=payload)).SerializeToString())
    selected = {event for event, points in expected.items() if points is None or points}
    messages = node.receive_for(20, until=len(selected)) + node.receive_for(0.5)
    node.stop()
    seen = {}
    for message in messages:
        decision = wire.SelectedEvent.FromString(message).decision
        if expected[decision.event] is None:
            assert list(decision.streams) == ["debug"], decision
            seen[decision.event] = None
        else:
            seen[decision.event] = {("Loose", "Tight")[path.path] for path in decision.paths if path.accepted}
    wrong = {event for event, points in expected.items() if seen.get(event, set()) != points}
    assert not wrong, [(event, expected[event], seen.get(event)) for event in sorted(wrong)[:9]]
    kept = [points for points in expected.values() if points]
    print(f"node: {len(kept)} of {len(expected)} events accepted, {sum('Tight' in points for points in kept)} of them tight, as expected")


def check_published(tool, folder):
    for kind, data, vectors, letter, size, versions in (
            ("axol1tl", "cms_axol1tl", "vectors.csv", "x", 57, {"v3": "v3_score", "v4": "v4_score", "v5": "v5_score"}),
            ("cicada", "cms_cicada", "zerobias_vectors.csv", "r", 252, {v: v for v in ("v1p1p2", "v2p1p2", "v2p2p0")})):
        source = data_dir(data)
        if not source:
            continue
        with open(source / vectors, newline="") as file:
            rows = list(csv.DictReader(file))
        inputs = [[row[f"{letter}{i}"] for i in range(size)] for row in rows]
        for version, column in versions.items():
            model = folder / f"{kind}_{version}"
            tool.run("import-model", kind, source / f"{kind}_{version}.json", "--output", model)
            got = score(tool, model, folder, numbered("x", size), inputs)
            equal = sum(answer["score"] == float(row[column]) for answer, row in zip(got, rows))
            print(f"{kind} {version}: {equal} of {len(rows)} published scores equal")
            assert equal == len(rows)
            for i in range(8 if f"{version}_mu0" in rows[0] else 0):
                assert all(answer[f"mu_{i}"] == float(row[f"{version}_mu{i}"]) for answer, row in zip(got, rows)), f"mu {i}"


def main():
    build_dir, source_dir = sys.argv[1:3]
    tool, folder = Tool(build_dir), pathlib.Path(tempfile.mkdtemp(prefix="tamis-anomaly-"))
    check_arithmetic(tool, folder)
    check_refusals(tool, folder)
    check_node(build_dir, source_dir, folder)
    check_published(tool, folder)


main()
