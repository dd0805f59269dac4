/// Maps a function over a dim of its inputs and stacks the results: a loop in place of a batched implementation, which
/// operators do not have here, so it costs as many calls as the dim is long. It can be differentiated.
/// - Parameters:
///   - inDims: The dim of each input to map over; nil for an input that every call gets whole.
///   - outDim: Where the results' new dim goes.
public func vmap(
    _ inputs: [Tensor], inDims: [Int?]? = nil, outDim: Int = 0, _ function: ([Tensor]) -> [Tensor]
) -> [Tensor] {
    let dims = inDims ?? inputs.map { _ in 0 }
    let sizes = zip(inputs, dims).compactMap { input, dim in dim.map { input.size($0) } }
    guard
        require(dims.count == inputs.count, "vmap: \(dims.count) dims were given for \(inputs.count) inputs"),
        require(
            Set(sizes).count == 1, .shape,
            "vmap: the mapped dims must have one size, got \(sizes) for shapes \(inputs.map(\.shape))"),
        require(sizes[0] > 0, .shape, "vmap: the mapped dim is empty")
    else { return [] }
    let results = (0..<sizes[0]).map { i in
        function(zip(inputs, dims).map { input, dim in dim.map { input.select(dim: $0, index: i) } ?? input })
    }
    return results[0].indices.map { place in Tensor.stack(results.map { $0[place] }, dim: outDim) }
}

/// As above, for one input.
public func vmap(_ input: Tensor, inDim: Int = 0, outDim: Int = 0, _ function: (Tensor) -> Tensor) -> Tensor {
    vmap([input], inDims: [inDim], outDim: outDim) { [function($0[0])] }.first ?? .invalid()
}
