#!/usr/bin/env python3
"""Real events of CMS and ATLAS through the same event path: imported, decided by the shipped menu, books closed, features
finite and plausible. Needs the recorded data. Usage: real_data_test.py BUILD_DIR SOURCE_DIR"""
import csv
import gzip
import json
import math
import pathlib
import statistics
import sys
import tempfile

from tool import Tool, data_dir

# File, layout, least events; then what the sample must look like: (feature, low, high) of the median.
SAMPLES = [
    ("cms_ispy_run2012/events.ndjson.gz", "auto", 186, [("HT", 50, 1000)]),
    ("cms_heptutorial/events.ndjson.gz", "auto", 16000, [("LepPt", 20, 70), ("MT", 10, 120)]),
    ("atlas_opendata_4lep/events.ndjson", "auto", 832, [("LepPt", 30, 120)]),
    ("cms_dilepton_csv/Wenu.json", "auto", 900, [("LepPt", 25, 50), ("MT", 50, 90), ("nEle", 1, 1), ("LepIsEle", 1, 1)]),
    ("cms_dilepton_csv/Wmunu.json", "auto", 900, [("LepPt", 25, 50), ("MT", 50, 90), ("nMu", 1, 1), ("LepIsEle", 0, 0)]),
    ("cms_dilepton_csv/Zee_Run2011A.csv", "auto", 9000, [("LepPt", 30, 60), ("allEleMass", 80, 95), ("nEle", 2, 2)]),
    ("cms_dilepton_csv/Zmumu_Run2011A.csv", "auto", 9000, [("LepPt", 30, 60), ("allMuMass", 80, 95), ("nMu", 2, 2)]),
    ("cms_dilepton_csv/4mu_2012.csv", "auto", 50, [("nMu", 4, 4), ("allMuMass", 80, 400)]),
    ("cms_dilepton_csv/4e_2012.csv", "auto", 20, [("nEle", 4, 4), ("allEleMass", 80, 400)]),
]
SHOWN = ["HT", "LepPt", "METp", "METo", "MT", "nMu", "nEle", "nJets", "allMuMass", "allEleMass"]


def replay(tool, folder, data_file, layout):
    recording, features = folder / "events.mcap", folder / "features.csv"
    tool.run("import", data_file, "--layout", layout, "--output", recording, "--replace")
    result = tool.json("replay", recording)
    tool.run("replay", recording, "--features", features)
    with open(features, newline="") as file:
        return result, [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def check_anomalies(tool, folder, source, source_dir, rows):
    """The ten CMS events of the highest scores are those of the README of models/, with the reasons it gives."""
    with gzip.open(source / "events.ndjson.gz", "rt") as file:
        events = [json.loads(line) for line in file]
    told = tool.run("explain", source_dir / "models/shipped/vae", "--input", folder / "features.csv", "--output", folder / "terms.csv",
                    "--top", 3).splitlines()[:-1]
    isolation = ("LepIsoCh", "LepIsoGamma", "LepIsoNeu")
    learnt = [place for place, row in enumerate(rows)
              if row["LepPt"] > (23 if row["LepIsEle"] else 25) and sum(row[name] for name in isolation) < 0.45]
    score = {place: float(told[place].split("score ", 1)[1].split(":", 1)[0]) for place in learnt}
    readme = (source_dir / "models/README.md").read_text()
    print(f"{len(learnt)} of {len(events)} CMS events have a trigger lepton; the ten most anomalous")
    for place in sorted(learnt, key=lambda place: -score[place])[:10]:
        event, reasons = events[place], told[place].split(": ", 2)[2].split()
        print(f"  {event['dataset']:24} {event['run']}:{event['event']} {score[place]:6.1f}  {' '.join(reasons)}")
        shown = f"{event['run']}:{event['event']} | {score[place]:.0f} | {reasons[0]} {float(reasons[1]):.0f}, {reasons[2]} "
        assert shown in readme, f"models/README.md does not say: {shown}"


def main():
    tool, folder = Tool(sys.argv[1]), pathlib.Path(tempfile.mkdtemp(prefix="tamis-real-"))
    print(f"{'median of':28}" + "".join(f"{name:>12}" for name in ["events", "accepted", *SHOWN]))
    for name, layout, least, expected in SAMPLES:
        source = data_dir(pathlib.Path(name).parent)
        if not source:
            continue
        result, rows = replay(tool, folder, source / pathlib.Path(name).name, layout)
        assert result["imbalance_zero"] and result["events"] >= least, (name, result)
        assert result["accepted"] + result["rejected"] == result["events"], (name, result)
        assert len(rows) == result["events"], f"{name}: {len(rows)} rows of features for {result['events']} events"
        assert all(math.isfinite(value) for row in rows for value in row.values()), f"{name}: a feature is not finite"
        medians = {feature: statistics.median(row[feature] for row in rows) for feature in rows[0]}
        print(f"{pathlib.Path(name).parent.name[:14] + '/' + pathlib.Path(name).stem[:12]:28}"
              + "".join(f"{value:12.4g}" for value in [result["events"], result["accepted"], *(medians[n] for n in SHOWN)]))
        if "ispy" in name:
            check_anomalies(tool, folder, source, pathlib.Path(sys.argv[2]), rows)
        for feature, low, high in expected:
            assert low <= medians[feature] <= high, f"{name}: median {feature} is {medians[feature]}, expected {low} to {high}"
    rings = data_dir("atlas_neuralringer")
    if rings:
        tool.run("import", rings / "run330203_rings.csv", "--output", folder / "rings.mcap")
        result = tool.json("replay", folder / "rings.mcap")
        assert result["imbalance_zero"] and result["events"] > 900, result
        print(f"ATLAS rings: {result['events']} events, {result['accepted']} accepted, books closed")


main()
