"""Fixed-point layer tables in Python's own integers: made up here and scored word by word as the tables say, independently
of the program under test."""
import math
import random
import re


class Type:
    def __init__(self, text):
        kind, arguments = re.fullmatch(r"ap_(u?fixed|u?int)<([^>]*)>", text).groups()
        parts = arguments.split(",")
        self.signed, self.width = not kind.startswith("u"), int(parts[0])
        self.fraction = self.width - int(parts[1]) if "fixed" in kind else 0
        self.rounds, self.saturates = "AP_RND_CONV" in parts, "AP_SAT" in parts

    def of(self, raw, fraction):
        """The raw value of this type that raw / 2**fraction becomes."""
        drop = fraction - self.fraction
        if drop <= 0:
            raw <<= -drop
        elif self.rounds:
            quotient, rest, half = raw >> drop, raw & ((1 << drop) - 1), 1 << (drop - 1)
            raw = quotient + (rest > half or (rest == half and quotient & 1))
        else:
            raw >>= drop
        low, high = (-(1 << self.width - 1), (1 << self.width - 1) - 1) if self.signed else (0, (1 << self.width) - 1)
        if self.saturates:
            return min(max(raw, low), high)
        raw &= (1 << self.width) - 1
        return raw - (1 << self.width) if self.signed and raw >> self.width - 1 else raw

    def constant(self, number):
        return self.of(math.floor(number * 2 ** 40), 40)


def scaled_inputs(table, row):
    if "input_format" in table:
        kind = Type(table["input_format"]["type"])
        return [kind.of(value, 0) for value in row]
    scaling, scales = table["input_scaling"], table["scales"]
    unscaled, offset, shift = (Type(scaling[key]) for key in ("unscaled_t", "ad_offset_t", "ad_shift_t"))
    shifted = Type(scaling["unscaled_t"])
    shifted.saturates = False
    values = []
    for value, minus, by in zip(row, scales["ad_offsets"], scales["ad_shift"]):
        difference = unscaled.of((unscaled.of(value, 0) << offset.fraction) - (offset.constant(minus) << unscaled.fraction),
                                 unscaled.fraction + offset.fraction)
        by = shift.constant(by)
        moved = difference >> by if by >= 0 else shifted.of(difference << -by, unscaled.fraction)
        values.append(Type(scaling["input_t"]).of(moved, unscaled.fraction))
    return values


def weighted_sum(step, values, weights, bias):
    kind, weight, result = (Type(step[key]) for key in ("input_t", "weight_t", "result_t"))
    accumulator = Type(step["accum_t"])
    total = accumulator.of(Type(step["bias_t"]).constant(bias), Type(step["bias_t"]).fraction)
    for value, number in zip(values, weights):
        product = accumulator.of(value * weight.constant(number), kind.fraction + weight.fraction)
        total = accumulator.of(total + product, accumulator.fraction)
    return result.of(total, accumulator.fraction)


def run_step(table, step, seen):
    operation = step["op"]
    if operation == "dense":
        x, w, b = seen[step["input"]], table["weights"][step["weights"]], table["weights"][step["bias"]]
        return [weighted_sum(step, x, w[j::step["n_out"]], b[j]) for j in range(step["n_out"])]
    if operation == "conv2d":
        x, w, b = seen[step["input"]], table["weights"][step["weights"]], table["weights"][step["bias"]]
        (rows, columns, filters), width = step["out_shape"], step["in_shape"][1]
        return [weighted_sum(step, [x[(2 * p + a) * width + 2 * q + c] for a in (0, 1) for c in (0, 1)], w[4 * f:4 * f + 4], b[f])
                for p in range(rows) for q in range(columns) for f in range(filters)]
    if operation in ("relu", "linear", "cast"):
        kind, result = Type(step["input_t"]), Type(step["result_t"])
        return [0 if operation == "relu" and value < 0 else result.of(value, kind.fraction) for value in seen[step["input"]]]
    if operation == "sum_of_squares":
        kind, square, total = Type(step["input_t"]), Type(step["square_t"]), Type(step["sum_t"])
        return [total.of(sum(square.of(value * value, 2 * kind.fraction) for value in seen[step["input"]]), square.fraction)]
    raise ValueError(operation)


