import CApus

extension Tensor {
    /// Whether gradients flow to this tensor: it is a leaf told to require them, or was computed from one.
    ///
    /// Setting it is for leaves of a float dtype; what was computed always requires grad until detached.
    public var requiresGrad: Bool {
        @inline(__always) get { base == nil ? node != nil : gradientNode != nil }
        set { setRequiresGrad(newValue) }
    }

    /// Sets `requiresGrad` and returns the tensor.
    @discardableResult
    public func requiresGrad_(_ value: Bool = true) -> Tensor {
        setRequiresGrad(value)
        return self
    }

    /// Whether the tensor was not computed by a recorded operation. Tensors that do not require grad are all leaves.
    public var isLeaf: Bool { gradFn == nil }

    /// The operation that made this tensor; nil for leaves.
    public var gradFn: Node? {
        guard let node = gradientNode, !(node is AccumulateGrad) else { return nil }
        return node
    }

    /// The gradient that `backward` gathered: for leaves that require grad, and for tensors told to `retainGrad`. Calls
    /// of `backward` add to it. Set it to nil to start anew.
    public var grad: Tensor? {
        get { slot?.value }
        set {
            guard let newValue else {
                slot?.value = nil
                return
            }
            let fits = newValue.hasShape(of: self) && newValue.dtype == dtype && newValue.device == device
            guard
                require(
                    fits, .shape,
                    "grad: a gradient \(newValue.dtype)\(newValue.shape) does not fit a tensor \(dtype)\(shape)")
            else { return }
            ensureSlot().value = newValue
        }
    }

    /// Keeps the gradient of a tensor that is not a leaf in `grad`, when `backward` comes by. Leaves do so anyway.
    public func retainGrad() {
        guard require(requiresGrad, "retainGrad: the tensor does not require grad") else { return }
        guard slot == nil, let node = gradFn else { return }
        node.ensureExtras().retained.append((Int(outputIndex), ensureSlot()))
    }

    /// Whether `backward` keeps this tensor's gradient though it is not a leaf.
    public var retainsGrad: Bool { !isLeaf && slot != nil }

    /// The values without the history, as `detach`. Setting it gives this tensor the memory of another of the same
    /// dtype, with whatever shape; history and `grad` stay. Unlike in PyTorch, writes through `data` count in `version`,
    /// so that one to a saved tensor is noticed.
    public var data: Tensor {
        get { detach() }
        set {
            guard
                require(
                    newValue.dtype == dtype, .dtype, "data: expected a tensor of \(dtype), got \(newValue.dtype)"),
                !newValue.isInvalid
            else { return }
            setHandle(of: newValue)
        }
    }

    /// The same values as a tensor that requires no grad. Shares memory.
    public func detach() -> Tensor {
        let result = aliased()
        // A tensor without history costs nothing to hold on to, and lets the engine see that its memory is shared.
        if !requiresGrad {
            result.base = self
            result.flags.insert(.detached)
        }
        return result
    }

    /// Makes this tensor forget how it was computed: it becomes a leaf that requires no grad. Not for views.
    @discardableResult
    public func detach_() -> Tensor {
        guard
            require(
                base == nil || flags.contains(.detached), "detach_: a view cannot be detached in place; use detach()")
        else { return self }
        node = nil
        slot = nil
        return self
    }

    private func setRequiresGrad(_ value: Bool) {
        guard value != requiresGrad else { return }
        guard value else {
            guard
                require(
                    isLeaf, "requiresGrad: only leaves can stop requiring grad; use detach() for a computed tensor")
            else { return }
            node = nil
            return
        }
        guard
            require(
                dtype.isDifferentiable, .dtype,
                "requiresGrad: only float tensors can require grad, and this one is \(dtype)"),
            require(
                !isInference || InferenceMode.isActive,
                "requiresGrad: an inference tensor cannot require grad outside inferenceMode; make a clone of it first"),
            !isInvalid
        else { return }
        node = AccumulateGrad(slot: ensureSlot())
        outputIndex = 0
    }

    /// Adds a gradient to `grad`.
    func accumulateGrad(_ gradient: inout Tensor, createGraph: Bool) {
        ensureSlot().accumulate(&gradient, createGraph: createGraph)
    }

    private func ensureSlot() -> GradientSlot {
        if let slot { return slot }
        let new = GradientSlot()
        slot = new
        return new
    }
}
