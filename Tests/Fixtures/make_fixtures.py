#!/usr/bin/env python3
"""Makes the reference values in Tests/Fixtures from PyTorch on the CPU.

    python make_fixtures.py            write every <family>.jsonl
    python make_fixtures.py --check    compare with the files that are there
    python make_fixtures.py nn optim   only these families

README.md describes the format of a case.
"""

import argparse
import json
import math
import pathlib
import sys
import warnings
import zlib

import numpy as np
import torch
import torch.nn.functional as F

HERE = pathlib.Path(__file__).resolve().parent
INF, NAN = math.inf, math.nan

BOOL, UINT8, INT8, INT16, INT32, INT64 = (
    torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)
UINT16, UINT32, UINT64 = torch.uint16, torch.uint32, torch.uint64
F16, BF16, F32, F64 = torch.float16, torch.bfloat16, torch.float32, torch.float64
C64, C128 = torch.complex64, torch.complex128
DTYPES = [BOOL, UINT8, INT8, INT16, INT32, INT64, UINT16, UINT32, UINT64,
          F16, BF16, F32, F64, C64, C128]

# What torch raises for an operator that does not take these operands.
REFUSALS = (RuntimeError, NotImplementedError, TypeError, ValueError, IndexError)


# --- Encoding ---------------------------------------------------------------

def dtype_name(dtype):
    return str(dtype).removeprefix("torch.")


def float_text(value, single):
    """The shortest text that reads back as `value`, without a trailing '.0'."""
    if math.isnan(value):
        return '"nan"'
    if math.isinf(value):
        return '"inf"' if value > 0 else '"-inf"'
    if value == 0:
        return "-0.0" if math.copysign(1, value) < 0 else "0"
    text = str(np.float32(value)) if single else repr(value)
    if single:
        assert np.float32(float(text)) == np.float32(value)
    return text.removesuffix(".0")


def data_texts(tensor):
    values = tensor.detach().reshape(-1).tolist()
    if tensor.dtype == BOOL:
        return ["true" if value else "false" for value in values]
    single = tensor.dtype not in (F64, C128)
    if tensor.is_complex():
        return [f"[{float_text(v.real, single)},{float_text(v.imag, single)}]" for v in values]
    if tensor.is_floating_point():
        return [float_text(value, single) for value in values]
    return [str(value) for value in values]


