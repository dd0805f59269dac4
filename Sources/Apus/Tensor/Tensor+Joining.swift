import CApus

extension Tensor {
    /// Tensors joined along an existing dim; dtypes are promoted. Copies.
    public static func cat(_ tensors: [Tensor], dim: Int = 0) -> Tensor {
        let y = tensors.map { OpaquePointer?($0.handle) }.withUnsafeBufferPointer { handles in
            make { apus_cat($0, Int32(clamping: handles.count), handles.baseAddress, Int32(clamping: dim)) }
        }
        guard Autograd.isRecording(tensors), !y.isInvalid else { return y }
        let place = normalized(dim: dim, rank: y.rank, "cat")
        let shapes = tensors.map(\.shape)
        let rank = y.rank
        Autograd.record("Cat", inputs: tensors, output: y) { context in
            var start = 0
            return shapes.enumerated().map { i, shape in
                if shape.count != rank {
                    return context.gradient.emptyLike().reshape(-1).narrow(dim: 0, start: 0, length: 0)
                }
                defer { start += shape[place] }
                return context.needs(i) ? context.gradient.narrow(dim: place, start: start, length: shape[place]) : nil
            }
        }
        return y
    }

    /// Tensors of one shape joined along a new dim. Copies.
    public static func stack(_ tensors: [Tensor], dim: Int = 0) -> Tensor {
        guard let first = tensors.first else { return failed(.invalid_argument, "stack: no tensors were given") }
        if let other = tensors.first(where: { !$0.hasShape(of: first) }), !first.isInvalid {
            return failed(.shape, "stack: tensors of different shapes: \(first.shape) and \(other.shape)")
        }
        let place = dim < 0 ? dim + first.rank + 1 : dim
        return cat(tensors.map { $0.unsqueeze(place) }, dim: place)
    }

    /// Tensors joined side by side: along dim 1, vectors along dim 0. Copies.
    public static func hstack(_ tensors: [Tensor]) -> Tensor {
        let parts = tensors.map { $0.rank == 0 ? $0.reshape([1]) : $0 }
        return cat(parts, dim: parts.first?.rank == 1 ? 0 : 1)
    }

    /// Tensors joined one below the other, vectors as rows. Copies.
    public static func vstack(_ tensors: [Tensor]) -> Tensor {
        cat(tensors.map { $0.rank < 2 ? $0.reshape(1, -1) : $0 })
    }

    /// At most `count` pieces of equal size along a dim, the last of which may be smaller. Views.
    public func chunk(_ count: Int, dim: Int = 0) -> [Tensor] {
        guard require(count > 0, "chunk: \(count) pieces were asked for") else { return [] }
        let size = self.size(dim)
        return split(Swift.max(1, size / count + (size % count == 0 ? 0 : 1)), dim: dim)
    }

    /// Pieces of `size` along a dim, the last of which may be smaller. Views.
    public func split(_ size: Int, dim: Int = 0) -> [Tensor] {
        guard require(size > 0, "split: pieces of size \(size) were asked for") else { return [] }
        let total = self.size(dim)
        if total == 0 { return [self] }
        return stride(from: 0, to: total, by: size).map {
            narrow(dim: dim, start: $0, length: Swift.min(size, total - $0))
        }
    }

    /// Pieces of the given sizes, which must add up to the dim's. Views.
    public func split(_ sizes: [Int], dim: Int = 0) -> [Tensor] {
        let total = size(dim)
        guard
            require(
                sizes.allSatisfy { $0 >= 0 && $0 <= total } && sizes.reduce(0, &+) == total, .shape,
                "split: sizes \(sizes) do not add up to dim \(dim) of size \(total)")
        else { return [] }
        var start = 0
        return sizes.map { size in
            defer { start += size }
            return narrow(dim: dim, start: start, length: size)
        }
    }

    /// The sub-tensors along a dim, which is dropped. Views.
    public func unbind(dim: Int = 0) -> [Tensor] { (0..<size(dim)).map { select(dim: dim, index: $0) } }

    /// The coordinates of a grid over the given vectors, one tensor each, in the order of the vectors ("ij"). Views.
    public static func meshgrid(_ vectors: [Tensor]) -> [Tensor] {
        let sizes = vectors.map(\.count)
        return vectors.enumerated().map { place, vector in
            var shape = [Int](repeating: 1, count: sizes.count)
            shape[place] = sizes[place]
            return vector.reshape(shape).expand(sizes)
        }
    }
}
