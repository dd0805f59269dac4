import CApus

// The in-place forms of operators of two and three tensors: each writes its result into the tensor and returns it. The
// other operands broadcast to the tensor's shape, never the other way, and the dtype must be able to hold the result.

extension Tensor {
    /// self += alpha·other.
    @discardableResult
    public func add_(_ other: Tensor, alpha: Double? = nil) -> Tensor {
        guard let alpha else { return binaryInPlace(.add, other) }
        return ternaryInPlace(.add_scaled, other, Tensor(weak: Scalar.exact(alpha)))
    }

    /// self += other.
    @discardableResult
    public func add_<S: TensorScalar>(_ other: S) -> Tensor { binaryInPlace(.add, other.scalar) }

    /// self -= alpha·other.
    @discardableResult
    public func sub_(_ other: Tensor, alpha: Double? = nil) -> Tensor {
        guard let alpha else { return binaryInPlace(.sub, other) }
        return ternaryInPlace(.add_scaled, other, Tensor(weak: Scalar.exact(-alpha)))
    }

    /// self -= other.
    @discardableResult
    public func sub_<S: TensorScalar>(_ other: S) -> Tensor { binaryInPlace(.sub, other.scalar) }

    /// `mul`, in place.
    @discardableResult
    public func mul_(_ other: Tensor) -> Tensor { binaryInPlace(.mul, other) }
    /// `mul`, in place.
    @discardableResult
    public func mul_<S: TensorScalar>(_ other: S) -> Tensor { binaryInPlace(.mul, other.scalar) }

    /// `div`, in place.
    @discardableResult
    public func div_(_ other: Tensor) -> Tensor { binaryInPlace(.div, other) }
    /// `div`, in place.
    @discardableResult
    public func div_<S: TensorScalar>(_ other: S) -> Tensor { binaryInPlace(.div, other.scalar) }

    /// `floorDivide`, in place.
    @discardableResult
    public func floorDivide_(_ other: Tensor) -> Tensor { binaryInPlace(.floor_divide, other) }
    /// `floorDivide`, in place.
    @discardableResult
    public func floorDivide_<S: TensorScalar>(_ other: S) -> Tensor { binaryInPlace(.floor_divide, other.scalar) }

    /// `remainder`, in place.
    @discardableResult
    public func remainder_(_ other: Tensor) -> Tensor { binaryInPlace(.remainder, other) }
    /// `remainder`, in place.
    @discardableResult
    public func remainder_<S: TensorScalar>(_ other: S) -> Tensor { binaryInPlace(.remainder, other.scalar) }

    /// `fmod`, in place.
    @discardableResult
    public func fmod_(_ other: Tensor) -> Tensor { binaryInPlace(.fmod, other) }
    /// `fmod`, in place.
    @discardableResult
    public func fmod_<S: TensorScalar>(_ other: S) -> Tensor { binaryInPlace(.fmod, other.scalar) }

    /// `pow`, in place.
    @discardableResult
    public func pow_(_ other: Tensor) -> Tensor { binaryInPlace(.pow, other) }
    /// `pow`, in place.
    @discardableResult
    public func pow_<S: TensorScalar>(_ other: S) -> Tensor { binaryInPlace(.pow, other.scalar) }

    /// `maximum`, in place.
    @discardableResult
    public func maximum_(_ other: Tensor) -> Tensor { binaryInPlace(.maximum, other) }
    /// `maximum`, in place.
    @discardableResult
    public func maximum_<S: TensorScalar>(_ other: S) -> Tensor { binaryInPlace(.maximum, other.scalar) }

    /// `minimum`, in place.
    @discardableResult
    public func minimum_(_ other: Tensor) -> Tensor { binaryInPlace(.minimum, other) }
    /// `minimum`, in place.
    @discardableResult
    public func minimum_<S: TensorScalar>(_ other: S) -> Tensor { binaryInPlace(.minimum, other.scalar) }

    /// `atan2`, in place.
    @discardableResult
    public func atan2_(_ other: Tensor) -> Tensor { binaryInPlace(.atan2, other) }
    /// `atan2`, in place.
    @discardableResult
    public func atan2_<S: TensorScalar>(_ other: S) -> Tensor { binaryInPlace(.atan2, other.scalar) }

    /// `hypot`, in place.
    @discardableResult
    public func hypot_(_ other: Tensor) -> Tensor { binaryInPlace(.hypot, other) }
    /// `hypot`, in place.
    @discardableResult
    public func hypot_<S: TensorScalar>(_ other: S) -> Tensor { binaryInPlace(.hypot, other.scalar) }

    /// `bitwiseAnd`, in place.
    @discardableResult
    public func bitwiseAnd_(_ other: Tensor) -> Tensor { binaryInPlace(.bitwise_and, other) }
    /// `bitwiseAnd`, in place.
    @discardableResult
    public func bitwiseAnd_<S: TensorScalar>(_ other: S) -> Tensor { binaryInPlace(.bitwise_and, other.scalar) }

    /// `bitwiseOr`, in place.
    @discardableResult
    public func bitwiseOr_(_ other: Tensor) -> Tensor { binaryInPlace(.bitwise_or, other) }
    /// `bitwiseOr`, in place.
    @discardableResult
    public func bitwiseOr_<S: TensorScalar>(_ other: S) -> Tensor { binaryInPlace(.bitwise_or, other.scalar) }

    /// `bitwiseXor`, in place.
    @discardableResult
    public func bitwiseXor_(_ other: Tensor) -> Tensor { binaryInPlace(.bitwise_xor, other) }
    /// `bitwiseXor`, in place.
    @discardableResult
    public func bitwiseXor_<S: TensorScalar>(_ other: S) -> Tensor { binaryInPlace(.bitwise_xor, other.scalar) }

    /// self += value·a·b.
    @discardableResult
    public func addcmul_(_ a: Tensor, _ b: Tensor, value: Double = 1) -> Tensor {
        ternaryInPlace(.addcmul, a, b, scale: Scalar.exact(value))
    }

    /// self += value·a / b.
    @discardableResult
    public func addcdiv_(_ a: Tensor, _ b: Tensor, value: Double = 1) -> Tensor {
        ternaryInPlace(.addcdiv, a, b, scale: Scalar.exact(value))
    }

    /// self += weight·(end - self).
    @discardableResult
    public func lerp_(_ end: Tensor, weight: Double) -> Tensor {
        ternaryInPlace(.lerp, end, Tensor(weak: Scalar(weight)))
    }

    /// self += weight·(end - self), the weight a tensor.
    @discardableResult
    public func lerp_(_ end: Tensor, weight: Tensor) -> Tensor { ternaryInPlace(.lerp, end, weight) }

    /// Limits the elements to [min, max]; a nil bound does not count.
    @discardableResult
    public func clamp_(min: Double? = nil, max: Double? = nil) -> Tensor {
        guard dtype.isFloatingPoint else { return assign(clamp(min: min, max: max)) }
        return ternaryInPlace(
            .clamp, Tensor(weak: Scalar(min ?? -.infinity)), Tensor(weak: Scalar(max ?? .infinity)))
    }

    /// Sets the elements where the mask is true to a number.
    @discardableResult
    public func maskedFill_<S: TensorScalar>(_ mask: Tensor, _ value: S) -> Tensor { assign(maskedFill(mask, value)) }

    /// Writes a result computed from this tensor back into it.
    @discardableResult
    func assign(_ result: Tensor) -> Tensor { result.isInvalid ? self : copy_(result) }
}
