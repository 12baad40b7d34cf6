#!/usr/bin/env python3
"""Ringers on the real probes of 2017 beside the published ensembles and the cut-based selection.
Usage: ringer_probes.py --tamis PROGRAM [--data DIR] [--seed N] [--synthetic MODEL_DIR] [--json FILE]

Electrons: probes that pass lhmedium; others: those that fail lhvloose; ET of the cluster above 15 GeV. A bank trained on
synthetic cells (default: the shipped one) is applied unchanged; one bank is trained on each half of the probes and tested on
the other half, so that every probe is judged by a network that has not seen it. Halves are drawn by SHA-256 of seed and
event number: probes of one event stay together. Where the table of probes has the columns e237, e277, emaxs1, e2tsts1, f1, ehad1,
roi_delta_eta and roi_delta_phi (GeV), the cut-based selection is judged at all four points."""
import argparse
import csv
import hashlib
import json
import math
import pathlib
import re
import subprocess
import sys
import tempfile

RINGS = [f"ring{i}" for i in range(100)]
SHAPES = ["e237", "e277", "emaxs1", "e2tsts1", "f1", "ehad1", "roi_delta_eta", "roi_delta_phi"]
POINTS = {"tight": "Tight", "medium": "Medium", "loose": "Loose", "very_loose": "VeryLoose"}
LEAST_ET_GEV = 15
# One bin: half the probes hold some sixty that are no electrons.
BINS = ["--et-edges", "15,1e6", "--eta-edges", "0,2.5", "--least-clusters", "10", "--test-share", "0"]
FOLDS = ["--folds", "10", "--initialisations", "5"]
CUT_CHAIN = "HLT_e28_lhtight_nod0_noringer_ivarloose"