def encode(value):
    if isinstance(value, torch.Tensor):
        shape = ",".join(map(str, value.shape))
        return (f'{{"dtype":"{dtype_name(value.dtype)}","shape":[{shape}],'
                f'"data":[{",".join(data_texts(value))}]}}')
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(k)}:{encode(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(encode, value)) + "]"
    if isinstance(value, torch.dtype):
        return f'"{dtype_name(value)}"'
    if isinstance(value, complex):
        return encode([value.real, value.imag])
    if isinstance(value, float) and not math.isfinite(value):
        return float_text(value, False)
    return json.dumps(value, ensure_ascii=False)


def weak(value):
    """A Python scalar whose kind takes part in type promotion."""
    return {"scalar": type(value).__name__, "value": value}


# --- Families and cases -----------------------------------------------------

class Family:
    def __init__(self, name):
        self.name = name
        self.rng = np.random.default_rng(zlib.crc32(name.encode()))
        self.names = set()
        self.refused = []
        meta = {"torch": torch.__version__.split("+")[0], "numpy": np.__version__,
                "script": "make_fixtures.py"}
        self.lines = [encode({"meta": meta})]

    def rand(self, shape, dtype=F32, low=-2.0, high=2.0):
        """Random values of at most two decimals (whole numbers for integers)."""
        if dtype.is_complex:
            parts = [self.rand(shape, F64, low, high) for _ in range(2)]
            return torch.complex(*parts).to(dtype)
        if dtype == BOOL:
            return torch.tensor(self.rng.integers(0, 2, shape)).to(BOOL)
        if not dtype.is_floating_point:
            low = 0 if dtype in (UINT8, UINT16, UINT32, UINT64) else math.ceil(low)
            return torch.tensor(self.rng.integers(low, math.floor(high) + 1, shape)).to(dtype)
        return torch.tensor(self.rng.uniform(low, high, shape).round(2) + 0.0).to(dtype)

    def distinct(self, shape, dtype=F32):
        """Random values without two equal ones."""
        count = math.prod(shape)
        values = (self.rng.permutation(count) - count // 2) * 0.25 + 0.1
        return torch.tensor(values.round(2)).reshape(shape).to(dtype)

    def write(self, op, label, inputs=(), args=None, outputs=(), **more):
        name = f"{op} {label}".strip()
        assert name not in self.names, f"two cases named {name!r}"
        self.names.add(name)
        case = {"op": op, "name": name, "inputs": list(inputs), "args": args or {},
                "outputs": list(outputs), **more}
        self.lines.append(encode(case))

    def case(self, op, label, inputs, call, args=None, diff=None):
        """Writes call(*inputs) and its gradients for the inputs listed in `diff` (None: all)."""
        leaves = [leaf(tensor, diff is None or position in diff)
                  for position, tensor in enumerate(inputs)]
        outputs = call(*leaves)
        outputs = [outputs] if isinstance(outputs, torch.Tensor) else list(outputs)
        more = self.gradients(leaves, outputs)
        self.write(op, label, inputs, args, outputs, **more)

    def attempt(self, op, label, *rest, **more):
        """As case(), for sweeps over dtypes that torch does not wholly support."""
        try:
            self.case(op, label, *rest, **more)
        except REFUSALS as error:
            self.refused.append(f"{op} {label}: {str(error).splitlines()[0]}")

    def gradients(self, leaves, outputs):
        sources = [t for t in leaves if t is not None and t.requires_grad]
        targets = [t for t in outputs if t.requires_grad]
        if not sources or not targets:
            return {}
        seeds = [self.rand(t.shape, t.dtype) for t in targets]
        found = torch.autograd.grad(targets, sources, seeds, allow_unused=True)
        return {"gradOutputs": spread_over(outputs, targets, seeds),
                "grads": spread_over(leaves, sources, found)}


def leaf(tensor, differentiable):
    if tensor is None:
        return None
    tensor = tensor.clone()
    return tensor.requires_grad_(differentiable and tensor.dtype in (F32, F64))


def spread_over(slots, chosen, values):
    by_identity = {id(tensor): value for tensor, value in zip(chosen, values)}
    return [by_identity.get(id(slot)) for slot in slots]


def short(dtype):
    return dtype_name(dtype)


def function(op):
    return getattr(torch, op, None) or getattr(F, op)


def words(text):
    return text.split()


# --- unary ------------------------------------------------------------------

UNARY = words("""
    neg abs sign square sqrt rsqrt reciprocal exp exp2 expm1 log log2 log10 log1p sin cos tan
    asin acos atan sinh cosh tanh asinh acosh atanh sigmoid logsigmoid relu relu6 gelu gelu_tanh
    silu mish softplus softsign hardtanh hardsigmoid hardswish selu tanhshrink erf erfc erfinv
    lgamma digamma floor ceil round trunc frac deg2rad rad2deg isnan isinf isfinite signbit
    logical_not bitwise_not positive""")
UNARY_DOMAIN = {
    **dict.fromkeys(words("sqrt rsqrt log log2 log10"), (0.1, 4.0)),
    **dict.fromkeys(words("asin acos atanh erfinv"), (-0.95, 0.95)),
    **dict.fromkeys(words("lgamma digamma"), (0.2, 5.0)),
    **dict.fromkeys(words("deg2rad rad2deg"), (-180.0, 180.0)),
    "log1p": (-0.8, 3.0), "acosh": (1.1, 4.0), "tan": (-1.4, 1.4),
}
UNARY_CALLS = {"gelu_tanh": lambda x: F.gelu(x, approximate="tanh"), "relu6": F.relu6,
               "logsigmoid": F.logsigmoid, "softplus": F.softplus,
               "sign": lambda x: torch.sgn(x) if x.is_complex() else torch.sign(x)}
ACTIVATIONS = words("""
    abs sign relu relu6 gelu gelu_tanh silu mish softplus softsign hardtanh hardsigmoid hardswish
    selu tanhshrink sigmoid logsigmoid tanh""")
UNARY_COMPLEX = words("neg abs square sqrt reciprocal exp log sin cos tanh positive")
SPECIAL = [0.0, -0.0, INF, -INF, NAN, 1e-30, -1e-30, 3e38, -3e38]
# Where torch overflows on the way to a finite value, or gives nan for an infinite one.
SPECIAL_LEFT_OUT = {"gelu": (INF, 3e38), "hardswish": (3e38,)}
HALVES = [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, -3.0, 2.0 ** 23 + 1, -2.0 ** 31]
KINKS = [-100.0, -20.0, -3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0, 6.0, 20.5, 100.0]
UNARY_WHOLE = {INT32: [-3, -1, 0, 1, 2, 5], INT64: [-40, 0, 1, 7], UINT8: [0, 1, 3, 200],
               BOOL: [False, True]}


def spaced(family, low, high, count, dtype):
    jitter = family.rng.uniform(-0.4, 0.4, count)
    values = low + (high - low) * (np.arange(count) + 0.5 + jitter) / count
    return torch.tensor(values.round(2)).to(dtype)


def make_unary(family):
    for op in UNARY:
        call = UNARY_CALLS.get(op) or function(op)
        low, high = UNARY_DOMAIN.get(op, (-2.5, 2.5))
        for dtype, count in ((F32, 12), (F64, 8), (F16, 6), (BF16, 6)):
            family.attempt(op, short(dtype), [spaced(family, low, high, count, dtype)], call)
        special = [v for v in SPECIAL if v not in SPECIAL_LEFT_OUT.get(op, ())]
        family.attempt(op, "special float32", [torch.tensor(special)], call, diff=())
        if op in ACTIVATIONS:
            family.attempt(op, "kinks float32", [torch.tensor(KINKS)], call)
        for dtype, values in UNARY_WHOLE.items():
            family.attempt(op, short(dtype), [torch.tensor(values, dtype=dtype)], call)
    for op in words("floor ceil round trunc frac"):
        family.case(op, "halves float32", [torch.tensor(HALVES)], function(op))
    for op in words("lgamma digamma"):
        family.case(op, "negative float32", [torch.tensor([-0.5, -1.3, -2.7, -6.25])], function(op))
    for op in UNARY_COMPLEX:
        for dtype in (C64, C128):
            family.case(op, short(dtype), [family.rand([4], dtype)], function(op))
    for op in words("neg abs square"):
        family.case(op, "wraps int8", [torch.tensor([-128, 127, 16], dtype=INT8)], function(op))
    for op in words("neg sign abs sqrt relu"):
        family.case(op, "0-d float32", [torch.tensor(1.75)], function(op))
        family.case(op, "zero-size float32", [torch.zeros(2, 0)], function(op))


# --- binary -----------------------------------------------------------------

ARITHMETIC = words("add sub mul div floor_divide remainder fmod pow")
FLOATING = words("""
    atan2 maximum minimum fmax fmin hypot copysign nextafter logaddexp logaddexp2 xlogy
    heaviside""")
COMPARISONS = words("eq ne lt le gt ge")
LOGICAL = words("logical_and logical_or logical_xor")
BITWISE = words("bitwise_and bitwise_or bitwise_xor bitwise_left_shift bitwise_right_shift")
WHOLE = words("gcd lcm")
BINARY = ARITHMETIC + FLOATING + COMPARISONS + LOGICAL + BITWISE + WHOLE
NOT_DIFFERENTIABLE = {"floor_divide", "heaviside", "nextafter"}

BROADCASTS = {F32: [([2, 3], [3]), ([2, 1, 3], [4, 1]), ([], [3]), ([0, 3], [3])],
              F64: [([2, 1, 3], [2, 1])],
              F16: [([2, 3], [3])], BF16: [([2, 3], [3])]}
SPECIAL_PAIRS = [0.0, -0.0, 1.0, -1.0, INF, -INF, NAN, 2.5]
DIVIDENDS = {INT32: [7, -7, 6, 0, -1], INT64: [9, -10, 0, 4], INT8: [100, -100, 7],
             UINT8: [7, 200, 6, 0, 1]}
DIVISORS = {INT32: [2, -2, 3, -5], INT64: [4, -3, 1], INT8: [2, -7, 3], UINT8: [2, 3, 5, 7]}
EXPONENTS = [0, 1, 2, 3]
SHIFTS = [0, 1, 3, 6]
MIXED_DTYPES = [(INT32, F32), (INT64, INT32), (UINT8, INT8), (BOOL, INT32), (BOOL, BOOL),
                (F16, F32), (BF16, F16), (INT64, BF16), (F64, F32), (UINT8, BOOL)]
MIXED_OPS = words("add sub mul div floor_divide remainder pow maximum eq lt logical_and atan2")
WEAK_OPS = words("add sub mul div floor_divide remainder fmod pow eq lt bitwise_and")
WEAK_OPERANDS = [(INT32, 2), (INT32, -3), (INT32, 2.5), (UINT8, 3), (F32, 2), (F32, -1.5),
                 (F16, 0.1), (BOOL, 2), (BOOL, 1.5), (INT64, True)]
SCALED = {"leaky_relu": ("negative_slope", [0.01, 0.2]), "elu": ("alpha", [1.0, 0.5]),
          "celu": ("alpha", [1.0, 2.0]), "hardshrink": ("lambd", [0.5, 1.0]),
          "softshrink": ("lambd", [0.5, 1.0])}


def away_from_zero(family, shape, dtype):
    values = family.rand(shape, dtype, 0.3, 2.0)
    return values * (family.rand(shape, dtype, -1, 1) >= 0).to(dtype).mul(2).sub(1)


def float_operands(family, op, shapes, dtype):
    a = family.rand(shapes[0], dtype, *((0.2, 3.0) if op == "pow" else (-3.0, 3.0)))
    if op == "xlogy":
        return [a, family.rand(shapes[1], dtype, 0.2, 3.0)]
    return [a, away_from_zero(family, shapes[1], dtype)]


def binary_floats(family, op):
    diff = () if op in NOT_DIFFERENTIABLE else None
    for dtype, all_shapes in BROADCASTS.items():
        for shapes in all_shapes if op not in COMPARISONS + LOGICAL else all_shapes[:2]:
            label = f"{short(dtype)} {shapes[0]} {shapes[1]}"
            family.attempt(op, label, float_operands(family, op, shapes, dtype),
                           function(op), diff=diff)
    special = torch.tensor(SPECIAL_PAIRS)
    family.attempt(op, "special float32", [special.reshape(-1, 1), special], function(op), diff=())


def whole_operands(op, dtype):
    second = {"pow": EXPONENTS, "bitwise_left_shift": SHIFTS,
              "bitwise_right_shift": SHIFTS}.get(op, DIVISORS[dtype])
    return [torch.tensor(DIVIDENDS[dtype], dtype=dtype).reshape(-1, 1),
            torch.tensor(second, dtype=dtype)]


def binary_wholes(family, op):
    for dtype in DIVIDENDS:
        family.attempt(op, short(dtype), whole_operands(op, dtype), function(op))
    truth = torch.tensor([False, True])
    family.attempt(op, "bool", [truth.reshape(2, 1), truth], function(op))


def binary_mixed(family):
    for op in MIXED_OPS + ["bitwise_and"]:
        for a, b in MIXED_DTYPES:
            inputs = [torch.tensor([1, 2, 3, 5], dtype=a), torch.tensor([2, 3, 1, 2], dtype=b)]
            family.attempt(op, f"{short(a)} {short(b)}", inputs, function(op), diff=())
    for op in words("add mul div pow eq maximum"):
        for a, b in ((INT32, F64), (F32, F64), (F32, INT64), (UINT8, INT64), (F16, F32)):
            inputs = [torch.tensor([1, 2, 3], dtype=a), torch.tensor(2, dtype=b)]
            family.attempt(op, f"{short(a)} with 0-d {short(b)}", inputs, function(op), diff=())


def binary_weak(family):
    for op in WEAK_OPS:
        for dtype, other in WEAK_OPERANDS:
            x = torch.tensor([1, 2, 3, 7], dtype=dtype)
            family.attempt(op, f"{short(dtype)} other={other}", [x],
                           lambda x: function(op)(x, other), {"other": weak(other)},
                           diff=() if op in NOT_DIFFERENTIABLE else None)


def binary_options(family):
    for mode in ("trunc", "floor"):
        call = lambda a, b: torch.div(a, b, rounding_mode=mode)
        for dtype in (F32, F64, INT32, UINT8):
            inputs = (float_operands(family, "div", ([2, 3], [3]), dtype)
                      if dtype.is_floating_point else whole_operands("div", dtype))
            family.case("div", f"rounding_mode={mode} {short(dtype)}", inputs, call,
                        {"rounding_mode": mode})
    for op in ("add", "sub"):
        for dtype, alpha in ((F32, 0.5), (F64, -2.0), (INT32, 3)):
            family.case(op, f"alpha={alpha} {short(dtype)}",
                        [family.rand([2, 3], dtype), family.rand([3], dtype)],
                        lambda a, b: function(op)(a, b, alpha=alpha), {"alpha": weak(alpha)})


def binary_corners(family):
    equal = [torch.tensor([1.0, 2.0, -3.0, 0.0]), torch.tensor([1.0, -2.0, -3.0, 0.0])]
    for op in words("maximum minimum fmax fmin"):
        family.case(op, "ties float32", equal, function(op))
    for op in words("add sub mul"):
        edge = torch.tensor([127, -128, 100], dtype=INT8)
        family.case(op, "wraps int8", [edge, torch.tensor([1, -1, 3], dtype=INT8)], function(op))
        edge = torch.tensor([250, 3, 255], dtype=UINT8)
        family.case(op, "wraps uint8", [edge, torch.tensor([10, 5, 255], dtype=UINT8)],
                    function(op))
        edge = torch.tensor([2 ** 63 - 1, -2 ** 63, 2 ** 62])
        family.case(op, "wraps int64", [edge, torch.tensor([1, -1, 2])], function(op))
    for op in words("gcd lcm"):
        family.case(op, "zeros int64", [torch.tensor([0, 0, 12, -12]),
                                        torch.tensor([0, 5, 0, 18])], function(op))
    family.case("div", "by zero int32", [torch.tensor([1, -1, 0], dtype=INT32),
                                         torch.tensor([0, 0, 0], dtype=INT32)], torch.div)
    family.case("pow", "integer exponents float32",
                [torch.tensor([-2.0, -0.5, 0.0, 3.0, -3.0]),
                 torch.tensor([3.0, 2.0, 0.0, -2.0, -1.0])], torch.pow)
    for exponent in (0, 1, 2, 3, -1, 0.5, -0.5):
        family.case("pow", f"float32 exponent={exponent}", [torch.tensor([0.25, 1.5, 3.0])],
                    lambda x: torch.pow(x, exponent), {"other": weak(exponent)})
    for base in (2, 0.5):
        family.case("pow", f"base={base} float32", [torch.tensor([-1.5, 0.0, 2.5])],
                    lambda x: torch.pow(base, x), {"self": weak(base)})
    for op in words("add sub mul div"):
        for a, b in ((C64, C64), (C128, C128), (C64, F32), (F64, C64)):
            family.case(op, f"{short(a)} {short(b)}",
                        [family.rand([3], a, 0.5, 2), family.rand([3], b, 0.5, 2)],
                        function(op), diff=())
    for op in ("eq", "ne"):
        family.case(op, "complex64", [torch.tensor([1 + 2j, 1 - 2j]), torch.tensor([1 + 2j] * 2)],
                    function(op))


def make_binary(family):
    for op in BINARY:
        binary_floats(family, op)
        binary_wholes(family, op)
    for op, (argument, values) in SCALED.items():
        for value in values:
            call = lambda x: getattr(F, op)(x, **{argument: value})
            for dtype in (F32, F64, F16, BF16):
                family.attempt(op, f"{argument}={value} {short(dtype)}",
                               [family.rand([2, 4], dtype)], call, {argument: value})
            special = torch.tensor([-1.0, -0.5, 0.0, -0.0, 0.5, 1.0, INF, -INF, NAN, -100.0])
            family.case(op, f"{argument}={value} special float32", [special], call,
                        {argument: value}, diff=())
    binary_mixed(family)
    binary_weak(family)
    binary_options(family)
    binary_corners(family)


# --- promotion --------------------------------------------------------------

SCALARS = {"bool": True, "int": 1, "float": 1.5, "complex": 1j}


def promotion(family, op, label, a, b, call):
    args = {"a": a, "b": b}
    try:
        args["result"] = call()
    except REFUSALS:
        args["error"] = True
    family.write(op, label, args=args)


def make_promotion(family):
    for a in DTYPES:
        for b in DTYPES:
            promotion(family, "promote_types", f"{short(a)} {short(b)}", a, b,
                      lambda: torch.promote_types(a, b))
    for a in DTYPES:
        for rank in (0, 1):
            x = torch.ones([2] * rank, dtype=a)
            for kind, scalar in SCALARS.items():
                promotion(family, "result_type", f"{rank}-d {short(a)} {kind}",
                          {"dtype": a, "rank": rank}, {"scalar": kind},
                          lambda: torch.result_type(x, scalar))
    for a in DTYPES:
        for b in DTYPES:
            promotion(family, "result_type", f"0-d {short(a)} 1-d {short(b)}",
                      {"dtype": a, "rank": 0}, {"dtype": b, "rank": 1},
                      lambda: torch.result_type(torch.ones([], dtype=a), torch.ones(2, dtype=b)))


# --- ternary ----------------------------------------------------------------

TERNARY_SHAPES = [([2, 3], [2, 3], [2, 3]), ([2, 1], [3], [2, 3]), ([3], [2, 1, 1], []),
                  ([0, 2], [2], [1])]


def ternary_where(family):
    for dtype in (F32, F64, F16, BF16, INT32, INT64, UINT8, BOOL, C64):
        for shapes in TERNARY_SHAPES if dtype in (F32, F64) else TERNARY_SHAPES[1:2]:
            inputs = [family.rand(shapes[0], BOOL)] + [family.rand(s, dtype) for s in shapes[1:]]
            family.case("where", f"{short(dtype)} {shapes}", inputs, torch.where)
    condition = torch.tensor([True, False, True])
    for a, b in ((INT32, F32), (F32, F64), (UINT8, INT64), (BOOL, F16), (F32, C64)):
        inputs = [condition, torch.tensor([1, 0, 1]).to(a), torch.tensor([2, 3, 0]).to(b)]
        family.case("where", f"{short(a)} {short(b)}", inputs, torch.where, diff=())
    for dtype, scalar in ((F32, 2), (INT32, 1.5), (F16, -0.5), (INT64, 7)):
        x = family.rand([3], dtype)
        family.case("where", f"{short(dtype)} other={scalar}", [condition, x, None],
                    lambda c, x, _: torch.where(c, x, scalar), {"other": weak(scalar)})
        family.case("where", f"{short(dtype)} input={scalar}", [condition, None, x],
                    lambda c, _, x: torch.where(c, scalar, x), {"input": weak(scalar)})
    nans = torch.tensor([NAN, 1.0, INF])
    family.case("where", "nan float32", [condition, nans, torch.tensor([0.5, NAN, -INF])],
                torch.where)


def clamp_case(family, label, x, low=None, high=None):
    bounds = {"min": low, "max": high}
    args = {k: weak(v) for k, v in bounds.items()
            if v is not None and not isinstance(v, torch.Tensor)}
    tensors = [v if isinstance(v, torch.Tensor) else None for v in (low, high)]

    def call(x, low_tensor, high_tensor):
        return torch.clamp(x, low if low_tensor is None else low_tensor,
                           high if high_tensor is None else high_tensor)
    family.case("clamp", label, [x, *tensors], call, args)


def ternary_clamp(family):
    for dtype in (F32, F64, F16, BF16, INT32, INT64):
        low, high = (-1.0, 0.75) if dtype.is_floating_point else (-1, 1)
        for kind, bounds in {"min": {"low": low}, "max": {"high": high},
                             "both": {"low": low, "high": high},
                             "crossed": {"low": high, "high": low}}.items():
            clamp_case(family, f"{kind} {short(dtype)}", family.rand([2, 4], dtype), **bounds)
    for dtype in (F32, F64, INT32):
        x = family.rand([2, 1, 3], dtype)
        low, high = family.rand([3], dtype, -2, 0), family.rand([2, 1], dtype, 0, 2)
        clamp_case(family, f"tensor min {short(dtype)}", x, low)
        clamp_case(family, f"tensor max {short(dtype)}", x, high=high)
        clamp_case(family, f"tensor both {short(dtype)}", x, low, high)
    clamp_case(family, "float bound int32", torch.tensor([-3, 0, 3], dtype=INT32), -1.5, 1.5)
    clamp_case(family, "int bound float32", torch.tensor([-3.5, 0.5, 3.5]), -1, 1)
    special = torch.tensor([NAN, INF, -INF, 0.0, -0.0, 1.0, -1.0])
    clamp_case(family, "special float32", special, -1.0, 1.0)
    clamp_case(family, "nan tensor bound float32", torch.tensor([1.0, 2.0, NAN]),
               torch.tensor([NAN, 0.0, 0.0]), torch.tensor([3.0, NAN, 1.0]))
    clamp_case(family, "at the bounds float32", torch.tensor([-1.0, 0.0, 1.0]),
               torch.tensor([-1.0, 0.0, 0.0]), torch.tensor([1.0, 0.0, 1.0]))


def ternary_lerp(family):
    for dtype in (F32, F64, F16, BF16):
        for weight in (0.0, 0.3, 0.75, 1.0, -0.5):
            family.case("lerp", f"weight={weight} {short(dtype)}",
                        [family.rand([2, 3], dtype), family.rand([3], dtype), None],
                        lambda a, b, _: torch.lerp(a, b, weight), {"weight": weight})
        shapes = ([2, 1, 3], [2, 1], [3])
        family.case("lerp", f"tensor weight {short(dtype)}",
                    [family.rand(s, dtype) for s in shapes], torch.lerp)


def make_ternary(family):
    ternary_where(family)
    ternary_clamp(family)
    ternary_lerp(family)
    for op in ("addcmul", "addcdiv"):
        for dtype in (F32, F64, F16, BF16, INT32):
            for value in (1, -2) if dtype == INT32 else (1.0, 0.5, -2.0):
                for shapes in TERNARY_SHAPES[:3] if dtype == F32 else TERNARY_SHAPES[1:2]:
                    inputs = [family.rand(shapes[0], dtype), family.rand(shapes[1], dtype),
                              away_from_zero(family, shapes[2], dtype)]
                    family.attempt(op, f"value={value} {short(dtype)} {shapes}", inputs,
                                   lambda x, a, b: function(op)(x, a, b, value=value),
                                   {"value": weak(value)})


# --- reduce -----------------------------------------------------------------

OVER_DIMS = words("sum mean amax amin var std var_mean logsumexp norm count_nonzero nansum all any")
OVER_DIM = words("prod max min argmax argmin")
SCANS = words("cumsum cumprod softmax log_softmax")
REDUCTIONS = OVER_DIMS + OVER_DIM + SCANS
DIMS_CASES = [(None, False), ([0], False), ([-1], True), ([0, 2], False), ([-2, -1], True)]
DIM_CASES = [(None, False), (0, False), (1, True), (-1, False)]
SCAN_CASES = [(0, False), (1, False), (-1, False)]
VALUES_AND_INDICES = ("max", "min")


def dims_for(op):
    if op in SCANS:
        return SCAN_CASES
    return DIM_CASES if op in OVER_DIM else DIMS_CASES


def reduce_case(family, op, label, x, dim, keepdim=False, write=None, diff=None, **extra):
    args = {"dim": dim, **extra}
    if op not in SCANS + ["count_nonzero"]:
        args["keepdim"] = keepdim
    options = {k: v for k, v in args.items() if k != "dim"}
    if dim is None:
        options.pop("keepdim", None)

    def call(x):
        if op == "norm":
            return torch.norm(x, options["p"], dim, keepdim)
        if dim is None and op in ("amax", "amin", "logsumexp"):
            return function(op)(x, tuple(range(x.ndim)))
        return function(op)(x, **options) if dim is None else function(op)(x, dim, **options)
    where = f"{label} dim={dim}" + (" keepdim" if keepdim else "")
    where += "".join(f" {k}={dtype_name(v)}" for k, v in extra.items())
    (write or family.attempt)(op, where, [x], call, args, diff=diff)


def extras(op):
    if op == "norm":
        return {"p": 2.0}
    if op in ("var", "std", "var_mean"):
        return {"correction": 1}
    return {}


def reduce_sweep(family, op):
    cases = dims_for(op)
    for dim, keepdim in cases:
        reduce_case(family, op, "float32", family.distinct([2, 3, 2]), dim, keepdim, **extras(op))
    for dim, keepdim in cases[:3:2]:
        x = family.distinct([2, 1, 3], F64)
        reduce_case(family, op, "float64", x, dim, keepdim, **extras(op))
    last = -1 if op in OVER_DIM + SCANS else [-1]
    for dtype in (F16, BF16):
        for dim in (cases[0][0], last):
            x = family.distinct([2, 5], dtype)
            reduce_case(family, op, f"{short(dtype)} [2,5]", x, dim, **extras(op))
    for dtype in (INT32, INT64, UINT8, BOOL):
        for dim in (cases[0][0], last):
            x = family.rand([2, 4], dtype, -3, 4)
            reduce_case(family, op, f"{short(dtype)} [2,4]", x, dim, **extras(op))


def reduce_edges(family, op):
    one = op in OVER_DIM + SCANS
    for shape in ([0, 3], [2, 0]):
        for dim in (None, 0, -1):
            if dim is None and op in SCANS:
                continue
            wanted = dim if one or dim is None else [dim]
            reduce_case(family, op, f"zero-size {shape} float32", torch.zeros(shape), wanted,
                        **extras(op))
    for dim in (None, 0):
        if dim is None and op in SCANS:
            continue
        reduce_case(family, op, "0-d float32", torch.tensor(2.5),
                    dim if one or dim is None else [dim], **extras(op))
    special = torch.tensor([[1.0, NAN, 2.0], [INF, 3.0, 1.0], [-INF, INF, 0.0],
                            [-INF, -INF, -INF], [NAN, INF, NAN], [0.0, -0.0, 0.0]])
    reduce_case(family, op, "special float32", special, 1 if one else [1], diff=(), **extras(op))


def reduce_options(family):
    for op in ("var", "std", "var_mean"):
        for correction in (0, 1):
            for dim, keepdim in ((None, False), ([1], False), ([0, 1], True)):
                reduce_case(family, op, "options float32", family.rand([3, 4]), dim, keepdim,
                            correction=correction)
        reduce_case(family, op, "single float32", torch.tensor([[1.0], [2.0]]), [1], correction=1)
        offset = torch.tensor([10000.0, 10001.0, 10003.0, 10002.5])
        reduce_case(family, op, "offset float32", offset, None, correction=1)
    for p in (0.0, 1.0, 2.0, 3.0, INF, -INF):
        for dim, keepdim in ((None, False), ([-1], False), ([0, 2], True)):
            reduce_case(family, "norm", "options float32", family.distinct([2, 3, 2]), dim,
                        keepdim, p=p)
        reduce_case(family, "norm", "options float64", family.distinct([2, 3], F64), [1], p=p)
        reduce_case(family, "norm", "zero row float32", torch.tensor([[0.0, 0.0], [3.0, -4.0]]),
                    [1], p=p)
    for op in words("sum mean prod nansum cumsum cumprod softmax log_softmax"):
        dim = 0 if op in OVER_DIM + SCANS else [0]
        for source, target in ((F32, F64), (INT32, F32), (F16, F32)):
            reduce_case(family, op, short(source), family.rand([2, 3], source), dim, dtype=target,
                        diff=())


def reduce_corners(family):
    ties = torch.tensor([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0], [5.0, -1.0, -1.0]])
    for op in words("max min amax amin argmax argmin"):
        for dim in (None, 0, 1):
            wanted = [dim] if op in ("amax", "amin") and dim is not None else dim
            reduce_case(family, op, "ties float32", ties, wanted)
    for op in words("prod cumprod"):
        for label, values in {"one zero": [2.0, 0.0, -3.0, 0.5], "two zeros": [2.0, 0.0, 0.0, 4.0],
                              "first zero": [0.0, 3.0, 2.0, 1.5]}.items():
            reduce_case(family, op, f"{label} float32", torch.tensor(values), 0)
    far = torch.tensor([[1000.0, 1000.5], [-1000.0, -1001.0], [88.0, -88.0]])
    for op in words("softmax log_softmax logsumexp"):
        reduce_case(family, op, "far float32", far, [1] if op == "logsumexp" else 1)
    long = ((torch.arange(1000) * 7919) % 1000 - 400).to(F64) / 1000
    for dtype in (F32, F64):
        reduce_case(family, "sum", f"long {short(dtype)}", long.to(dtype), None, diff=())
    long = ((torch.arange(300) * 7919) % 300).to(F32) / 250
    for op in words("mean var logsumexp"):
        reduce_case(family, op, "long float32", long, None, diff=(), **extras(op))
    for dtype in (F16, BF16):
        reduce_case(family, "sum", f"600 ones {short(dtype)}", torch.ones(600, dtype=dtype), None)
    family.case("sum", "complex64 dim=[0]", [family.rand([2, 2], C64)],
                lambda x: x.sum(0), {"dim": [0], "keepdim": False})
    reduce_case(family, "sum", "wraps int64", torch.tensor([2 ** 63 - 1, 1]), None)
    reduce_case(family, "sum", "int8", torch.tensor([100, 100], dtype=INT8), None)


def make_reduce(family):
    for op in REDUCTIONS:
        reduce_sweep(family, op)
        reduce_edges(family, op)
    reduce_options(family)
    reduce_corners(family)


# --- linalg -----------------------------------------------------------------

MATMUL_SHAPES = [([3], [3]), ([2, 3], [3]), ([3], [3, 2]), ([2, 3], [3, 4]), ([2, 2, 3], [3, 2]),
                 ([2, 3], [2, 3, 2]), ([2, 2, 3], [2, 3, 2]), ([2, 1, 2, 3], [3, 3, 2]),
                 ([1, 2, 3], [2, 3, 1]), ([3], [2, 3, 2]), ([2, 2, 3], [3]), ([2, 1, 2, 3], [3]),
                 ([2, 0], [0, 3]), ([0, 3], [3, 2]), ([2, 2, 0], [0, 2]), ([0], [0]),
                 ([0, 2, 3], [3, 2]), ([1, 1], [1, 1]), ([5, 7], [7, 6])]
TRANSPOSED_SHAPES = [([3, 2], [3, 4], True, False), ([2, 3], [4, 3], False, True),
                     ([3, 2], [4, 3], True, True), ([2, 3, 2], [2, 3, 2], True, False),
                     ([2, 2, 3], [2, 2, 3], False, True), ([3, 2], [2, 4, 3], True, True)]
PRODUCT_SHAPES = {"mm": [([2, 3], [3, 4]), ([2, 0], [0, 2])],
                  "bmm": [([2, 2, 3], [2, 3, 2]), ([0, 2, 3], [0, 3, 2]), ([2, 2, 0], [2, 0, 2])],
                  "mv": [([2, 3], [3]), ([2, 0], [0])], "dot": [([4], [4]), ([0], [0])],
                  "outer": [([2], [3]), ([0], [2])]}
ADDED_SHAPES = {"addmm": [([2, 4], [2, 3], [3, 4]), ([4], [2, 3], [3, 4]),
                          ([2, 1], [2, 0], [0, 3])],
                "baddbmm": [([2, 2, 2], [2, 2, 3], [2, 3, 2]), ([2, 1], [2, 2, 3], [2, 3, 2])]}


def linalg_transposed(family, dtype):
    for a, b, flip_a, flip_b in TRANSPOSED_SHAPES:
        call = lambda a, b: torch.matmul(a.mT if flip_a else a, b.mT if flip_b else b)
        family.case("matmul", f"{short(dtype)} {a}{'.mT' * flip_a} {b}{'.mT' * flip_b}",
                    [family.rand(a, dtype), family.rand(b, dtype)], call,
                    {"transposeA": flip_a, "transposeB": flip_b})


def linalg_added(family, op):
    for dtype in (F32, F64, F16, BF16, INT32):
        scalars = ((1, 1), (2, 3)) if dtype == INT32 else ((1.0, 1.0), (0.5, -2.0), (0.0, 1.5))
        for beta, alpha in scalars:
            for shapes in ADDED_SHAPES[op][:None if dtype == F32 else 1]:
                family.attempt(op, f"{short(dtype)} beta={beta} alpha={alpha} {shapes}",
                               [family.rand(s, dtype) for s in shapes],
                               lambda x, a, b: function(op)(x, a, b, beta=beta, alpha=alpha),
                               {"beta": beta, "alpha": alpha})
    shapes = ADDED_SHAPES[op][0]
    inputs = [torch.full(shapes[0], NAN)] + [family.rand(s) for s in shapes[1:]]
    family.case(op, "beta=0 ignores nan float32", inputs,
                lambda x, a, b: function(op)(x, a, b, beta=0.0, alpha=1.0),
                {"beta": 0.0, "alpha": 1.0}, diff=())


def make_linalg(family):
    for dtype in (F32, F64, INT64, INT32, F16, BF16):
        shapes = MATMUL_SHAPES if dtype == F32 else MATMUL_SHAPES[:8] + MATMUL_SHAPES[12:13]
        for a, b in shapes:
            family.attempt("matmul", f"{short(dtype)} {a} {b}",
                           [family.rand(a, dtype), family.rand(b, dtype)], torch.matmul)
    for dtype in (F32, F64):
        linalg_transposed(family, dtype)
    for op, all_shapes in PRODUCT_SHAPES.items():
        for dtype in (F32, F64, INT32, BF16):
            for shapes in all_shapes:
                family.attempt(op, f"{short(dtype)} {shapes[0]} {shapes[1]}",
                               [family.rand(s, dtype) for s in shapes], function(op))
    for op in ADDED_SHAPES:
        linalg_added(family, op)
    for dtype, shapes in {F32: ([17, 19], [19, 9]), F64: ([9, 33], [33, 5]),
                          UINT8: ([2, 3], [3, 2]), C64: ([2, 3], [3, 2])}.items():
        high = 15 if dtype == UINT8 else 2
        family.case("matmul", f"tiles {short(dtype)} {shapes[0]} {shapes[1]}",
                    [family.rand(s, dtype, -2, high) for s in shapes], torch.matmul, diff=())
    family.case("matmul", "special float32",
                [torch.tensor([[INF, 1.0], [NAN, 0.0], [0.0, 2.0]]),
                 torch.tensor([[0.0, 1.0], [1.0, -INF]])], torch.matmul, diff=())


# --- nn ---------------------------------------------------------------------

# (label, input shape, weight shape, bias, stride, padding, dilation, groups)
CONVOLUTIONS = [
    ("plain", [1, 2, 5, 4], [3, 2, 3, 3], True, (1, 1), (0, 0), (1, 1), 1),
    ("no bias", [2, 2, 4, 4], [2, 2, 3, 3], False, (1, 1), (0, 0), (1, 1), 1),
    ("stride2", [1, 2, 6, 5], [2, 2, 3, 3], True, (2, 2), (0, 0), (1, 1), 1),
    ("stride 2 by 1 pad 1", [1, 2, 5, 4], [2, 2, 3, 3], True, (2, 1), (1, 1), (1, 1), 1),
    ("pad 2 by 1", [1, 1, 3, 4], [2, 1, 3, 2], True, (1, 1), (2, 1), (1, 1), 1),
    ("dilation2", [1, 1, 6, 6], [2, 1, 3, 3], True, (1, 1), (0, 0), (2, 2), 1),
    ("dilation 1 by 2 pad", [1, 2, 4, 5], [1, 2, 2, 3], False, (1, 1), (1, 2), (1, 2), 1),
    ("groups2", [1, 4, 4, 4], [4, 2, 3, 3], True, (1, 1), (1, 1), (1, 1), 2),
    ("stride2 groups2", [2, 4, 4, 4], [2, 2, 2, 2], True, (2, 2), (0, 0), (1, 1), 2),
    ("depthwise", [1, 3, 4, 4], [3, 1, 3, 3], True, (1, 1), (1, 1), (1, 1), 3),
    ("depthwise multiplier", [1, 2, 4, 4], [4, 1, 3, 3], False, (2, 2), (1, 1), (1, 1), 2),
    ("1x1", [2, 3, 2, 3], [4, 3, 1, 1], True, (1, 1), (0, 0), (1, 1), 1),
    ("1x1 stride2", [1, 2, 5, 5], [2, 2, 1, 1], False, (2, 2), (0, 0), (1, 1), 1),
    ("kernel 1 by 3", [1, 2, 3, 5], [2, 2, 1, 3], True, (1, 1), (0, 1), (1, 1), 1),
    ("kernel of input size", [2, 1, 3, 2], [2, 1, 3, 2], True, (1, 1), (0, 0), (1, 1), 1),
    ("all options", [1, 4, 7, 6], [2, 2, 3, 2], True, (2, 3), (2, 1), (2, 1), 2),
    ("empty batch", [0, 2, 4, 4], [3, 2, 3, 3], True, (1, 1), (0, 0), (1, 1), 1),
]
# (label, kernel_size, stride, padding, dilation, ceil_mode)
MAX_POOLS = [
    ("2x2", (2, 2), (2, 2), (0, 0), (1, 1), False),
    ("3x3 stride1", (3, 3), (1, 1), (0, 0), (1, 1), False),
    ("pad", (3, 2), (2, 2), (1, 1), (1, 1), False),
    ("ceil", (2, 2), (2, 2), (0, 0), (1, 1), True),
    ("ceil pad", (3, 3), (2, 3), (1, 1), (1, 1), True),
    ("dilation", (2, 2), (1, 1), (0, 0), (2, 3), False),
]
# (label, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)
AVERAGE_POOLS = [
    ("2x2", (2, 2), (2, 2), (0, 0), False, True, None),
    ("overlap", (3, 2), (1, 2), (0, 0), False, True, None),
    ("pad counted", (3, 3), (2, 2), (1, 1), False, True, None),
    ("pad not counted", (3, 3), (2, 2), (1, 1), False, False, None),
    ("ceil", (2, 3), (2, 2), (0, 0), True, True, None),
    ("ceil pad counted", (3, 3), (3, 2), (1, 1), True, True, None),
    ("ceil pad not counted", (3, 3), (3, 2), (1, 1), True, False, None),
    ("divisor", (2, 2), (2, 2), (0, 0), False, True, 3),
]


def nn_linear(family):
    for dtype in (F32, F64, F16, BF16):
        for shape in ([2, 3], [3], [2, 2, 3], [0, 3]):
            for bias in (True, False):
                inputs = [family.rand(shape, dtype), family.rand([2, 3], dtype),
                          family.rand([2], dtype) if bias else None]
                if dtype in (F32, F64) or shape == [2, 3]:
                    family.case("linear", f"{short(dtype)} {shape}{'' if bias else ' no bias'}",
                                inputs, F.linear)


def convolution(family, label, shape, weight, bias, args, dtype):
    inputs = [family.rand(shape, dtype), family.rand(weight, dtype, -1, 1),
              family.rand(weight[:1], dtype) if bias else None]
    family.case("conv2d", f"{label} {short(dtype)}", inputs,
                lambda x, w, b: F.conv2d(x, w, b, **args), args)


def nn_conv2d(family):
    for label, shape, weight, bias, *rest in CONVOLUTIONS:
        args = dict(zip(("stride", "padding", "dilation", "groups"), rest))
        convolution(family, label, shape, weight, bias, args, F32)
        if label in ("stride2 groups2", "pad 2 by 1", "1x1"):
            convolution(family, label, shape, weight, bias, args, F64)
        if label in ("plain", "depthwise"):
            convolution(family, label, shape, weight, bias, args, BF16)
            convolution(family, label, shape, weight, bias, args, F16)
    for dilation, kernel in (((1, 1), [2, 1, 3, 5]), ((2, 1), [2, 1, 3, 3])):
        padding = tuple(d * (k - 1) // 2 for d, k in zip(dilation, kernel[2:]))
        args = {"stride": (1, 1), "padding": padding, "dilation": dilation, "groups": 1}
        x, w = family.rand([1, 1, 5, 5]), family.rand(kernel)
        same = F.conv2d(x, w, padding="same", dilation=dilation)
        assert torch.allclose(same, F.conv2d(x, w, **args), atol=1e-5)
        family.case("conv2d", f"same padding {padding} float32", [x, w, None],
                    lambda x, w, b: F.conv2d(x, w, b, **args), args)


def nn_pools(family):
    for label, *rest in MAX_POOLS:
        args = dict(zip(("kernel_size", "stride", "padding", "dilation", "ceil_mode"), rest))
        call = lambda x: F.max_pool2d(x, return_indices=True, **args)
        family.case("max_pool2d", f"{label} float32", [family.distinct([1, 2, 5, 6])], call, args)
        family.case("max_pool2d", f"{label} float64", [family.distinct([1, 1, 5, 5], F64)],
                    call, args)
    args = {"kernel_size": (2, 2), "stride": (2, 2), "padding": (0, 0), "dilation": (1, 1),
            "ceil_mode": False}
    nans = torch.tensor([1.0, NAN, 2.0, 2.0, 3.0, 0.0, 2.0, 2.0, -INF, -INF, 1.0, INF,
                         -INF, -INF, NAN, 0.0]).reshape(1, 1, 4, 4)
    for label, x in {"ties and nan float32": nans, "3-d float32": family.distinct([2, 4, 4]),
                     "bfloat16": family.distinct([1, 1, 4, 4], BF16)}.items():
        family.case("max_pool2d", label, [x],
                    lambda x: F.max_pool2d(x, return_indices=True, **args), args, diff=())
    names = ("kernel_size", "stride", "padding", "ceil_mode", "count_include_pad",
             "divisor_override")
    for label, *rest in AVERAGE_POOLS:
        args = dict(zip(names, rest))
        for dtype, shape in ((F32, [1, 2, 5, 6]), (F64, [1, 1, 4, 5])):
            if dtype == F64 and not label.endswith("counted"):
                continue
            family.case("avg_pool2d", f"{label} {short(dtype)}", [family.rand(shape, dtype)],
                        lambda x: F.avg_pool2d(x, **args), args)
    for size in ((1, 1), (2, 3), (3, 2), (5, 6), (7, 4)):
        args = {"output_size": size}
        for dtype, shape in ((F32, [1, 2, 5, 6]), (F64, [1, 1, 4, 3])):
            family.case("adaptive_avg_pool2d", f"{size} {short(dtype)}",
                        [family.rand(shape, dtype)],
                        lambda x: F.adaptive_avg_pool2d(x, size), args)


def batch_norm_case(family, label, shape, dtype, training, affine, running=True, **options):
    args = {"training": training, "momentum": 0.1, "eps": 1e-5, **options}
    channels = shape[1]
    inputs = [family.rand(shape, dtype),
              family.rand([channels], dtype) if running else None,
              family.rand([channels], dtype, 0.5, 2) if running else None,
              family.rand([channels], dtype, 0.5, 2) if affine else None,
              family.rand([channels], dtype) if affine else None]

    def call(x, mean, var, weight, bias):
        y = F.batch_norm(x, mean, var, weight, bias, **args)
        return [y, mean, var] if running else [y]
    family.case("batch_norm", label, inputs, call, args, diff=(0, 3, 4))


def nn_norms(family):
    for dtype in (F32, F64):
        for shape in ([4, 3], [2, 2, 2, 3], [3, 2, 4]) if dtype == F32 else (
                [3, 2], [2, 2, 2, 1]):
            for training in (True, False):
                for affine in (True, False):
                    label = (f"{short(dtype)} {shape} {'training' if training else 'eval'}"
                             f"{'' if affine else ' no affine'}")
                    batch_norm_case(family, label, shape, dtype, training, affine)
    batch_norm_case(family, "momentum eps float32", [4, 2], F32, True, True, momentum=0.5, eps=0.1)
    batch_norm_case(family, "no running float32", [4, 2], F32, True, True, running=False)
    for dtype in (F32, F64):
        for shape, normalized in (([2, 4], [4]), ([2, 2, 3], [3]), ([2, 2, 3], [2, 3])):
            for affine in (True, False):
                args = {"normalized_shape": normalized, "eps": 1e-5}
                inputs = [family.rand(shape, dtype),
                          family.rand(normalized, dtype) if affine else None,
                          family.rand(normalized, dtype) if affine else None]
                family.case("layer_norm", f"{short(dtype)} {shape} over {normalized}"
                            f"{'' if affine else ' no affine'}", inputs,
                            lambda x, w, b: F.layer_norm(x, normalized, w, b, 1e-5), args)


def nn_embedding(family):
    for dtype in (F32, F64):
        for indices in ([1, 3, 1], [[0, 2], [2, 4]], []):
            for padding in (None, 2, -1):
                at = torch.tensor(indices, dtype=INT64)
                family.case("embedding", f"{short(dtype)} {indices} padding_idx={padding}",
                            [at, family.rand([5, 2], dtype)],
                            lambda i, w: F.embedding(i, w, padding_idx=padding),
                            {"padding_idx": padding})
    at = torch.tensor([1, 0], dtype=INT32)
    family.case("embedding", "int32 indices float32", [at, family.rand([2, 2])], F.embedding,
                {"padding_idx": None})


REDUCTION_KINDS = ("mean", "sum", "none")
KINDS_OF = {F32: REDUCTION_KINDS, F64: ("mean",)}
CLASS_TARGETS = {F32: [([3, 4], [1, 0, 3]), ([1, 3, 2, 2], [[[0, 1], [2, 2]]])],
                 F64: [([2, 3], [1, 0])]}


def class_loss(family, op, label, inputs, diff=(0,), **args):
    full = {"reduction": "mean", "ignore_index": -100, **args}
    family.case(op, label, inputs,
                lambda x, t, w: getattr(F, op)(x, t, w, **full), full, diff=diff)


def nn_class_losses(family):
    for op in ("cross_entropy", "nll_loss"):
        for dtype in (F32, F64):
            for shape, target in CLASS_TARGETS[dtype]:
                target = torch.tensor(target)
                for reduction in REDUCTION_KINDS:
                    for weighted in (False, True):
                        weight = family.rand(shape[1:2], dtype, 0.5, 2) if weighted else None
                        label = (f"{short(dtype)} {shape} {reduction}"
                                 f"{' weight' if weighted else ''}")
                        class_loss(family, op, label, [family.rand(shape, dtype), target, weight],
                                   reduction=reduction)
        target = torch.tensor([1, 2, 2])
        for reduction in REDUCTION_KINDS:
            class_loss(family, op, f"ignore_index {reduction} float32",
                       [family.rand([3, 4]), target, family.rand([4], F32, 0.5, 2)],
                       reduction=reduction, ignore_index=2)
        class_loss(family, op, "1-d float32", [family.rand([4]), torch.tensor(2), None])
        class_loss(family, op, "all ignored float32",
                   [family.rand([2, 3]), torch.tensor([1, 1]), None], ignore_index=1)
    for reduction in REDUCTION_KINDS:
        class_loss(family, "cross_entropy", f"label_smoothing {reduction} float32",
                   [family.rand([3, 4]), torch.tensor([1, 0, 3]), None],
                   reduction=reduction, label_smoothing=0.1)
        class_loss(family, "cross_entropy", f"label_smoothing weight ignore {reduction} float32",
                   [family.rand([3, 4]), torch.tensor([1, 0, 3]), family.rand([4], F32, 0.5, 2)],
                   reduction=reduction, label_smoothing=0.2, ignore_index=0)
        for shape in ([2, 3], [1, 3, 2, 2]):
            for smoothing in (0.0, 0.1):
                inputs = [family.rand(shape), family.rand(shape, F32, 0, 1),
                          family.rand([3], F32, 0.5, 2) if smoothing else None]
                class_loss(family, "cross_entropy",
                           f"probabilities {shape} {reduction} label_smoothing={smoothing} float32",
                           inputs, diff=(0, 1), reduction=reduction, label_smoothing=smoothing)


def nn_losses(family):
    variants = {"mse_loss": [{}], "l1_loss": [{}], "smooth_l1_loss": [{"beta": 1.0}, {"beta": 0.5}],
                "huber_loss": [{"delta": 1.0}, {"delta": 0.5}],
                "kl_div": [{"log_target": False}, {"log_target": True}]}
    for op, all_options in variants.items():
        for dtype in (F32, F64):
            kinds = KINDS_OF[dtype] + (("batchmean",) if op == "kl_div" else ())
            for options in all_options:
                for reduction in kinds:
                    args = {"reduction": reduction, **options}
                    low = 0.05 if op == "kl_div" and not options["log_target"] else -2
                    inputs = [family.rand([2, 3], dtype), family.rand([2, 3], dtype, low, 1)]
                    label = " ".join([short(dtype), reduction,
                                      *(f"{k}={v}" for k, v in options.items())])
                    family.case(op, label, inputs, lambda x, t: getattr(F, op)(x, t, **args), args)
    family.case("kl_div", "zero target float32",
                [family.rand([1, 3]), torch.tensor([[0.0, 0.4, 0.6]])],
                lambda x, t: F.kl_div(x, t, reduction="sum"),
                {"reduction": "sum", "log_target": False}, diff=(0,))


def nn_binary_losses(family):
    for dtype in (F32, F64):
        for reduction in KINDS_OF[dtype]:
            for weighted in (False, True):
                args = {"reduction": reduction}
                label = f"{short(dtype)} {reduction}{' weight' if weighted else ''}"
                weight = family.rand([3], dtype, 0.5, 2) if weighted else None
                target = family.rand([2, 3], dtype, 0, 1)
                family.case("binary_cross_entropy", label,
                            [family.rand([2, 3], dtype, 0.05, 0.95), target, weight],
                            lambda x, t, w: F.binary_cross_entropy(x, t, w, reduction=reduction),
                            args, diff=(0, 1))
                for positive in (None, family.rand([3], dtype, 0.5, 3)):
                    family.case("binary_cross_entropy_with_logits",
                                label + ("" if positive is None else " pos_weight"),
                                [family.rand([2, 3], dtype), target, weight, positive],
                                lambda x, t, w, p: F.binary_cross_entropy_with_logits(
                                    x, t, w, reduction=reduction, pos_weight=p), args, diff=(0, 1))
    family.case("binary_cross_entropy", "zero and one float32",
                [torch.tensor([0.0, 1.0, 0.0, 1.0]), torch.tensor([0.0, 0.0, 1.0, 1.0]), None],
                lambda x, t, w: F.binary_cross_entropy(x, t, reduction="none"),
                {"reduction": "none"}, diff=())
    family.case("binary_cross_entropy_with_logits", "far float32",
                [torch.tensor([100.0, -100.0, 100.0, -100.0]), torch.tensor([0.0, 0.0, 1.0, 1.0]),
                 None, None],
                lambda x, t, w, p: F.binary_cross_entropy_with_logits(x, t, reduction="none"),
                {"reduction": "none"})


def attention_case(family, label, shapes, dtype, mask=None, causal=False, scale=None, gqa=False):
    inputs = [family.rand(shape, dtype) for shape in shapes] + [mask]
    family.case("scaled_dot_product_attention", f"{label} {short(dtype)}", inputs,
                lambda q, k, v, m: F.scaled_dot_product_attention(q, k, v, attn_mask=m, is_causal=causal, scale=scale,
                                                                  enable_gqa=gqa),
                {"is_causal": causal, "scale": scale, "enable_gqa": gqa})


def nn_attention(family):
    for dtype in (F32, F64):
        plain = ([2, 2, 3, 4], [2, 2, 5, 4], [2, 2, 5, 3])
        attention_case(family, "plain", plain, dtype)
        attention_case(family, "scale=0.3", ([3, 4], [2, 4], [2, 4]), dtype, scale=0.3)
        attention_case(family, "causal", ([2, 4, 3], [2, 4, 3], [2, 4, 2]), dtype, causal=True)
        attention_case(family, "shared heads", ([4, 3, 2], [2, 4, 2], [2, 4, 2]), dtype, gqa=True)
        seen = torch.tensor([[True, False, True, True, False], [True] * 5, [False, True, False, False, False]])
        attention_case(family, "bool mask", plain, dtype, mask=seen)
        attention_case(family, "float mask", plain, dtype, mask=family.rand([2, 1, 3, 5], dtype))


def make_nn(family):
    nn_linear(family)
    nn_conv2d(family)
    nn_pools(family)
    nn_norms(family)
    nn_embedding(family)
    nn_class_losses(family)
    nn_losses(family)
    nn_binary_losses(family)
    nn_attention(family)


# --- index ------------------------------------------------------------------

# Views and rearrangements: (op, input shape, args)
VIEWS = [
    *(("unfold", s, {"dimension": d, "size": n, "step": k})
      for s, d, n, k in (([7], 0, 3, 2), ([2, 5], 1, 2, 1), ([4, 2], -2, 3, 1))),
    *(("diagonal", s, {"offset": o, "dim1": a, "dim2": b})
      for s, o, a, b in (([3, 3], 0, 0, 1), ([3, 4], 1, 0, 1), ([3, 4], -2, 0, 1),
                         ([2, 3, 2], 0, 0, 2), ([2, 3, 2], 1, -1, -2))),
    *(("as_strided", s, {"size": z, "stride": t, "storage_offset": o})
      for s, z, t, o in (([6], [2, 2], [2, 1], 1), ([6], [3, 2], [1, 2], 0), ([2, 3], [2], [3], 2),
                         ([4], [3, 2], [1, 1], 0))),
    *((op, s, {"diagonal": d}) for op in ("tril", "triu")
      for s, d in (([3, 3], 0), ([2, 4], 1), ([4, 3], -1), ([2, 2, 3], 0))),
    *(("flip", [2, 3], {"dims": d}) for d in ([0], [1], [0, -1], [])),
    *(("roll", [2, 3], {"shifts": s, "dims": d})
      for s, d in (([1], [0]), ([-2], [1]), ([1, 4], [0, 1]), ([2], []))),
    *(("repeat", s, {"repeats": r}) for s, r in (([3], [2]), ([2, 2], [2, 1, 2]), ([2], [0]))),
    *(("slice", s, {"dim": d, "start": a, "end": b, "step": k})
      for s, d, a, b, k in (([6], 0, 1, 4, 1), ([6], 0, None, None, 2), ([2, 5], 1, -3, None, 1),
                            ([2, 5], -1, 1, -1, 2), ([4], 0, 3, 2, 1), ([4], 0, -9, 9, 1),
                            ([4, 2], 0, 1, None, 3))),
    *(("expand", s, {"size": z}) for s, z in (([3], [2, 3]), ([2, 1], [2, 3]), ([1, 3], [2, -1, 3]),
                                              ([], [2]), ([1], [0]))),
    *(("permute", [2, 3, 2], {"dims": d}) for d in ([2, 0, 1], [0, 2, 1], [-1, 1, 0])),
    *(("transpose", [2, 3, 2], {"dim0": a, "dim1": b}) for a, b in ((0, 1), (-1, 0), (1, 1))),
    *(("reshape", s, {"shape": z}) for s, z in (([2, 3], [6]), ([2, 3], [3, -1]), ([1], []),
                                                ([0, 3], [3, 0]), ([], [1, 1]))),
    *(("squeeze", s, {"dim": d}) for s, d in (([1, 2, 1], None), ([1, 2, 1], 0), ([1, 2, 1], 1),
                                              ([1, 2, 1], [0, -1]))),
    *(("unsqueeze", [2, 3], {"dim": d}) for d in (0, 1, -1)),
    *(("select", [2, 3], {"dim": d, "index": i}) for d, i in ((0, 1), (1, -1), (-2, 0))),
    *(("narrow", [4, 3], {"dim": d, "start": a, "length": n})
      for d, a, n in ((0, 1, 2), (1, 0, 3), (-1, 2, 0), (0, -2, 2))),
    *(("split", s, {"split_size": n, "dim": d})
      for s, n, d in (([5], 2, 0), ([2, 4], [1, 3], 1), ([3, 2], 5, 0), ([4, 1], 2, -2))),
    *(("chunk", s, {"chunks": n, "dim": d})
      for s, n, d in (([5], 2, 0), ([2, 6], 4, 1), ([3], 5, 0), ([4, 2], 3, 0))),
]


def take_slice(x, dim, start, end, step):
    return torch.ops.aten.slice(x, dim, start, end, step)


def view_call(op, args):
    if op == "slice":
        return lambda x: take_slice(x, **args)
    if op == "squeeze":
        dim = args["dim"]
        return lambda x: x.squeeze() if dim is None else x.squeeze(
            tuple(dim) if isinstance(dim, list) else dim)
    if op == "split":
        return lambda x: x.split(args["split_size"], args["dim"])
    return lambda x: getattr(torch.Tensor, op)(x, *args.values())


def index_views(family):
    for op, shape, args in VIEWS:
        detail = " ".join(f"{k}={v}" for k, v in args.items())
        for dtype in (F32, INT64):
            family.case(op, f"{short(dtype)} {shape} {detail}",
                        [family.rand(shape, dtype, -9, 9)],
                        view_call(op, args), args)
    seen = set()
    for op, shape, args in VIEWS:
        if op not in seen:
            family.case(op, f"float64 {shape}", [family.rand(shape, F64)], view_call(op, args),
                        args)
        seen.add(op)


def index_lookups(family):
    long = torch.tensor
    for dtype in (F32, F64, INT32, BOOL):
        x = family.rand([3, 4], dtype)
        for dim, at in ((0, [2, 0, 2]), (1, [1, 3]), (-1, [])):
            family.case("index_select", f"{short(dtype)} dim={dim} {at}",
                        [x, long(at, dtype=INT64)],
                        lambda x, i: torch.index_select(x, dim, i), {"dim": dim})
        for dim, at in ((0, [[2, 0], [1, 1]]), (1, [[3, 0, 3], [1, 1, 2]]), (-1, [[0]])):
            family.case("gather", f"{short(dtype)} dim={dim} {at}", [x, long(at)],
                        lambda x, i: torch.gather(x, dim, i), {"dim": dim})
        for at in ([0, 11, 5, 5], [[-1, 2], [0, -12]]):
            family.case("take", f"{short(dtype)} {at}", [x, long(at)], torch.take)
        mask = family.rand([3, 4], BOOL)
        family.case("masked_select", short(dtype), [x, mask], torch.masked_select)
        family.case("masked_select", f"broadcast {short(dtype)}",
                    [x, long([True, False, False, True])], torch.masked_select)
        value = True if dtype == BOOL else 7 if dtype == INT32 else -1.5
        family.case("masked_fill", short(dtype), [x, mask, None],
                    lambda x, m, _: x.masked_fill(m, value), {"value": value})
        family.case("masked_fill", f"tensor value {short(dtype)}",
                    [x, long([[True], [False], [True]]), family.rand([], dtype)],
                    lambda x, m, v: x.masked_fill(m, v))
        family.case("nonzero", short(dtype), [family.rand([2, 3], dtype, -1, 1)], torch.nonzero)
    for label, x in {"none": torch.zeros(3), "0-d": torch.tensor(2.0), "nan": torch.tensor(
            [0.0, -0.0, NAN, 1.0]), "3-d": family.rand([2, 2, 2], BOOL)}.items():
        family.case("nonzero", label, [x], torch.nonzero)
    for classes, at in ((4, [0, 3, 1]), (-1, [[2], [0]]), (3, [])):
        family.case("one_hot", f"{at} num_classes={classes}", [long(at, dtype=INT64)],
                    lambda i: F.one_hot(i, classes), {"num_classes": classes})


def index_scatters(family):
    at = torch.tensor([[0, 2, 1], [2, 0, 0]])
    for dtype in (F32, F64, INT64):
        x = family.rand([3, 4], dtype)
        for dim, index in ((0, at), (1, torch.tensor([[3, 0], [1, 2]])), (-2, at[:, :2])):
            label = f"{short(dtype)} dim={dim}"
            family.case("scatter", label, [x, index, family.rand(index.shape, dtype)],
                        lambda x, i, s: torch.scatter(x, dim, i, s), {"dim": dim})
            value = 5 if dtype == INT64 else 1.5
            family.case("scatter", f"{label} value", [x, index, None],
                        lambda x, i, _: torch.scatter(x, dim, i, value),
                        {"dim": dim, "value": value})
        for dim, index in ((0, [[0, 0, 1], [0, 0, 2]]), (1, [[3, 3, 3], [0, 1, 0]])):
            index = torch.tensor(index)
            family.case("scatter_add", f"{short(dtype)} dim={dim}",
                        [x, index, family.rand(index.shape, dtype)],
                        lambda x, i, s: torch.scatter_add(x, dim, i, s), {"dim": dim})
        for dim, index in ((0, [2, 0, 2]), (1, [1, 1]), (-1, [3])):
            shape = [3, 4]
            shape[dim] = len(index)
            for alpha in (1, -2):
                family.case("index_add", f"{short(dtype)} dim={dim} alpha={alpha}",
                            [x, torch.tensor(index), family.rand(shape, dtype)],
                            lambda x, i, s: torch.index_add(x, dim, i, s, alpha=alpha),
                            {"dim": dim, "alpha": alpha})


def index_joins(family):
    shapes = {"cat": [([2, 3], [1, 3], 0), ([2, 1], [2, 2], 1), ([2, 2], [2, 1], -1),
                      ([0, 3], [2, 3], 0), ([0], [2, 2], 0)],
              "stack": [([2], [2], 0), ([2, 2], [2, 2], 1), ([2, 2], [2, 2], -1), ([], [], 0)]}
    for op, cases in shapes.items():
        for a, b, dim in cases:
            for dtype in (F32, F64, INT32):
                family.case(op, f"{short(dtype)} {a} {b} dim={dim}",
                            [family.rand(a, dtype), family.rand(b, dtype), family.rand(b, dtype)],
                            lambda *t: function(op)(t, dim), {"dim": dim})
        for a, b in ((INT32, F32), (F32, F64), (BOOL, UINT8), (F16, BF16)):
            family.case(op, f"{short(a)} {short(b)}",
                        [family.rand([2], a), family.rand([2], b)],
                        lambda *t: function(op)(t, 0), {"dim": 0}, diff=())


def index_orders(family):
    for dtype in (F32, F64, INT32):
        x = family.distinct([3, 4], F64).mul(8).to(dtype) if dtype == INT32 else \
            family.distinct([3, 4], dtype)
        for dim, descending in ((0, False), (1, True), (-1, False)):
            args = {"dim": dim, "descending": descending, "stable": True}
            for op in ("sort", "argsort"):
                family.case(op, f"{short(dtype)} dim={dim} descending={descending}", [x],
                            lambda x: function(op)(x, **args), args)
        for k, dim, largest in ((2, 1, True), (1, 0, False), (4, -1, True), (0, 1, True)):
            args = {"k": k, "dim": dim, "largest": largest, "sorted": True}
            family.case("topk", f"{short(dtype)} k={k} dim={dim} largest={largest}", [x],
                        lambda x: torch.topk(x, **args), args)
    special = torch.tensor([1.0, NAN, -INF, INF, 0.5, 1.0, NAN, 0.5])
    for descending in (False, True):
        args = {"dim": 0, "descending": descending, "stable": True}
        for op in ("sort", "argsort"):
            family.case(op, f"stable ties and nan descending={descending}", [special],
                        lambda x: function(op)(x, **args), args)


def index_ranks(family):
    for dtype in (F32, F64, INT32):
        x = family.distinct([3, 5, 2], F64).mul(8).to(dtype)
        for k, dim, keep in ((1, 0, False), (2, 1, True), (5, 1, False), (2, -1, False)):
            args = {"k": k, "dim": dim, "keepdim": keep}
            family.case("kthvalue", f"{short(dtype)} k={k} dim={dim} keepdim={keep}", [x],
                        lambda x: torch.kthvalue(x, **args), args)
        for dim, keep in ((0, False), (1, True), (-1, False)):
            args = {"dim": dim, "keepdim": keep}
            family.case("median", f"{short(dtype)} dim={dim} keepdim={keep}", [x],
                        lambda x: torch.median(x, **args), args)
        family.case("median", f"{short(dtype)} all", [x], torch.median, {"dim": None})
    special = torch.tensor([1.0, NAN, -INF, INF, 0.5, 1.5, NAN])
    family.case("kthvalue", "nan", [special], lambda x: torch.kthvalue(x, 4, 0),
                {"k": 4, "dim": 0, "keepdim": False})
    family.case("median", "nan", [special], lambda x: torch.median(x, 0), {"dim": 0, "keepdim": False})
    family.case("median", "nan all", [special], torch.median, {"dim": None}, diff=())
    family.case("median", "empty all", [torch.zeros(0)], torch.median, {"dim": None}, diff=())


# (label, input shape, indices; None is a full slice)
INDICES = [
    ("first", [4, 3], [[2, 0, 2]]), ("second", [3, 4], [None, [1, 3]]),
    ("pair", [3, 4], [[0, 2, 1], [3, 3, 0]]), ("broadcast", [3, 4], [[[0], [2]], [1, 3, 0]]),
    ("outer pair", [3, 2, 4], [[0, 2], None, [3, 1]]),
    ("inner pair", [2, 3, 2], [None, [0, 2], [1, 0]]),
    ("negative", [4], [[-1, 0, -4]]), ("matrix", [4, 2], [[[0, 1], [3, 3]]]),
    ("empty", [3, 2], [[]]), ("scalar", [3, 2], [1]), ("middle", [2, 3, 2], [None, [2, 2, 0]]),
    ("mask", [2, 3], [[[True, False, True], [False, True, True]]]),
    ("row mask", [3, 2], [[True, False, True]]),
    ("mask and index", [3, 3], [[True, False, True], [2, 0]]),
]

# Labels of INDICES that name an element twice: index_put without accumulate is not defined there.
REPEATED = ("first", "negative", "matrix", "middle")


def index_tensors(indices):
    return [None if i is None else torch.tensor(i, dtype=INT64 if i == [] else None)
            for i in indices]


def subscript(indices):
    return tuple(slice(None) if i is None else i for i in indices)


def index_advanced(family):
    for label, shape, indices in INDICES:
        tensors = index_tensors(indices)
        for dtype in (F32, F64, INT64):
            x = family.rand(shape, dtype)
            family.case("index", f"{label} {short(dtype)}", [x, *tensors],
                        lambda x, *i: x[subscript(i)])
            target = x[subscript(tensors)]
            for accumulate in (False, True):
                if not accumulate and (label in REPEATED or dtype == INT64):
                    continue
                sizes = [list(target.shape)] if dtype != F32 else [[], list(target.shape)]
                for shape_of_values in sizes:
                    values = family.rand(shape_of_values, dtype)
                    family.case("index_put", f"{label} values={shape_of_values} "
                                f"accumulate={accumulate} {short(dtype)}", [x, values, *tensors],
                                lambda x, v, *i: put(x, v, i, accumulate),
                                {"accumulate": accumulate})
                    if target.ndim == 0:
                        break


def put(x, values, indices, accumulate):
    return torch.ops.aten.index_put(x, list(indices), values, accumulate)


def make_index(family):
    index_views(family)
    index_lookups(family)
    index_scatters(family)
    index_joins(family)
    index_orders(family)
    index_advanced(family)
    index_ranks(family)


# --- creation ---------------------------------------------------------------

RANGES = [(0, 5, 1), (2, 11, 3), (5, 0, -2), (0, 0, 1), (0.0, 1.0, 0.25), (1.0, 2.0, 0.3),
          (1.0, -1.0, -0.5), (0, 2.5, 1), (-3, 4, 2)]
CAST_FLOATS = [0.0, -0.0, 3.99, -1.5, 0.5, -0.5, 1.0, 100.0, -100.0]
CAST_TO_FLOATS = [0.0, -0.0, 3.99, -1.5, 300.0, 70000.0, -70000.0, 65504.0, 65520.0, 1e-8, 6e-8,
                  1e-40, 3.4e38, INF, -INF, NAN, 1.00390625, 1.01171875, 2049.0, 2051.0]
CAST_WHOLES = {INT64: [0, 1, -1, 300, 70000, -70000, 2 ** 53 + 1, 2 ** 31, -2 ** 63],
               INT32: [0, -1, 255, 256, -32769, 16777217], UINT8: [0, 1, 128, 255],
               INT8: [-128, -1, 127], INT16: [-32768, 300], UINT16: [0, 65535],
               UINT32: [0, 4294967295], UINT64: [0, 2 ** 63 - 1, 2 ** 64 - 1],
               BOOL: [False, True]}


def creation_case(family, op, label, call, **args):
    family.case(op, label, [], lambda: call(), args)


def creation_ranges(family):
    for start, end, step in RANGES:
        for dtype in (None, F32, F64, INT32, F16):
            if dtype == INT32 and not isinstance(step, int):
                continue
            creation_case(family, "arange", f"{start} {end} {step} {dtype_name(dtype)}",
                          lambda: torch.arange(start, end, step, dtype=dtype),
                          start=weak(start), end=weak(end), step=weak(step), dtype=dtype)
    for start, end, steps in ((0, 1, 5), (-2.0, 3.0, 7), (5, 1, 4), (1, 2, 1), (0, 1, 0),
                              (0, 1, 2)):
        for dtype in (None, F64, F16, INT64):
            creation_case(family, "linspace", f"{start} {end} {steps} {dtype_name(dtype)}",
                          lambda: torch.linspace(start, end, steps, dtype=dtype),
                          start=float(start), end=float(end), steps=steps, dtype=dtype)
    for start, end, steps, base in ((0, 3, 4, 10.0), (-1, 1, 5, 2.0), (0.5, 0.5, 1, 10.0),
                                    (1, 2, 0, 10.0)):
        for dtype in (None, F64):
            creation_case(family, "logspace", f"{start} {end} {steps} {base} {dtype_name(dtype)}",
                          lambda: torch.logspace(start, end, steps, base, dtype=dtype),
                          start=float(start), end=float(end), steps=steps, base=base, dtype=dtype)


def creation_fills(family):
    for value in (True, 7, -2.5, 1 + 2j, NAN):
        creation_case(family, "full", f"{value}", lambda: torch.full([2, 2], value),
                      size=[2, 2], fill_value=weak(value), dtype=None)
    for dtype in DTYPES:
        creation_case(family, "full", f"3 {short(dtype)}", lambda: torch.full([2], 3, dtype=dtype),
                      size=[2], fill_value=weak(3), dtype=dtype)
    for op in ("zeros", "ones"):
        for dtype in [None, *DTYPES]:
            creation_case(family, op, dtype_name(dtype), lambda: function(op)([1, 2], dtype=dtype),
                          size=[1, 2], dtype=dtype)
        for size in ([], [0], [2, 0, 3]):
            creation_case(family, op, f"{size}", lambda: function(op)(size), size=size, dtype=None)
    for n, m in ((3, 3), (2, 4), (3, 1), (0, 2)):
        for dtype in (None, INT64, BOOL, F16):
            creation_case(family, "eye", f"{n} {m} {dtype_name(dtype)}",
                          lambda: torch.eye(n, m, dtype=dtype), n=n, m=m, dtype=dtype)


def cast(family, label, x, dtype):
    family.case("to", f"{label} {short(x.dtype)} to {short(dtype)}", [x],
                lambda x: x.to(dtype), {"dtype": dtype})


def fits(values, dtype):
    limits = torch.iinfo(dtype)
    return [v for v in values if limits.min <= math.trunc(v) <= limits.max
            and not (limits.min == 0 and v < 0)]


def creation_casts(family):
    wholes = [d for d in DTYPES if d != BOOL and not d.is_floating_point and not d.is_complex]
    floats = [F16, BF16, F32, F64]
    for source in floats:
        for target in wholes:
            values = fits(CAST_FLOATS + [300.0, 70000.0], target)
            if source == F16:
                values = [v for v in values if v < 65504]
            cast(family, "truncates", torch.tensor(values, dtype=F64).to(source), target)
        for target in floats + [BOOL, C64, C128]:
            cast(family, "values", torch.tensor(CAST_TO_FLOATS, dtype=F64).to(source), target)
    for source, values in CAST_WHOLES.items():
        for target in DTYPES:
            cast(family, "values", torch.tensor(values, dtype=source), target)
    for source in (C64, C128):
        x = torch.tensor([0j, 1.5 - 2j, 1j, complex(NAN, 1), complex(INF, -INF)]).to(source)
        for target in (C64, C128, BOOL):
            cast(family, "values", x, target)


def make_creation(family):
    creation_ranges(family)
    creation_fills(family)
    creation_casts(family)


# --- format -----------------------------------------------------------------

SAMPLES = {
    "whole floats": torch.tensor([[1.0, 2.0], [3.0, 4.0]]),
    "floats": torch.tensor([[0.1, -2.5], [3.0, 4.125]]),
    "four decimals": torch.tensor([1 / 3, 2 / 3, 123.456789]),
    "thousands": torch.tensor([1000.5, 2.25, -99999.0]),
    "mixed magnitudes": torch.tensor([1e-5, 1.0, 12345.678]),
    "scientific small": torch.tensor([1e-8, 2.5e-7]),
    "scientific large": torch.tensor([1.5e9, 2.0, -3.0e12]),
    "scientific whole": torch.tensor([1e10, 2e10]),
    "scientific wide exponent": torch.tensor([1e-30, 1e30, 1.0]),
    "float64 exponent of three digits": torch.tensor([1e-200, 1e200], dtype=F64),
    "nan and inf": torch.tensor([NAN, INF, -INF, 1.5]),
    "nan and whole": torch.tensor([NAN, 1.0, -INF]),
    "only nan": torch.tensor([NAN, NAN]),
    "signed zeros": torch.tensor([0.0, -0.0, 1.0]),
    "zeros": torch.zeros(2, 3),
    "negative floats": torch.tensor([-1.0, -20.0, 3.5]),
    "large whole floats": torch.tensor([123456.0, 7.0]),
    "whole floats at 1e8": torch.tensor([1e8, 1.0]),
    "whole floats above 1e8": torch.tensor([2e8, 1.0]),
    "ratio above 1000": torch.tensor([0.5, 1000.5]),
    "0-d float": torch.tensor(1.5), "0-d whole float": torch.tensor(3.0),
    "0-d small float": torch.tensor(1e-6), "0-d nan": torch.tensor(NAN),
    "0-d int": torch.tensor(42), "0-d bool": torch.tensor(True),
    "0-d float64": torch.tensor(2.5, dtype=F64), "0-d int32": torch.tensor(-7, dtype=INT32),
    "ints": torch.tensor([[1, -20, 300], [4, 5, 6]]), "one int": torch.tensor([5]),
    "large ints": torch.tensor([2 ** 62, -1]),
    "bools": torch.tensor([[True, False], [False, False]]), "one bool": torch.tensor([True]),
    "empty float": torch.zeros(0), "empty int": torch.zeros(0, dtype=INT64),
    "empty 2-d": torch.zeros(0, 3), "empty inner": torch.zeros(2, 0),
    "empty int32 2-d": torch.zeros(2, 0, dtype=INT32), "empty bool": torch.zeros(0, dtype=BOOL),
    "float64": torch.tensor([1.5, 2.25], dtype=F64),
    "float64 whole": torch.tensor([[1.0], [2.0]], dtype=F64),
    "float16": torch.tensor([0.1, 65504.0], dtype=F16),
    "bfloat16": torch.tensor([0.1, 3.0], dtype=BF16),
    "int32": torch.tensor([1, -2], dtype=INT32), "int16": torch.tensor([1, 2], dtype=INT16),
    "int8": torch.tensor([[-128], [127]], dtype=INT8), "uint8": torch.tensor([0, 255], dtype=UINT8),
    "uint16": torch.tensor([0, 65535], dtype=UINT16),
    "uint32": torch.tensor([1, 4294967295], dtype=UINT32),
    "uint64": torch.tensor([1, 2 ** 62], dtype=UINT64),
    "complex64": torch.tensor([1 + 2j, -0.5 - 1.25j]),
    "complex64 whole": torch.tensor([[1 + 2j, 3 - 4j]]),
    "complex128": torch.tensor([0.1 + 1j], dtype=C128), "0-d complex64": torch.tensor(1.5 - 2j),
    "3-d float": (torch.arange(12.0) / 4).reshape(2, 3, 2),
    "3-d int": torch.arange(12).reshape(3, 2, 2), "4-d int": torch.arange(8).reshape(2, 1, 2, 2),
    "3-d whole float": torch.arange(8.0).reshape(2, 2, 2),
    "wrapped int": torch.arange(60), "wrapped float": torch.arange(25) / 7,
    "wrapped float64": torch.arange(25, dtype=F64) / 7, "wrapped bool": torch.arange(30) % 3 == 0,
    "wrapped 2-d": (torch.arange(40) / 7).reshape(2, 20),
    "wrapped whole float": torch.arange(50.0), "wrapped complex64": torch.arange(8) * (0.5 + 1j),
    "wrapped scientific": torch.arange(1, 12) * 1e-7,
    "1000 elements are written in full": torch.arange(1000, dtype=INT16) % 3,
    "summarised ints": torch.arange(2000), "summarised 1001 floats": torch.arange(1001.0),
    "summarised 2-d": (torch.arange(1156) / 7).reshape(34, 34),
    "summarised 2-d int32": torch.arange(1200, dtype=INT32).reshape(300, 4),
    "summarised 2-d wide": torch.arange(1500).reshape(3, 500),
    "summarised 3-d": (torch.arange(1200) % 17).reshape(12, 10, 10),
    "summarised float16": (torch.arange(1001) % 8 / 4).to(F16),
    "summarised bools": torch.arange(1001) % 2 == 0,
    "summarised maximum inside": torch.where(torch.arange(1201) == 600, 1e6, 0.0),
}
SAMPLES_WITH_GRADIENT = ["whole floats", "floats", "0-d float", "float64", "empty float", "float16",
                         "empty 2-d", "wrapped float", "0-d float64"]


def make_format(family):
    for label, x in SAMPLES.items():
        family.write("repr", label, [x], {"repr": repr(x)})
    for label in SAMPLES_WITH_GRADIENT:
        x = SAMPLES[label].clone().requires_grad_()
        family.write("repr", f"requires_grad {label}", [x],
                     {"repr": repr(x), "requires_grad": True})


# --- optim ------------------------------------------------------------------

SGD = {"lr": 0.1, "momentum": 0.0, "dampening": 0.0, "weight_decay": 0.0, "nesterov": False,
       "maximize": False}
ADAM = {"lr": 0.01, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.0, "amsgrad": False,
        "maximize": False}
OPTIMIZERS = {
    "sgd": (torch.optim.SGD, SGD, [
        {}, {"momentum": 0.9}, {"momentum": 0.9, "dampening": 0.5},
        {"momentum": 0.9, "nesterov": True}, {"weight_decay": 0.1},
        {"momentum": 0.8, "weight_decay": 0.05}, {"maximize": True},
        {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1, "maximize": True}]),
    "adam": (torch.optim.Adam, ADAM, [
        {}, {"lr": 0.1, "betas": (0.8, 0.9)}, {"eps": 0.01}, {"weight_decay": 0.1},
        {"amsgrad": True, "betas": (0.5, 0.6)}, {"maximize": True},
        {"amsgrad": True, "weight_decay": 0.1, "maximize": True, "betas": (0.5, 0.6)}]),
    "adamw": (torch.optim.AdamW, {**ADAM, "weight_decay": 0.01}, [
        {}, {"lr": 0.1, "betas": (0.8, 0.9)}, {"weight_decay": 0.0}, {"weight_decay": 0.2},
        {"amsgrad": True, "betas": (0.5, 0.6)}, {"maximize": True},
        {"amsgrad": True, "maximize": True, "eps": 0.001}]),
}
STEPS = 5


def optimizer_steps(make, args, start, gradients):
    parameter = start.clone().requires_grad_()
    optimizer = make([parameter], foreach=False, **args)
    after = []
    for gradient in gradients:
        parameter.grad = gradient.clone()
        optimizer.step()
        after.append(parameter.detach().clone())
    return after


def make_optim(family):
    for op, (make, defaults, variants) in OPTIMIZERS.items():
        for changes in variants:
            args = {**defaults, **changes}
            label = " ".join(f"{k}={v}" for k, v in changes.items()) or "defaults"
            for dtype in (F32, F64):
                start = family.rand([2, 2], dtype)
                gradients = [family.rand([2, 2], dtype) for _ in range(STEPS)]
                family.write(op, f"{label} {short(dtype)}", [start, *gradients], args,
                             optimizer_steps(make, args, start, gradients))


# --- gradients --------------------------------------------------------------

# The families whose operators have derivatives, and the operators that take complex numbers.
DIFFERENTIABLE = words("unary binary ternary reduce linalg index nn")
COMPLEX = set(words("""
    neg square conj abs sign sqrt rsqrt reciprocal exp log log1p sin cos tan asin acos atan sinh cosh tanh asinh acosh
    atanh sigmoid pow add sub mul div where sum mean prod cumsum cumprod matmul mm bmm mv dot outer addmm baddbmm linear
    index_select gather scatter scatter_add index_add masked_select masked_fill take cat stack index index_put split
    chunk unfold diagonal as_strided tril triu flip roll repeat slice expand permute transpose reshape squeeze
    unsqueeze select narrow"""))
CASES_AN_OPERATOR = 2
# Where derivatives are a matter of convention, and too little to differentiate.
LABELS_LEFT_OUT = words("special kinks halves zero-size corner ties")


class Recorder(Family):
    """Hands the cases that another family makes on to `use`, instead of writing them."""

    def __init__(self, name, use):
        super().__init__(name)
        self.use = use

    def case(self, op, label, inputs, call, args=None, diff=None):
        if not any(word in label for word in LABELS_LEFT_OUT) and "dtype" not in (args or {}):
            self.use(op, label, inputs, call, args or {}, diff)


def widened(family, tensors, dtype):
    """The tensors with float elements as `dtype`; imaginary parts are random."""
    def wide(tensor):
        if tensor is None or tensor.dtype not in (F32, F64):
            return tensor
        imaginary = family.rand(tensor.shape, F64) if dtype == C128 else None
        real = tensor.to(F64).round(decimals=2)
        return real if imaginary is None else torch.complex(real, imaginary)
    return [wide(tensor) for tensor in tensors]


def differentiable_leaves(tensors, diff):
    return [t if t is None else t.clone().requires_grad_(
        (diff is None or i in diff) and t.dtype in (F64, C128)) for i, t in enumerate(tensors)]


def gradients_or_zeros(outputs, leaves, seeds, **more):
    found = torch.autograd.grad(outputs, leaves, seeds, allow_unused=True, **more)
    return [torch.zeros_like(leaf) if g is None or g._is_zerotensor() else g for leaf, g in zip(leaves, found)]


def first_order(family, op, label, inputs, call, args, diff):
    leaves = differentiable_leaves(inputs, diff)
    outputs = call(*leaves)
    outputs = [outputs] if isinstance(outputs, torch.Tensor) else list(outputs)
    targets = [t for t in outputs if t.requires_grad]
    sources = [t for t in leaves if t is not None and t.requires_grad]
    if not sources or not targets:
        return
    seeds = [family.rand(t.shape, t.dtype) for t in targets]
    found = gradients_or_zeros(targets, sources, seeds)
    family.write(op, label, inputs, args, [t.resolve_conj() for t in outputs],
                 gradOutputs=spread_over(outputs, targets, seeds),
                 grads=[g if g is None else g.resolve_conj() for g in spread_over(leaves, sources, found)])


def second_order(family, op, label, inputs, call, args, diff):
    """The first gradients, as a function of the inputs and of the gradient of one output, and their gradients."""
    leaves = differentiable_leaves(inputs, diff)
    outputs = call(*leaves)
    outputs = [outputs] if isinstance(outputs, torch.Tensor) else list(outputs)
    place = next((i for i, t in enumerate(outputs) if t.requires_grad), None)
    sources = [t for t in leaves if t is not None and t.requires_grad]
    if place is None or not sources:
        return
    seed = family.rand(outputs[place].shape, outputs[place].dtype).requires_grad_()
    first = gradients_or_zeros([outputs[place]], sources, [seed], create_graph=True)
    targets = [t for t in first if t.requires_grad]
    if not targets:
        return
    seeds = [family.rand(t.shape, t.dtype) for t in targets]
    found = gradients_or_zeros(targets, [*sources, seed], seeds)
    family.write(op, label, [*inputs, seed], {**args, "output": place}, [t.resolve_conj() for t in first],
                 gradOutputs=spread_over(first, targets, seeds),
                 grads=[g if g is None else g.resolve_conj()
                        for g in spread_over([*leaves, seed], [*sources, seed], found)])


def make_gradients(family):
    for origin in DIFFERENTIABLE:
        chosen = {}

        def use(op, label, inputs, call, args, diff):
            if not any(t is not None and t.dtype in (F32, F64) for t in inputs):
                return
            shapes = repr(([None if t is None else list(t.shape) for t in inputs], encode(args)))
            seen = chosen.setdefault(op, set())
            if shapes in seen or len(seen) == CASES_AN_OPERATOR:
                return
            seen.add(shapes)
            for dtype in (F64, C128) if op in COMPLEX else (F64,):
                name = f"{label} of {origin}, as {short(dtype)}"
                wide = widened(family, inputs, dtype)
                try:
                    if dtype == C128:
                        first_order(family, op, f"{name}, first order", wide, call, args, diff)
                    second_order(family, op, f"{name}, second order", wide, call, args, diff)
                except REFUSALS as error:
                    family.refused.append(f"{op} {name}: {str(error).splitlines()[0]}")

        FAMILIES[origin](Recorder(origin, use))
        if origin == "unary":
            use("conj", "float64", [family.rand([3], F64)], torch.conj, {}, None)


# --- Files ------------------------------------------------------------------

FAMILIES = {name.removeprefix("make_"): make for name, make in list(globals().items())
            if name.startswith("make_")}
EPSILON = {"float16": 2.0 ** -10, "bfloat16": 2.0 ** -7, "float32": 2.0 ** -23,
           "float64": 2.0 ** -52, "complex64": 2.0 ** -23, "complex128": 2.0 ** -52}
ULPS = 64


def made(name):
    """The lines of a family and the calls that torch refused."""
    family = Family(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        FAMILIES[name](family)
    return family.lines, family.refused


def close(a, b, tolerance):
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(close(x, y, tolerance) for x, y in zip(a, b))
    numbers = all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in (a, b))
    if numbers and tolerance:
        return math.isclose(a, b, rel_tol=tolerance, abs_tol=tolerance)
    return a == b


def same(a, b):
    """Whether two decoded cases are equal up to ULPS units in the last place of their dtype."""
    if isinstance(a, dict) and isinstance(b, dict):
        if a.keys() != b.keys():
            return False
        tolerance = EPSILON.get(a.get("dtype"), 0) * ULPS if "data" in a else 0
        return all(close(a[k], b[k], tolerance) if k == "data" else same(a[k], b[k]) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


def check(name, lines):
    """Compares a family with its file; True where they agree."""
    path = HERE / f"{name}.jsonl"
    old = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    if old == lines:
        print(f"{path.name}: identical")
        return True
    pairs = zip(old[1:], lines[1:])
    wrong = [json.loads(new)["name"] for was, new in pairs
             if was != new and not same(json.loads(was), json.loads(new))]
    if len(old) == len(lines) and not wrong:
        print(f"{path.name}: equal within {ULPS} units in the last place")
        return True
    print(f"{path.name}: differs ({len(old)} lines there, {len(lines)} made): {wrong[:5]}")
    return False


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("family", nargs="*", help=", ".join(FAMILIES))
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    parser.add_argument("--refused", action="store_true",
                        help="also list the calls of the sweeps that torch does not support")
    options = parser.parse_args()
    unknown = set(options.family) - set(FAMILIES)
    if unknown:
        parser.error(f"no such family: {', '.join(sorted(unknown))}")
    torch.set_num_threads(1)
    agreed = True
    for name in options.family or FAMILIES:
        lines, refused = made(name)
        if options.check:
            agreed = check(name, lines) and agreed
        else:
            text = "\n".join(lines) + "\n"
            (HERE / f"{name}.jsonl").write_text(text, encoding="utf-8")
            print(f"{name}.jsonl: {len(lines) - 1} cases, {len(text.encode())} bytes")
        if options.refused:
            print("\n".join(f"  refused {line}" for line in refused))
    sys.exit(0 if agreed else 1)


if __name__ == "__main__":
    main()
