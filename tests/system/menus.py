"""Menus of the system tests, and what they must decide: written again in Python, independently of the node."""

CUTS_ONLY = """
name: "system-test"
stream { name: "physics" }
stream { name: "debug" }
debug_stream: "debug"
path { name: "high_met" seed { all { quantity: "met" at_least: 100 } } stream: "physics" }
path {
  name: "two_muons" seed { all { quantity: "n_muons" at_least: 2 } all { quantity: "leading_muon_pt" above: 20 } }
  prescale: 3 stream: "physics"
}
path { name: "random" kind: PASS_THROUGH prescale: 10 stream: "physics" }
"""


def philox4x32(counter, key):
    """Philox 4x32-10 (Salmon et al., SC11)."""
    c, k, mask = list(counter), list(key), 0xFFFFFFFF
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(p1 >> 32) ^ c[1] ^ k[0], p1 & mask, (p0 >> 32) ^ c[3] ^ k[1], p0 & mask]
        k = [(k[0] + 0x9E3779B9) & mask, (k[1] + 0xBB67AE85) & mask]
    return c


def is_kept(path, factor, run, event):
    """The prescale as daemon/prescale.hpp defines it for clients."""
    key = 0xCBF29CE484222325
    for byte in path.encode():
        key = (key ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    words = philox4x32([run, event & 0xFFFFFFFF, event >> 32, 0], [key & 0xFFFFFFFF, key >> 32])
    return (words[0] | words[1] << 32) * factor >> 64 == 0


def decide_cuts_only(run, event, met, muon_pts):
    """Names of the paths of CUTS_ONLY that accept an event with this missing momentum and these muons."""
    accepted = set()
    if met >= 100:
        accepted.add("high_met")
    if len(muon_pts) >= 2 and max(muon_pts) > 20 and is_kept("two_muons", 3, run, event):
        accepted.add("two_muons")
    if is_kept("random", 10, run, event):
        accepted.add("random")
    return accepted
