// Operators of one tensor, element by element. Where nothing else is said, floats keep their dtype and integers and bool
// are computed as float32.

extension Tensor {
    /// -x. Not for bool.
    public func neg() -> Tensor { unary(.neg, self) }

    /// The complex conjugate; a real tensor is returned as it is.
    public func conj() -> Tensor { dtype.isComplex ? unary(.conj, self) : self }

    /// The absolute value.
    public func abs() -> Tensor { unary(.abs, self) }

    /// -1, 0 or 1 by the sign.
    public func sign() -> Tensor { unary(.sign, self) }

    /// x².
    public func square() -> Tensor { unary(.square, self) }

    /// max(x, 0).
    public func relu() -> Tensor { unary(.relu, self) }

    /// The square root; NaN below 0.
    public func sqrt() -> Tensor { unary(.sqrt, self) }

    /// 1 / √x.
    public func rsqrt() -> Tensor { unary(.rsqrt, self) }

    /// 1 / x.
    public func reciprocal() -> Tensor { unary(.reciprocal, self) }

    /// eˣ.
    public func exp() -> Tensor { unary(.exp, self) }

    /// 2ˣ.
    public func exp2() -> Tensor { unary(.exp2, self) }

    /// eˣ - 1, exact near 0.
    public func expm1() -> Tensor { unary(.expm1, self) }

    /// The natural logarithm.
    public func log() -> Tensor { unary(.log, self) }

    /// The logarithm to base 2.
    public func log2() -> Tensor { unary(.log2, self) }

    /// The logarithm to base 10.
    public func log10() -> Tensor { unary(.log10, self) }

    /// log(1 + x), exact near 0.
    public func log1p() -> Tensor { unary(.log1p, self) }

    /// The sine of x radians.
    public func sin() -> Tensor { unary(.sin, self) }

    /// The cosine of x radians.
    public func cos() -> Tensor { unary(.cos, self) }

    /// The tangent of x radians.
    public func tan() -> Tensor { unary(.tan, self) }

    /// The arc sine, in [-π/2, π/2].
    public func asin() -> Tensor { unary(.asin, self) }

    /// The arc cosine, in [0, π].
    public func acos() -> Tensor { unary(.acos, self) }

    /// The arc tangent, in [-π/2, π/2].
    public func atan() -> Tensor { unary(.atan, self) }

    /// The hyperbolic sine.
    public func sinh() -> Tensor { unary(.sinh, self) }

    /// The hyperbolic cosine.
    public func cosh() -> Tensor { unary(.cosh, self) }

    /// The hyperbolic tangent.
    public func tanh() -> Tensor { unary(.tanh, self) }

    /// The inverse hyperbolic sine.
    public func asinh() -> Tensor { unary(.asinh, self) }

    /// The inverse hyperbolic cosine; NaN below 1.
    public func acosh() -> Tensor { unary(.acosh, self) }

    /// The inverse hyperbolic tangent.
    public func atanh() -> Tensor { unary(.atanh, self) }

    /// 1 / (1 + e⁻ˣ).
    public func sigmoid() -> Tensor { unary(.sigmoid, self) }

    /// log(sigmoid(x)), safe from underflow.
    public func logSigmoid() -> Tensor { unary(.logsigmoid, self) }

    /// min(max(x, 0), 6).
    public func relu6() -> Tensor { unary(.relu6, self) }

    /// x·Φ(x), Φ the normal distribution function (Hendrycks & Gimpel, arXiv:1606.08415).
    public func gelu() -> Tensor { unary(.gelu, self) }

    /// The tanh approximation of `gelu`.
    public func geluTanh() -> Tensor { unary(.gelu_tanh, self) }

    /// x·sigmoid(x), also called swish.
    public func silu() -> Tensor { unary(.silu, self) }

    /// x·tanh(softplus(x)) (Misra, arXiv:1908.08681).
    public func mish() -> Tensor { unary(.mish, self) }

    /// log(1 + eˣ).
    public func softplus() -> Tensor { unary(.softplus, self) }

    /// x / (1 + |x|).
    public func softsign() -> Tensor { unary(.softsign, self) }

    /// x clamped to [-1, 1].
    public func hardtanh() -> Tensor { unary(.hardtanh, self) }

    /// (x + 3) / 6 clamped to [0, 1].
    public func hardsigmoid() -> Tensor { unary(.hardsigmoid, self) }

    /// x·hardsigmoid(x) (Howard et al., arXiv:1905.02244).
    public func hardswish() -> Tensor { unary(.hardswish, self) }

    /// Scaled exponential linear unit (Klambauer et al., arXiv:1706.02515).
    public func selu() -> Tensor { unary(.selu, self) }

    /// x - tanh(x).
    public func tanhshrink() -> Tensor { unary(.tanhshrink, self) }

    /// The error function.
    public func erf() -> Tensor { unary(.erf, self) }

    /// 1 - erf(x), exact for large x.
    public func erfc() -> Tensor { unary(.erfc, self) }

    /// The inverse of `erf`.
    public func erfinv() -> Tensor { unary(.erfinv, self) }

    /// log |Γ(x)|.
    public func lgamma() -> Tensor { unary(.lgamma, self) }

    /// The derivative of `lgamma`.
    public func digamma() -> Tensor { unary(.digamma, self) }

    /// Degrees to radians.
    public func deg2rad() -> Tensor { unary(.deg2rad, self) }

    /// Radians to degrees.
    public func rad2deg() -> Tensor { unary(.rad2deg, self) }

    /// The greatest integer not above x.
    public func floor() -> Tensor { unary(.floor, self) }

    /// The least integer not below x.
    public func ceil() -> Tensor { unary(.ceil, self) }

    /// The nearest integer, ties to even.
    public func round() -> Tensor { unary(.round, self) }

    /// x without its fraction.
    public func trunc() -> Tensor { unary(.trunc, self) }

    /// The fraction of x, with its sign.
    public func frac() -> Tensor { unary(.frac, self) }

    /// Where x is NaN; bool.
    public func isnan() -> Tensor { unary(.isnan, self) }

    /// Where x is infinite; bool.
    public func isinf() -> Tensor { unary(.isinf, self) }

    /// Where x is neither infinite nor NaN; bool.
    public func isfinite() -> Tensor { unary(.isfinite, self) }

    /// Where the sign bit is set, -0 included; bool.
    public func signbit() -> Tensor { unary(.signbit, self) }

    /// Where x is zero; bool.
    public func logicalNot() -> Tensor { unary(.logical_not, self) }

    /// Every bit turned over; integers and bool.
    public func bitwiseNot() -> Tensor { unary(.bitwise_not, self) }

}
