#!/usr/bin/env python3
"""100,000 random and mutated messages and frames that announce a terabyte at the input of a running node: no crash, every message
counted by reason, memory within its budget, good events keep flowing. Usage: hostile_input_test.py BUILD_DIR SOURCE_DIR [SEED]"""
import random
import sys
import tempfile

from bare_peer import BarePeer
from menus import CUTS_ONLY
from node import Node, good_event, wire_module

HOSTILE, RUN = 100_000, 3
POOL_BYTES = 32 << 20


def hostile_message(wire, rng, template):
    kind = rng.randrange(5)
    if kind == 0:
        return bytes(rng.getrandbits(8) for _ in range(rng.randrange(64)))
    damaged = bytearray(template)
    if kind == 1:  # bits flipped: the CRC or the parse catches it
        for _ in range(rng.randrange(1, 6)):
            damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
        return bytes(damaged)
    if kind == 2:  # cut short
        return bytes(damaged[:rng.randrange(len(damaged))])
    if kind == 3:  # a wrong run, an unknown source
        return wire.Fragment(run=rng.randrange(10, 99), event=rng.randrange(9), source=rng.choice([1, 2, 3, 4, 6, 60])).SerializeToString()
    return bytes(damaged) + bytes(rng.getrandbits(8) for _ in range(rng.randrange(1, 30)))  # and a tail of noise


def resident_bytes(node, which):
    """VmRSS now, VmHWM the most there was."""
    with open(f"/proc/{node.process.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) << 10 for line in status if line.startswith(which))


def main():
    build_dir, source_dir = sys.argv[1:3]
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    print(f"seed {seed}")
    rng = random.Random(seed)
    wire = wire_module(source_dir, tempfile.mkdtemp(prefix="tamis-wire-"))
    node = Node(build_dir, CUTS_ONLY, extra_input=f"run: {RUN} window_ms: 300 max_message_bytes: 65536 max_event_bytes: 262144 "
                                              f"pool_bytes: {POOL_BYTES} pool_events: 4096")
    at_start = resident_bytes(node, "VmRSS")
    template = good_event(wire, RUN, 10**9)[2]
    good = 0
    for index in range(HOSTILE):
        node.push.send(hostile_message(wire, rng, template))
        if index % 200 == 0:
            good += 1
            for message in good_event(wire, RUN, good):
                node.push.send(message)
        if index % 20_000 == 0:
            node.push.send_multipart([b"two", b"parts", b"endless"])
        if index % 10_000 == 0:
            assert BarePeer(node.ready["endpoints"][0], b"PUSH").announce_until_cut(
                rng.choice([1 << 20, 1 << 40, (1 << 63) - 1])), "a giant frame is cut off"
    messages = node.receive_until_quiet(quiet=3, limit=100)
    grown = resident_bytes(node, "VmHWM") - at_start
    # The pool, the link's own queues (1000 messages per peer) and what allocators keep.
    assert grown < POOL_BYTES + (32 << 20), f"{grown >> 20} MiB more than at the start"
    metrics = node.metrics()
    assert any("imbalance" in name for name in metrics)
    summary = node.stop()
    arrived = [wire.SelectedEvent.FromString(message).decision for message in messages]
    accepted = [d.event for d in arrived if d.outcome == wire.ACCEPTED and d.event <= good]
    assert sorted(set(accepted)) == list(range(1, good + 1)), f"{len(set(accepted))} of {good} good events arrived"
    fragments = summary["books"]["fragments"]
    multipart = HOSTILE // 20_000
    assert fragments["received"] == HOSTILE + 4 * good + multipart, fragments
    assert all(value == 0 for value in summary["books"]["imbalance"].values()), summary
    for reason in ("malformed", "bad_checksum", "unknown_source", "wrong_run"):
        assert fragments[reason] > 1000, (reason, fragments)
    print(f"{HOSTILE} hostile messages: " + ", ".join(f"{key} {value}" for key, value in fragments.items()))
    print(f"{good} of {good} good events arrived, books closed, at most {grown >> 20} MiB taken: ok")


main()
