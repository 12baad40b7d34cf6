#!/usr/bin/env python3
"""The report of tamis evaluate: its page stands alone, its figures agree with curves counted again here from scores.
Usage: evaluation_test.py BUILD_DIR SOURCE_DIR"""
import json
import pathlib
import random
import re
import sys
import tempfile
import xml.etree.ElementTree

from csv_rows import read, write
from tool import Tool


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
    removed = result["inputs_removed_in_turn"]
    assert sorted(entry["name"] for entry in removed) == sorted(entry["name"] for entry in ranking), removed
    assert removed[-1]["area_left"] == 0.5 and removed[-1]["name"] == "METp", removed  # nothing is left to tell rows apart
    tool.run(*command, "--output", folder / "again")
    for file in ("report.html", "evaluation.json", "roc.csv"):
        assert (folder / "report" / file).read_bytes() == (folder / "again" / file).read_bytes(), file
    check_refusals(tool, vae, background, folder)
    check_study(tool, vae, folder)
    check_columns_beside(tool, vae, rows, folder)
    assert "Published table beside ours" not in page and "published_efficiencies" not in result, "of seed filters only"
    check_published_doublets(tool, vae.parent / "seed_filter", folder)
    print("report of an evaluation: ok")


def check_page(page):
    assert "a&lt;b&gt;&amp;c" in page and "a<b>" not in page, "the sample's name is escaped"
    assert not re.search(r"(src|href)=|url\(|@import|<script", page), "the page needs nothing beside it"
    plots = re.findall(r"<svg .*?</svg>", page, flags=re.S)
    titles = [xml.etree.ElementTree.fromstring(plot).get("aria-label") for plot in plots]
    assert titles[:2] == ["ROC", "Score"] and titles[-1] == "Calibration: conformal p-values of the background", titles
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


def check_study(tool, vae, folder):
    """Baselines and contamination on small samples: figures agree with the evaluation's own, the published ones stand beside."""
    command = ("evaluate", vae, "--events", 2000, "--background-events", 4000, "--baselines", "--contamination", "hpm_to_tau_nu",
               "--study-events", 2000, "--study-epochs", 2)
    shown = tool.run(*command, "--output", folder / "study")
    result = json.loads((folder / "study" / "evaluation.json").read_text())
    samples = {sample["name"]: sample for sample in result["samples"]}
    baselines = result["baselines"]
    methods = {method["name"]: method for method in baselines["methods"]}
    assert list(methods) == ["VAE, nll", "VAE, kl", "VAE, total", "VAE, mu2", "autoencoder, raw", "PCA, raw", "autoencoder, standardised",
                             "PCA, standardised", "supervised network"], list(methods)
    assert baselines["background_events"] == 4000 and baselines["fractions"] == [0.1, 0.01], baselines["fractions"]
    for place, of in enumerate(methods["VAE, nll"]["signals"]):
        assert abs(of["roc_area"] - samples[of["signal"]]["roc_area"]) < 1e-9 and of["lead"] == 0, of
        at = samples[of["signal"]]["at_rejection"][2]["efficiency"]["value"]
        assert abs(of["efficiencies"][0]["value"] - at) < 0.01 and of["published_roc_area"] > 0.7, (of, at)
        for name, method in methods.items():
            other = method["signals"][place]
            assert abs(of["roc_area"] - other["roc_area"] - other["lead"]) < 1e-9, name
            assert all(each["low"] <= each["value"] <= each["high"] for each in other["efficiencies"]), other
            lost = other["lead"] < 2 * other["lead_error"] and name not in ("VAE, nll", "supervised network")
            told = any(line.startswith(f"{of['signal']}: the ROC area") and f"does not beat {name} (" in line
                       for line in baselines["not_beaten"])
            assert lost == told, (name, other, baselines["not_beaten"])
    check_composition(result, samples)
    trainings = result["contamination"]["trainings"]
    assert [each["signal_events"] for each in trainings] == [0, 0, 4, 38, 200] and trainings[0]["change"] == 0, trainings
    assert trainings[1]["change"] == 0 and trainings[4]["change"] < -3 * trainings[4]["change_error"] < 0, trainings
    assert "where the VAE's score does not beat" in shown and "hpm_to_tau_nu among 2000" in shown, shown
    page = (folder / "study" / "report.html").read_text()
    for words in ("0.9135", "published 0.485", "Why ours and the published figures differ", "Signal in the training sample",
                  "against LepEta", "against average_mu", "What the accepted background is made of", "boosted trees"):
        assert words in page, words
    tool.run(*command, "--output", folder / "study-again")
    for file in ("report.html", "evaluation.json"):
        assert (folder / "study" / file).read_bytes() == (folder / "study-again" / file).read_bytes(), file
    shipped = vae.parent
    for wrong in (("evaluate", shipped / "ringer", "--baselines"), ("evaluate", vae, "--baselines", "--background", folder / "background.csv"),
                  ("evaluate", vae, "--contamination", "w"), ("evaluate", vae, "--baselines", "--study-events", 10)):
        tool.run(*wrong, status=64)


