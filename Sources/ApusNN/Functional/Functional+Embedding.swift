import Apus

extension Functional {
    /// The rows of `weight` that `indices` name.
    ///
    /// - Parameters:
    ///   - indices: Integers, of any shape.
    ///   - weight: `[count, size]`.
    ///   - paddingIdx: A row that gets no gradient; a negative one counts from the end.
    /// - Returns: `[indices' shape, size]`.
    public static func embedding(_ indices: Tensor, _ weight: Tensor, paddingIdx: Int? = nil) -> Tensor {
        guard
            require(weight.rank == 2, .shape, "embedding: expected a weight [count, size], got \(weight.shape)"),
            require(indices.dtype.isInteger, .dtype, "embedding: expected integer indices, got \(indices.dtype)")
        else { return .invalid() }
        let rows = indices.reshape(-1)
        let shape = indices.shape + [weight.size(1)]
        guard let paddingIdx else { return weight.indexSelect(dim: 0, index: rows).reshape(shape) }
        let count = weight.size(0)
        guard
            require(
                (-count..<count).contains(paddingIdx), .index,
                "embedding: paddingIdx \(paddingIdx) is out of range for \(count) rows")
        else { return .invalid() }
        let padding = paddingIdx < 0 ? paddingIdx + count : paddingIdx
        let result = noGrad { weight.indexSelect(dim: 0, index: rows) }
        let (weightShape, device) = (weight.shape, weight.device)
        Autograd.record("Embedding", inputs: [weight], output: result, saving: [rows]) { context in
            let (g, rows) = (context.gradient, context.saved[0])
            let gradient = g.maskedFill((rows .== padding).unsqueeze(1), 0)
            return [
                Tensor.zeros(weightShape, dtype: g.dtype, device: device).indexAdd(
                    dim: 0, index: rows, source: gradient)
            ]
        }
        return result.reshape(shape)
    }

    /// For each class index a vector with 1 in its place and 0 elsewhere.
    ///
    /// - Parameters:
    ///   - indices: Integers from 0 to `numClasses` − 1, of any shape.
    ///   - numClasses: The length of the vectors; nil for one more than the greatest index.
    /// - Returns: int64 `[indices' shape, numClasses]`.
    public static func oneHot(_ indices: Tensor, numClasses: Int? = nil) -> Tensor {
        guard
            require(indices.dtype.isInteger, .dtype, "oneHot: expected integer indices, got \(indices.dtype)"),
            require(
                indices.count > 0 || numClasses != nil, "oneHot: numClasses must be given where there are no indices")
        else { return .invalid() }
        let count = numClasses ?? (indices.max().item(Int.self) &+ 1)
        let zeros = Tensor.zeros(indices.shape + [count], dtype: .int64, device: indices.device)
        let places = indices.to(.int64).unsqueeze(-1)
        return zeros.scatter(dim: -1, index: places, value: 1)
    }
}
