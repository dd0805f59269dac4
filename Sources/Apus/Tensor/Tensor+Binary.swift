import CApus

// Operators of two tensors, element by element, with broadcasting. Dtypes are promoted as in PyTorch; a Swift number in
// place of the second tensor is weak. The result of a comparison is bool.

extension Tensor {
    /// self + alpha·other.
    public func add(_ other: Tensor, alpha: Double? = nil) -> Tensor {
        guard let alpha else { return binary(.add, self, other) }
        return ternary(.add_scaled, self, other, Tensor(weak: Scalar.exact(alpha)))
    }

    /// self + other.
    public func add<S: TensorScalar>(_ other: S) -> Tensor { binary(.add, self, other.scalar) }

    /// self - alpha·other.
    public func sub(_ other: Tensor, alpha: Double? = nil) -> Tensor {
        guard let alpha else { return binary(.sub, self, other) }
        return ternary(.add_scaled, self, other, Tensor(weak: Scalar.exact(-alpha)))
    }

    /// self - other.
    public func sub<S: TensorScalar>(_ other: S) -> Tensor { binary(.sub, self, other.scalar) }

    /// Product.
    public func mul(_ other: Tensor) -> Tensor { binary(.mul, self, other) }
    /// Product.
    public func mul<S: TensorScalar>(_ other: S) -> Tensor { binary(.mul, self, other.scalar) }

    /// Quotient; integers are divided as float32.
    public func div(_ other: Tensor) -> Tensor { binary(.div, self, other) }
    /// Quotient; integers are divided as float32.
    public func div<S: TensorScalar>(_ other: S) -> Tensor { binary(.div, self, other.scalar) }

    /// The quotient rounded down.
    public func floorDivide(_ other: Tensor) -> Tensor { binary(.floor_divide, self, other) }
    /// The quotient rounded down.
    public func floorDivide<S: TensorScalar>(_ other: S) -> Tensor { binary(.floor_divide, self, other.scalar) }

    /// Remainder with the sign of the divisor, as in Python.
    public func remainder(_ other: Tensor) -> Tensor { binary(.remainder, self, other) }
    /// Remainder with the sign of the divisor, as in Python.
    public func remainder<S: TensorScalar>(_ other: S) -> Tensor { binary(.remainder, self, other.scalar) }

    /// Remainder with the sign of the dividend, as in C.
    public func fmod(_ other: Tensor) -> Tensor { binary(.fmod, self, other) }
    /// Remainder with the sign of the dividend, as in C.
    public func fmod<S: TensorScalar>(_ other: S) -> Tensor { binary(.fmod, self, other.scalar) }

    /// This to the power of `other`.
    public func pow(_ other: Tensor) -> Tensor { binary(.pow, self, other) }
    /// This to the power of `other`.
    public func pow<S: TensorScalar>(_ other: S) -> Tensor { binary(.pow, self, other.scalar) }

    /// The greater of each pair; NaN wins.
    public func maximum(_ other: Tensor) -> Tensor { binary(.maximum, self, other) }
    /// The greater of each pair; NaN wins.
    public func maximum<S: TensorScalar>(_ other: S) -> Tensor { binary(.maximum, self, other.scalar) }

    /// The lesser of each pair; NaN wins.
    public func minimum(_ other: Tensor) -> Tensor { binary(.minimum, self, other) }
    /// The lesser of each pair; NaN wins.
    public func minimum<S: TensorScalar>(_ other: S) -> Tensor { binary(.minimum, self, other.scalar) }

    /// The greater of each pair; NaN loses.
    public func fmax(_ other: Tensor) -> Tensor { binary(.fmax, self, other) }
    /// The greater of each pair; NaN loses.
    public func fmax<S: TensorScalar>(_ other: S) -> Tensor { binary(.fmax, self, other.scalar) }

    /// The lesser of each pair; NaN loses.
    public func fmin(_ other: Tensor) -> Tensor { binary(.fmin, self, other) }
    /// The lesser of each pair; NaN loses.
    public func fmin<S: TensorScalar>(_ other: S) -> Tensor { binary(.fmin, self, other.scalar) }

