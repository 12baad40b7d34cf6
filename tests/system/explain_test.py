#!/usr/bin/env python3
"""tamis explain: shares that sum to the score of tamis score, the VAE's own terms, what is refused.
Usage: explain_test.py BUILD_DIR SOURCE_DIR"""
import csv
import pathlib
import sys
import tempfile

from tool import Tool


def main():
    build_dir, source_dir = sys.argv[1:3]
    tool, folder = Tool(build_dir), pathlib.Path(tempfile.mkdtemp(prefix="tamis-explain-"))
    shipped = pathlib.Path(source_dir, "models/shipped")
    features = folder / "features.csv"
    tool.run("generate", "--events", 300, "--output", folder / "events.mcap")
    tool.run("replay", folder / "events.mcap", "--features", features)
    rows = read(features)
    inputs = list(rows[0])[:21]
    check_gradients(tool, folder, shipped / "vae/vae.onnx", features, inputs)
    check_terms(tool, folder, shipped / "vae", features, inputs)
    check_refusals(tool, folder, shipped, features)
    check_removal(tool, folder, shipped, features)
    print("shares of features and what has none: ok")


def read(file):
    with open(file, newline="") as stream:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(stream)]


def check_gradients(tool, folder, network, features, inputs):
    """The squared latent mean as the score of a network of no kind of ours."""
    model, out = folder / "mu2", folder / "shares.csv"
    tool.run("import-model", "onnx", network, "--output", model, "--features", ",".join(inputs), "--score", "mu", "--reduction",
             "sum_of_squares")
    (folder / "zeros.csv").write_text(",".join(inputs) + "\n" + ",".join("0" for _ in inputs) + "\n")
    for file in ("zeros", "features"):
        tool.run("score", model, "--input", folder / f"{file}.csv", "--output", folder / f"{file}_scores.csv")
    baseline = read(folder / "zeros_scores.csv")[0]["score"]
    scores = [row["score"] for row in read(folder / "features_scores.csv")]
    errors = {}
    for name, options in (("few", ["--steps", 8]), ("many", ["--steps", 1024]), ("slope", ["--method", "gradient_x_input"])):
        told = tool.run("explain", model, "--input", features, "--output", out, *options)
        assert "largest completeness error" in told and "from the offsets" in told, told
        made = read(out)
        assert [row["score"] for row in made] == scores and list(made[0]) == ["score", "completeness_error", *inputs]
        for row in made:
            missing = sum(row[name] for name in inputs) - (row["score"] - baseline)
            assert abs(missing - row["completeness_error"]) < 1e-4 * (1 + sum(abs(row[name]) for name in inputs)), row
        errors[name] = sum(abs(row["completeness_error"]) / (1 + abs(row["score"] - baseline)) for row in made) / len(made)
    assert errors["many"] < 1e-3 and errors["many"] < errors["few"] < errors["slope"], errors
    print("mean completeness error of 8 steps, 1024 steps, one gradient:", errors)
    first, second = (tool.run("explain", model, "--input", features, "--output", folder / f"{n}.csv", "--top", 3) for n in "ab")
    assert first.splitlines()[:-1] == second.splitlines()[:-1]
    assert (folder / "a.csv").read_bytes() == (folder / "b.csv").read_bytes()
    for number, (line, row) in enumerate(zip(first.splitlines(), read(folder / "a.csv")), 1):
        largest = sorted(inputs, key=lambda name: -abs(row[name]))[:3]
        assert line.startswith(f"row {number}: score ") and line.split(": ")[2].split()[::2] == largest, (line, largest)
    unnamed = folder / "unnamed.csv"
    lines = [",".join(f"x{i}" for i in range(21))] + [",".join(line.split(",")[:21]) for line in features.read_text().splitlines()[1:]]
    unnamed.write_text("\n".join(lines) + "\n")
    tool.run("import-model", "onnx", network, "--output", folder / "int8", "--int8", unnamed)
    tool.run("explain", folder / "int8", "--input", unnamed, "--output", folder / "never.csv", status=65)
    assert "8-bit integers" in tool.errors and not (folder / "never.csv").exists(), tool.errors


