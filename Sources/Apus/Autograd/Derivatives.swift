import CApus

// The derivatives of every operator in the C core's tables. Names in a rule: g is the gradient of the result, a, b and c
// are the operands, y is the result. Rules are written in tensor operations and so can be differentiated again; the
// fused rows (tanh_backward and so on) have derivatives of their own here. A rule may return a gradient of the
// broadcast shape: it is summed to the operand's afterwards. `.none` says that there is no derivative.
//
// A rule states the derivative as for real numbers. Of a complex result it gets the conjugate of g, and what it returns
// is conjugated: by PyTorch's convention the gradient through a holomorphic function f is g·conj(f'). In forward mode the
// same rule turns the tangent of an operand into that of the result.

/// The derivative of a unary operator.
func derivative(of op: UnaryOp) -> Rule {
    switch op {
    case .neg: .g { -$0 }
    case .conj: .g { $0.conj() }
    case .abs: .ga { g, a in g * a.sign() }
    case .sign: .zero
    case .square: .ga { g, a in g * (a * 2) }
    case .relu: .gy { g, y in binary(.relu_backward, g, y) }
    case .sqrt: .gy { g, y in g / (y * 2) }
    case .rsqrt: .gy { g, y in g * (y * y * y) * -0.5 }
    case .reciprocal: .gy { g, y in -g * (y * y) }
    case .exp: .gy { g, y in g * y }
    case .exp2: .gy { g, y in g * y * ln2 }
    case .expm1: .gy { g, y in g * (y + 1) }
    case .log: .ga { g, a in g / a }
    case .log2: .ga { g, a in g / (a * ln2) }
    case .log10: .ga { g, a in g / (a * ln10) }
    case .log1p: .ga { g, a in g / (a + 1) }
    case .sin: .ga { g, a in g * a.cos() }
    case .cos: .ga { g, a in -g * a.sin() }
    case .tan: .gy { g, y in g * (y * y + 1) }
    case .asin: .ga { g, a in g * (1 - a * a).rsqrt() }
    case .acos: .ga { g, a in -g * (1 - a * a).rsqrt() }
    case .atan: .ga { g, a in g / (a * a + 1) }
    case .sinh: .ga { g, a in g * a.cosh() }
    case .cosh: .ga { g, a in g * a.sinh() }
    case .tanh: .gy { g, y in y.dtype.isComplex ? g * (1 - y * y) : binary(.tanh_backward, g, y) }
    case .asinh: .ga { g, a in g * (a * a + 1).rsqrt() }
    case .acosh: .ga { g, a in g * (a * a - 1).rsqrt() }
    case .atanh: .ga { g, a in g / (1 - a * a) }
    case .sigmoid: .gy { g, y in y.dtype.isComplex ? g * (y * (1 - y)) : binary(.sigmoid_backward, g, y) }
    case .logsigmoid: .ga { g, a in g * (-a).sigmoid() }
    case .relu6: .ga { g, a in g.masked((a .> 0) & (a .< 6)) }
    case .gelu: .ga { g, a in binary(.gelu_backward, g, a) }
    case .gelu_tanh: .ga(geluTanhBackward)
    case .silu: .ga { g, a in binary(.silu_backward, g, a) }
    case .mish: .ga(mishBackward)
    case .softplus: .ga { g, a in g * a.sigmoid() }
    case .softsign: .ga { g, a in g / (a.abs() + 1).square() }
    case .hardtanh: .ga { g, a in g.masked((a .> -1) & (a .< 1)) }
    case .hardsigmoid: .ga { g, a in g.masked((a .> -3) & (a .< 3)) / 6 }
    case .hardswish: .ga { g, a in Tensor.where(a .<= -3, g * 0, Tensor.where(a .< 3, g * (a / 3 + 0.5), g)) }
    case .selu: .ga { g, a in Tensor.where(a .> 0, g * seluScale, g * a.minimum(0).exp() * (seluScale * seluAlpha)) }
    case .tanhshrink: .ga { g, a in g * a.tanh().square() }
    case .erf: .ga { g, a in g * (-(a * a)).exp() * twoOverRootPi }
    case .erfc: .ga { g, a in g * (-(a * a)).exp() * -twoOverRootPi }
    case .erfinv: .gy { g, y in g * (y * y).exp() * (1 / twoOverRootPi) }
    case .lgamma: .ga { g, a in g * a.digamma() }
    case .digamma: .ga { g, a in g * trigamma(a) }
    case .deg2rad: .g { $0.deg2rad() }
    case .rad2deg: .g { $0.rad2deg() }
    case .floor, .ceil, .round, .trunc: .zero
    case .frac: .g { $0 }
    case .isnan, .isinf, .isfinite, .signbit, .logical_not, .bitwise_not: .none
    }
}

