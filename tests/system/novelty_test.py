#!/usr/bin/env python3
"""tamis novelty: measures counted again here from the latent means, a cluster of anomalies on top, what is refused.
Usage: novelty_test.py BUILD_DIR SOURCE_DIR"""
import math
import pathlib
import sys
import tempfile

from csv_rows import as_float, read, write
from tool import Tool

NEIGHBOURS, BUFFER, DIMENSIONS = 5, 30, 4


def nearest(points, at, count):
    """(distance, place) of the nearest."""
    return sorted((math.dist(point, at), place) for place, point in enumerate(points))[:count]


def mean(values):
    return sum(values) / len(values)


def measures(reference, accepted):
    """Isolation and clustering by a walk over all points."""
    own = [mean([d for d, place in nearest(reference, point, NEIGHBOURS + 1) if place != i][:NEIGHBOURS])
           for i, point in enumerate(reference)]
    for event, at in enumerate(accepted):
        near = nearest(reference, at, NEIGHBOURS)
        distance, theirs = mean([d for d, _ in near]), [own[place] for _, place in near]
        spread = math.sqrt(mean([(d - mean(theirs)) ** 2 for d in theirs]))
        before = accepted[max(0, event - BUFFER):event]
        excess = math.nan
        if len(before) >= NEIGHBOURS:
            expected = distance ** -DIMENSIONS * len(before) / len(reference)
            seen = mean([d for d, _ in nearest(before, at, NEIGHBOURS)]) ** -DIMENSIONS
            excess = (seen - expected) / math.sqrt(expected)
        yield (distance - mean(theirs)) / spread, excess


def main():
    build_dir, source_dir = sys.argv[1:3]
    tool, folder = Tool(build_dir), pathlib.Path(tempfile.mkdtemp(prefix="tamis-novelty-"))
    vae = pathlib.Path(source_dir, "models/shipped/vae")
    tool.run("generate", "--events", 700, "--output", folder / "events.mcap")
    tool.run("replay", folder / "events.mcap", "--features", folder / "all.csv")
    rows = [row for row in read(folder / "all.csv") if float(row["LepPt"]) > 0]
    # Heavy and much the same: the last ten of those accepted.
    odd = [{**rows[0], "HT": 1800 + 2 * i, "METp": 600 + i, "LepPt": 300 + i} for i in range(10)]
    reference, accepted = write(folder / "reference.csv", rows[:300]), write(folder / "accepted.csv", rows[300:390] + odd)
    command = ("novelty", vae, "--reference", reference, "--input", accepted)
    options = ("--neighbours", NEIGHBOURS, "--buffer", BUFFER)
    told = tool.run(*command, *options, "--output", folder / "novelty.csv")
    result = tool.json(*command, *options, "--output", folder / "again.csv")
    assert (folder / "novelty.csv").read_bytes() == (folder / "again.csv").read_bytes()
    check_measures(latent_means(tool, folder, vae, [reference, accepted]), read(folder / "novelty.csv"), result)
    named = [event["row"] for event in result["most_novel"]]
    assert len(named) == 5 and all(row > 90 + NEIGHBOURS - 1 for row in named), result
    assert f"row {named[0]}: combined" in told and told.startswith("100 events"), told
    check_refusals(tool, folder, command)
    print("novelty of accepted events: ok")


def latent_means(tool, folder, vae, files):
    """The same network as a model of kind onnx shows its latent means."""
    inputs = list(read(files[0])[0])[:21]
    tool.run("import-model", "onnx", vae / "vae.onnx", "--output", folder / "mu", "--features", ",".join(inputs), "--score", "mu",
             "--reduction", "sum_of_squares")
    for file in files:
        tool.run("score", folder / "mu", "--input", file, "--output", folder / "mu.csv")
        yield [[as_float(row[f"mu_{i}"]) for i in range(DIMENSIONS)] for row in read(folder / "mu.csv")]


def check_measures(points, scores, result):
    reference, accepted = points
    wanted = list(measures(reference, accepted))
    assert len(scores) == len(wanted) == result["events"] == 100
    scales = [math.sqrt(mean([pair[i] ** 2 for pair in wanted if not math.isnan(pair[i])])) for i in range(2)]
    assert math.isclose(scales[0], result["isolation_scale"], rel_tol=1e-6), (scales, result)
    assert math.isclose(scales[1], result["clustering_scale"], rel_tol=1e-6), (scales, result)
    for event, (row, pair) in enumerate(zip(scores, wanted)):
        units = [0.5 * (1 + math.erf(value / scale / math.sqrt(2))) for value, scale in zip(pair, scales)]
        expected = [*pair, *units, math.sqrt(units[0] * units[1])]
        for name, value in zip(("isolation", "clustering", "isolation_unit", "clustering_unit", "combined"), expected):
            seen = float(row[name] or "nan")
            assert math.isnan(value) == math.isnan(seen), (event, name, seen, value)
            assert math.isnan(value) or math.isclose(seen, value, rel_tol=2e-6, abs_tol=1e-6), (event, name, seen, value)


def check_refusals(tool, folder, command):
    never = folder / "never.csv"
    tool.run(*command, "--output", never, "--latent", "nu", status=65)
    assert "no output nu" in tool.errors and "mu" in tool.errors, tool.errors
    tool.run(*command, "--output", never, "--neighbours", 299, "--buffer", 400, status=65)
    assert "reference.csv" in tool.errors and "at least 301" in tool.errors, tool.errors
    tool.run(*command, "--output", never, "--neighbours", 10, "--buffer", 5, status=65)
    assert "too small" in tool.errors, tool.errors
    tool.run("novelty", command[1], "--reference", folder / "none.csv", "--input", folder / "accepted.csv", "--output", never, status=66)
    assert not never.exists()


main()
