import CApus

// Reductions with C functions of their own: variance, norm, logarithm of a sum of exponentials, extremes with places.

extension Tensor {
    /// The variance: the sum of (x - mean)² over n - correction. No dims: of all elements.
    public func `var`(_ dims: [Int], correction: Double = 1, keepDim: Bool = false) -> Tensor {
        variance(dims, correction, keepDim, withMean: false).variance
    }

    /// The variance: the sum of (x - mean)² over n - correction. No dims: of all elements.
    public func `var`(_ dims: Int..., correction: Double = 1, keepDim: Bool = false) -> Tensor {
        variance(dims, correction, keepDim, withMean: false).variance
    }

    /// The variance along one dim.
    public func `var`(dim: Int, correction: Double = 1, keepDim: Bool = false) -> Tensor {
        variance([dim], correction, keepDim, withMean: false).variance
    }

    /// The standard deviation, the square root of `var`. Its gradient is 0 where it is 0.
    public func std(_ dims: [Int], correction: Double = 1, keepDim: Bool = false) -> Tensor {
        deviation(dims, correction, keepDim)
    }

    /// The standard deviation, the square root of `var`. No dims: of all elements.
    public func std(_ dims: Int..., correction: Double = 1, keepDim: Bool = false) -> Tensor {
        deviation(dims, correction, keepDim)
    }

    /// The standard deviation along one dim.
    public func std(dim: Int, correction: Double = 1, keepDim: Bool = false) -> Tensor {
        deviation([dim], correction, keepDim)
    }

    /// The variance and the mean.
    public func varMean(
        _ dims: Int..., correction: Double = 1, keepDim: Bool = false
    ) -> (variance: Tensor, mean: Tensor) { varMean(dims, correction: correction, keepDim: keepDim) }

    /// The variance and the mean.
    public func varMean(
        _ dims: [Int], correction: Double = 1, keepDim: Bool = false
    ) -> (variance: Tensor, mean: Tensor) {
        let result = variance(dims, correction, keepDim, withMean: true)
        return (result.variance, result.mean ?? .invalid())
    }

    private func variance(
        _ dims: [Int], _ correction: Double, _ keepDim: Bool, withMean: Bool
    ) -> (variance: Tensor, mean: Tensor?) {
        var meanHandle: OpaquePointer?
        let variance = dims.withDims { count, dims in
            Tensor.make { out in
                guard withMean else { return apus_var(out, nil, handle, count, dims, correction, keepDim) }
                return apus_var(out, &meanHandle, handle, count, dims, correction, keepDim)
            }
        }
        let mean = meanHandle.map { Tensor(owning: $0) }
        if Autograd.isRecording(self), !variance.isInvalid {
            let r = Reduction(self, dims, keepDim)
            let divisor = Swift.max(0, Double(r.count) - correction)
            Autograd.record(
                "Var", inputs: [self], outputs: [variance] + (mean.map { [$0] } ?? []), saving: [self]
            ) { context in
                let x = context.saved[0]
                var total: Tensor?
                if let g = context.gradients[0] {
                    total = r.restored(g) * (x - x.mean(r.dims, keepDim: true)) * (2 / divisor)
                }
                if context.gradients.count > 1, let g = context.gradients[1] {
                    let spread = (r.restored(g) / r.count).expand(r.shape)
                    total = total.map { $0 + spread } ?? spread
                }
                return [total]
            }
        }
        return (variance, mean)
    }

    private func deviation(_ dims: [Int], _ correction: Double, _ keepDim: Bool) -> Tensor {
        guard Autograd.isRecording(self) else { return self.var(dims, correction: correction, keepDim: keepDim).sqrt() }
        let y = noGrad { self.var(dims, correction: correction, keepDim: keepDim).sqrt() }
        guard !y.isInvalid else { return y }
        let r = Reduction(self, dims, keepDim)
        let divisor = Swift.max(0, Double(r.count) - correction)
        Autograd.record("Std", inputs: [self], output: y, saving: [self, y]) { context in
            let x = context.saved[0]
            let y = r.restored(context.saved[1])
            let scale = Tensor.where(y .== 0, y * 0, r.restored(context.gradient) / (y * divisor))
            return [scale * (x - x.mean(r.dims, keepDim: true))]
        }
        return y
    }

    /// (Σ |x|ᵖ)^(1/p); p may be 0 (how many are not zero), `.infinity` or `-.infinity`. No dims: of all elements. The
    /// gradient is 0 where the norm is 0.
    public func norm(_ p: Double = 2, dims: [Int] = [], keepDim: Bool = false) -> Tensor {
        let x = Autocast.wide(self)
        let y = dims.withDims { count, dims in Tensor.make { apus_norm($0, x.handle, p, count, dims, keepDim) } }
        if Autograd.isRecording(x), !y.isInvalid {
            let r = Reduction(x, dims, keepDim)
            Autograd.record("Norm", inputs: [x], output: y, saving: [x, y]) { context in
                [normBackward(r.restored(context.gradient), context.saved[0], r.restored(context.saved[1]), p, r)]
            }
        }
        return y
    }