    /// The angle of the point (other, self), in [-π, π].
    public func atan2(_ other: Tensor) -> Tensor { binary(.atan2, self, other) }
    /// The angle of the point (other, self), in [-π, π].
    public func atan2<S: TensorScalar>(_ other: S) -> Tensor { binary(.atan2, self, other.scalar) }

    /// √(self² + other²).
    public func hypot(_ other: Tensor) -> Tensor { binary(.hypot, self, other) }
    /// √(self² + other²).
    public func hypot<S: TensorScalar>(_ other: S) -> Tensor { binary(.hypot, self, other.scalar) }

    /// This with the sign of `other`.
    public func copysign(_ other: Tensor) -> Tensor { binary(.copysign, self, other) }
    /// This with the sign of `other`.
    public func copysign<S: TensorScalar>(_ other: S) -> Tensor { binary(.copysign, self, other.scalar) }

    /// The next representable number towards `other`. Not differentiable.
    public func nextafter(_ other: Tensor) -> Tensor { binary(.nextafter, self, other) }
    /// The next representable number towards `other`. Not differentiable.
    public func nextafter<S: TensorScalar>(_ other: S) -> Tensor { binary(.nextafter, self, other.scalar) }

    /// log(eˣ + eʸ), safe from overflow.
    public func logaddexp(_ other: Tensor) -> Tensor { binary(.logaddexp, self, other) }
    /// log(eˣ + eʸ), safe from overflow.
    public func logaddexp<S: TensorScalar>(_ other: S) -> Tensor { binary(.logaddexp, self, other.scalar) }

    /// log2(2ˣ + 2ʸ), safe from overflow.
    public func logaddexp2(_ other: Tensor) -> Tensor { binary(.logaddexp2, self, other) }
    /// log2(2ˣ + 2ʸ), safe from overflow.
    public func logaddexp2<S: TensorScalar>(_ other: S) -> Tensor { binary(.logaddexp2, self, other.scalar) }

    /// self·log(other), and 0 where this is 0.
    public func xlogy(_ other: Tensor) -> Tensor { binary(.xlogy, self, other) }
    /// self·log(other), and 0 where this is 0.
    public func xlogy<S: TensorScalar>(_ other: S) -> Tensor { binary(.xlogy, self, other.scalar) }

    /// 0 below 0, 1 above, `other` at 0.
    public func heaviside(_ other: Tensor) -> Tensor { binary(.heaviside, self, other) }
    /// 0 below 0, 1 above, `other` at 0.
    public func heaviside<S: TensorScalar>(_ other: S) -> Tensor { binary(.heaviside, self, other.scalar) }

    /// The greatest common divisor; integers.
    public func gcd(_ other: Tensor) -> Tensor { binary(.gcd, self, other) }
    /// The greatest common divisor; integers.
    public func gcd<S: TensorScalar>(_ other: S) -> Tensor { binary(.gcd, self, other.scalar) }

    /// The least common multiple; integers.
    public func lcm(_ other: Tensor) -> Tensor { binary(.lcm, self, other) }
    /// The least common multiple; integers.
    public func lcm<S: TensorScalar>(_ other: S) -> Tensor { binary(.lcm, self, other.scalar) }

    /// Bits set in both.
    public func bitwiseAnd(_ other: Tensor) -> Tensor { binary(.bitwise_and, self, other) }
    /// Bits set in both.
    public func bitwiseAnd<S: TensorScalar>(_ other: S) -> Tensor { binary(.bitwise_and, self, other.scalar) }

    /// Bits set in either.
    public func bitwiseOr(_ other: Tensor) -> Tensor { binary(.bitwise_or, self, other) }
    /// Bits set in either.
    public func bitwiseOr<S: TensorScalar>(_ other: S) -> Tensor { binary(.bitwise_or, self, other.scalar) }

    /// Bits set in one alone.
    public func bitwiseXor(_ other: Tensor) -> Tensor { binary(.bitwise_xor, self, other) }
    /// Bits set in one alone.
    public func bitwiseXor<S: TensorScalar>(_ other: S) -> Tensor { binary(.bitwise_xor, self, other.scalar) }

