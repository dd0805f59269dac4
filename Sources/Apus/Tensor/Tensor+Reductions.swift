import CApus

// Reductions. Without dims they take all elements and give a 0-d tensor; with dims, negative ones counting from the end,
// these are dropped from the shape, or kept with size 1 where `keepDim`.

/// Reduces by a C operator, with history.
package func reduce(_ op: ReduceOp, _ x: Tensor, _ dims: [Int], _ keepDim: Bool) -> Tensor {
    let y = dims.withDims { count, dims in
        Tensor.make { apus_reduce($0, op, x.handle, count, dims, keepDim) }
    }
    if Autograd.isRecording(x) { y.recordReduction(op, x, dims, keepDim) }
    return y
}

extension Reduction {
    /// The geometry of a reduction that has succeeded.
    init(_ x: Tensor, _ dims: [Int], _ keepDim: Bool) {
        shape = x.shape
        let rank = shape.count
        self.dims = dims.isEmpty ? Array(0..<rank) : rank == 0 ? [] : dims.map { $0 < 0 ? $0 + rank : $0 }
        self.keepDim = keepDim
    }
}

extension Tensor {
    @inline(never)
    fileprivate func recordReduction(_ op: ReduceOp, _ x: Tensor, _ dims: [Int], _ keepDim: Bool) {
        guard !isInvalid else { return }
        let r = Reduction(x, dims, keepDim)
        let name = reductionName(op)
        switch derivative(of: op) {
        case .none: return
        case .g(let rule):
            Autograd.record(name, inputs: [x], output: self) { [rule(r.restored($0.gradient), r)] }
        case .ga(let rule):
            Autograd.record(name, inputs: [x], output: self, saving: [x]) { context in
                context.holomorphic { [rule(r.restored($0), context.saved[0], r)] }
            }
        case .gay(let rule):
            Autograd.record(name, inputs: [x], output: self, saving: [x, self]) { context in
                context.holomorphic { [rule(r.restored($0), context.saved[0], r.restored(context.saved[1]), r)] }
            }
        }
    }

    /// Converts before a sum or product, where a dtype is given. Sums of many terms want float32.
    @inline(__always)
    func converted(_ dtype: DType?) -> Tensor { dtype.map { to($0) } ?? Autocast.wide(self) }
}

private func reductionName(_ op: ReduceOp) -> StaticString {
    switch op {
    case .sum: "Sum"
    case .mean: "Mean"
    case .prod: "Prod"
    case .max: "Amax"
    case .min: "Amin"
    case .any: "Any"
    case .all: "All"
    case .count_nonzero: "CountNonzero"
    case .sum_abs: "SumAbs"
    case .sum_squares: "SumSquares"
    case .nansum: "NanSum"
    }
}

extension Tensor {
    /// The sum. Integers and bool add up in int64; `dtype` converts first.
    public func sum(_ dims: [Int], keepDim: Bool = false, dtype: DType? = nil) -> Tensor {
        reduce(.sum, converted(dtype), dims, keepDim)
    }
    /// The sum. Integers and bool add up in int64; `dtype` converts first. `x.sum()` takes all elements, `x.sum(0, 1)` two dims.
    public func sum(_ dims: Int..., keepDim: Bool = false, dtype: DType? = nil) -> Tensor {
        reduce(.sum, converted(dtype), dims, keepDim)
    }
    /// The sum. Integers and bool add up in int64; `dtype` converts first. Over one dim.
    public func sum(dim: Int, keepDim: Bool = false, dtype: DType? = nil) -> Tensor {
        reduce(.sum, converted(dtype), [dim], keepDim)
    }

    /// The mean, in the dtype of a float tensor; `dtype` converts first. Integers give float32.
    public func mean(_ dims: [Int], keepDim: Bool = false, dtype: DType? = nil) -> Tensor {
        reduce(.mean, dtype.map { to($0) } ?? self, dims, keepDim)
    }
    /// The mean, in the dtype of a float tensor; `dtype` converts first. Integers give float32. `x.mean()` takes all elements, `x.mean(0, 1)` two dims.
    public func mean(_ dims: Int..., keepDim: Bool = false, dtype: DType? = nil) -> Tensor {
        reduce(.mean, dtype.map { to($0) } ?? self, dims, keepDim)
    }
    /// The mean, in the dtype of a float tensor; `dtype` converts first. Integers give float32. Over one dim.
    public func mean(dim: Int, keepDim: Bool = false, dtype: DType? = nil) -> Tensor {
        reduce(.mean, dtype.map { to($0) } ?? self, [dim], keepDim)
    }