/// The derivatives of a binary operator.
func derivative(of op: BinaryOp) -> (a: Rule, b: Rule) {
    switch op {
    case .add: (.g { $0 }, .g { $0 })
    case .sub: (.g { $0 }, .g { -$0 })
    case .mul: (.gb { g, b in g * b }, .ga { g, a in g * a })
    case .div: (.gb { g, b in g / b }, .gby { g, b, y in -g * (y / b) })
    case .floor_divide: (.zero, .zero)
    case .remainder: (.g { $0 }, .gab { g, a, b in -g * (a / b).floor() })
    case .fmod: (.g { $0 }, .gab { g, a, b in -g * (a / b).trunc() })
    case .pow: (.gab(powBackwardBase), .gaby(powBackwardExponent))
    case .maximum:
        (.gab { g, a, b in splitTies(g, a, b, loses: a .< b) }, .gab { g, a, b in splitTies(g, a, b, loses: b .< a) })
    case .minimum:
        (.gab { g, a, b in splitTies(g, a, b, loses: a .> b) }, .gab { g, a, b in splitTies(g, a, b, loses: b .> a) })
    case .fmax:
        (
            .gab { g, a, b in splitTies(g, a, b, loses: (a .< b) | a.isnan() & !b.isnan()) },
            .gab { g, a, b in splitTies(g, a, b, loses: (b .< a) | b.isnan()) }
        )
    case .fmin:
        (
            .gab { g, a, b in splitTies(g, a, b, loses: (a .> b) | a.isnan() & !b.isnan()) },
            .gab { g, a, b in splitTies(g, a, b, loses: (b .> a) | b.isnan()) }
        )
    case .atan2:
        (
            .gab { g, a, b in g * b * inverseSquaredLength(a, b) },
            .gab { g, a, b in -g * a * inverseSquaredLength(a, b) }
        )
    case .hypot: (.gay { g, a, y in g * (a / y) }, .gby { g, b, y in g * (b / y) })
    case .copysign: (.gay { g, a, y in (g * (y / a)).masked(a .!= 0) }, .zero)
    case .nextafter: (.none, .none)
    case .logaddexp:
        (.gab { g, a, b in g * (a - b).sigmoid() }, .gab { g, a, b in g * (b - a).sigmoid() })
    case .logaddexp2:
        (.gab { g, a, b in g * ((a - b) * ln2).sigmoid() }, .gab { g, a, b in g * ((b - a) * ln2).sigmoid() })
    case .xlogy:
        (.gab { g, a, b in g.xlogy(b).masked(!((a .== 0) & (b .<= 0))) }, .gab { g, a, b in g * a / b })
    case .heaviside: (.zero, .ga { g, a in g.masked(a .== 0) })
    case .leaky_relu:
        (.gab { g, a, b in Tensor.where(a .> 0, g, g * b) }, .ga { g, a in (g * a).masked(a .<= 0) })
    case .elu:
        (
            .gab { g, a, b in Tensor.where(a .> 0, g, g * b * a.minimum(0).exp()) },
            .ga { g, a in (g * a.minimum(0).expm1()).masked(a .<= 0) }
        )
    case .celu:
        (
            .gab { g, a, b in Tensor.where(a .> 0, g, g * (a.minimum(0) / b).exp()) },
            .gab { g, a, b in
                let ratio = a.minimum(0) / b
                return (g * (ratio.expm1() - ratio * ratio.exp())).masked(a .<= 0)
            }
        )
    case .hardshrink: (.gab { g, a, b in g.masked(!((a .>= -b) & (a .<= b))) }, .zero)
    case .softshrink:
        (
            .gab { g, a, b in g.masked(!((a .>= -b) & (a .<= b))) },
            .gab { g, a, b in (-g * a.sign()).masked(!((a .>= -b) & (a .<= b))) }
        )
    case .tanh_backward: (.gb { g, b in binary(.tanh_backward, g, b) }, .gab { g, a, b in g * a * b * -2 })
    case .sigmoid_backward:
        (.gb { g, b in binary(.sigmoid_backward, g, b) }, .gab { g, a, b in g * a * (1 - b * 2) })
    case .relu_backward: (.gb { g, b in binary(.relu_backward, g, b) }, .zero)
    case .gelu_backward:
        (
            .gb { g, b in binary(.gelu_backward, g, b) },
            .gab { g, a, b in g * a * (2 - b * b) * (b * b * -0.5).exp() * inverseRootTwoPi }
        )
    case .silu_backward:
        (
            .gb { g, b in binary(.silu_backward, g, b) },
            .gab { g, a, b in
                let s = b.sigmoid()
                return g * a * (s * (1 - s)) * (b * (1 - s * 2) + 2)
            }
        )
    case .gcd, .lcm, .bitwise_and, .bitwise_or, .bitwise_xor, .bitwise_left_shift, .bitwise_right_shift:
        (.none, .none)
    case .eq, .ne, .lt, .le, .gt, .ge, .logical_and, .logical_or, .logical_xor: (.none, .none)
    }
}