def check_composition(result, samples):
    composition = result["accepted_background"]
    assert [part["process"] for part in composition] == ["w", "qcd", "z", "ttbar"], composition
    for at, point in enumerate(samples["w"]["working_points"]):
        accepted = [part["weight"] * samples[part["process"]]["working_points"][at]["fraction"]["value"] for part in composition]
        for part, of in zip(composition, accepted):
            assert abs(part["shares"][at] - (of / sum(accepted) if sum(accepted) else 0)) < 1e-9, (point["name"], part)


def check_columns_beside(tool, vae, rows, folder):
    """A column that is no input is plotted against; one with a gap is left out."""
    for name, value in (("whole", 31), ("gap", "")):
        table = [{**row, "average_mu": 20 + index % 17 if index != 5 else value} for index, row in enumerate(rows)]
        file = write(folder / f"{name}.csv", table)
        inputs = {entry["input"] for entry in tool.json("evaluate", vae, "--background", file)["dependences"]}
        assert ("average_mu" in inputs) == (name == "whole"), inputs


def check_published_doublets(tool, seed_filter, folder):
    """The published table of seed filters beside ours: of the synthetic sample, and counted again on doublets of noise."""
    published = {0.5: 0.998996700259, 0.75: 0.990524391331, 0.9: 0.922210826719, 0.99: 0.338669401587}
    tool.run("evaluate", seed_filter, "--events", 3000, "--output", folder / "doublets")
    result = json.loads((folder / "doublets" / "evaluation.json").read_text())
    table = result["published_efficiencies"]
    assert {row["rejection"]: row["published"] for row in table} == published and len(table) == 4, table
    for row, at in zip(table, result["samples"][1]["at_rejection"]):
        # Either threshold may be the next fake's score.
        assert row["sample"] == "true doublets" and abs(row["efficiency"] - at["efficiency"]["value"]) < 0.02, (row, at)
        assert row["low"] < at["efficiency"]["value"] < row["high"] + 1e-9, (row, at)
    assert table[0]["low"] > 0.99 and table[3]["high"] - table[3]["low"] > 0.05, table
    page = (folder / "doublets" / "report.html").read_text()
    assert "Published table beside ours" in page and all(f"<td>{value:.4f}</td>" in page for value in published.values()), "the table"
    draw = random.Random(4)
    columns = [f"{side}_adc{pixel}" for side in ("inner", "outer") for pixel in range(256)]
    rows = [{**{column: draw.randrange(20000) for column in columns}, "inner_layer": 0, "outer_layer": 1,
             **{f"f{number}": draw.gauss(0, 1) for number in range(67)}} for _ in range(120)]
    fakes, trues = write(folder / "fakes.csv", rows[:60]), write(folder / "trues.csv", rows[60:])
    tool.run("evaluate", seed_filter, "--background", fakes, "--signal", trues, "--output", folder / "noise")
    table = json.loads((folder / "noise" / "evaluation.json").read_text())["published_efficiencies"]
    assert [row["rejection"] for row in table] == [0.5, 0.75, 0.9], "99 % of 60 fakes leave too few"
    falling, scores = sorted(scores_of(tool, seed_filter, fakes, folder), reverse=True), scores_of(tool, seed_filter, trues, folder)
    for row in table:
        threshold = falling[int((1 - row["rejection"]) * len(falling))]
        assert abs(row["efficiency"] - sum(score > threshold for score in scores) / 60) < 1e-12, row
        assert row["low"] <= row["efficiency"] <= row["high"] and row["ours_is"] == "below", row


main()
