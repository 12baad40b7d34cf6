#!/usr/bin/env python3
"""The report of tamis evaluate: its page stands alone, its figures agree with curves counted again here from scores.
Usage: evaluation_test.py BUILD_DIR SOURCE_DIR"""
import csv
import json
import pathlib
import re
import sys
import tempfile
import xml.etree.ElementTree

from tool import Tool


def read(file):
    with open(file, newline="") as stream:
        return list(csv.DictReader(stream))


def write(file, rows):
    with open(file, "w", newline="") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return file


def scores_of(tool, model, features, folder):
    tool.run("score", model, "--input", features, "--output", folder / "scores.csv")
    return [float(row["score"]) for row in read(folder / "scores.csv")]


def main():
    build_dir, source_dir = sys.argv[1:3]
    tool, folder = Tool(build_dir), pathlib.Path(tempfile.mkdtemp(prefix="tamis-evaluation-"))
    vae = pathlib.Path(source_dir, "models/shipped/vae")
    tool.run("generate", "--events", 2000, "--output", folder / "events.mcap")
    tool.run("replay", folder / "events.mcap", "--features", folder / "all.csv")
    rows = [row for row in read(folder / "all.csv") if float(row["LepPt"]) > 0]
    background = write(folder / "background.csv", rows)
    shifted = [{**row, "METp": float(row["METp"]) + 40} for row in rows[:300]]
    signal = write(folder / "a<b>&c.csv", shifted)
    command = ("evaluate", vae, "--input", background, "--signal", signal)
    tool.run(*command, "--output", folder / "report")
    page = (folder / "report" / "report.html").read_text()
    result = json.loads((folder / "report" / "evaluation.json").read_text())
    check_page(page)
    check_figures(result, scores_of(tool, vae, background, folder), scores_of(tool, vae, signal, folder),
                  read(folder / "report" / "roc.csv"))
    ranking = result["inputs_by_area_loss"]
    assert ranking[0]["name"] == "METp" and ranking[0]["area_loss"] > 0.05, ranking[:3]
    assert len(ranking) == 21 and {"LepPt", "HT", "METp"} == {entry["input"] for entry in result["dependences"]}, result
    tool.run(*command, "--output", folder / "again")
    for file in ("report.html", "evaluation.json", "roc.csv"):
        assert (folder / "report" / file).read_bytes() == (folder / "again" / file).read_bytes(), file
    check_refusals(tool, vae, background, folder)
    print("report of an evaluation: ok")


def check_page(page):
    assert "a&lt;b&gt;&amp;c" in page and "a<b>" not in page, "the sample's name is escaped"
    assert not re.search(r"(src|href)=|url\(|@import|<script", page), "the page needs nothing beside it"
    plots = re.findall(r"<svg .*?</svg>", page, flags=re.S)
    titles = [xml.etree.ElementTree.fromstring(plot).get("aria-label") for plot in plots]
    assert titles[:3] == ["ROC", "Score", "Calibration: conformal p-values of the background"], titles
    assert "Training" in titles and any("against LepPt" in title for title in titles), titles
    numbers = re.findall(r' (?:[xy][12]?|cx|cy)="([^"]*)"', page)
    assert len(numbers) > 100 and all(-50 <= float(number) <= 700 for number in numbers), "all drawn inside the picture"
    assert "nan" not in page.lower().split("<pre>")[0].replace("nant", ""), "no undefined number is shown"


def check_figures(result, background, signal, roc):
    """Areas and efficiencies, counted again."""
    entry = result["samples"][1]
    pairs = sum((score > other) + 0.5 * (score == other) for score in signal for other in background)
    assert abs(entry["roc_area"] - pairs / len(signal) / len(background)) < 1e-9, entry["roc_area"]
    points = [(float(point["background_fraction"]), float(point["signal_efficiency"])) for point in roc]
    assert points[0] == (1, 1) and points[-1][0] == 0, (points[0], points[-1])
    # Each background row with the signal above it; rows of equal score count half, which this does not.
    area = sum((a[0] - b[0]) * b[1] for a, b in zip(points, points[1:]))
    assert 0 <= entry["roc_area"] - area + 1e-9 < 1e-4, (area, entry["roc_area"])
    for at in entry["at_rejection"]:
        threshold = sorted(background)[int(at["rejection"] * (len(background) - 1))]
        assert at["efficiency"]["passed"] == sum(score > threshold for score in signal), at
        assert at["efficiency"]["low"] <= at["efficiency"]["value"] <= at["efficiency"]["high"], at
    for dependence in result["dependences"]:
        counted = sum(part["of"] for part in dependence["samples"][0]["bins"])
        assert counted == len(background), dependence["input"]


def check_refusals(tool, vae, background, folder):
    empty = folder / "empty.csv"
    empty.write_text(background.read_text().splitlines()[0] + "\n")
    tool.run("evaluate", vae, "--input", background, "--signal", empty, "--output", folder / "never", status=65)
    assert "empty" in tool.errors and not (folder / "never").exists(), tool.errors
    (folder / "file").write_text("in the way")
    tool.run("evaluate", vae, "--input", background, "--output", folder / "file" / "report", status=73)


main()