/// The derivatives of a ternary operator. For b and c, g comes already multiplied by the operator's number.
func derivative(of op: TernaryOp) -> (a: Rule, b: Rule, c: Rule) {
    switch op {
    case .where: (.none, .ga { g, a in g.masked(a) }, .ga { g, a in g.masked(!a) })
    case .clamp: (.gabc(clampBackward), .gabc(clampBackwardMin), .gabc(clampBackwardMax))
    case .lerp: (.gc { g, c in g - g * c }, .gc { g, c in g * c }, .gab { g, a, b in g * (b - a) })
    case .addcmul: (.g { $0 }, .gc { g, c in g * c }, .gb { g, b in g * b })
    case .addcdiv: (.g { $0 }, .gc { g, c in g / c }, .gbc { g, b, c in -g * (b / c) / c })
    case .add_scaled: (.g { $0 }, .gc { g, c in g * c }, .gb { g, b in g * b })
    }
}

/// The derivative of a reduction over the dims of `r`. g and y have the reduced dims with size 1.
func derivative(of op: ReduceOp) -> ReductionRule {
    switch op {
    case .sum: .g { g, r in g.expand(r.shape) }
    case .mean: .g { g, r in (g / r.count).expand(r.shape) }
    case .prod: .gay(prodBackward)
    case .max, .min:
        .gay { g, a, y, r in
            let ties = a .== y
            return (g / ties.sum(r.dims, keepDim: true)).masked(ties)
        }
    case .sum_abs: .ga { g, a, r in g * a.sign() }
    case .sum_squares: .ga { g, a, r in g * (a * 2) }
    case .nansum: .ga { g, a, r in g.masked(!a.isnan()) }
    case .any, .all, .count_nonzero: .none
    }
}

/// The derivative of a running sum or product along `dim`.
func derivative(of op: ScanOp) -> ScanRule {
    switch op {
    case .sum: .g { g, dim in g.flip(dim).cumsum(dim: dim).flip(dim) }
    case .prod: .gay(cumprodBackward)
    }
}

// MARK: - Rules too long for a line

private let ln2 = 0.693147180559945309417
private let ln10 = 2.302585092994045684018
private let twoOverRootPi = 1.128379167095512573896
private let inverseRootTwoPi = 0.398942280401432677940
private let seluScale = 1.0507009873554804934
private let seluAlpha = 1.6732632423543772848

extension Tensor {
    /// This where the mask is true, 0 elsewhere.
    fileprivate func masked(_ mask: Tensor) -> Tensor { Tensor.where(mask, self, 0) }
}

/// The gradient of one of two operands of which one is chosen: none where it loses, half where both are equal.
private func splitTies(_ g: Tensor, _ a: Tensor, _ b: Tensor, loses: Tensor) -> Tensor {
    Tensor.where(a .== b, g / 2, g.masked(!loses))
}

/// 1 / (a² + b²), and 0 at the origin.
private func inverseSquaredLength(_ a: Tensor, _ b: Tensor) -> Tensor {
    let square = a * a + b * b
    let isOrigin = square .== 0
    return Tensor.where(isOrigin, 1, square).reciprocal().masked(!isOrigin)
}

