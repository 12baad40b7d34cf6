#!/usr/bin/env python3
"""`tamis replay --compare` finds exactly the events that another threshold decides otherwise, and says why they differ.
Usage: replay_compare_test.py BUILD_DIR SOURCE_DIR"""
import pathlib
import sys
import tempfile

import zmq
from node import wire_module
from reliable_run import ReliableRun
from tool import Tool, free_ports

EVENTS, CHANGED = 1500, 7
MENU = """
name: "planted" version: "1"
model {{ name: "vae" directory: "{models}/vae" }}
stream {{ name: "anomaly" }} stream {{ name: "debug" }} debug_stream: "debug"
path {{ name: "unlikely" seed {{ all {{ quantity: "passes_lepton_trigger" equal: 1 }} }} model: "vae" threshold: {threshold!r}
       stream: "anomaly" }}
path {{ name: "high_met" seed {{ all {{ quantity: "met" at_least: {met} }} }} stream: "anomaly" }}
path {{ name: "random" kind: PASS_THROUGH prescale: 4 stream: "anomaly" }}
"""


def record(tool, build_dir, folder, menu, wire):
    """What a node decides by `menu`, recorded; and the decisions as they went by."""
    run = ReliableRun(build_dir, folder)
    (folder / "menu.pbtxt").write_text(menu)
    pull = zmq.Context.instance().socket(zmq.PULL)
    pull.setsockopt(zmq.RCVHWM, 0)
    watched = pull.bind_to_random_port("tcp://127.0.0.1")
    node_port, down_port = free_ports(2)
    downstream = run.recorder(down_port)
    node = run.node("node", node_port, down_port, extra_output=f'}} output {{ name: "watch" endpoint: "tcp://127.0.0.1:{watched}"')
    for part in (downstream, node):
        part.wait_ready()
    tool.run("replay", folder / "input.mcap", "--connect", f"tcp://127.0.0.1:{node_port}", "--delivery", "reliable")
    decisions = []
    while pull.poll(2000):
        decisions.append(wire.SelectedEvent.FromString(pull.recv()).decision)
    node.stop()
    downstream.stop()
    return decisions


def main():
    build_dir, source_dir = sys.argv[1:3]
    tool, folder = Tool(build_dir), pathlib.Path(tempfile.mkdtemp(prefix="tamis-compare-"))
    wire, models = wire_module(source_dir, folder), f"{source_dir}/models/shipped"
    tool.run("generate", "--events", EVENTS, "--signals", 0.05, "--seed", 8, "--output", folder / "input.mcap")
    low = MENU.format(models=models, threshold=0.0, met=120)
    decisions = record(tool, build_dir, folder, low, wire)
    recorded = folder / "down.mcap"
    scores = sorted((path.score, decision.event) for decision in decisions for path in decision.paths
                    if path.path == 0 and path.accepted)
    assert len(scores) > 3 * CHANGED, f"{len(scores)} events above the threshold"
    same = tool.json("replay", recorded, "--compare", "--menu", folder / "menu.pbtxt")
    assert same["compared"] == len(decisions) and same["different"] == 0 and same["other_menu"] == 0, same

    (kept, _), (next_one, _) = scores[CHANGED - 1:CHANGED + 1]
    assert kept < next_one
    (folder / "planted.pbtxt").write_text(MENU.format(models=models, threshold=(kept + next_one) / 2, met=120))
    for workers, mode in ((1, "shared"), (2, "dedicated")):
        found = tool.json("replay", recorded, "--compare", "--menu", folder / "planted.pbtxt", "--show", 100, "--workers", workers,
                          "--mode", mode, status=1)
        assert found["different"] == CHANGED and found["compared"] == len(decisions), found
        assert found["causes"] == {"model": 0, "threshold": CHANGED, "menu": 0, "build": 0}, found
        assert found["other_menu"] == len(decisions), "all were decided by another menu; most of them alike"
        assert {line["event"] for line in found["differences"]} == {event for _, event in scores[:CHANGED]}, found
        assert all("verdict of path unlikely: yes recorded, no now; threshold" in line["what"] for line in found["differences"]), found
    shown = tool.run("replay", recorded, "--compare", "--menu", folder / "planted.pbtxt", status=1)
    assert shown.count("because of the threshold") == CHANGED, shown
    print(f"{CHANGED} of {len(decisions)} events are decided otherwise by another threshold, and are found")

    (folder / "seeds.pbtxt").write_text(MENU.format(models=models, threshold=0.0, met=1e6))
    found = tool.json("replay", recorded, "--compare", "--menu", folder / "seeds.pbtxt", "--show", 100000, status=1)
    of_met = {decision.event for decision in decisions if any(path.path == 1 for path in decision.paths)}
    assert of_met and {line["event"] for line in found["differences"]} == of_met, found
    assert found["causes"]["menu"] == found["different"] == len(of_met), found
    print(f"another seed: {len(of_met)} events, because of the menu")


if __name__ == "__main__":
    main()