    /// The product. Integers and bool multiply in int64; `dtype` converts first.
    public func prod(_ dims: [Int], keepDim: Bool = false, dtype: DType? = nil) -> Tensor {
        reduce(.prod, converted(dtype), dims, keepDim)
    }
    /// The product. Integers and bool multiply in int64; `dtype` converts first. `x.prod()` takes all elements, `x.prod(0, 1)` two dims.
    public func prod(_ dims: Int..., keepDim: Bool = false, dtype: DType? = nil) -> Tensor {
        reduce(.prod, converted(dtype), dims, keepDim)
    }
    /// The product. Integers and bool multiply in int64; `dtype` converts first. Over one dim.
    public func prod(dim: Int, keepDim: Bool = false, dtype: DType? = nil) -> Tensor {
        reduce(.prod, converted(dtype), [dim], keepDim)
    }

    /// The greatest element; NaN wins. The gradient is shared evenly among equal elements.
    public func amax(_ dims: [Int], keepDim: Bool = false) -> Tensor { reduce(.max, self, dims, keepDim) }
    /// The greatest element; NaN wins. The gradient is shared evenly among equal elements. `x.amax()` takes all elements, `x.amax(0, 1)` two dims.
    public func amax(_ dims: Int..., keepDim: Bool = false) -> Tensor { reduce(.max, self, dims, keepDim) }
    /// The greatest element; NaN wins. The gradient is shared evenly among equal elements. Over one dim.
    public func amax(dim: Int, keepDim: Bool = false) -> Tensor { reduce(.max, self, [dim], keepDim) }

    /// The least element; NaN wins. The gradient is shared evenly among equal elements.
    public func amin(_ dims: [Int], keepDim: Bool = false) -> Tensor { reduce(.min, self, dims, keepDim) }
    /// The least element; NaN wins. The gradient is shared evenly among equal elements. `x.amin()` takes all elements, `x.amin(0, 1)` two dims.
    public func amin(_ dims: Int..., keepDim: Bool = false) -> Tensor { reduce(.min, self, dims, keepDim) }
    /// The least element; NaN wins. The gradient is shared evenly among equal elements. Over one dim.
    public func amin(dim: Int, keepDim: Bool = false) -> Tensor { reduce(.min, self, [dim], keepDim) }

    /// Whether any element is not zero; bool.
    public func any(_ dims: [Int], keepDim: Bool = false) -> Tensor { reduce(.any, self, dims, keepDim) }
    /// Whether any element is not zero; bool. `x.any()` takes all elements, `x.any(0, 1)` two dims.
    public func any(_ dims: Int..., keepDim: Bool = false) -> Tensor { reduce(.any, self, dims, keepDim) }
    /// Whether any element is not zero; bool. Over one dim.
    public func any(dim: Int, keepDim: Bool = false) -> Tensor { reduce(.any, self, [dim], keepDim) }

    /// Whether all elements are not zero; bool.
    public func all(_ dims: [Int], keepDim: Bool = false) -> Tensor { reduce(.all, self, dims, keepDim) }
    /// Whether all elements are not zero; bool. `x.all()` takes all elements, `x.all(0, 1)` two dims.
    public func all(_ dims: Int..., keepDim: Bool = false) -> Tensor { reduce(.all, self, dims, keepDim) }
    /// Whether all elements are not zero; bool. Over one dim.
    public func all(dim: Int, keepDim: Bool = false) -> Tensor { reduce(.all, self, [dim], keepDim) }

    /// How many elements are not zero; int64.
    public func countNonzero(_ dims: [Int], keepDim: Bool = false) -> Tensor {
        reduce(.count_nonzero, self, dims, keepDim)
    }
    /// How many elements are not zero; int64. `x.countNonzero()` takes all elements, `x.countNonzero(0, 1)` two dims.
    public func countNonzero(_ dims: Int..., keepDim: Bool = false) -> Tensor {
        reduce(.count_nonzero, self, dims, keepDim)
    }
    /// How many elements are not zero; int64. Over one dim.
    public func countNonzero(dim: Int, keepDim: Bool = false) -> Tensor { reduce(.count_nonzero, self, [dim], keepDim) }

    /// The sum, NaN counted as zero.
    public func nanSum(_ dims: [Int], keepDim: Bool = false, dtype: DType? = nil) -> Tensor {
        reduce(.nansum, converted(dtype), dims, keepDim)
    }
    /// The sum, NaN counted as zero. `x.nanSum()` takes all elements, `x.nanSum(0, 1)` two dims.
    public func nanSum(_ dims: Int..., keepDim: Bool = false) -> Tensor { reduce(.nansum, self, dims, keepDim) }
    /// The sum, NaN counted as zero. Over one dim.
    public func nanSum(dim: Int, keepDim: Bool = false) -> Tensor { reduce(.nansum, self, [dim], keepDim) }

}
