"""The log of a replay's injected faults beside the books of the node that it was sent to."""
import collections
import json


def read_faults(path):
    """The totals of a fault log; its lines must add up to them."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    totals = lines.pop()
    told = collections.Counter(line["fault"] for line in lines)
    assert {kind: count for kind, count in totals["faults"].items() if count} == dict(told), (totals["faults"], told)
    assert len({(line["run"], line["event"], line["source"]) for line in lines}) == len(lines), "a fragment has one fault"
    for source in totals["sources"]:
        own = collections.Counter(line["fault"] for line in lines if line["source"] == source["id"])
        assert all(source[kind] == own[kind] for kind in totals["faults"]), (source, own)
        unsent = [line["sequence"] for line in lines
                  if line["source"] == source["id"] and line["fault"] in ("loss", "silence", "corrupt")]
        assert source["lost"] == sum(source["first_sequence"] < number < source["last_sequence"] for number in unsent), source
    return totals


def check_books(totals, summary, orders=True):
    """Every count of the node equals the injector's. orders: the links keep the order of each source."""
    expected, fragments, events = totals["expected"], summary["books"]["fragments"], summary["books"]["events"]
    print(f"injected {totals['faults']}\nexpected {expected}\nfragments {fragments}\nevents {events}")
    assert summary["books"]["closed"], summary["books"]["imbalance"]
    assert fragments["received"] == expected["received"]
    assert fragments["used"] == expected["used"]
    assert fragments["duplicate_same"] + fragments["duplicate_late"] == expected["duplicates"] == totals["faults"]["duplicate"]
    assert fragments["late"] == expected["late"]
    assert fragments["bad_checksum"] == expected["bad_checksum"] == totals["faults"]["corrupt"]
    for never in ("duplicate_different", "malformed", "unknown_source", "wrong_run", "oversize"):
        assert fragments[never] == 0, never
    assert events["opened"] == expected["opened"]
    assert events["debug_incomplete"] + summary["books"]["complete_without_masked_sources"] == expected["incomplete"]
    for injected, counted in zip(totals["sources"], summary["sources"], strict=True):
        assert injected["id"] == counted["id"]
        assert counted["lost"] == injected["lost"], (injected, counted)
        assert counted["duplicates"] == injected["duplicate"], (injected, counted)
        assert counted["sequence_repeated"] == injected["duplicate"], (injected, counted)
        if orders:
            assert counted["sequence_reordered"] == injected["out_of_order"], (injected, counted)
        spans = counted["sequence_last"] - counted["sequence_first"] + 1
        assert spans == counted["lost"] + counted["received"] - counted["duplicates"], "the loss of each source is reconciled"