/// g between the bounds. At a bound that is a tensor, value and bound share it; at one that is a number there is none.
private func clampBackward(_ g: Tensor, _ x: Tensor, _ min: Tensor, _ max: Tensor) -> Tensor {
    if min.isWeak && max.isWeak { return g.masked((x .> min) & (x .< max)) }
    let atBound = ((x .== min) | (x .== max)) & (min .< max)
    return Tensor.where(atBound, g / 2, g.masked(!((x .< min) | (x .> max) | (min .> max))))
}

private func clampBackwardMin(_ g: Tensor, _ x: Tensor, _ min: Tensor, _ max: Tensor) -> Tensor {
    Tensor.where((x .== min) & (min .< max), g / 2, g.masked((x .< min) & (min .<= max)))
}

private func clampBackwardMax(_ g: Tensor, _ x: Tensor, _ min: Tensor, _ max: Tensor) -> Tensor {
    Tensor.where((x .== max) & (min .< max), g / 2, g.masked((x .> max) | (min .> max)))
}

/// b·a^(b-1), and 0 where b is 0 whatever a is.
private func powBackwardBase(_ g: Tensor, _ a: Tensor, _ b: Tensor) -> Tensor {
    if b.isWeak && !b.dtype.isComplex {
        let exponent = b.item()
        return exponent == 0 ? g.zerosLike() : g * (a ** (exponent - 1) * exponent)
    }
    return (g * (b * a ** (b - 1)).to(g.dtype)).masked(b .!= 0)
}

/// a^b·log(a), and 0 where a is 0 and (the real part of) b is not negative.
private func powBackwardExponent(_ g: Tensor, _ a: Tensor, _ b: Tensor, _ y: Tensor) -> Tensor {
    let growth = b.dtype.isComplex ? b.to(b.dtype.realType) : b
    return (g * (y * a.to(y.dtype).log())).masked(!((a .== 0) & (growth .>= 0)))
}

/// The gradient g, real, along the direction of the complex a; 0 at the origin.
func complexAbsBackward(_ g: Tensor, _ a: Tensor) -> Tensor { g * a.sign() }

/// What of the gradient g stands at right angles to the complex a, over the length of a; 0 at the origin.
func complexSignBackward(_ g: Tensor, _ a: Tensor) -> Tensor {
    let isOrigin = a .== 0
    let length = Tensor.where(isOrigin, 1, a.abs())
    let direction = a / length
    let along = (g * direction.conj()).to(length.dtype)
    return ((g - direction * along) / length).masked(!isOrigin)
}

private func geluTanhBackward(_ g: Tensor, _ x: Tensor) -> Tensor {
    let rootTwoOverPi = 0.79788456080286535588
    let square = x * x
    let t = ((square * 0.044715 + 1) * x * rootTwoOverPi).tanh()
    let slope = (1 - t * t) * (square * 0.134145 + 1) * rootTwoOverPi
    return g * ((t + 1) + x * slope) * 0.5
}

private func mishBackward(_ g: Tensor, _ x: Tensor) -> Tensor {
    let t = x.softplus().tanh()
    return g * (t + x * x.sigmoid() * (1 - t * t))
}

/// The derivative of digamma: recurrence up to arguments of 10 and more, then the asymptotic series; reflection below 0.
/// Abramowitz & Stegun 6.4.6, 6.4.7, 6.4.12.
private func trigamma(_ x: Tensor) -> Tensor {
    let isNegative = x .< 0
    var z = Tensor.where(isNegative, 1 - x, x)
    var result = x * 0
    for _ in 0..<10 {
        result = result + z.square().reciprocal()
        z = z + 1
    }
    let inverse = z.reciprocal()
    let square = inverse * inverse
    var series = square * (7.0 / 6)
    for coefficient in [-691.0 / 2730, 5.0 / 66, -1.0 / 30, 1.0 / 42, -1.0 / 30, 1.0 / 6] {
        series = (series + coefficient) * square
    }
    result = result + inverse + square * 0.5 + series * inverse
    let sine = (Tensor.where(isNegative, x, 0.5) * Double.pi).sin()
    return Tensor.where(isNegative, Double.pi * Double.pi / (sine * sine) - result, result)
}
