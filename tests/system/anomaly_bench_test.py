#!/usr/bin/env python3
"""Autoencoders of any table as a person trains them, and the anomaly benchmark on its smallest set.
Usage: anomaly_bench_test.py BUILD_DIR SOURCE_DIR"""
import json
import pathlib
import random
import subprocess
import sys
import tempfile

from tool import Tool, data_dir

KINDS = ("autoencoder", "gaussian-vae")


def write(file, rows, header="energy,width,label"):
    file.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n", encoding="ascii")
    return file


def main():
    build_dir, source_dir = map(pathlib.Path, sys.argv[1:3])
    tool, folder = Tool(build_dir), pathlib.Path(tempfile.mkdtemp(prefix="tamis-any-table-"))
    rng = random.Random(5)
    rows = [(value := rng.gauss(50, 10), value / 5 + rng.gauss(0, 0.1), 0) for _ in range(300)]
    good = write(folder / "good.csv", rows)
    for kind in KINDS:
        check_kind(tool, kind, good, folder)
    check_refusals(tool, rows, good, folder)
    check_bench(tool, build_dir, source_dir, folder)
    print("autoencoders of any table: ok")


def check_kind(tool, kind, good, folder):
    first, second = folder / kind / "first", folder / kind / "second"
    for output in (first, second):
        report = tool.run("train", kind, "--input", good, "--output", output, "--seed", 7, "--epochs", 15)
        assert "2 columns" in report and "(kept)" in report, report
    files = sorted(path.name for path in first.iterdir())
    assert files == sorted(path.name for path in second.iterdir()) and len(files) == 2, files
    for name in files:
        assert (first / name).read_bytes() == (second / name).read_bytes(), f"{name}: same seed, other bytes"
    tool.run("score", first, "--input", good, "--output", folder / "scores.csv")
    assert (folder / "scores.csv").read_text(encoding="ascii").startswith("score,"), "no column score"


def check_refusals(tool, rows, good, folder):
    bad = {"constant": [(row[0], 3, 0) for row in rows], "two": rows[:2], "empty": [*rows, ("", 1, 0)]}
    for name, table in bad.items():
        file = write(folder / f"{name}.csv", table)
        tool.run("train", "autoencoder", "--input", file, "--output", folder / name, status=65)
        assert str(file) in tool.errors, tool.errors
        assert not (folder / name).exists(), "something was written"
    tool.run("train", "autoencoder", "--input", folder / "constant.csv", "--output", folder / "constant", "--epochs", 2,
             "--allow-constant")
    tool.run("train", "autoencoder", "--output", folder / "none", status=64)
    tool.run("train", "gaussian-vae", "--input", good, "--output", folder / "none", "--checkpoint", folder / "c", status=64)
    tool.run("train", "vae", "--allow-constant", "--output", folder / "none", status=64)


def check_bench(tool, build_dir, source_dir, folder):
    data = data_dir("adbench")
    if data is None:
        return
    done = subprocess.run([sys.executable, str(source_dir / "bench/anomaly_bench.py"), "--tamis", tool.program, "--data",
                           str(data.parent), "--only", "breastw", "--jobs", "1", "--json", str(folder / "bench.json")],
                          capture_output=True, text=True, check=False, timeout=150, cwd=build_dir)
    assert done.returncode == 0, done.stdout + done.stderr
    measured = json.loads((folder / "bench.json").read_text(encoding="utf-8"))["measured"]["adbench"]["breastw"]
    for model, figures in measured.items():
        assert figures["roc"] > 0.96, f"breastw, {model}: ROC area {figures['roc']}; published detectors have .98 to .995"


if __name__ == "__main__":
    main()
