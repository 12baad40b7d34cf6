#!/usr/bin/env python3
"""Working points set from samples, p-values, and any network as a model by options alone: as a person does it on the command
line. Usage: calibration_test.py BUILD_DIR SOURCE_DIR"""
import csv
import math
import pathlib
import random
import struct
import sys
import tempfile

from csv_rows import write
from tool import Tool


def read(file):
    with open(file, newline="") as stream:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(stream)]


def main():
    build_dir, source_dir = sys.argv[1:3]
    tool, folder = Tool(build_dir), pathlib.Path(tempfile.mkdtemp(prefix="tamis-calibration-"))
    vae = pathlib.Path(source_dir, "models/shipped/vae")
    recording, background = folder / "events.mcap", folder / "background.csv"
    tool.run("generate", "--events", 3000, "--output", recording)
    tool.run("replay", recording, "--features", background)
    rows = [row for row in read(background) if row["LepPt"] > 0]
    write(background, rows)
    signal = write(folder / "signal.csv", [{**row, "METp": row["METp"] + 200, "HT": row["HT"] + 900} for row in rows[:400]])
    check_points(tool, vae, background, signal, folder)
    check_pileup(tool, vae, rows, folder)
    check_quantile_map(tool, vae, rows, folder)
    check_decorrelated_training(tool, rows, folder)
    check_doublets(tool, vae.parent / "seed_filter", folder)
    check_refusals(tool, vae, background, rows, folder)
    check_p_values(tool, vae, background, signal, folder)
    check_any_network(tool, vae / "vae.onnx", background, folder)
    print("working points, p-values and foreign networks: ok")


def scores_of(tool, model, features, folder):
    tool.run("score", model, "--input", features, "--output", folder / "scores.csv")
    return [single(row["score"]) for row in read(folder / "scores.csv")]


def single(number):
    """The 32-bit number that a decimal stands for."""
    return struct.unpack("f", struct.pack("f", number))[0]


def block_of(manifest, name):
    """The text of one working point."""
    return manifest.split(f'name: "{name}"', 1)[1].split("working_point {", 1)[0].split("parameter {", 1)[0]


def number(text, field):
    return float(text.split(f"{field}: ", 1)[1].split()[0])


