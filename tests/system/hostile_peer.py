"""A peer of a node that breaks the rules, in a process of its own: it goes on until it has done its least and its standard input
ends, then prints as JSON how many whole messages it has sent and how often it was cut off.
Usage: hostile_peer.py KIND ENDPOINT DELIVERY RUN"""
import json
import random
import select
import socket
import sys
import threading
import time

import zmq

from reliable_client_test import DATA, OPEN, encode

OVER_LIMIT, GIANT = 65536 + 100, 1 << 30
FLOOD_PER_SECOND, LEAST_FLOOD, MALFORMED = 8000, 16_000, 100_000
FIRST_EVENT = 10**12  # of the hostile ones: no good event has such a number


def varint(number):
    low = number & 0x7F
    return bytes([low]) if number < 128 else bytes([low | 0x80]) + varint(number >> 7)


def fragment(run, event, source, payload):
    """A wire.Fragment without a checksum: quicker made than by the generated class."""
    return b"\x08" + varint(run) + b"\x11" + event.to_bytes(8, "little") + b"\x18" + varint(source) + b"\x3a" + varint(
        len(payload)) + payload


class BarePeer:
    """A connection that speaks ZMTP 3.0 byte by byte: the library itself sends no unfinished message."""

    def __init__(self, endpoint, kind):
        host, port = endpoint.removeprefix("tcp://").rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=10)
        ready = b"\x05READY\x0bSocket-Type" + len(kind).to_bytes(4, "big") + kind
        self.socket.sendall(b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32) + bytes((4, len(ready))) + ready)
        self.hear(64)
        self.hear(self.hear(2)[1])

    def hear(self, count):
        heard = b""
        while len(heard) < count:
            more = self.socket.recv(count - len(heard))
            if not more:
                raise ConnectionError("cut off")
            heard += more
        return heard

    def is_cut(self):
        """The node has ended the connection: with room for nothing more that may be all that is heard."""
        return bool(select.select([self.socket], [], [], 0)[0]) and not self.socket.recv(4096)

    def send_until_cut(self, data):
        """The same bytes again and again, for two seconds at most; true when the node has cut it off."""
        self.socket.setblocking(False)
        done, end = 0, time.monotonic() + 2
        try:
            while time.monotonic() < end:
                if self.is_cut():
                    return True
                if select.select([], [self.socket], [], 0.05)[1]:
                    done = (done + self.socket.send(data[done:])) % len(data)
        except ConnectionError:
            return True
        return False


class HostilePeer:
    def __init__(self, endpoint, delivery, run):
        self.endpoint, self.run, self.is_reliable = endpoint, run, delivery == "RELIABLE"
        self.stop, self.counts = threading.Event(), {"whole": 0, "cut": 0}
        threading.Thread(target=lambda: (sys.stdin.read(), self.stop.set()), daemon=True).start()

    def count(self, name, number=1):
        self.counts[name] = self.counts.get(name, 0) + number

    def connect(self):
        """A peer of the library that waits for room and, at its end, until all is sent."""
        peer = zmq.Context.instance().socket(zmq.DEALER if self.is_reliable else zmq.PUSH)
        peer.setsockopt(zmq.LINGER, 20000)
        peer.connect(self.endpoint)
        if self.is_reliable:
            peer.send(encode(OPEN, (time.time_ns(), 1, 0, 1, 4), b"hostile"))
            self.count("link_only")
        return peer

    def wrapped(self, number, offset, payload):
        return encode(DATA, (number, offset), payload) if self.is_reliable else payload

    def bare_until_cut(self, data):
        peer = BarePeer(self.endpoint, b"DEALER" if self.is_reliable else b"PUSH")
        self.count("cut", peer.send_until_cut(data))
        peer.socket.close()

    def endless(self):
        """Messages of many parts: some whole, most without an end, of large parts and of empty ones in turn."""
        peer = self.connect()
        for _ in range(5):
            peer.send_multipart([b"two", b"parts", b"or more"])
            self.count("whole")
        large, empty = b"\x03" + (60000).to_bytes(8, "big") + bytes(60000), b"\x01\x00" * 30000
        self.bare_until_cut(large)
        self.bare_until_cut(empty)
        while not self.stop.is_set():
            self.bare_until_cut(large)
            self.bare_until_cut(empty)
        peer.close()

    def giant(self):
        """Messages a little over the limit, which come whole, and frames that announce a gibibyte."""
        for _ in range(3):
            self.bare_until_cut(b"\x02" + GIANT.to_bytes(8, "big") + bytes(1 << 20))
        peer, offset = self.connect(), 0
        for number in range(1, 21):
            message = fragment(self.run, FIRST_EVENT + number, 1, bytes(OVER_LIMIT))
            peer.send(self.wrapped(number, offset, message))
            offset += len(message)
            self.count("whole")
        while not self.stop.is_set():
            self.bare_until_cut(b"\x02" + GIANT.to_bytes(8, "big") + bytes(1 << 20))
            time.sleep(0.05)
        peer.close()

    def flood(self):
        """Ten times the good sources: fragments of a source that alone sees its events, of events that one source never sees,
        and of an unknown source."""
        payload, peer = bytes(64 if self.is_reliable else 16384), self.connect()
        number, offset, begin = 0, 0, time.monotonic()
        while not self.stop.is_set() or number < LEAST_FLOOD:
            if number >= (time.monotonic() - begin) * FLOOD_PER_SECOND:
                time.sleep(0.002)
                continue
            number += 1
            event, source = FIRST_EVENT + 1000 + number // 6, (99, 1, 2, 3, 1, 99)[number % 6]
            message = fragment(self.run, event + (10**9 if number % 6 == 4 else 0), source, payload)
            peer.send(self.wrapped(number, offset, message))
            offset += len(message)
            self.count("whole")
            self.count("unknown", source == 99)
        peer.close()

    def malformed(self):
        """Random bytes, and (reliable) messages with a right checksum that mean nothing."""
        rng, peer = random.Random(7), self.connect()
        for number in range(MALFORMED):
            noise = b"\xff" + rng.randbytes(rng.randrange(16, 48))  # a field of a type that there is not
            peer.send(encode(99, (number,), noise) if self.is_reliable and number % 20 == 0 else noise)
            self.count("whole")
        peer.close()
        self.stop.wait()


def main():
    kind, endpoint, delivery, run = sys.argv[1:]
    peer = HostilePeer(endpoint, delivery, int(run))
    getattr(peer, kind)()
    zmq.Context.instance().term()
    print(json.dumps(peer.counts))


if __name__ == "__main__":
    main()
