#!/usr/bin/env python3
"""The prescale of a path from its definition (daemon/prescale.hpp), without any library: prints the kept events.
Usage: prescale_reference.py NAME FACTOR RUN EVENTS"""
import sys


def philox4x32(counter, key):
    """Philox 4x32-10 of Salmon et al., SC11."""
    x, k = list(counter), list(key)
    for _ in range(10):
        p0, p1 = 0xD2511F53 * x[0], 0xCD9E8D57 * x[2]
        x = [(p1 >> 32) ^ x[1] ^ k[0], p1 & 0xFFFFFFFF, (p0 >> 32) ^ x[3] ^ k[1], p0 & 0xFFFFFFFF]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return x


def keeps(name, factor, run, event):
    key = 0xCBF29CE484222325
    for byte in name.encode():
        key = ((key ^ byte) * 0x100000001B3) & (1 << 64) - 1
    r = philox4x32([run, event & 0xFFFFFFFF, event >> 32, 0], [key & 0xFFFFFFFF, key >> 32])
    return factor > 0 and (r[0] + (r[1] << 32)) * factor >> 64 == 0


name, factor, run, events = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
print(", ".join(str(event) for event in range(events) if keeps(name, factor, run, event)))
