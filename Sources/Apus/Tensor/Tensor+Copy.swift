import CApus

extension Tensor {
    /// A contiguous copy with the same history.
    public func clone() -> Tensor {
        let y = Tensor.make { apus_tensor_to($0, handle, dtype, apus_tensor_device(handle)) }
        if Autograd.isRecording(self) {
            Autograd.record("Clone", inputs: [self], output: y) { [$0.gradient] }
        }
        return y
    }

    /// This tensor in another dtype: itself where it has that already, else a copy. Floats lose their fraction on the
    /// way to integers.
    public func to(_ dtype: DType) -> Tensor { to(dtype: dtype, device: nil) }

    /// This tensor on another device: itself where it is there already, else a copy.
    public func to(_ device: Device) -> Tensor { to(dtype: nil, device: device) }

    /// This tensor in another dtype and on another device: itself where nothing changes, else a contiguous copy.
    public func to(dtype: DType?, device: Device?) -> Tensor {
        let dtype = dtype ?? self.dtype
        let device = device?.code ?? apus_tensor_device(handle)
        if dtype == self.dtype && device == apus_tensor_device(handle) { return self }
        let y = Tensor.make { apus_tensor_to($0, handle, dtype, device) }
        if Autograd.isRecording(self) {
            let home = self.device
            Autograd.record("To", inputs: [self], output: y) { [$0.gradient.to(home)] }
        }
        return y
    }

    /// This tensor in the dtype and on the device of another.
    public func type(as other: Tensor) -> Tensor { to(dtype: other.dtype, device: other.device) }

    /// As float32.
    public func float() -> Tensor { to(.float32) }
    /// As float64.
    public func double() -> Tensor { to(.float64) }
    /// As float16.
    public func half() -> Tensor { to(.float16) }
    /// As bfloat16.
    public func bfloat16() -> Tensor { to(.bfloat16) }
    /// As int32.
    public func int() -> Tensor { to(.int32) }
    /// As int64.
    public func long() -> Tensor { to(.int64) }
    /// As bool: where not zero.
    public func bool() -> Tensor { to(.bool) }
    /// In main memory.
    public func cpu() -> Tensor { to(.cpu) }

    /// The tensor itself where it is contiguous, else a contiguous copy.
    public func contiguous() -> Tensor { isContiguous ? self : clone() }

    /// Writes `source` into this tensor, converting dtype and device and broadcasting its shape.
    @discardableResult
    public func copy_(_ source: Tensor) -> Tensor {
        guard mayBeWritten("copy_") else { return self }
        guard (requiresGrad || source.requiresGrad) && isGradEnabled else {
            _ = check(apus_tensor_copy(handle, source.handle))
            return self
        }
        return recordedInPlace("copy_", readsSelf: false) { old in
            guard check(apus_tensor_copy(handle, source.handle)) else { return nil }
            return FunctionNode("Copy", inputs: [old, source], outputs: [self], saving: [], outputCount: 1) {
                [$0.needs(0) ? $0.gradient.zerosLike() : nil, $0.gradient]
            }
        }
    }

    /// Sets every element to a number.
    @discardableResult
    public func fill_<S: TensorScalar>(_ value: S) -> Tensor {
        overwrite("fill_") { withUnsafePointer(to: value.scalar.raw) { apus_tensor_fill(handle, $0) } }
    }

    /// Sets every element to zero.
    @discardableResult
    public func zero_() -> Tensor { fill_(0) }

    /// Runs a C function that gives every element a new value which does not depend on any tensor.
    func overwrite(_ name: StaticString, _ body: () -> Status) -> Tensor {
        guard mayBeWritten("\(name)") else { return self }
        guard requiresGrad && isGradEnabled else {
            _ = check(body())
            return self
        }
        return recordedInPlace("\(name)", readsSelf: false) { old in
            guard check(body()) else { return nil }
            return FunctionNode("Fill", inputs: [old], outputs: [self], saving: [], outputCount: 1) {
                [$0.gradient.zerosLike()]
            }
        }
    }
}
