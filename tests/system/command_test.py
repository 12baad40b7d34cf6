#!/usr/bin/env python3
"""The toolbox as a person meets it: help with an example for every subcommand, exit statuses, mistakes that say where, what
and what to do. Usage: command_test.py BUILD_DIR SOURCE_DIR"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

from tool import Tool

COMMANDS = ["check", "demo", "generate", "record", "replay", "rates", "train", "calibrate", "evaluate", "score", "explain", "novelty",
            "import", "export", "import-model", "export-model", "inspect", "repair", "dispatch", "audit", "bench", "keys"]


def main():
    build_dir, source_dir = sys.argv[1:3]
    tool, folder = Tool(build_dir), pathlib.Path(tempfile.mkdtemp(prefix="tamis-command-"))
    shown = tool.run("--help")
    for command in COMMANDS:
        assert re.search(rf"^  {command} ", shown, re.M), f"{command} is not in tamis --help"
        assert "Example:\n  tamis " + command in tool.run(command, "--help"), f"{command} --help has no example"
    tool.run("no-such-command", status=64)
    tool.run("replay", status=64)
    tool.run("generate", "--events", 10, status=64)
    tool.run("generate", "--source", "wheel", "--output", folder / "x.mcap", status=64)
    tool.run("replay", folder / "absent.mcap", status=66)
    (folder / "noise.mcap").write_bytes(b"this is no recording at all" * 100)
    tool.run("inspect", folder / "noise.mcap", status=65)
    check_configuration(tool, source_dir, folder)
    check_scoring(tool, source_dir, folder)
    check_training(tool, folder)
    check_networks(tool, source_dir, folder)
    check_int8(tool, source_dir, folder)
    bench = tool.json("bench", "--seconds", 0.05, "--events", 256)
    assert {row["model"] for row in bench["models"]} == {"vae", "ringer", "seed_filter"}, bench
    done = subprocess.run([f"{build_dir}/bin/tamisd", str(folder / "broken.pbtxt")], capture_output=True, text=True, check=False)
    assert done.returncode == 78 and "broken.pbtxt:" in done.stderr, done
    print("commands, exit statuses and messages: ok")


def check_configuration(tool, source_dir, folder):
    for menu in sorted(pathlib.Path(source_dir, "config/menus").glob("*.pbtxt")):
        tool.run("check", "--menu", menu)
    for deployment in sorted(pathlib.Path(source_dir, "config/deployments").glob("*.pbtxt")):
        too_small = deployment.stem == "low_latency" and os.cpu_count() < 5  # it pins threads to processors 1 to 4
        tool.run("check", deployment, status=78 if too_small else 0)
        assert not too_small or "this machine has" in tool.errors, tool.errors
    (folder / "broken.pbtxt").write_text('name: "broken"\nmenu: "absent.pbtxt"\ninput {\n  endpoint: "tcp//nowhere"\n'
                                         '  source { id: 1 name: "one" }\n  windw_ms: 3\n}\n'
                                         'output { name: "out" endpoint: "ipc://out" }\nthreads { workers: 0 }\n')
    tool.run("check", folder / "broken.pbtxt", status=78)
    for place in ("broken.pbtxt:2:", "broken.pbtxt:4:", "broken.pbtxt:6:", "broken.pbtxt:9:"):
        assert place in tool.errors, f"no mistake reported at {place}\n{tool.errors}"
    assert "window_ms" in tool.errors, tool.errors


def check_scoring(tool, source_dir, folder):
    model = pathlib.Path(source_dir, "models/shipped/vae")
    tool.run("inspect", model)
    tool.run("inspect", next(model.glob("*.onnx")))
    recording, features, scores = folder / "events.mcap", folder / "features.csv", folder / "scores.csv"
    tool.run("generate", "--events", 200, "--output", recording)
    tool.run("replay", recording, "--features", features)
    tool.run("score", model, "--input", features, "--output", scores)
    lines = scores.read_text().splitlines()
    assert len(lines) == 201 and {"score", "nll", "kl"} <= set(lines[0].split(",")), lines[0]
    broken = features.read_text().splitlines()
    broken[7] = broken[7].replace(broken[7].split(",")[3], "nan", 1)
    (folder / "broken.csv").write_text("\n".join(broken) + "\n")
    tool.run("score", model, "--input", folder / "broken.csv", "--output", folder / "never.csv", status=65)
    assert "broken.csv:8: column" in tool.errors and not (folder / "never.csv").exists(), tool.errors
    result = tool.json("evaluate", model, "--events", 2000)
    areas = {sample["name"]: sample.get("roc_area", 0) for sample in result["samples"]}
    assert areas["a_to_4l"] > 0.85, areas


def check_networks(tool, source_dir, folder):
    """A network that is taken and one that is not: both say what they hold."""
    network = pathlib.Path(source_dir, "models/shipped/vae/vae.onnx")
    held = tool.json("inspect", network)
    operators = {one["operator"]: (one["count"], one["supported"]) for one in held["operators"]}
    assert operators == {"Gemm": (9, True), "Identity": (5, True), "Relu": (4, True)}, operators
    assert held["inputs"] == [{"name": "x", "type": "float32", "shape": "[batch, 21]"}] and len(held["outputs"]) == 5, held
    assert held["parameters"] == 9306 and held["multiply_adds"] == 9050, held
    assert held["layers"] and all(layer["executor"] for layer in held["layers"]), held
    assert [row["rows"] for row in held["times"]] == [1, 8, 64] and held["reference_difference"] < 1e-5, held
    foreign = folder / "foreign.onnx"
    foreign.write_bytes(network.read_bytes().replace(b"Relu", b"Zelu"))
    refused = json.loads(tool.run("inspect", foreign, "--json", status=65))
    assert {"operator": "Zelu", "count": 4, "supported": False} in refused["operators"], refused
    assert len(refused["unsupported_nodes"]) == 4 and "Zelu" in refused["refused"] and "times" not in refused, refused
    shown = tool.run("inspect", foreign, status=65)
    assert "Zelu" in shown and "NO" in shown and "refused:" in shown, shown
    (folder / "noise.onnx").write_bytes(b"this is no network at all")
    tool.run("inspect", folder / "noise.onnx", status=65)
    tool.run("bench", "engine", foreign, status=65)
    tool.run("bench", "engine", folder / "absent.onnx", status=66)
    assert "Example:\n  tamis bench engine" in tool.run("bench", "engine", "--help")
    timed = tool.json("bench", "engine", network, "--batch", 1, "--batch", 8, "--seconds", 0.01)["networks"]
    assert [(row["rows"], row["caches"]) for row in timed[0]["rows"]] == [(1, "hot"), (1, "cold"), (8, "hot"), (8, "cold")], timed
    assert [peer["peer"] for peer in timed[0]["rows"][0]["peers"]][:2] == ["tamis", "oneDNN alone"], timed
    assert not timed[0]["disagreements"] and timed[0]["load_ms"]["tamis"] > 0, timed


def check_int8(tool, source_dir, folder):
    """Calibrated on real rows of a network, judged on others, and the model that is written scores."""
    network, features, model = pathlib.Path(source_dir, "models/shipped/vae/vae.onnx"), folder / "rows.csv", folder / "int8"
    names = (folder / "features.csv").read_text().splitlines()
    numbers = [[float(value) for value in line.split(",")][:21] for line in names[1:]]
    lines = [",".join(f"x{i}" for i in range(21))] + [",".join(map(repr, row)) for row in numbers]
    features.write_text("\n".join(lines) + "\n")
    told = tool.run("import-model", "onnx", network, "--output", model, "--int8", features)
    assert "calibrated with 160 rows, judged on 40 others" in told and "decided otherwise" in told, told
    assert "score difference: largest" in told and "x as fast" in told, told
    assert "int8.low" in (model / "manifest.pbtxt").read_text()
    tool.run("score", model, "--input", features, "--output", folder / "int8.csv")
    assert len((folder / "int8.csv").read_text().splitlines()) == 201
    features.write_text("\n".join(lines[:11]) + "\n")
    tool.run("import-model", "onnx", network, "--output", folder / "never", "--int8", features, status=65)
    assert "too few" in tool.errors and not (folder / "never").exists(), tool.errors
    tool.run("import-model", "onnx", network, "--output", folder / "never", "--int8", folder / "absent.csv", status=66)
    tool.run("import-model", "vae-tsv", network, "--output", folder / "never", "--int8", features, status=64)


def check_training(tool, folder):
    """Same recipe, same seed: the same bytes."""
    for kind, options in (("vae", ["--events", 4000, "--epochs", 1]), ("ringer", ["--events", 45000, "--epochs", 2]),
                          ("seed-filter", ["--events", 2000, "--epochs", 1])):
        for copy in ("one", "two"):
            tool.run("train", kind, "--output", folder / f"{kind}-{copy}", *options)
        files = sorted(path.name for path in (folder / f"{kind}-one").iterdir())
        for name in files:
            one, two = ((folder / f"{kind}-{copy}" / name).read_bytes() for copy in ("one", "two"))
            assert one == two, f"{kind}: {name} differs between two trainings"
        print(f"{kind}: {len(files)} files, identical in two trainings")
    check_resumed_training(tool, folder)


def check_resumed_training(tool, folder):
    """Stopped after an epoch and gone on from its checkpoint: the same bytes."""
    options = ["--events", 4000, "--epochs", 2]
    checkpoint = folder / "vae.checkpoint"
    tool.run("train", "vae", "--output", folder / "vae-straight", *options)
    tool.run("train", "vae", "--output", folder / "vae-stopped", "--events", 4000, "--epochs", 1, "--checkpoint", checkpoint)
    tool.run("train", "vae", "--output", folder / "vae-resumed", *options, "--checkpoint", checkpoint)
    assert "epoch   1" not in tool.errors and "epoch   2" in tool.errors, tool.errors
    for path in (folder / "vae-straight").iterdir():
        assert path.read_bytes() == (folder / "vae-resumed" / path.name).read_bytes(), path.name
    checkpoint.write_bytes(checkpoint.read_bytes()[:-1])
    tool.run("train", "vae", "--output", folder / "vae-damaged", *options, "--checkpoint", checkpoint, status=65)
    assert "vae.checkpoint: damaged" in tool.errors, tool.errors
    tool.run("train", "ringer", "--output", folder / "never", "--checkpoint", checkpoint, status=64)


main()
