/// What a reduction does to a shape.
struct Reduction {
    /// The input's shape.
    let shape: [Int]
    /// The reduced dims, counted from the start; all of them for a reduction without dims.
    let dims: [Int]
    let keepDim: Bool

    /// How many elements make one of the result.
    var count: Int { dims.reduce(1) { $0 * shape[$1] } }

    /// The result's shape with the reduced dims kept.
    var keptShape: [Int] {
        var kept = shape
        for dim in dims { kept[dim] = 1 }
        return kept
    }

    /// Gives a tensor of the result's shape the reduced dims again, with size 1.
    func restored(_ y: Tensor) -> Tensor { keepDim ? y : y.reshape(keptShape) }
}

/// The derivative of a reduction; as `Rule`, with the geometry as a last argument.
enum ReductionRule {
    case none
    case g((_ g: Tensor, _ r: Reduction) -> Tensor)
    case ga((_ g: Tensor, _ a: Tensor, _ r: Reduction) -> Tensor)
    case gay((_ g: Tensor, _ a: Tensor, _ y: Tensor, _ r: Reduction) -> Tensor)
}

/// The derivative of a scan; as `Rule`, with the dim as a last argument.
enum ScanRule {
    case g((_ g: Tensor, _ dim: Int) -> Tensor)
    case gay((_ g: Tensor, _ a: Tensor, _ y: Tensor, _ dim: Int) -> Tensor)
}

/// The product of all other elements, for each: y / a unless a zero is among them.
func prodBackward(_ g: Tensor, _ a: Tensor, _ y: Tensor, _ r: Reduction) -> Tensor {
    if !containsZero(a) { return g * y / a }
    // Bring the reduced dims to the end as one, take the products before and after each element, and go back.
    let kept = r.shape.indices.filter { !r.dims.contains($0) }
    let order = kept + r.dims
    let moved = a.permute(order)
    let flat = moved.reshape(kept.map { r.shape[$0] } + [r.count])
    let others = productBefore(flat) * productBefore(flat.flip(-1)).flip(-1)
    var inverse = order
    for (place, dim) in order.enumerated() { inverse[dim] = place }
    return g * others.reshape(moved.shape).permute(inverse)
}

/// The gradient of a running product: with a zero among the elements, element i gets the product before it times
/// S_i = g_i + a_{i+1}·S_{i+1}.
func cumprodBackward(_ g: Tensor, _ a: Tensor, _ y: Tensor, _ dim: Int) -> Tensor {
    if !containsZero(a) { return (g * y).flip(dim).cumsum(dim: dim).flip(dim) / a }
    if a.rank == 0 { return g }
    let factors = a.unbind(dim: dim)
    let gradients = g.unbind(dim: dim)
    var sums = gradients
    for i in sums.indices.dropLast().reversed() { sums[i] = gradients[i] + factors[i + 1] * sums[i + 1] }
    let last = dim - a.rank
    let before = productBefore(a.movedim(last, -1)).movedim(-1, last)
    return before * Tensor.stack(sums, dim: dim)
}

/// For each element along the last dim, the product of those before it.
private func productBefore(_ x: Tensor) -> Tensor {
    let ones = x.narrow(dim: -1, start: 0, length: 1).onesLike()
    return Tensor.cat([ones, x.narrow(dim: -1, start: 0, length: x.size(-1) - 1)], dim: -1).cumprod(dim: -1)
}

private func containsZero(_ x: Tensor) -> Bool {
    (x.detach() .== 0).any().item(Bool.self)
}
