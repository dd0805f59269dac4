import CApus

extension Tensor {
    /// x where the condition is true, y elsewhere; all three broadcast. x and y are promoted together.
    public static func `where`(_ condition: Tensor, _ x: Tensor, _ y: Tensor) -> Tensor {
        ternary(.where, condition, x, y)
    }

    /// As above, with a number for y.
    public static func `where`<S: TensorScalar>(_ condition: Tensor, _ x: Tensor, _ y: S) -> Tensor {
        ternary(.where, condition, x, Tensor(weak: y.scalar))
    }

    /// As above, with a number for x.
    public static func `where`<S: TensorScalar>(_ condition: Tensor, _ x: S, _ y: Tensor) -> Tensor {
        ternary(.where, condition, Tensor(weak: x.scalar), y)
    }

    /// As above, with two numbers; the result has the default dtype for floats, int64 for integers.
    public static func `where`<S: TensorScalar>(_ condition: Tensor, _ x: S, _ y: S) -> Tensor {
        let dtype = x.scalar.raw.kind == APUS_SCALAR_float ? Tensor.defaultDType : S.dtype
        let device = condition.device
        return ternary(
            .where, condition, Tensor(x, dtype: dtype, device: device), Tensor(y, dtype: dtype, device: device))
    }

    /// This where the condition is true, `other` elsewhere.
    public func `where`(_ condition: Tensor, _ other: Tensor) -> Tensor { ternary(.where, condition, self, other) }

    /// This where the condition is true, a number elsewhere.
    public func `where`<S: TensorScalar>(_ condition: Tensor, _ other: S) -> Tensor {
        Tensor.where(condition, self, other)
    }

    /// The elements limited to [min, max], element by element. At a bound itself the gradient is shared evenly between
    /// element and bound.
    public func clamp(min: Tensor, max: Tensor) -> Tensor { ternary(.clamp, self, min, max) }

    /// The elements, but at least `min`. At the bound itself the gradient is shared evenly.
    public func clamp(min: Tensor) -> Tensor {
        dtype.isFloatingPoint && min.dtype.isFloatingPoint
            ? clamp(min: min, max: Tensor(weak: Scalar(.infinity))) : maximum(min)
    }

    /// The elements, but at most `max`. At the bound itself the gradient is shared evenly.
    public func clamp(max: Tensor) -> Tensor {
        dtype.isFloatingPoint && max.dtype.isFloatingPoint
            ? clamp(min: Tensor(weak: Scalar(-.infinity)), max: max) : minimum(max)
    }

    /// The elements limited to [min, max]; a nil bound does not count. The gradient is 0 at the bounds themselves.
    /// Integers stay integers where the bounds are whole numbers.
    public func clamp(min: Double? = nil, max: Double? = nil) -> Tensor {
        if !dtype.isFloatingPoint {
            let low = min.map { binary(.maximum, self, .exact($0)) } ?? self
            return max.map { binary(.minimum, low, .exact($0)) } ?? low
        }
        return ternary(
            .clamp, self, Tensor(weak: Scalar(min ?? -.infinity)), Tensor(weak: Scalar(max ?? .infinity)))
    }

    /// self + weight·(end - self).
    public func lerp(_ end: Tensor, weight: Tensor) -> Tensor { ternary(.lerp, self, end, weight) }

    /// self + weight·(end - self).
    public func lerp(_ end: Tensor, weight: Double) -> Tensor {
        ternary(.lerp, self, end, Tensor(weak: Scalar(weight)))
    }

    /// self + value·a·b.
    public func addcmul(_ a: Tensor, _ b: Tensor, value: Double = 1) -> Tensor {
        ternary(.addcmul, self, a, b, scale: .exact(value))
    }

    /// self + value·a / b.
    public func addcdiv(_ a: Tensor, _ b: Tensor, value: Double = 1) -> Tensor {
        ternary(.addcdiv, self, a, b, scale: .exact(value))
    }

    /// This with the elements where the mask is true set to a number. The dtype stays.
    public func maskedFill<S: TensorScalar>(_ mask: Tensor, _ value: S) -> Tensor {
        ternary(.where, mask, Tensor(value, dtype: dtype, device: device), self)
    }

    /// This with the elements where the mask is true set to a 0-d tensor.
    public func maskedFill(_ mask: Tensor, _ value: Tensor) -> Tensor {
        ternary(.where, mask, value.to(dtype), self)
    }
}

extension Scalar {
    /// A whole number as an integer, so that it does not turn integer tensors into floats; any other as a float.
    static func exact(_ value: Double) -> Scalar {
        guard let whole = Int64(exactly: value) else { return Scalar(value) }
        return Scalar(integer: whole)
    }
}