def check_terms(tool, folder, model, features, inputs):
    """The VAE's score is a sum already: its terms are those that tamis score writes."""
    tool.run("score", model, "--input", features, "--output", folder / "scores.csv")
    told = tool.run("explain", model, "--input", features, "--output", folder / "terms.csv")
    assert "by contributions" in told, told
    for term, row in zip(read(folder / "terms.csv"), read(folder / "scores.csv")):
        assert all(term[name] == row[f"nll_{name}"] for name in inputs) and term["score"] == row["score"]
        assert abs(term["completeness_error"]) < 1e-4 * (1 + abs(row["score"])), term


def check_refusals(tool, folder, shipped, features):
    never = folder / "never.csv"

    def refused(words, model, file, *options, status=65):
        tool.run("explain", model, "--input", file, "--output", never, *options, status=status)
        assert words in tool.errors and not list(folder.glob("never*")), tool.errors

    lines = features.read_text().splitlines()
    cells = lines[6].split(",")
    (folder / "nan.csv").write_text("\n".join([*lines[:6], ",".join([cells[0], "nan", *cells[2:]]), *lines[7:]]) + "\n")
    column = lines[0].split(",")[1]
    for model in (shipped / "vae", folder / "mu2"):
        refused(f"nan.csv:7: column {column}: empty or not finite", model, folder / "nan.csv")
        refused("no such file", model, folder / "absent.csv", status=66)
        (folder / "narrow.csv").write_text("HT\n1\n")
        refused("narrow.csv:1: columns are missing", model, folder / "narrow.csv")
    refused("no gradient by its inputs", shipped / "vae", features, "--method", "integrated_gradients")
    refused("is no sum of terms", folder / "mu2", features, "--method", "contributions")
    refused("--method", folder / "mu2", features, "--method", "shap", status=64)
    refused("--steps", folder / "mu2", features, "--steps", 0, status=64)
    rings = folder / "rings.csv"
    names = ["et", "eta", "average_mu"] + [f"ring{ring}" for ring in range(100)]
    rings.write_text(",".join(names) + "\n" + ",".join(["30", "0.5", "30"] + ["1"] * 100) + "\n")
    refused("kind 'ringer' has no gradient", shipped / "ringer", rings, "--method", "gradient_x_input")


def check_removal(tool, folder, shipped, features):
    """Any kind: what the score loses without an input, counted again by tamis score; a ringer by default."""
    names = ["et", "eta", "average_mu"] + [f"ring{ring}" for ring in range(100)]
    cells = ["30", "0.5", "30"] + [str(1 + 5 * (ring % 8 == 0)) for ring in range(100)]
    rings, out = folder / "rings.csv", folder / "removed.csv"
    rings.write_text(",".join(names) + "\n" + ",".join(cells) + "\n")
    assert "by removal from the offsets" in tool.run("explain", shipped / "ringer", "--input", rings, "--output", out, "--top", 2)
    made = read(out)[0]
    for name in ("ring0", "ring79", "eta", "et"):
        without = [("0" if other == name else cell) for other, cell in zip(names, cells)]
        (folder / "without.csv").write_text(",".join(names) + "\n" + ",".join(without) + "\n")
        tool.run("score", shipped / "ringer", "--input", folder / "without.csv", "--output", folder / "without_scores.csv")
        left = read(folder / "without_scores.csv")[0]["score"]
        expected = made["score"] - left if left == left else 0  # no score without a transverse energy
        assert abs(made[name] - expected) < 1e-5 * (1 + abs(expected)), (name, made[name], expected)
    assert made["ring0"] != 0, made
    tool.run("explain", folder / "mu2", "--input", features, "--output", out, "--method", "removal")
    shares = read(out)
    assert len(shares) == 300 and all(row["score"] == row["score"] for row in shares), shares[0]


main()
