import Apus
import TestSupport
import Testing

// Operators of the tables against PyTorch's values and gradients, through the public methods.

let unaryMethods: [String: @Sendable (Tensor) -> Tensor] = [
    "neg": { $0.neg() },
    "conj": { $0.conj() },
    "abs": { $0.abs() },
    "sign": { $0.sign() },
    "square": { $0.square() },
    "relu": { $0.relu() },
    "sqrt": { $0.sqrt() },
    "rsqrt": { $0.rsqrt() },
    "reciprocal": { $0.reciprocal() },
    "exp": { $0.exp() },
    "exp2": { $0.exp2() },
    "expm1": { $0.expm1() },
    "log": { $0.log() },
    "log2": { $0.log2() },
    "log10": { $0.log10() },
    "log1p": { $0.log1p() },
    "sin": { $0.sin() },
    "cos": { $0.cos() },
    "tan": { $0.tan() },
    "asin": { $0.asin() },
    "acos": { $0.acos() },
    "atan": { $0.atan() },
    "sinh": { $0.sinh() },
    "cosh": { $0.cosh() },
    "tanh": { $0.tanh() },
    "asinh": { $0.asinh() },
    "acosh": { $0.acosh() },
    "atanh": { $0.atanh() },
    "sigmoid": { $0.sigmoid() },
    "relu6": { $0.relu6() },
    "gelu": { $0.gelu() },
    "silu": { $0.silu() },
    "mish": { $0.mish() },
    "softplus": { $0.softplus() },
    "softsign": { $0.softsign() },
    "hardtanh": { $0.hardtanh() },
    "hardsigmoid": { $0.hardsigmoid() },
    "hardswish": { $0.hardswish() },
    "selu": { $0.selu() },
    "tanhshrink": { $0.tanhshrink() },
    "erf": { $0.erf() },
    "erfc": { $0.erfc() },
    "erfinv": { $0.erfinv() },
    "lgamma": { $0.lgamma() },
    "digamma": { $0.digamma() },
    "deg2rad": { $0.deg2rad() },
    "rad2deg": { $0.rad2deg() },
    "floor": { $0.floor() },
    "ceil": { $0.ceil() },
    "round": { $0.round() },
    "trunc": { $0.trunc() },
    "frac": { $0.frac() },
    "isnan": { $0.isnan() },
    "isinf": { $0.isinf() },
    "isfinite": { $0.isfinite() },
    "signbit": { $0.signbit() },
    "logsigmoid": { $0.logSigmoid() },
    "gelu_tanh": { $0.geluTanh() },
    "logical_not": { $0.logicalNot() },
    "bitwise_not": { $0.bitwiseNot() },
    "positive": { $0 },
]

private let binaryMethods: [String: @Sendable (Tensor, Tensor) -> Tensor] = [
    "add": { $0.add($1) },
    "atan2": { $0.atan2($1) },
    "bitwise_and": { $0.bitwiseAnd($1) },
    "bitwise_left_shift": { $0.bitwiseLeftShift($1) },
    "bitwise_or": { $0.bitwiseOr($1) },
    "bitwise_right_shift": { $0.bitwiseRightShift($1) },
    "bitwise_xor": { $0.bitwiseXor($1) },
    "copysign": { $0.copysign($1) },
    "div": { $0.div($1) },
    "eq": { $0.eq($1) },
    "floor_divide": { $0.floorDivide($1) },
    "fmax": { $0.fmax($1) },
    "fmin": { $0.fmin($1) },
    "fmod": { $0.fmod($1) },
    "gcd": { $0.gcd($1) },
    "ge": { $0.ge($1) },
    "gt": { $0.gt($1) },
    "heaviside": { $0.heaviside($1) },
    "hypot": { $0.hypot($1) },
    "lcm": { $0.lcm($1) },
    "le": { $0.le($1) },
    "logaddexp": { $0.logaddexp($1) },
    "logaddexp2": { $0.logaddexp2($1) },
    "logical_and": { $0.logicalAnd($1) },
    "logical_or": { $0.logicalOr($1) },
    "logical_xor": { $0.logicalXor($1) },
    "lt": { $0.lt($1) },
    "maximum": { $0.maximum($1) },
    "minimum": { $0.minimum($1) },
    "mul": { $0.mul($1) },
    "ne": { $0.ne($1) },
    "nextafter": { $0.nextafter($1) },
    "pow": { $0.pow($1) },
    "remainder": { $0.remainder($1) },
    "sub": { $0.sub($1) },
    "xlogy": { $0.xlogy($1) },
]

/// What an argument of a scalar stands for: a weak 0-d tensor.
private func weak(_ scalar: FixtureScalar) -> Tensor { scalar.tensor }

/// Complex numbers have neg and square among the operators of one tensor, so far; sign and square do not take bool.
private func isTaken(_ fixture: Fixture) -> Bool {
    let dtype = fixture.inputs[0]!.dtype
    if dtype.isComplex { return ["neg", "square", "positive"].contains(fixture.op) }
    return dtype != .bool || !["sign", "square"].contains(fixture.op)
}

