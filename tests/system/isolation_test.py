#!/usr/bin/env python3
"""Isolation as a model: made from a VAE and a sample, the same bytes again; its score is that of tamis novelty and that which a
node decides by, bit for bit; what is refused. Usage: isolation_test.py BUILD_DIR SOURCE_DIR"""
import pathlib
import subprocess
import sys
import tempfile

from csv_rows import as_float, read, write
from node import Node, wire_module
from tool import Tool

EVENTS, NEIGHBOURS = 900, 5


def check_novelty(tool, folder, vae, rows):
    """Every second row is the reference, the others calibrate: with all points of a file the score is what novelty says."""
    sample, accepted = write(folder / "sample.csv", rows[:600]), write(folder / "accepted.csv", rows[600:700])
    reference = write(folder / "reference.csv", rows[:600:2])
    made = ("train", "isolation", "--encoder", vae, "--input", sample, "--points", 300, "--neighbours", NEIGHBOURS, "--seed", 3)
    told = tool.run(*made, "--output", folder / "model")
    assert "300 reference points, 5 neighbours; encoder of model vae" in told and "very_loose: score >" in told, told
    tool.run(*made, "--output", folder / "again")
    for name in ("manifest.pbtxt", "encoder.onnx", "reference.f32"):
        assert (folder / "model" / name).read_bytes() == (folder / "again" / name).read_bytes(), name
    tool.run("score", folder / "model", "--input", accepted, "--output", folder / "scores.csv")
    tool.run("novelty", vae, "--reference", reference, "--input", accepted, "--output", folder / "novelty.csv",
             "--neighbours", NEIGHBOURS)
    scores = [row["score"] for row in read(folder / "scores.csv")]
    assert scores == [row["isolation"] for row in read(folder / "novelty.csv")] and len(set(scores)) == 100
    tool.run("inspect", folder / "model")
    tool.run("calibrate", folder / "model", "--background", sample, "--point", "half=fraction:0.5", "--output", folder / "half")
    result = tool.json("evaluate", folder / "half", "--events", 300)
    assert result["kind"] == "isolation" and len(result["samples"]) == 9, result
    print(f"{len(scores)} scores are those of tamis novelty")


def check_node(tool, build_dir, source_dir, folder, events):
    """In a menu beside the VAE: the recorded scores are those of tamis score."""
    wire = wire_module(source_dir, tempfile.mkdtemp(prefix="tamis-wire-"))
    menu = f"""
name: "isolated"
model {{ name: "isolation" directory: "{folder}/model" }}
model {{ name: "vae" directory: "{source_dir}/models/shipped/vae" }}
stream {{ name: "physics" }}
stream {{ name: "debug" }}
debug_stream: "debug"
path {{ name: "any" model: "isolation" threshold: -1e6 stream: "physics" }}
path {{ name: "isolated" model: "isolation" working_point: "very_loose" stream: "physics" }}
path {{ name: "anomaly" model: "vae" working_point: "very_loose" stream: "physics" }}
"""
    tool.run("score", folder / "model", "--input", write(folder / "all.csv", list(events.values())), "--output", folder / "all_scores.csv")
    expected = {event: as_float(score["score"]) for event, score in zip(events, read(folder / "all_scores.csv"))}
    node = Node(build_dir, menu, extra_input="run: 1 window_ms: 5000")
    subprocess.run([f"{build_dir}/bin/tamis", "generate", "--events", str(EVENTS), "--connect", node.ready["endpoints"][0]], check=True,
                   capture_output=True)
    messages = node.receive_for(30, until=len(expected)) + node.receive_for(0.5)
    node.stop()
    decisions = [wire.SelectedEvent.FromString(message).decision for message in messages]
    seen = {decision.event: decision for decision in decisions}
    assert set(seen) == set(expected), (len(seen), len(expected))
    passed = 0
    for event, decision in seen.items():
        by_path = {result.path: result for result in decision.paths}
        assert by_path[0].score == expected[event], (event, by_path[0].score, expected[event])
        passed += by_path[1].accepted if 1 in by_path else 0
        terms = [result.contributions for result in decision.models if result.name == "isolation"]
        distance, usual, spread = terms[0]
        assert abs((distance - usual) / spread - expected[event]) <= 1e-4 * (1 + abs(expected[event])), (event, terms)
    assert 0 < passed < len(expected) / 5, passed
    print(f"node: {len(seen)} scores equal bit for bit, {passed} events isolated")


def check_refusals(tool, folder, source_dir, vae):
    never, sample = folder / "never", folder / "sample.csv"
    tool.run("train", "isolation", "--input", sample, "--output", never, status=64)
    assert "right is --encoder DIR" in tool.errors, tool.errors
    tool.run("train", "vae", "--points", 5, "--input", sample, "--output", never, status=64)
    assert "--points 5 goes with isolation" in tool.errors, tool.errors
    ringer = pathlib.Path(source_dir, "models/shipped/ringer")
    tool.run("train", "isolation", "--encoder", ringer, "--input", sample, "--output", never, status=65)
    assert f"{ringer}: model 'ringer' is of kind 'ringer'; right is one of kind vae" in tool.errors, tool.errors
    tool.run("train", "isolation", "--encoder", vae, "--latent", "nu", "--input", sample, "--output", never, status=65)
    assert "no output nu; right is one of mu" in tool.errors, tool.errors
    tool.run("train", "isolation", "--encoder", vae, "--points", 6, "--input", sample, "--output", never, status=65)
    assert "sample.csv" in tool.errors and "6 points (too few)" in tool.errors, tool.errors
    assert not never.exists()
    # A menu on a model whose reference was changed, and on one whose manifest asks too much.
    menu = folder / "menu.pbtxt"
    menu.write_text('name: "m"\nmodel { name: "isolation" directory: "again" }\nstream { name: "physics" }\nstream { name: "debug" }\n'
                    'debug_stream: "debug"\npath { name: "isolated" model: "isolation" working_point: "loose" stream: "physics" }\n')
    manifest = folder / "again" / "manifest.pbtxt"
    tool.run("check", "--menu", menu)
    text = manifest.read_text()
    manifest.write_text(text.replace("value: [5]", "value: [65]"))
    tool.run("check", "--menu", menu, status=78)
    assert "model isolation" in tool.errors and "'neighbours' is no whole number" in tool.errors, tool.errors
    manifest.write_text(text.replace("value: [5]", "value: [five]"))
    tool.run("check", "--menu", menu, status=78)
    line = text[:text.index("value: [5]")].count("\n") + 1
    assert f"again/manifest.pbtxt:{line}:" in tool.errors, tool.errors
    manifest.write_text(text)
    with open(folder / "again" / "reference.f32", "r+b") as file:
        file.write(b"\1")
    tool.run("check", "--menu", menu, status=78)
    assert "model isolation" in tool.errors and "reference.f32 has SHA-256" in tool.errors, tool.errors


def main():
    build_dir, source_dir = sys.argv[1:3]
    tool, folder = Tool(build_dir), pathlib.Path(tempfile.mkdtemp(prefix="tamis-isolation-"))
    vae = pathlib.Path(source_dir, "models/shipped/vae")
    tool.run("generate", "--events", EVENTS, "--output", folder / "events.mcap")
    tool.run("replay", folder / "events.mcap", "--features", folder / "features.csv")
    events = {event: row for event, row in enumerate(read(folder / "features.csv"), 1) if float(row["LepPt"]) > 0}
    check_novelty(tool, folder, vae, list(events.values()))
    check_node(tool, build_dir, source_dir, folder, events)
    check_refusals(tool, folder, source_dir, vae)
    print("isolation as a model: ok")


main()
