#!/usr/bin/env python3
"""An independent client: feeds events through real sockets, knowing only wire.proto, and reads what the node selects.
Decisions, payloads, books and the reasons of the debug stream are compared with its own.
Usage: python_client_test.py BUILD_DIR SOURCE_DIR"""
import random
import struct
import sys
import tempfile

from menus import CUTS_ONLY, decide_cuts_only
from node import SOURCES, Node, sign, wire_module

EVENTS, RUN, SEED = 3000, 7, 20181127


def fragments_of(wire, rng, event):
    """The four fragments of an event, its missing momentum and its muons."""
    met = struct.unpack("<f", struct.pack("<f", rng.expovariate(1 / 60)))[0]
    muons = [struct.unpack("<f", struct.pack("<f", rng.uniform(5, 60)))[0] for _ in range(rng.choice([0, 1, 1, 2, 3]))]
    muon_payload = wire.PhysicsObjects(muon_pt=muons, muon_eta=[0.1] * len(muons), muon_phi=[0.2] * len(muons),
                                       muon_charge=[1] * len(muons), muon_iso_charged=[0] * len(muons),
                                       muon_iso_photon=[0] * len(muons), muon_iso_neutral=[0] * len(muons))
    tracker_payload = wire.PhysicsObjects(jet_pt=[40.5], jet_eta=[1.0], jet_phi=[-2.0], jet_mass=[5.0], jet_btag=[0.1],
                                          met_pt=met, met_phi=1.0, charged_hadrons=200, neutral_hadrons=90, vertices=21)
    payloads = {1: (wire.CALORIMETER_CLUSTERS, wire.CalorimeterClusters(average_mu=20.0).SerializeToString()),
                2: (wire.PHYSICS_OBJECTS, muon_payload.SerializeToString()),
                3: (wire.PHYSICS_OBJECTS, tracker_payload.SerializeToString()),
                4: (wire.RAW, bytes(rng.randrange(256) for _ in range(rng.randrange(64))))}
    fragments = [sign(wire.Fragment(run=RUN, event=event, source=source, timestamp_ns=10**18 + event, sequence=event,
                                    payload_type=kind, payload=payload)) for source, (kind, payload) in payloads.items()]
    rng.shuffle(fragments)
    return fragments, met, muons


def main():
    build_dir, source_dir = sys.argv[1:3]
    wire = wire_module(source_dir, tempfile.mkdtemp(prefix="tamis-wire-"))
    print(f"seed {SEED}")
    rng = random.Random(SEED)
    node = Node(build_dir, CUTS_ONLY, extra_input=f"run: {RUN} window_ms: 2000")
    expected, incomplete, sent, faults = {}, set(), {}, {"duplicate": 0, "checksum": 0, "unknown": 0, "run": 0}
    for event in range(1, EVENTS + 1):
        fragments, met, muons = fragments_of(wire, rng, event)
        if event % 50 == 0:  # one source stays silent
            fragments = fragments[:3]
            incomplete.add(event)
        elif event % 61 == 0:  # one fragment is damaged on its way
            fragments[0].crc32c ^= 1
            faults["checksum"] += 1
            incomplete.add(event)
        else:
            expected[event] = decide_cuts_only(RUN, event, met, muons)
            sent[event] = {fragment.source: fragment.SerializeToString() for fragment in fragments}
        for fragment in fragments:
            node.push.send(fragment.SerializeToString())
        if event % 97 == 0 and event not in incomplete:
            node.push.send(fragments[-1].SerializeToString())  # late or duplicate: the event may be decided already
            faults["duplicate"] += 1
        if event % 101 == 0:
            node.push.send(wire.Fragment(run=RUN, event=event, source=99).SerializeToString())
            faults["unknown"] += 1
        if event % 103 == 0:
            node.push.send(wire.Fragment(run=RUN + 1, event=event, source=1).SerializeToString())
            faults["run"] += 1
    accepted = {event: paths for event, paths in expected.items() if paths}
    messages = node.receive_for(20, until=len(accepted) + len(incomplete))
    messages += node.receive_for(0.5)
    metrics = node.metrics()
    summary = node.stop()

    seen = {}
    for message in messages:
        selected = wire.SelectedEvent.FromString(message)
        decision = selected.decision
        assert decision.run == RUN and decision.event not in seen, f"event {decision.event} came twice"
        seen[decision.event] = decision
        if decision.event in incomplete:
            assert decision.outcome == wire.DEBUG_INCOMPLETE, decision
            assert list(decision.streams) == ["debug"] and decision.reasons, decision
            assert len(selected.fragments) == 3, "an incomplete event keeps what it has"
            continue
        names = ["high_met", "two_muons", "random"]
        assert decision.outcome == wire.ACCEPTED and list(decision.streams) == ["physics"], decision
        assert {names[path.path] for path in decision.paths if path.accepted} == accepted[decision.event], decision
        assert decision.menu_hash != 0 and decision.latency_ns > 0
        assert {f.source: f.SerializeToString() for f in selected.fragments} == sent[decision.event], "payloads travel untouched"
    assert set(seen) == set(accepted) | incomplete, f"{len(seen)} events came, {len(accepted) + len(incomplete)} were due"
    check_books(summary, metrics, len(accepted), len(expected) - len(accepted), len(incomplete), faults)
    print(f"{EVENTS} events, {len(accepted)} accepted, {len(incomplete)} incomplete, books closed: ok")


def check_books(summary, metrics, accepted, rejected, incomplete, faults):
    books = summary["books"]
    outcomes, fragments = books["events"], books["fragments"]
    assert books["closed"] and outcomes["accepted"] == accepted and outcomes["rejected"] == rejected, summary
    assert outcomes["debug_incomplete"] == incomplete, summary
    assert fragments["bad_checksum"] == faults["checksum"], summary
    assert fragments["unknown_source"] == faults["unknown"] and fragments["wrong_run"] == faults["run"], summary
    assert fragments["duplicate_same"] + fragments["duplicate_late"] == faults["duplicate"], summary
    assert all(value == 0 for value in books["imbalance"].values()), summary
    imbalances = {name: value for name, value in metrics.items() if "imbalance" in name}
    assert imbalances and all(value == 0 for value in imbalances.values()), imbalances
    assert {source["name"] for source in summary["sources"]} == set(SOURCES.values()), summary


if __name__ == "__main__":
    main()