    /// (Σ |x|ᵖ)^(1/p) along one dim.
    public func norm(_ p: Double = 2, dim: Int, keepDim: Bool = false) -> Tensor {
        norm(p, dims: [dim], keepDim: keepDim)
    }

    /// log(Σ exp(x)), safe from overflow.
    public func logSumExp(_ dims: [Int], keepDim: Bool = false) -> Tensor {
        let x = Autocast.wide(self)
        let y = dims.withDims { count, dims in Tensor.make { apus_logsumexp($0, x.handle, count, dims, keepDim) } }
        if Autograd.isRecording(x), !y.isInvalid {
            let r = Reduction(x, dims, keepDim)
            Autograd.record("LogSumExp", inputs: [x], output: y, saving: [x, y]) { context in
                [r.restored(context.gradient) * (context.saved[0] - r.restored(context.saved[1])).exp()]
            }
        }
        return y
    }

    /// log(Σ exp(x)), safe from overflow. No dims: over all elements.
    public func logSumExp(_ dims: Int..., keepDim: Bool = false) -> Tensor { logSumExp(dims, keepDim: keepDim) }

    /// log(Σ exp(x)) along one dim, safe from overflow.
    public func logSumExp(dim: Int, keepDim: Bool = false) -> Tensor { logSumExp([dim], keepDim: keepDim) }

    /// The greatest of all elements, 0-d; NaN wins. The gradient is shared evenly among equal elements.
    public func max() -> Tensor { reduce(.max, self, [], false) }

    /// The least of all elements, 0-d; NaN wins. The gradient is shared evenly among equal elements.
    public func min() -> Tensor { reduce(.min, self, [], false) }

    /// The greatest elements along a dim and where each first stands (int64); NaN wins. The gradient goes to that place.
    public func max(dim: Int, keepDim: Bool = false) -> (values: Tensor, indices: Tensor) {
        extreme(dim, keepDim, smallest: false)
    }

    /// The least elements along a dim and where each first stands (int64); NaN wins. The gradient goes to that place.
    public func min(dim: Int, keepDim: Bool = false) -> (values: Tensor, indices: Tensor) {
        extreme(dim, keepDim, smallest: true)
    }

    /// The greater of each pair; the same as `maximum`.
    public func max(_ other: Tensor) -> Tensor { maximum(other) }

    /// The lesser of each pair; the same as `minimum`.
    public func min(_ other: Tensor) -> Tensor { minimum(other) }

    /// Where the greatest element first stands, int64: along a dim, or in row-major order without one.
    public func argmax(dim: Int? = nil, keepDim: Bool = false) -> Tensor { place(dim, keepDim, smallest: false) }

    /// Where the least element first stands, int64: along a dim, or in row-major order without one.
    public func argmin(dim: Int? = nil, keepDim: Bool = false) -> Tensor { place(dim, keepDim, smallest: true) }

    private func extreme(_ dim: Int, _ keepDim: Bool, smallest: Bool) -> (values: Tensor, indices: Tensor) {
        var indexHandle: OpaquePointer?
        let values = Tensor.make {
            apus_arg_reduce($0, &indexHandle, smallest, handle, Int32(clamping: dim), keepDim)
        }
        let indices = indexHandle.map { Tensor(owning: $0) } ?? .invalid()
        if Autograd.isRecording(self), !values.isInvalid {
            let shape = self.shape
            Autograd.record(smallest ? "Min" : "Max", inputs: [self], output: values, saving: [indices]) { context in
                let g = context.gradient
                let index = context.saved[0]
                if shape.isEmpty { return [g.reshape([])] }
                let room = Tensor.zeros(shape, dtype: g.dtype, device: g.device)
                return [
                    keepDim
                        ? room.scatter(dim: dim, index: index, source: g)
                        : room.scatter(dim: dim, index: index.unsqueeze(dim), source: g.unsqueeze(dim))
                ]
            }
        }
        return (values, indices)
    }

    private func place(_ dim: Int?, _ keepDim: Bool, smallest: Bool) -> Tensor {
        guard let dim else {
            let flat = noGrad { detach().reshape(-1) }.place(0, false, smallest: smallest)
            return keepDim ? flat.reshape(shape.map { _ in 1 }) : flat
        }
        return Tensor.make { apus_arg_reduce(nil, $0, smallest, handle, Int32(clamping: dim), keepDim) }
    }
}

private func normBackward(_ g: Tensor, _ x: Tensor, _ y: Tensor, _ p: Double, _ r: Reduction) -> Tensor {
    switch p {
    case 0: return x.zerosLike()
    case 1: return g * x.sign()
    case 2: return Tensor.where(y .== 0, 0, g * (x / y))
    case .infinity, -.infinity:
        let ties = x.abs() .== y
        return Tensor.where(ties, g / ties.sum(r.dims, keepDim: true) * x.sign(), 0)
    default:
        let slope = Tensor.where(x .== 0, 0, x * x.abs() ** (p - 2))
        return Tensor.where(y .== 0, 0, g * slope / y ** (p - 1))
    }
}
