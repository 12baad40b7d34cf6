#!/usr/bin/env python3
"""Published models through the command line: imported unchanged, scored from tables, compared with published scores and
decisions. Needs the recorded data. Usage: published_models_test.py BUILD_DIR SOURCE_DIR"""
import csv
import json
import math
import pathlib
import sys
import tempfile

from tool import Tool, data_dir


def write_table(path, columns, rows):
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)


def score(tool, model, folder, columns, rows):
    """The score columns of every row, as a list of dictionaries."""
    write_table(folder / "inputs.csv", columns, rows)
    tool.run("score", model, "--input", folder / "inputs.csv", "--output", folder / "scores.csv")
    with open(folder / "scores.csv", newline="") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def check_vae(tool, data, folder):
    golden = json.loads((data / "vae_v71_golden.json").read_text())
    tool.run("import-model", "vae-tsv", data / "vae_v71_weights.tsv", "--output", folder / "vae")
    events = golden["events"]
    scores = score(tool, folder / "vae", folder, golden["features"], [event["x"] for event in events.values()])
    worst = 0.0
    for (name, event), got in zip(events.items(), scores):
        values = {"nll": event["nll"], "kl": event["kl"], "total": event["tot"]}
        values |= {f"nll_{feature}": term for feature, term in zip(golden["features"], event["per"])}
        for column, published in values.items():
            # Terms below 1e-10 are -ln(1 - p) in doubles, whose spacing beside 1 is no longer 1e-5 of them.
            error = abs(got[column] - published) / max(abs(published), 1e-10)
            worst = max(worst, error)
            assert error < 1e-5, f"{name}: {column} is {got[column]}, published {published}"
    print(f"VAE v71: nll, kl, total and the 21 terms of {len(events)} events agree to {worst:.1e} (limit 1e-5)")


def check_seed_filter(tool, data, folder):
    golden = json.loads((data / "pixelseed_layer_map_golden.json").read_text())
    tool.run("import-model", "onnx", data / "layer_map_model.onnx", "--output", folder / "layer_map")
    pads, features = 16 * 16 * 24, 67
    formula = [[0.05 * math.sin(0.37 * i + 0.1 * n) for i in range(pads)] + [math.cos(0.21 * k + 0.5 * n) for k in range(features)]
               for n in range(3)]
    columns = [f"x{i}" for i in range(pads + features)]
    scores = score(tool, folder / "layer_map", folder, columns, formula + [[0.0] * (pads + features)])
    expected = [golden["cases"][0]["output"][2 * n:2 * n + 2] for n in range(3)] + [golden["cases"][1]["output"]]
    worst = max(abs(got[f"output_{i}"] - want[i]) for got, want in zip(scores, expected) for i in (0, 1))
    assert worst < 1e-5, (scores, expected)
    print(f"pixel-seed layer map: {len(expected)} doublets agree to {worst:.1e} (limit 1e-5)")


def check_ringer(tool, data, folder):
    tool.run("import-model", "ringer-json", data / "ringer_ensembles_mc15c.json", "--output", folder / "ringer")
    with open(data / "run330203_rings.csv", newline="") as file:
        probes = list(csv.DictReader(file))
    rings = [f"ring{i}" for i in range(100)]
    rows = [[float(p["l2_et_mev"]) / 1000, p["l2_eta"], p["avgmu"], *(float(p[ring]) / 1000 for ring in rings)] for p in probes]
    scores = score(tool, folder / "ringer", folder, ["et", "eta", "average_mu", *rings], rows)
    print(f"ringer ensembles of 2016 on {len(probes)} probes of 2017; score columns {list(scores[0])}")
    for point in ("Tight", "Medium", "Loose", "VeryLoose"):
        column = next(name for name in scores[0] if name.lower() in (f"pass_{point}".lower(), f"pass_{point}".lower().replace("veryloose", "very_loose")))
        wrong = [index for index, (p, got) in enumerate(zip(probes, scores)) if int(float(p[f"pass_{point}"])) != int(got[column])]
        print(f"  {point}: {len(probes) - len(wrong)} of {len(probes)} published decisions reproduced"
              + "".join(f"\n    probe {i}: ET {probes[i]['l2_et_mev']} MeV, eta {probes[i]['l2_eta']}" for i in wrong[:5]))
        assert not wrong, f"{point}: {len(wrong)} decisions differ"


def main():
    tool, folder = Tool(sys.argv[1]), pathlib.Path(tempfile.mkdtemp(prefix="tamis-published-"))
    models = data_dir("models")
    if models:
        check_vae(tool, models, folder)
        check_seed_filter(tool, models, folder)
    ringer = data_dir("atlas_neuralringer")
    if ringer:
        check_ringer(tool, ringer, folder)


main()