def score(table, row):
    seen = {"scaled" if "scales" in table else "inputs": scaled_inputs(table, row)}
    for step in table["network"]:
        seen[step["output"]] = run_step(table, step, seen)
    return seen["score"][0] / 2 ** Type(table["score_output"]["type"]).fraction


ACTIVATION = "ap_ufixed<10,6,AP_RND_CONV,AP_SAT>"


def drawn(rng, count):
    """Eighths, three of four of them 0: scores neither vanish nor saturate."""
    return [rng.randrange(-6, 7) / 8 * (rng.random() < 0.25) for _ in range(count)]


def dense(source, output, size, kind, accumulator):
    return {"op": "dense", "input": source, "output": output, "n_in": size[0], "n_out": size[1], "weights": "w" + output,
            "bias": "b" + output, "input_t": kind, "weight_t": "ap_fixed<6,3>", "bias_t": "ap_fixed<10,7>", "accum_t": accumulator,
            "result_t": accumulator}


def activation(operation, source, output, count, kind, result):
    return {"op": operation, "input": source, "output": output, "n": count, "input_t": kind, "result_t": result}


def object_table(seed):
    """57 scaled objects to eight terms, whose squares are added."""
    rng, entering, mu = random.Random(seed), "ap_fixed<8,6,AP_RND_CONV,AP_SAT>", "ap_fixed<10,7,AP_RND_CONV,AP_SAT>"
    network = [dense("scaled", "first", (57, 12), entering, "ap_fixed<21,16>"),
               activation("relu", "first", "hidden", 12, "ap_fixed<21,16>", ACTIVATION),
               dense("hidden", "last", (12, 8), ACTIVATION, "ap_fixed<22,15>"),
               activation("linear", "last", "mu", 8, "ap_fixed<22,15>", mu),
               {"op": "sum_of_squares", "input": "mu", "output": "score", "n": 8, "input_t": mu, "square_t": "ap_ufixed<18,14>",
                "sum_t": "ap_ufixed<18,14>"}]
    return {"model": "made up", "network": network, "score_output": {"type": "ap_ufixed<18,14>"},
            "input_scaling": {"n": 57, "unscaled_t": "ap_fixed<18,13>", "ad_offset_t": "ap_fixed<10,10>",
                              "ad_shift_t": "ap_fixed<5,5>", "input_t": entering},
            "scales": {"ad_offsets": [rng.randrange(0, 100) / 2 for _ in range(57)],
                       "ad_shift": [float(rng.randrange(-1, 8)) for _ in range(57)]},
            "weights": {"wfirst": drawn(rng, 57 * 12), "bfirst": drawn(rng, 12), "wlast": drawn(rng, 96), "blast": drawn(rng, 8)},
            "working_points": {"Loose": 2000, "Tight": 4500}}


def region_table(seed):
    """An image of 18 x 14 through filters of 2 x 2 and two layers."""
    rng, result = random.Random(seed), "ap_fixed<30,22>"
    network = [{"op": "conv2d", "input": "inputs", "output": "image", "in_shape": [18, 14, 1], "kernel": [2, 2], "stride": [2, 2],
                "padding": [0, 0, 0, 0], "dilation": [1, 1], "out_shape": [9, 7, 4], "weights": "filters", "bias": "none",
                "input_t": "ap_uint<10>", "weight_t": "ap_fixed<6,3>", "bias_t": "ap_uint<1>", "accum_t": result,
                "result_t": result},
               activation("relu", "image", "first", 252, result, ACTIVATION),
               dense("first", "second", (252, 6), ACTIVATION, "ap_fixed<26,18>"),
               activation("relu", "second", "hidden", 6, "ap_fixed<26,18>", ACTIVATION),
               dense("hidden", "last", (6, 1), ACTIVATION, "ap_fixed<26,14>"),
               activation("relu", "last", "score", 1, "ap_fixed<26,14>", "ap_ufixed<16,8,AP_RND_CONV,AP_SAT>")]
    return {"model": "made up", "network": network, "score_output": {"type": "ap_ufixed<16,8,AP_RND_CONV,AP_SAT>"},
            "input_format": {"n": 252, "type": "ap_uint<10>", "shape": [18, 14, 1]},
            "weights": {"filters": drawn(rng, 16), "none": [0, 0, 0, 0], "wsecond": drawn(rng, 252 * 6),
                        "bsecond": drawn(rng, 6), "wlast": [1, 0.5, 0.25, 0.125, 0.75, 0.375], "blast": [0.25]}}