def read_probes(folder):
    """Rows of the table form with label, event, published decisions and what the cut-based chain decided."""
    with open(folder / "run330203_rings.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    decisions = json.loads((folder / "run330203_trigger_decisions.json").read_text())
    chain = decisions["triggers"].index(CUT_CHAIN)
    probes = []
    for row, decision in zip(rows, decisions["decisions"], strict=True):
        assert int(float(row["EventNumber"])) == decision["ev"], "rings and decisions are of different events"
        et = float(row["l2_et_mev"]) / 1000
        is_electron, is_other = row["lhmedium"] == "1", row["lhvloose"] == "0"
        if et <= LEAST_ET_GEV or is_electron == is_other:
            continue
        probes.append({"et": et, "eta": float(row["l2_eta"]), "average_mu": float(row["avgmu"]),
                       **{ring: float(row[ring]) / 1000 for ring in RINGS},
                       **{shape: float(row[shape]) for shape in SHAPES if row.get(shape)},
                       "label": int(is_electron), "event": row["EventNumber"],
                       "published": {name: row[f"pass_{point}"] == "1" for name, point in POINTS.items()},
                       "cut_chain": decision["L2_calo_accept"][chain]})
    return probes


def half_of(probe, seed):
    return hashlib.sha256(f"{seed}:{probe['event']}".encode()).digest()[0] & 1


def write_table(file, probes):
    columns = ["et", "eta", "average_mu", *(shape for shape in SHAPES if shape in probes[0]), *RINGS, "label"]
    with open(file, "w", newline="") as stream:
        writer = csv.DictWriter(stream, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(probes)


def run(tamis, *arguments):
    done = subprocess.run([tamis, *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"tamis {' '.join(map(str, arguments))}: exit status {done.returncode}\n{done.stderr[-2000:]}")
    return done.stdout


def score(tamis, model, probes, folder):
    """Score and decisions of every probe."""
    write_table(folder / "probes.csv", probes)
    run(tamis, "score", model, "--input", folder / "probes.csv", "--output", folder / "scores.csv")
    with open(folder / "scores.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    return [{"score": float(row["score"]), **{name: row[f"pass_{name}"] in ("1", "1.0") for name in POINTS}} for row in rows]


def interval(passed, total):
    """68 % interval of Wilson (1927)."""
    share, z = passed / total, 1.0
    middle = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total)) / (1 + z * z / total)
    return max(0.0, middle - half), min(1.0, middle + half)


def fraction(verdicts):
    passed, total = sum(verdicts), len(verdicts)
    low, high = interval(passed, total)
    return {"value": passed / total, "passed": passed, "total": total, "low": low, "high": high}


def sp_index(detection, false_alarm):
    return math.sqrt(math.sqrt(detection * (1 - false_alarm)) * (detection + 1 - false_alarm) / 2)


def judged(probes, verdicts):
    """PD, FA and the SP of this working point, with its error by the errors of both."""
    detection = fraction([v for probe, v in zip(probes, verdicts, strict=True) if probe["label"]])
    false_alarm = fraction([v for probe, v in zip(probes, verdicts, strict=True) if not probe["label"]])
    sp = sp_index(detection["value"], false_alarm["value"])
    low = sp_index(detection["low"], false_alarm["high"])
    high = sp_index(detection["high"], false_alarm["low"])
    return {"PD": detection, "FA": false_alarm, "SP": {"value": sp, "low": low, "high": high}}


def best_sp(probes, scores):
    """Largest SP over all thresholds with its deviation over 200 draws of the probes with replacement (by a hash)."""
    def of(sample):
        order = sorted(sample, key=lambda each: -each[0])
        electrons = sum(label for _, label in order)
        others, kept, kept_others, best = len(order) - electrons, 0, 0, 0.0
        for i, (value, label) in enumerate(order):
            kept, kept_others = kept + label, kept_others + 1 - label
            if i + 1 == len(order) or order[i + 1][0] != value:
                best = max(best, sp_index(kept / electrons, kept_others / others))
        return best
    pairs = [(s, probe["label"]) for probe, s in zip(probes, scores, strict=True)]
    classes = [[pair for pair in pairs if pair[1] == label] for label in (0, 1)]
    draws = []
    for draw in range(200):
        sample = []
        for part in classes:
            for i in range(len(part)):
                number = int.from_bytes(hashlib.sha256(f"draw:{draw}:{part[0][1]}:{i}".encode()).digest()[:8], "big")
                sample.append(part[number % len(part)])
        draws.append(of(sample))
    mean = sum(draws) / len(draws)
    return {"value": of(pairs), "deviation": math.sqrt(sum((d - mean) ** 2 for d in draws) / (len(draws) - 1))}


def train_halves(options, probes, folder):
    """Decisions of every probe by the bank that was trained on the other half."""
    answers = [None] * len(probes)
    for half in (0, 1):
        training = [probe for probe in probes if half_of(probe, options.seed) != half]
        tested = [i for i, probe in enumerate(probes) if half_of(probe, options.seed) == half]
        write_table(folder / "half.csv", training)
        model = folder / f"half{half}"
        printed = run(options.tamis, "train", "ringer", "--input", folder / "half.csv", "--output", model, "--seed", options.seed,
                      *BINS, *FOLDS)
        electrons = sum(probe["label"] for probe in training)
        print(f"trained on {electrons} electrons and {len(training) - electrons} others, tested on {len(tested)} probes")
        print("  " + next(line for line in printed.splitlines() if line.startswith("et0_eta0.onnx")))
        for i, answer in zip(tested, score(options.tamis, model, [probes[i] for i in tested], folder), strict=True):
            answers[i] = answer
    return answers


def cut_selection(options, probes, chain_gev):
    """What `tamis train ringer` prints of the cut-based selection on all clusters, before it trains."""
    with tempfile.TemporaryDirectory(prefix="tamis-cuts-") as name:
        folder = pathlib.Path(name)
        write_table(folder / "probes.csv", probes)
        printed = run(options.tamis, "train", "ringer", "--input", folder / "probes.csv", "--output", folder / "model", *BINS,
                      "--epochs", 1, "--folds", 2, "--initialisations", 1, *(["--cut-chain", chain_gev] if chain_gev else []))
    points = {}
    for point, detection, electrons, false_alarm, others in re.findall(
            r"cut-based (\w+) on all clusters: PD ([\d.]+) of (\d+) .*? FA ([\d.]+) of (\d+)", printed):
        counts = [(round(float(share) * int(total)), int(total)) for share, total in ((detection, electrons), (false_alarm, others))]
        verdicts = [[True] * passed + [False] * (total - passed) for passed, total in counts]
        points[point] = judged([{"label": 1}] * counts[0][1] + [{"label": 0}] * counts[1][1], verdicts[0] + verdicts[1])
    return {"points": points}


def text_of(figure):
    return f"{figure['value']:.4f} [{figure['low']:.4f}, {figure['high']:.4f}]"


def show(title, result):
    print(title + (f": largest SP {result['best_sp']['value']:.4f} +- {result['best_sp']['deviation']:.4f}"
                   if "best_sp" in result else ""))
    for name, point in result["points"].items():
        print(f"  {name:10}  PD {text_of(point['PD'])} of {point['PD']['total']}  FA {text_of(point['FA'])} of {point['FA']['total']}"
              f"  SP {text_of(point['SP'])}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tamis", required=True)
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--seed", type=int, default=512)
    parser.add_argument("--synthetic", default="models/shipped/ringer")
    parser.add_argument("--json")
    options = parser.parse_args()
    data = pathlib.Path(options.data) / "atlas_neuralringer"
    if not (data / "run330203_rings.csv").is_file():
        print(f"skipped: recorded data not found at {data}")
        return
    probes = read_probes(data)
    electrons = sum(probe["label"] for probe in probes)
    print(f"{len(probes)} probes of run 330203: {electrons} electrons, {len(probes) - electrons} others; intervals are of 68 %")
    results = {}
    with tempfile.TemporaryDirectory(prefix="tamis-ringer-") as name:
        folder = pathlib.Path(name)
        for title, answers in (("trained on synthetic cells, applied unchanged", score(options.tamis, options.synthetic, probes, folder)),
                               ("trained on half of the probes, tested on the other", train_halves(options, probes, folder))):
            results[title] = {"best_sp": best_sp(probes, [answer["score"] for answer in answers]),
                              "points": {name: judged(probes, [answer[name] for answer in answers]) for name in POINTS}}
    results["published ensembles of 2016"] = {"points": {name: judged(probes, [probe["published"][name] for probe in probes])
                                                         for name in POINTS}}
    decided = [probe for probe in probes if probe["cut_chain"] in (0, 1)]
    if all("e237" in probe for probe in probes):
        results["cut-based selection, tables of chains of 22 GeV and more"] = cut_selection(options, probes, 22)
        results["cut-based selection, tables by the ET of each probe"] = cut_selection(options, probes, None)
    else:
        print("the probes have no columns of shower shapes: of the cut-based selection only what ATLAS recorded")
    results[f"cut-based tight as ATLAS recorded it ({CUT_CHAIN}, where its first level passed)"] = {
        "points": {"tight": judged(decided, [probe["cut_chain"] == 1 for probe in decided])}}
    for title, result in results.items():
        show(title, result)
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(results, indent=1) + "\n")


main()
