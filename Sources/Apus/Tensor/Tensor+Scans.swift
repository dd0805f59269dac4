import CApus

extension Tensor {
    /// The running sum along a dim. Integers and bool add up in int64; `dtype` converts first.
    public func cumsum(dim: Int, dtype: DType? = nil) -> Tensor { converted(dtype).scan(.sum, dim) }

    /// The running product along a dim. Integers and bool multiply in int64; `dtype` converts first.
    public func cumprod(dim: Int, dtype: DType? = nil) -> Tensor { converted(dtype).scan(.prod, dim) }

    private func scan(_ op: ScanOp, _ dim: Int) -> Tensor {
        let y = Tensor.make { apus_scan($0, op, handle, Int32(clamping: dim)) }
        guard Autograd.isRecording(self), !y.isInvalid else { return y }
        let place = normalized(dim: dim, rank: rank, "scan")
        switch derivative(of: op) {
        case .g(let rule):
            Autograd.record("Cumsum", inputs: [self], output: y) { [rule($0.gradient, place)] }
        case .gay(let rule):
            Autograd.record("Cumprod", inputs: [self], output: y, saving: [self, y]) { context in
                context.holomorphic { [rule($0, context.saved[0], context.saved[1], place)] }
            }
        }
        return y
    }

    /// exp(x) / Σ exp(x) along a dim. Floats; `dtype` converts first.
    public func softmax(dim: Int, dtype: DType? = nil) -> Tensor { converted(dtype).softmax(dim, logarithm: false) }

    /// The logarithm of `softmax`, safe from underflow. Floats; `dtype` converts first.
    public func logSoftmax(dim: Int, dtype: DType? = nil) -> Tensor { converted(dtype).softmax(dim, logarithm: true) }

    /// `softmax` of the negative: small elements get the greater shares. Floats.
    public func softmin(dim: Int) -> Tensor { (-self).softmax(dim: dim) }

    private func softmax(_ dim: Int, logarithm: Bool) -> Tensor {
        let place = Int32(clamping: dim)
        let y = Tensor.make { apus_softmax($0, handle, place, logarithm) }
        if Autograd.isRecording(self) {
            Autograd.record(logarithm ? "LogSoftmax" : "Softmax", inputs: [self], output: y, saving: [y]) { context in
                let g = context.gradient
                let y = context.saved[0]
                guard isGradEnabled else {
                    return [.make { apus_softmax_backward($0, g.handle, y.handle, place, logarithm) }]
                }
                if logarithm { return [g - y.exp() * g.sum(dim: dim, keepDim: true)] }
                return [y * (g - (g * y).sum(dim: dim, keepDim: true))]
            }
        }
        return y
    }
}