@Test(arguments: Fixture.load("unary") { isTaken($0) })
func unaryOperator(_ fixture: Fixture) throws {
    let method = try #require(unaryMethods[fixture.op], "no method for \(fixture.op)")
    // PyTorch's derivative of hardsigmoid holds 1/6 as a float32.
    let gradTolerance = fixture.op == "hardsigmoid" ? Tolerance(relative: 1e-7, absolute: 0) : nil
    try fixture.check(gradTolerance: gradTolerance) { inputs in [method(inputs[0]!)] }
}

func applyBinary(_ fixture: Fixture, _ inputs: [Tensor?]) throws -> Tensor {
    let (op, args) = (fixture.op, fixture.args)
    switch op {
    case "leaky_relu": return inputs[0]!.leakyRelu(try args.double("negative_slope"))
    case "elu": return inputs[0]!.elu(try args.double("alpha"))
    case "celu": return inputs[0]!.celu(try args.double("alpha"))
    case "hardshrink": return inputs[0]!.hardshrink(try args.double("lambd"))
    case "softshrink": return inputs[0]!.softshrink(try args.double("lambd"))
    default: break
    }
    let method = try #require(binaryMethods[op], "no method for \(op)")
    if args.has("self") { return method(weak(try args.scalar("self")), inputs[0]!) }
    let a = inputs[0]!
    var b = try inputs.count > 1 ? inputs[1]! : weak(args.scalar("other"))
    if args.has("alpha") { b = b * weak(try args.scalar("alpha")) }
    if args.has("rounding_mode") {
        return try args.string("rounding_mode") == "floor"
            ? a.floorDivide(b) : (a.div(b)).trunc().to(DType.result(of: a, b))
    }
    return method(a, b)
}

/// PyTorch rounds the number to float16 here first; elsewhere, and in Apus, it is used as it is.
private let roundedNumbers: Set<String> = ["remainder float16 other=0.1", "fmod float16 other=0.1"]

@Test(arguments: Fixture.load("binary") { !roundedNumbers.contains($0.name) })
func binaryOperator(_ fixture: Fixture) throws {
    try fixture.check { inputs in [try applyBinary(fixture, inputs)] }
}

@Test(arguments: Fixture.load("ternary"))
func ternaryOperator(_ fixture: Fixture) throws {
    try fixture.check { inputs in try applyTernary(fixture, inputs) }
}

func applyTernary(_ fixture: Fixture, _ inputs: [Tensor?]) throws -> [Tensor] {
    let args = fixture.args
    let x = inputs[0]!
    func operand(_ i: Int, _ name: String) throws -> Tensor? {
        if let tensor = inputs.indices.contains(i) ? inputs[i] : nil { return tensor }
        return args.has(name) ? weak(try args.scalar(name)) : nil
    }
    switch fixture.op {
    case "where": return [Tensor.where(x, try operand(1, "input")!, try operand(2, "other")!)]
    case "clamp":
        switch (try operand(1, "min"), try operand(2, "max")) {
        case (let low?, let high?): return [x.clamp(min: low, max: high)]
        case (let low?, nil): return [x.clamp(min: low)]
        case (nil, let high?): return [x.clamp(max: high)]
        case (nil, nil): throw FixtureError("clamp without bounds")
        }
    case "lerp":
        if let weight = inputs[2] { return [x.lerp(inputs[1]!, weight: weight)] }
        return [x.lerp(inputs[1]!, weight: try args.double("weight"))]
    case "addcmul": return [x.addcmul(inputs[1]!, inputs[2]!, value: try args.scalar("value").double)]
    case "addcdiv": return [x.addcdiv(inputs[1]!, inputs[2]!, value: try args.scalar("value").double)]
    default: throw FixtureError("no method for \(fixture.op)")
    }
}

@Test(arguments: Fixture.load("promotion"))
func promotion(_ fixture: Fixture) throws {
    let args = fixture.args
    // PyTorch leaves these undefined; Apus promotes them as NumPy does.
    guard !args.has("error") else { return }
    // Nor are there complex numbers of halves.
    guard try !args.string("result").hasSuffix("complex32") else { return }
    let expected = try DType(named: args.string("result"))
    if fixture.op == "promote_types" {
        let (a, b) = (try DType(named: args.string("a")), try DType(named: args.string("b")))
        #expect(a.promoted(with: b) == expected)
        #expect(b.promoted(with: a) == expected)
        return
    }
    func operand(_ name: String) throws -> Tensor {
        let side = try args.arguments(name)
        guard side.has("dtype") else { return try FixtureScalar.one(ofKind: side.string("scalar")).tensor }
        return Tensor.ones(
            [Int](repeating: 1, count: try side.int("rank")), dtype: try DType(named: side.string("dtype")))
    }
    #expect(DType.result(of: try operand("a"), try operand("b")) == expected)
}
