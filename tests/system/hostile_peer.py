"""A peer of a node that breaks the rules, in a process of its own: it goes on until it has done its least and its standard input
ends, then prints as JSON how many whole messages it has sent and how often it was cut off. With keys (public, secret, the node's) it
is one that the node trusts.
Usage: hostile_peer.py KIND ENDPOINT DELIVERY RUN [KEY KEY KEY]"""
import json
import random
import sys
import threading
import time

import zmq

from bare_peer import BarePeer, SealedPeer
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


class HostilePeer:
    def __init__(self, endpoint, delivery, run, keys):
        self.keys = [key.encode() for key in keys]
        self.endpoint, self.run, self.is_reliable = endpoint, run, delivery == "RELIABLE"
        self.stop, self.counts = threading.Event(), {"whole": 0, "cut": 0}
        threading.Thread(target=lambda: (sys.stdin.read(), self.stop.set()), daemon=True).start()

    def count(self, name, number=1):
        self.counts[name] = self.counts.get(name, 0) + number

    def connect(self):
        """A peer of the library that waits for room and, at its end, until all is sent."""
        peer = zmq.Context.instance().socket(zmq.DEALER if self.is_reliable else zmq.PUSH)
        peer.setsockopt(zmq.LINGER, 20000)
        if self.keys:
            peer.curve_publickey, peer.curve_secretkey, peer.curve_serverkey = self.keys
        peer.connect(self.endpoint)
        if self.is_reliable:
            peer.send(encode(OPEN, (time.time_ns(), 1, 0, 1, 4, 0), b"hostile"))
            self.count("link_only")
        return peer

    def wrapped(self, number, offset, payload):
        return encode(DATA, (number, offset), payload) if self.is_reliable else payload

    def bare(self):
        kind = b"DEALER" if self.is_reliable else b"PUSH"
        return SealedPeer(self.endpoint, kind, self.keys) if self.keys else BarePeer(self.endpoint, kind)

    def parts_until_cut(self, body, times):
        """A message without an end, of such parts; so many are made in one go."""
        peer = self.bare()
        self.count("cut", peer.send_until_cut(lambda: b"".join(peer.part(body) for _ in range(times))))
        peer.socket.close()

    def announce_until_cut(self):
        peer = self.bare()
        self.count("cut", peer.announce_until_cut(GIANT))
        peer.socket.close()

    def endless(self):
        """Messages of many parts: some whole, most without an end, of large parts and of empty ones in turn."""
        peer = self.connect()
        for _ in range(5):
            peer.send_multipart([b"two", b"parts", b"or more"])
            self.count("whole")
        is_enough = False
        while not is_enough:
            self.parts_until_cut(bytes(60000), 1)
            self.parts_until_cut(b"", 3000)
            is_enough = self.stop.is_set()
        peer.close()

    def giant(self):
        """Messages a little over the limit, which come whole, and frames that announce a gibibyte."""
        for _ in range(3):
            self.announce_until_cut()
        peer, offset = self.connect(), 0
        for number in range(1, 21):
            message = fragment(self.run, FIRST_EVENT + number, 1, bytes(OVER_LIMIT))
            peer.send(self.wrapped(number, offset, message))
            offset += len(message)
            self.count("whole")
        while not self.stop.is_set():
            self.announce_until_cut()
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
    kind, endpoint, delivery, run, *keys = sys.argv[1:]
    peer = HostilePeer(endpoint, delivery, int(run), keys)
    getattr(peer, kind)()
    zmq.Context.instance().term()
    print(json.dumps(peer.counts))


if __name__ == "__main__":
    main()