def check_quantile_map(tool, vae, rows, folder):
    """One threshold on mapped scores accepts as much in each bin of pile-up; the model asks for the pile-up from then on."""
    middle = sorted(row["HT"] for row in rows)[len(rows) // 2]
    # Events with much HT, whose scores are higher, come with more pile-up.
    busy = write(folder / "busy.csv", [{**row, "average_mu": 30 if row["HT"] > middle else 10} for row in rows])
    model, point = folder / "mapped", ("--point", "tenth=fraction:0.1")
    tool.run("calibrate", vae, "--background", busy, *point, "--quantile-map", "--pileup-edges", "20", "--output", model)
    assert (model / "vae.onnx").read_bytes() == (vae / "vae.onnx").read_bytes()
    threshold = number(block_of((model / "manifest.pbtxt").read_text(), "tenth"), "offset")
    shares = {}
    for name, scored in (("plain", vae), ("mapped", model)):
        scores = scores_of(tool, scored, busy, folder)
        cut = threshold if name == "mapped" else sorted(scores)[int(0.9 * len(scores))]
        for pileup in (10, 30):
            part = [score > cut for score, row in zip(scores, read(busy)) if row["average_mu"] == pileup]
            shares[name, pileup] = sum(part) / len(part)
    assert shares["plain", 30] > 1.5 * shares["plain", 10], shares
    assert all(abs(shares["mapped", pileup] - 0.1) < 0.005 for pileup in (10, 30)), shares
    told = tool.json("evaluate", model, "--background", busy)["samples"][0]["working_points"][0]["fraction"]
    assert abs(told["value"] - 0.1) < 0.005, told
    assert tool.json("evaluate", model, "--events", 500)["samples"][0]["events"] == 500
    never = folder / "never"
    for arguments, status, words in (
            (("score", model, "--input", folder / "background.csv", "--output", never), 65, "columns are missing: average_mu"),
            (("explain", model, "--input", busy, "--output", never), 65, "mapped by pile-up"),
            (("evaluate", model, "--baselines"), 64, "that no map has changed"),
            (("calibrate", model, "--background", busy, *point, "--quantile-map", "--pileup-edges", "20", "--output", never), 64,
             "has a quantile map"),
            (("calibrate", vae, "--background", busy, *point, "--quantile-map", "--output", never), 64, "--pileup-edges"),
            (("calibrate", vae, "--background", busy, *point, "--quantile-map", "--pileup-edges", "10,20", "--output", never), 65,
             "bin 2 of pile-up has 0 background events")):
        tool.run(*arguments, status=status)
        assert words in tool.errors and not list(folder.glob("never*")), (arguments, tool.errors)


def check_decorrelated_training(tool, rows, folder):
    """A column that the score is to be independent of is no input; what is left of the dependence is reported."""
    table = write(folder / "widths.csv", [{**row, "average_mu": row["nJets"] + 0.01 * (index % 7)} for index, row in enumerate(rows)])
    left = {}
    for weight in (0.001, 60):
        model = folder / f"independent-{weight}"
        tool.run("train", "autoencoder", "--input", table, "--output", model, "--seed", 4, "--epochs", 25, "--decorrelate", "average_mu",
                 "--decorrelation-weight", weight)
        manifest = (model / "manifest.pbtxt").read_text()
        assert manifest.count("feature {") == len(rows[0]) and 'name: "average_mu"' not in manifest, manifest[:2000]
        left[weight] = float(manifest.split("distance correlation of the score and average_mu: ", 1)[1].split()[0])
    assert left[60] < 0.5 * left[0.001], left
    tool.run("train", "vae", "--events", 1000, "--epochs", 1, "--decorrelate", "average_mu", "--output", folder / "independent-vae")
    assert "penalty of weight 20" in (folder / "independent-vae/manifest.pbtxt").read_text()
    for arguments, status, words in ((("vae", "--input", table, "--decorrelate", "mass"), 65, "widths.csv:1: columns are missing: mass"),
                                     (("vae", "--decorrelate", "HT"), 64, "average_mu"),
                                     (("ringer", "--decorrelate", "average_mu"), 64, "goes with vae and autoencoder")):
        tool.run("train", *arguments, "--output", folder / "never", status=status)
        assert words in tool.errors and not (folder / "never").exists(), tool.errors


def check_points(tool, vae, background, signal, folder):
    """All at once, by fraction, efficiency and rate; beyond the sample by its tail; the network stays as it is."""
    model = folder / "calibrated"
    shown = tool.run("calibrate", vae, "--background", background, "--signal", signal, "--output", model,
                     "--point", "tenth=fraction:0.1", "--point", "nine=efficiency:0.9", "--point", "fifth=rate:200",
                     "--point", "rare=fraction:1e-6", "--input-rate", 1000)
    assert "rare: extrapolated: tail of 99 of 3000 background events" in shown, shown
    assert (model / "vae.onnx").read_bytes() == (vae / "vae.onnx").read_bytes()
    manifest = (model / "manifest.pbtxt").read_text()
    assert manifest.count("working_point {") == 4 and manifest.count("extrapolated {") == 1, manifest
    below, above = scores_of(tool, model, background, folder), scores_of(tool, model, signal, folder)
    passing = {}
    for name in ("tenth", "nine", "fifth", "rare"):
        block = block_of(manifest, name)
        threshold = number(block, "offset")
        passing[name] = (sum(score > threshold for score in below), sum(score > threshold for score in above))
        assert number(block, "offset_low") <= threshold <= number(block, "offset_high"), block
        assert math.isclose(number(block, "signal_efficiency"), passing[name][1] / len(above)), block
    assert passing["tenth"][0] == len(below) // 10 and passing["fifth"][0] == len(below) // 5, passing
    assert passing["nine"][1] == math.ceil(0.9 * len(above) - 1e-9), passing
    assert number(block_of(manifest, "rare"), "offset") > max(below) or passing["rare"][0] < 3, passing
    assert "wanted_rate_hz: 200" in block_of(manifest, "fifth") and "input_rate_hz: 1000" in block_of(manifest, "fifth")
    assert "wanted_efficiency: 0.9" in block_of(manifest, "nine") and "extrapolated {" in block_of(manifest, "rare")
    inspected = tool.run("inspect", model)
    assert "extrapolated" in inspected and "200 of 1000 Hz" in inspected, inspected


def check_pileup(tool, vae, rows, folder):
    """Each bin of pile-up accepts a tenth; evaluate finds the same fractions in the same file."""
    crowded = folder / "crowded.csv"
    write(crowded, [{**row, "average_mu": 10 + index % 50} for index, row in enumerate(rows)])
    model = folder / "by_pileup"
    tool.run("calibrate", vae, "--background", crowded, "--output", model, "--point", "tenth=fraction:0.1",
             "--pileup-edges", "25,40")
    manifest = (model / "manifest.pbtxt").read_text()
    assert manifest.count("bin {") == 3 and "pileup_high: 25" in manifest, manifest
    fractions = tool.json("evaluate", model, "--background", crowded)["samples"][0]["working_points"][0]["fraction"]
    assert 0.098 < fractions["value"] <= 0.1, fractions
    tool.run("evaluate", model, "--events", 100, status=64)
    write(folder / "unknown.csv", rows)
    tool.run("evaluate", model, "--background", folder / "unknown.csv", status=65)
    assert "unknown.csv:1: no column average_mu" in tool.errors, tool.errors


def check_doublets(tool, seed_filter, folder):
    """A kind that says which points a row passes: its golden vectors are made anew."""
    draw = random.Random(4)
    columns = [f"{side}_adc{pixel}" for side in ("inner", "outer") for pixel in range(256)]
    rows = [{**{column: draw.randrange(20000) for column in columns}, "inner_layer": 0, "outer_layer": 1,
             **{f"f{number}": draw.gauss(0, 1) for number in range(67)}} for _ in range(120)]
    fakes, trues, model = write(folder / "fakes.csv", rows[:60]), write(folder / "trues.csv", rows[60:]), folder / "doublets"
    told = tool.json("calibrate", seed_filter, "--background", fakes, "--signal", trues, "--output", model,
                     "--point", "most=efficiency:0.9", "--point", "quarter=fraction:0.25")
    most, quarter = told["working_points"]
    assert most["signal_efficiency"] >= 0.9 and quarter["background_fraction"] <= 0.25, told
    (threshold,) = quarter["thresholds"]
    assert threshold["low"] <= threshold["threshold"] <= threshold["high"] and not threshold["extrapolated"], told
    tool.run("score", model, "--input", trues, "--output", folder / "doublets.csv")
    assert sum(row["pass_most"] for row in read(folder / "doublets.csv")) == round(60 * most["signal_efficiency"])


def check_refusals(tool, vae, background, rows, folder):
    never = folder / "never"

    def refused(status, words, *arguments, sample=background):
        tool.run("calibrate", vae, "--background", sample, "--output", never, *arguments, status=status)
        assert words in tool.errors and not never.exists(), tool.errors

    refused(64, "an efficiency needs a signal", "--point", "a=efficiency:0.9")
    refused(64, "a rate lies above 0 and below the input rate", "--point", "a=rate:10")
    refused(64, "a fraction or efficiency lies above 0 and below 1", "--point", "a=fraction:1.5")
    refused(64, "no NAME=WHAT:NUMBER", "--point", "tight")
    refused(64, "--pileup-edges do not rise", "--point", "a=fraction:0.1", "--pileup-edges", "40,20")
    refused(66, "no such file", "--point", "a=fraction:0.1", sample=folder / "absent.csv")
    few = write(folder / "few.csv", rows[:2])
    refused(65, "not every working point can be set", "--point", "a=fraction:0.1", sample=few)
    broken = write(folder / "broken.csv", [*rows[:5], {**rows[5], "MT": math.nan}, *rows[6:20]])
    refused(65, "broken.csv:7: column MT", "--point", "a=fraction:0.1", sample=broken)
    tool.run("calibrate", vae.parent / "ringer", "--background", background, "--point", "a=fraction:0.1", "--output", never,
             status=64)


def check_p_values(tool, vae, background, signal, folder):
    """(1 + background at least as high) / (1 + background)."""
    tool.run("score", vae, "--input", signal, "--output", folder / "p.csv", "--reference", background)
    reference = scores_of(tool, vae, background, folder)
    for row in read(folder / "p.csv"):
        expected = (1 + sum(score >= single(row["score"]) for score in reference)) / (1 + len(reference))
        assert math.isclose(row["p_value"], expected, rel_tol=1e-6), (row["score"], row["p_value"], expected)
    tool.run("score", vae, "--input", signal, "--output", folder / "p.csv", "--reference", folder / "absent.csv", status=66)


def check_any_network(tool, network, background, folder):
    """Inputs, output and reduction by name; no code."""
    rows = read(background)
    names = list(rows[0])[:21]

    def scored(*options):
        model = folder / "any"
        tool.run("import-model", "onnx", network, "--output", model, "--features", ",".join(names), *options)
        tool.run("score", model, "--input", background, "--output", folder / "any.csv")
        return read(folder / "any.csv")[:200], (model / "manifest.pbtxt").read_text()

    def outputs(row, name):
        return [value for column, value in row.items() if column.startswith(name + "_")]

    def close(value, expected):
        assert math.isclose(value, expected, rel_tol=1e-4, abs_tol=1e-5), (value, expected)

    answers, manifest = scored("--name", "mine", "--schema", "hlf", "--score", "mu", "--reduction", "sum_of_squares")
    assert 'name: "mine"' in manifest and 'schema: "hlf"' in manifest and 'name: "METp"' in manifest
    for row in answers:
        close(row["score"], sum(value * value for value in outputs(row, "mu")))
    answers, _ = scored("--score", "par1", "--reduction", "mean_squared_error")
    for given, row in zip(rows, answers):
        close(row["score"], sum((a - given[name]) ** 2 for a, name in zip(outputs(row, "par1"), names)) / 21)
    answers, _ = scored("--score", "mu", "--reduction", "one_minus_max_softmax")
    for row in answers:
        powers = [math.exp(value - max(outputs(row, "mu"))) for value in outputs(row, "mu")]
        close(row["score"], 1 - max(powers) / sum(powers))
    answers, _ = scored("--score", "par1", "--element", 3)
    for row in answers:
        assert row["score"] == row["par1_3"]
    for words, options in (("the network has no output 'nu'; right are mu, sigma_raw", ["--score", "nu"]),
                           ("no known reduction", ["--reduction", "median"]),
                           ("an element beyond", ["--score", "mu", "--element", 99]),
                           ("lists 2 features", ["--features", "a,b"]),
                           ("is the name of two", ["--features", ",".join(["HT", *names[:20]])])):
        tool.run("import-model", "onnx", network, "--output", folder / "never", *options, status=65)
        assert words in tool.errors and not (folder / "never").exists(), tool.errors
    tool.run("import-model", "vae-tsv", network, "--output", folder / "never", "--score", "mu", status=64)


main()
