#!/usr/bin/env python3
"""What train, evaluate, score, calibrate and explain say of bad tables: file, line and column, exit status 65, nothing written;
and that good tables of the same form train. Usage: bad_data_test.py BUILD_DIR SOURCE_DIR"""
import csv
import math
import pathlib
import random
import sys
import tempfile

import h5py
import numpy

from csv_rows import write
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
        check_other_commands(tool, folder, shipped / model, rows)
    check_hdf5(tool, folder, shipped / "vae", features)
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


def check_other_commands(tool, folder, model, rows):
    """calibrate and explain read what score reads, and refuse it in the same words; a report is not begun."""
    column, never = {"vae": "MT", "ringer": "ring7", "seed_filter": "f5"}[model.name], folder / "never"
    good = write(folder / "good.csv", rows)
    cases = {
        "nan": (changed(rows, 5, **{column: math.nan}), f"nan.csv:7: column {column}: empty or not finite"),
        "infinite": (changed(rows, 5, **{column: math.inf}), f"infinite.csv:7: column {column}: empty or not finite"),
        "word": (changed(rows, 8, **{column: "high"}), f"word.csv:10: column {column}: 'high' is no number"),
        "missing": ([{name: row[name] for name in row if name != column} for row in rows],
                    f"missing.csv:1: columns are missing: {column}"),
    }
    for name, (bad, words) in cases.items():
        file = write(folder / f"{name}.csv", bad)
        commands = [("evaluate", model, "--background", good, "--signal", file, "--output", never),
                    ("evaluate", model, "--background", file, "--signal", good, "--output", never)]
        if model.name != "ringer":  # whose thresholds its recipe sets
            commands += [("calibrate", model, "--background", file, "--point", "half=fraction:0.5", "--output", never),
                         ("calibrate", model, "--background", good, "--signal", file, "--point", "half=fraction:0.5", "--output", never)]
        if model.name == "vae":
            commands.append(("explain", model, "--input", file, "--output", never))
        for command in commands:
            tool.run(*command, status=65)
            assert words in tool.errors and not list(folder.glob("never*")), f"{command}: {tool.errors}"
        file.unlink()
    if model.name != "ringer":
        check_calibration(tool, folder, model, rows, never)


def check_calibration(tool, folder, model, rows, never):
    """Rows that allow no threshold: too few, none, all alike."""
    header = ",".join(rows[0]) + "\n"
    two, alike = write(folder / "two.csv", rows[:2]), write(folder / "alike.csv", [rows[0]] * 50)
    (folder / "none.csv").write_text(header)
    for file, options, words in ((two, [], "two.csv: not every working point can be set"),
                                 (alike, [], "alike.csv: not every working point can be set"),
                                 (folder / "none.csv", [], "none.csv: no row"),
                                 (folder / "good.csv", ["--pileup-edges", "20"], "good.csv:1: no column average_mu"),
                                 (folder / "good.csv", ["--signal", folder / "none.csv"], "none.csv: no row")):
        tool.run("calibrate", model, "--background", file, "--point", "few=fraction:0.01", "--output", never, *options, status=65)
        assert words in tool.errors and not never.exists(), f"{file}: {tool.errors}"


def write_hdf5(file, rows, layout):
    """The three forms that are read; `rows` as of a CSV file."""
    names, table = list(rows[0]), numpy.array([[float(row[name]) for name in row] for row in rows])
    with h5py.File(file, "w") as out:
        if layout == "matrix":
            out["HLF"] = table.astype("f4")
            out["HLF"].attrs["columns"] = names
        elif layout == "compound":
            out["events"] = numpy.rec.fromarrays(table.T.astype("f4"), names=names)
        else:
            for name, values in zip(names, table.T):
                out[f"events/{name}"] = values
    return file


def check_hdf5(tool, folder, model, rows):
    """The same table as CSV and in every form of HDF5: the same scores, the same model; and what is wrong is said by row."""
    csv_file = write(folder / "features.csv", rows)
    tool.run("score", model, "--input", csv_file, "--output", folder / "scores.csv")
    tool.run("train", "vae", "--input", csv_file, "--output", folder / "of-rows", "--epochs", 1)
    for layout in ("matrix", "compound", "columns"):
        file = write_hdf5(folder / f"{layout}.h5", rows, layout)
        tool.run("score", model, "--input", file, "--output", folder / "scores_h5.csv")
        assert (folder / "scores_h5.csv").read_bytes() == (folder / "scores.csv").read_bytes(), layout
        tool.run("train", "vae", "--input", file, "--output", folder / "of-hdf5", "--epochs", 1)
        assert (folder / "of-hdf5/vae.onnx").read_bytes() == (folder / "of-rows/vae.onnx").read_bytes(), layout
        told = tool.json("evaluate", model, "--background", file, "--signal", file)["samples"]
        assert [sample["name"] for sample in told] == [layout, layout] and told[1]["roc_area"] == 0.5, told
        bad = write_hdf5(folder / "nan.h5", changed(rows, 5, MT=math.nan), layout)
        missing = write_hdf5(folder / "missing.h5", [{name: row[name] for name in row if name != "MT"} for row in rows], layout)
        never = folder / "never"
        for wrong, words in ((bad, "nan.h5: row 6: column MT: empty or not finite"), (missing, "missing.h5: columns are missing: MT")):
            for command in (("train", "vae", "--input", wrong), ("score", model, "--input", wrong),
                            ("evaluate", model, "--background", wrong), ("explain", model, "--input", wrong),
                            ("calibrate", model, "--background", wrong, "--point", "half=fraction:0.5")):
                tool.run(*command, "--output", never, status=65)
                assert words in tool.errors and not list(folder.glob("never*")), f"{command}: {tool.errors}"
    (folder / "text.h5").write_text("HT,MT\n1,2\n")
    tool.run("score", model, "--input", folder / "text.h5", "--output", folder / "never.csv", status=65)
    assert "text.h5: cannot be opened" in tool.errors, tool.errors


main()