    /// Bits moved up.
    public func bitwiseLeftShift(_ other: Tensor) -> Tensor { binary(.bitwise_left_shift, self, other) }
    /// Bits moved up.
    public func bitwiseLeftShift<S: TensorScalar>(_ other: S) -> Tensor {
        binary(.bitwise_left_shift, self, other.scalar)
    }

    /// Bits moved down; the sign is kept.
    public func bitwiseRightShift(_ other: Tensor) -> Tensor { binary(.bitwise_right_shift, self, other) }
    /// Bits moved down; the sign is kept.
    public func bitwiseRightShift<S: TensorScalar>(_ other: S) -> Tensor {
        binary(.bitwise_right_shift, self, other.scalar)
    }

    /// Where equal; bool.
    public func eq(_ other: Tensor) -> Tensor { binary(.eq, self, other) }
    /// Where equal; bool.
    public func eq<S: TensorScalar>(_ other: S) -> Tensor { binary(.eq, self, other.scalar) }

    /// Where not equal; bool.
    public func ne(_ other: Tensor) -> Tensor { binary(.ne, self, other) }
    /// Where not equal; bool.
    public func ne<S: TensorScalar>(_ other: S) -> Tensor { binary(.ne, self, other.scalar) }

    /// Where less; bool.
    public func lt(_ other: Tensor) -> Tensor { binary(.lt, self, other) }
    /// Where less; bool.
    public func lt<S: TensorScalar>(_ other: S) -> Tensor { binary(.lt, self, other.scalar) }

    /// Where less or equal; bool.
    public func le(_ other: Tensor) -> Tensor { binary(.le, self, other) }
    /// Where less or equal; bool.
    public func le<S: TensorScalar>(_ other: S) -> Tensor { binary(.le, self, other.scalar) }

    /// Where greater; bool.
    public func gt(_ other: Tensor) -> Tensor { binary(.gt, self, other) }
    /// Where greater; bool.
    public func gt<S: TensorScalar>(_ other: S) -> Tensor { binary(.gt, self, other.scalar) }

    /// Where greater or equal; bool.
    public func ge(_ other: Tensor) -> Tensor { binary(.ge, self, other) }
    /// Where greater or equal; bool.
    public func ge<S: TensorScalar>(_ other: S) -> Tensor { binary(.ge, self, other.scalar) }

    /// Where both are true; bool.
    public func logicalAnd(_ other: Tensor) -> Tensor { binary(.logical_and, self, other) }
    /// Where both are true; bool.
    public func logicalAnd<S: TensorScalar>(_ other: S) -> Tensor { binary(.logical_and, self, other.scalar) }

    /// Where either is true; bool.
    public func logicalOr(_ other: Tensor) -> Tensor { binary(.logical_or, self, other) }
    /// Where either is true; bool.
    public func logicalOr<S: TensorScalar>(_ other: S) -> Tensor { binary(.logical_or, self, other.scalar) }

    /// Where one alone is true; bool.
    public func logicalXor(_ other: Tensor) -> Tensor { binary(.logical_xor, self, other) }
    /// Where one alone is true; bool.
    public func logicalXor<S: TensorScalar>(_ other: S) -> Tensor { binary(.logical_xor, self, other.scalar) }

    /// x above 0, `slope`·x below.
    public func leakyRelu(_ slope: Double = 0.01) -> Tensor { binary(.leaky_relu, self, Scalar(slope)) }

    /// x above 0, `alpha`·(eˣ - 1) below (Clevert et al., arXiv:1511.07289).
    public func elu(_ alpha: Double = 1) -> Tensor { binary(.elu, self, Scalar(alpha)) }

    /// x above 0, `alpha`·(exp(x / alpha) - 1) below (Barron, arXiv:1704.07483).
    public func celu(_ alpha: Double = 1) -> Tensor { binary(.celu, self, Scalar(alpha)) }

    /// x outside [-lambda, lambda], 0 inside.
    public func hardshrink(_ lambda: Double = 0.5) -> Tensor { binary(.hardshrink, self, Scalar(lambda)) }

    /// x moved towards 0 by lambda, and 0 inside [-lambda, lambda].
    public func softshrink(_ lambda: Double = 0.5) -> Tensor { binary(.softshrink, self, Scalar(lambda)) }

}
