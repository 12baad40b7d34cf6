#!/usr/bin/env python3
"""What train, evaluate and score say of bad tables: file, line and column, exit status 65, nothing written; and that good tables
of the same form train. Usage: bad_data_test.py BUILD_DIR SOURCE_DIR"""
import csv
import math
import pathlib
import random
import sys
import tempfile

from tool import Tool


def main():
    build_dir, source_dir = sys.argv[1:3]
    tool, folder = Tool(build_dir), pathlib.Path(tempfile.mkdtemp(prefix="tamis-bad-data-"))
    shipped = pathlib.Path(source_dir, "models/shipped")
    tool.run("generate", "--events", 400, "--output", folder / "events.mcap")
    tool.run("replay", folder / "events.mcap", "--features", folder / "features.csv")
    with open(folder / "features.csv", newline="") as stream:
        features = list(csv.DictReader(stream))
    tables = {"vae": features, "ringer": clusters(14000), "seed-filter": doublets(1200)}
    for kind, rows in tables.items():
        check_training(tool, folder, kind, rows)
    check_recording(tool, folder)
    for model, rows in (("vae", features), ("ringer", tables["ringer"][:50]), ("seed_filter", tables["seed-filter"][:50])):
        check_scoring(tool, folder, shipped / model, rows)
    print("bad tables are refused by file, line and column; good ones train: ok")


def clusters(count):
    """Electrons are narrow in the first rings of each layer, the others are not."""
    draw = random.Random(1)
    rows = []
    for index in range(count):
        label = index % 2
        row = {"et": draw.uniform(16, 80), "eta": draw.uniform(-2.5, 2.5), "average_mu": draw.uniform(16, 60)}
        row |= {f"ring{ring}": draw.expovariate(1) * (20 if label and ring % 8 == 0 else 2) for ring in range(100)}
        rows.append(row | {"label": label})
    return rows


def doublets(count):
    draw = random.Random(2)
    rows = []
    for index in range(count):
        row = {f"{side}_adc{pixel}": 0 for side in ("inner", "outer") for pixel in range(256)}
        row |= {f"{side}_adc{120 + step}": draw.randrange(30000) for side in ("inner", "outer") for step in range(4)}
        row |= {"inner_layer": 0, "outer_layer": 1} | {f"f{number}": draw.gauss(index % 2, 1) for number in range(67)}
        rows.append(row | {"label": index % 2})
    return rows


def write(file, rows):
    with open(file, "w", newline="") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return file


def changed(rows, index, **values):
    return [row | values if position == index else row for position, row in enumerate(rows)]


def check_training(tool, folder, kind, rows):
    column = {"vae": "MT", "ringer": "ring7", "seed-filter": "f5"}[kind]
    good, rows = write(folder / "good.csv", rows), rows[:1000 if kind == "seed-filter" else 400]
    count = len(good.read_text().splitlines()) - 1
    cases = {
        "nan": (changed(rows, 5, **{column: math.nan}), f"nan.csv:7: column {column}: empty or not finite"),
        "huge": (changed(rows, 5, **{column: 1e300}), f"huge.csv:7: column {column}: empty or not finite"),
        "word": (changed(rows, 8, **{column: "high"}), f"word.csv:10: column {column}: 'high' is no number"),
        "missing": ([{name: row[name] for name in row if name != column} for row in rows],
                    f"missing.csv:1: columns are missing: {column}"),
        "two": (rows[:2], "two.csv: 2 rows; right are "),
        "constant": ([row | {column: 3} for row in rows], f"constant.csv: column {column}: 3 in every row"),
    }
    if kind != "vae":
        cases |= {
            "label": (changed(rows, 11, label=2), "label.csv:13: column label: 2 is no label"),
            "half": (changed(rows, 11, label=0.5), "half.csv:13: column label: 0.5 is no label"),
            "one_class": ([row | {"label": 1} for row in rows], "one_class.csv:2: column label: 1 in every row"),
            "unlabelled": ([{name: row[name] for name in row if name != "label"} for row in rows],
                           "unlabelled.csv:1: columns are missing: label"),
        }
    if kind == "seed-filter":
        cases["charge"] = (changed(rows, 3, inner_adc9=1.5), "charge.csv:5: column inner_adc9: 1.5; right is a whole number")
    for name, (bad, words) in cases.items():
        never = folder / "never"
        file = write(folder / f"{name}.csv", bad)
        tool.run("train", kind, "--input", file, "--output", never, "--epochs", 1, status=65)
        assert words in tool.errors and not never.exists(), f"{kind}, {name}: {tool.errors}"
        file.unlink()
    tool.run("train", kind, "--input", folder / "absent.csv", "--output", folder / "never", status=66)
    for copy in ("one", "two"):
        tool.run("train", kind, "--input", good, "--output", folder / f"{kind}-{copy}", "--epochs", 2, "--seed", 3)
    for path in (folder / f"{kind}-one").iterdir():
        assert path.read_bytes() == (folder / f"{kind}-two" / path.name).read_bytes(), path.name
    manifest = (folder / f"{kind}-one" / "manifest.pbtxt").read_text()
    assert f"{count} " in manifest.split("data: ", 1)[1].splitlines()[0] and "good.csv" in manifest, manifest[-3000:]


def check_recording(tool, folder):
    """A recording is as good as the table of its features."""
    tool.run("generate", "--events", 1000, "--output", folder / "more.mcap")
    tool.run("replay", folder / "more.mcap", "--features", folder / "more.csv")
    for suffix in ("mcap", "csv"):
        tool.run("train", "vae", "--input", folder / f"more.{suffix}", "--output", folder / f"of-{suffix}", "--epochs", 1)
    assert (folder / "of-mcap/vae.onnx").read_bytes() == (folder / "of-csv/vae.onnx").read_bytes()
    (folder / "noise.mcap").write_bytes(b"this is no recording at all" * 100)
    tool.run("train", "vae", "--input", folder / "noise.mcap", "--output", folder / "never", status=65)
    assert "noise.mcap" in tool.errors and not (folder / "never").exists(), tool.errors


def check_scoring(tool, folder, model, rows):
    column = {"vae": "MT", "ringer": "ring7", "seed_filter": "f5"}[model.name]
    for name, bad, words in (
            ("nan", changed(rows, 5, **{column: math.nan}), f"nan.csv:7: column {column}: empty or not finite"),
            ("missing", [{name: row[name] for name in row if name != column} for row in rows],
             "missing.csv:1: columns are missing"),
            ("empty", None, "empty.csv:1: no header row")):
        file = folder / f"{name}.csv"
        if bad:
            write(file, bad)
        else:
            file.write_text("")
        tool.run("score", model, "--input", file, "--output", folder / "never.csv", status=65)
        assert words in tool.errors and not list(folder.glob("never*")), tool.errors
        tool.run("evaluate", model, "--background", file, status=65)
        assert words in tool.errors, tool.errors
    two = write(folder / "two.csv", rows[:2])
    tool.run("score", model, "--input", two, "--output", folder / "two_scores.csv")
    assert len((folder / "two_scores.csv").read_text().splitlines()) == 3
    fractions = tool.json("evaluate", model, "--background", two)["samples"][0]["working_points"]
    assert all(point["fraction"]["of"] == 2 for point in fractions), fractions


main()
