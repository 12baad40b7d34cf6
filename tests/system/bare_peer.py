"""Peers that speak ZMTP 3.0 byte by byte on a TCP socket, without keys or with CURVE: the library itself sends no unfinished message.
CURVE is written from RFC 26 of ZeroMQ, its boxes are libsodium's."""
import ctypes
import os
import select
import socket
import time

import zmq.utils.z85

MORE, LARGE, COMMAND = 1, 2, 4


def frame(flags, body):
    if len(body) < 256:
        return bytes((flags, len(body))) + body
    return bytes((flags | LARGE,)) + len(body).to_bytes(8, "big") + body


class BarePeer:
    mechanism = b"NULL"

    def __init__(self, endpoint, kind):
        host, port = endpoint.removeprefix("tcp://").rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=10)
        self.socket.sendall(b"\xff" + bytes(8) + b"\x7f\x03\x00" + self.mechanism.ljust(20, b"\0") + bytes(32))
        self.hear(64)
        self.shake_hands(b"\x0bSocket-Type" + len(kind).to_bytes(4, "big") + kind)

    def shake_hands(self, metadata):
        self.socket.sendall(frame(COMMAND, b"\x05READY" + metadata))
        self.hear_frame()

    def hear(self, count):
        heard = b""
        while len(heard) < count:
            more = self.socket.recv(count - len(heard))
            if not more:
                raise ConnectionError("cut off")
            heard += more
        return heard

    def hear_frame(self):
        return self.hear(self.hear(2)[1])

    def part(self, body, more=True):
        """A frame of a message."""
        return frame(MORE if more else 0, body)

    def is_cut(self):
        """The node has ended the connection: with room for nothing more that may be all that is heard."""
        return bool(select.select([self.socket], [], [], 0)[0]) and not self.socket.recv(4096)

    def send_until_cut(self, make):
        """What make() gives, again and again, for two seconds at most; true when the node has cut it off."""
        self.socket.setblocking(False)
        left, end = b"", time.monotonic() + 2
        try:
            while time.monotonic() < end:
                if self.is_cut():
                    return True
                if select.select([], [self.socket], [], 0.05)[1]:
                    left = left or memoryview(make())
                    left = left[self.socket.send(left):]
        except ConnectionError:
            return True
        return False

    def announce_until_cut(self, size):
        """A frame that says that so many bytes follow."""
        return self.send_until_cut(lambda: bytes((LARGE,)) + size.to_bytes(8, "big") + bytes(1 << 20))


class SealedPeer(BarePeer):
    """A client with keys: (its public one, its secret one, the server's), in Z85."""
    mechanism = b"CURVE"

    def __init__(self, endpoint, kind, keys):
        self.sodium = ctypes.CDLL("libsodium.so.23")
        self.public, self.secret, self.server = (zmq.utils.z85.decode(key) for key in keys)
        self.nonce = 0
        super().__init__(endpoint, kind)

    def box(self, text, nonce, public, secret):
        sealed = ctypes.create_string_buffer(len(text) + 16)
        assert self.sodium.crypto_box_easy(sealed, text, ctypes.c_ulonglong(len(text)), nonce, public, secret) == 0
        return sealed.raw

    def opened(self, sealed, nonce, public, secret):
        text = ctypes.create_string_buffer(len(sealed) - 16)
        assert self.sodium.crypto_box_open_easy(text, sealed, ctypes.c_ulonglong(len(sealed)), nonce, public, secret) == 0
        return text.raw

    def short_nonce(self):
        self.nonce += 1
        return self.nonce.to_bytes(8, "big")

    def shake_hands(self, metadata):
        public, secret = (ctypes.create_string_buffer(32) for _ in range(2))
        self.sodium.crypto_box_keypair(public, secret)
        public, secret = public.raw, secret.raw
        nonce = self.short_nonce()
        self.socket.sendall(frame(COMMAND, b"\x05HELLO\x01\x00" + bytes(72) + public + nonce +
                                  self.box(bytes(64), b"CurveZMQHELLO---" + nonce, self.server, secret)))
        welcome = self.hear_frame()
        assert welcome[:8] == b"\x07WELCOME", welcome
        there, cookie = (lambda text: (text[:32], text[32:]))(self.opened(welcome[24:], b"WELCOME-" + welcome[8:24], self.server, secret))
        random = os.urandom(16)
        vouch = random + self.box(public + self.server, b"VOUCH---" + random, there, self.secret)
        nonce = self.short_nonce()
        self.socket.sendall(frame(COMMAND, b"\x08INITIATE" + cookie + nonce + self.box(
            self.public + vouch + metadata, b"CurveZMQINITIATE" + nonce, there, secret)))
        assert self.hear_frame()[:6] == b"\x05READY"
        self.shared = ctypes.create_string_buffer(32)
        self.sodium.crypto_box_beforenm(self.shared, there, secret)

    def part(self, body, more=True):
        text, nonce = bytes((MORE if more else 0,)) + body, self.short_nonce()
        sealed = ctypes.create_string_buffer(len(text) + 16)
        self.sodium.crypto_box_easy_afternm(sealed, text, ctypes.c_ulonglong(len(text)), b"CurveZMQMESSAGEC" + nonce, self.shared)
        return frame(0, b"\x07MESSAGE" + nonce + sealed.raw)
