import CApus

extension Tensor {
    /// The only element of a one-element tensor, as a Double.
    public func item() -> Double { scalarItem().double }

    /// The only element of a one-element tensor, converted.
    public func item<S: TensorScalar>(_: S.Type) -> S { S(scalarItem()) }

    private func scalarItem() -> Scalar {
        var scalar = Scalar(integer: 0)
        _ = check(apus_tensor_item(handle, &scalar.raw))
        return scalar
    }

    /// Every element in row-major order, converted. Copies.
    public func toArray<S: TensorScalar>(_: S.Type) -> [S] {
        let count = self.count
        guard count > 0 else { return [] }
        return [S](unsafeUninitializedCapacity: count) { buffer, initialized in
            let bytes = UnsafeMutableRawBufferPointer(buffer)
            if check(apus_tensor_read(handle, S.dtype, bytes.baseAddress, bytes.count)) { initialized = count }
        }
    }

    /// Every element in row-major order, converted; the same as `toArray`.
    public func scalars<S: TensorScalar>(as type: S.Type) -> [S] { toArray(type) }

    /// Whether shapes, dtypes and all elements are the same. NaN differs from everything.
    public func equal(_ other: Tensor) -> Bool {
        guard hasShape(of: other), dtype == other.dtype else { return false }
        return noGrad { (self .== other).all().item(Bool.self) }
    }

    /// Whether all elements are close: |self - other| ≤ atol + rtol·|other|. Infinities must be equal; NaN is close to
    /// nothing, or to NaN where `equalNaN`.
    public func allClose(_ other: Tensor, rtol: Double = 1e-5, atol: Double = 1e-8, equalNaN: Bool = false) -> Bool {
        isClose(other, rtol: rtol, atol: atol, equalNaN: equalNaN).all().item(Bool.self)
    }

    /// Where the elements are close; see `allClose`.
    public func isClose(_ other: Tensor, rtol: Double = 1e-5, atol: Double = 1e-8, equalNaN: Bool = false) -> Tensor {
        noGrad {
            let a = dtype.isDifferentiable ? self : to(.float64)
            let b = other.dtype.isDifferentiable ? other : other.to(.float64)
            var close = ((a - b).abs() .<= b.abs() * rtol + atol) & b.isfinite() | (a .== b)
            if equalNaN { close = close | (a.isnan() & b.isnan()) }
            return close
        }
    }
}

extension Tensor: CustomStringConvertible {
    /// The text PyTorch would print, e.g. `tensor([1., 2.], requiresGrad=true)`.
    public var description: String {
        if isInvalid { return "tensor(<invalid>)" }
        let suffix: String
        if let gradFn {
            suffix = "gradFn=<\(gradFn.name)>"
        } else {
            suffix = requiresGrad ? "requiresGrad=true" : ""
        }
        var length = 0
        let small: String? = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 1024) { buffer in
            guard format(suffix, buffer, &length) else { return "" }
            return length < buffer.count ? String(cString: buffer.baseAddress!) : nil
        }
        if let small { return small }
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: length + 1) { buffer in
            format(suffix, buffer, &length) ? String(cString: buffer.baseAddress!) : ""
        }
    }

    private func format(_ suffix: String, _ buffer: UnsafeMutableBufferPointer<CChar>, _ length: inout Int) -> Bool {
        check(apus_tensor_format(handle, suffix.isEmpty ? nil : suffix, buffer.baseAddress, buffer.count, &length))
    }
}
