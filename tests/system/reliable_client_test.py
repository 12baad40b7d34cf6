#!/usr/bin/env python3
"""Both ends of a reliable link written again in Python from streams/reliable/PROTOCOL.md and wire.proto alone: a source that feeds
a node, damages, repeats and withholds messages, and a receiver for what the node selects that dies in the middle.
Usage: reliable_client_test.py BUILD_DIR SOURCE_DIR"""
import pathlib
import struct
import sys
import tempfile
import time

import zmq

from menus import CUTS_ONLY, decide_cuts_only
from node import crc32c, sign, wire_module
from python_client_test import fragments_of
from reliable_run import ReliableRun
from tool import free_ports

import random

OPEN, DATA, CLOSE, GRANT, RESEND, UNKNOWN_PEER, REFUSED = range(1, 8)
EVENTS, RUN, SEED = 400, 7, 20261126


def encode(kind, numbers, rest=b""):
    head, body = bytes([kind, 2, 0, 0]), struct.pack(f"<{len(numbers)}Q", *numbers) + rest
    return head + struct.pack("<I", crc32c(head + body)) + body


def decode(message):
    """(kind, numbers, rest); the checksum must be right."""
    count = {OPEN: 6, DATA: 2, CLOSE: 1, GRANT: 7, RESEND: 3, UNKNOWN_PEER: 1, REFUSED: 1}[message[0]]
    assert struct.unpack("<I", message[4:8])[0] == crc32c(message[:4] + message[8:]), "checksum of the node"
    return message[0], struct.unpack(f"<{count}Q", message[8:8 + 8 * count]), message[8 + 8 * count:]


class Sender:
    """A source: sends what the node grants, again what it asks for."""

    def __init__(self, context, port, rng, prepare=lambda socket: None):
        self.socket = context.socket(zmq.DEALER)
        self.socket.setsockopt(zmq.LINGER, 0)
        prepare(self.socket)
        self.socket.connect(f"tcp://127.0.0.1:{port}")
        self.rng, self.epoch, self.kept, self.offset = rng, time.time_ns(), {}, 0
        self.next, self.offered, self.durable, self.limit, self.offset_limit, self.pinged = 1, 0, 0, 0, 0, 0.0
        self.damaged = self.repeated = self.withheld = 0

    def offer(self, payload):
        self.offered += 1
        self.kept[self.offered] = (self.offset, payload)
        self.offset += len(payload)

    def transmit(self, number, careful=False):
        offset, payload = self.kept[number]
        message = encode(DATA, (number, offset), payload)
        chance = 1.0 if careful else self.rng.random()
        if chance < 0.02:
            self.damaged += 1
            at = self.rng.randrange(8, len(message))
            message = message[:at] + bytes([message[at] ^ 1 << self.rng.randrange(8)]) + message[at + 1:]
        elif chance < 0.04:
            self.withheld += 1
            return
        elif chance < 0.06:
            self.repeated += 1
            self.socket.send(message)
        self.socket.send(message)

    def turn(self):
        if time.monotonic() > self.pinged + 0.05:
            first = self.durable + 1
            self.pinged = time.monotonic()
            self.socket.send(encode(OPEN, (self.epoch, first, self.kept[first][0] if first in self.kept else self.offset,
                                           self.next, 4, 0), b"python"))
        while self.socket.poll(0):
            kind, numbers, _ = decode(self.socket.recv())
            if kind == GRANT:
                _, epoch, received, decided, durable, self.limit, self.offset_limit = numbers
                assert epoch == self.epoch and durable <= decided <= received < self.next, "levels never above what was sent"
                for number in range(self.durable + 1, durable + 1):
                    del self.kept[number]
                self.durable = max(self.durable, durable)
            elif kind == RESEND:
                for number in range(max(numbers[1], self.durable + 1), numbers[2] + 1):
                    self.transmit(number, careful=True)
        while self.next <= min(self.offered, self.limit):
            offset, payload = self.kept[self.next]
            if offset + len(payload) > self.offset_limit:
                break
            self.transmit(self.next)
            self.next += 1


class Receiver:
    """What is downstream: acknowledges what it has."""

    def __init__(self, context, port, seen):
        self.socket = context.socket(zmq.ROUTER)
        self.socket.setsockopt(zmq.LINGER, 0)
        deadline = time.monotonic() + 10
        while True:
            try:
                self.socket.bind(f"tcp://127.0.0.1:{port}")
                break
            except zmq.ZMQError:
                assert time.monotonic() < deadline
                time.sleep(0.02)
        self.epoch, self.sender_epoch, self.received, self.early, self.seen = time.time_ns(), 0, 0, {}, seen
        self.repeated = 0

    def take(self, payload):
        if payload in self.seen:
            self.repeated += 1
        self.seen[payload] = None

    def turn(self, until=None):
        """Receives; stops acknowledging at `until` messages."""
        while self.socket.poll(0):
            peer, message = self.socket.recv_multipart()
            kind, numbers, rest = decode(message)
            if kind == OPEN:
                epoch, first, _, _, width, flags = numbers
                assert width == 1 and flags == 0 and rest == b"node0.downstream"
                if epoch != self.sender_epoch:
                    self.sender_epoch, self.received = epoch, first - 1
            elif kind == DATA and self.sender_epoch == 0:
                self.socket.send_multipart([peer, encode(UNKNOWN_PEER, (self.epoch,))])
                continue
            elif kind == DATA and numbers[0] == self.received + 1:
                self.received += 1
                self.take(rest)
            if until is None or self.received < until:
                self.socket.send_multipart([peer, encode(GRANT, (self.epoch, self.sender_epoch) + (self.received,) * 3 + (
                    self.received + 64, 1 << 62))])


def main():
    build_dir, source_dir = sys.argv[1:3]
    wire = wire_module(source_dir, tempfile.mkdtemp(prefix="tamis-wire-"))
    print(f"seed {SEED}")
    rng = random.Random(SEED)
    run = ReliableRun(build_dir, pathlib.Path(tempfile.mkdtemp(prefix="tamis-client-")))
    node_port, down_port = free_ports(2)
    node = run.node("node0", node_port, down_port)
    node.wait_ready()
    context, seen = zmq.Context(), {}
    sender, receiver = Sender(context, node_port, rng), Receiver(context, down_port, seen)
    expected = {}
    for event in range(1, EVENTS + 1):
        fragments, met, muons = fragments_of(wire, rng, event)
        expected[event] = decide_cuts_only(RUN, event, met, muons)
        for fragment in fragments:
            sender.offer(sign(fragment).SerializeToString())
    deadline, has_died = time.monotonic() + 60, False
    while sender.durable < sender.offered and time.monotonic() < deadline:
        sender.turn()
        receiver.turn(until=None if has_died else 20)
        if not has_died and receiver.received >= 20:
            durable_then = sender.durable
            receiver.socket.close()  # it had 20 and acknowledged 19
            receiver, has_died = Receiver(context, down_port, seen), True
        time.sleep(0.0005)
    assert sender.durable == sender.offered == 4 * EVENTS, f"{sender.durable} of {sender.offered} acknowledged"
    assert has_died and durable_then < sender.offered
    sender.socket.send(encode(CLOSE, (sender.epoch,)))
    node.stop()
    accepted = {}
    for message in seen:
        selected = wire.SelectedEvent.FromString(message)
        assert selected.decision.event not in accepted, "two different messages of one event"
        accepted[selected.decision.event] = {fragment.source for fragment in selected.fragments}
    assert accepted == {event: {1, 2, 3, 4} for event, paths in expected.items() if paths}, "exactly those that the cuts accept"
    print(f"{sender.offered} fragments, {sender.damaged} damaged, {sender.withheld} withheld, {sender.repeated} repeated on purpose; "
          f"{len(accepted)} events downstream, {receiver.repeated} came again to the second receiver")
    assert min(sender.damaged, sender.withheld, sender.repeated, receiver.repeated) > 0


if __name__ == "__main__":
    main()
