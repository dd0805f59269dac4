import CApus

// Views: tensors that share this one's memory and write through to it. Dims may be negative, counting from the end.

extension Tensor {
    /// The sub-tensor at `index` (negative: from the end) of a dim, which is dropped. Shares memory.
    public func select(dim: Int, index: Int) -> Tensor {
        view(
            "Select", { apus_tensor_select($0, handle, Int32(clamping: dim), Int64(index)) },
            backward: embedding { $0.select(dim: dim, index: index) })
    }

    /// Elements start, start + step, … before end along a dim. Bounds may be negative and are clamped as in Python; the
    /// step must be positive. Shares memory.
    public func slice(dim: Int, start: Int? = nil, end: Int? = nil, step: Int = 1) -> Tensor {
        view(
            "Slice",
            {
                apus_tensor_slice(
                    $0, handle, Int32(clamping: dim), Int64(start ?? 0), Int64(end ?? .max), Int64(step))
            }, backward: embedding { $0.slice(dim: dim, start: start, end: end, step: step) })
    }

    /// `length` elements from `start` on along a dim. Shares memory.
    public func narrow(dim: Int, start: Int, length: Int) -> Tensor {
        let size = self.size(dim)
        let first = start < 0 ? start + size : start
        guard
            require(
                first >= 0 && length >= 0 && first <= size - length, .index,
                "narrow: \(length) elements from \(start) on leave dim \(dim) of size \(size)")
        else { return .invalid() }
        return slice(dim: dim, start: first, end: first + length)
    }

    /// The tensor with two dims exchanged. Shares memory.
    public func transpose(_ dim0: Int, _ dim1: Int) -> Tensor {
        view(
            "Transpose", { apus_tensor_transpose($0, handle, Int32(clamping: dim0), Int32(clamping: dim1)) },
            backward: { $0.transpose(dim0, dim1) })
    }

    /// The same as `transpose`.
    public func swapaxes(_ dim0: Int, _ dim1: Int) -> Tensor { transpose(dim0, dim1) }

    /// A matrix transposed; tensors of rank 0 and 1 as they are. Shares memory.
    public func t() -> Tensor {
        guard require(rank <= 2, .shape, "t: expected a tensor of rank 2 or less, got shape \(shape)") else {
            return .invalid()
        }
        return rank < 2 ? self : transpose(0, 1)
    }

    /// The tensor with its dims in reverse order. Shares memory.
    public var T: Tensor { rank == 2 ? transpose(0, 1) : permute((0..<rank).reversed()) }

    /// The tensor with its last two dims exchanged. Shares memory.
    public var mT: Tensor { transpose(-2, -1) }

    /// The tensor with its dims in the given order. Shares memory.
    public func permute(_ dims: [Int]) -> Tensor {
        view(
            "Permute",
            { out in
                dims.isEmpty
                    ? apus_tensor_alias(out, handle)
                    : dims.withDims { apus_tensor_permute(out, handle, $0, $1) }
            },
            backward: { g in
                var inverse = dims
                for (place, dim) in dims.enumerated() { inverse[dim < 0 ? dim + dims.count : dim] = place }
                return g.permute(inverse)
            })
    }

    /// The tensor with its dims in the given order. Shares memory.
    public func permute(_ dims: Int...) -> Tensor { permute(dims) }

    /// The tensor with one dim moved to another place. Shares memory.
    public func movedim(_ source: Int, _ destination: Int) -> Tensor {
        let from = normalized(dim: source, rank: rank, "movedim")
        let to = normalized(dim: destination, rank: rank, "movedim")
        var order = Array(0..<rank)
        guard order.indices.contains(from), order.indices.contains(to) else { return self }
        order.insert(order.remove(at: from), at: to)
        return permute(order)
    }

    /// The tensor broadcast to a shape; -1 keeps a size. Shares memory: no element is copied.
    public func expand(_ shape: [Int]) -> Tensor {
        view(
            "Expand", { out in shape.withSizes { apus_tensor_expand(out, handle, $0, $1) } },
            backward: summing(to: self.shape))
    }

    /// The tensor broadcast to a shape; -1 keeps a size. Shares memory.
    public func expand(_ shape: Int...) -> Tensor { expand(shape) }

    /// The tensor broadcast to the shape of another. Shares memory.
    public func expandAs(_ other: Tensor) -> Tensor { expand(other.shape) }

    /// The same as `expand`.
    public func broadcastTo(_ shape: [Int]) -> Tensor { expand(shape) }

    /// The elements in another shape, one size of which may be -1. Shares memory; fails where the strides do not allow it.
    public func view(_ shape: [Int]) -> Tensor {
        view(
            "View", { out in shape.withSizes { apus_tensor_view(out, handle, $0, $1) } },
            backward: reshaping(to: self.shape))
    }

    /// The elements in another shape, one size of which may be -1. Shares memory.
    public func view(_ shape: Int...) -> Tensor { view(shape) }

    /// The tensor with a new dim of size 1 at the given place. Shares memory.
    public func unsqueeze(_ dim: Int) -> Tensor {
        view(
            "Unsqueeze", { apus_tensor_unsqueeze($0, handle, Int32(clamping: dim)) },
            backward: reshaping(to: self.shape))
    }

    /// The tensor without its dims of size 1, or without those given where their size is 1. Shares memory.
    public func squeeze(_ dims: Int...) -> Tensor { squeeze(dims) }

    /// The tensor without its dims of size 1, or without those given where their size is 1. Shares memory.
    public func squeeze(_ dims: [Int]) -> Tensor {
        view(
            "Squeeze", { out in dims.withDims { apus_tensor_squeeze(out, handle, $0, $1) } },
            backward: reshaping(to: self.shape))
    }

    /// Any view of the storage, with strides (not negative) and offset in elements. Shares memory.
    public func asStrided(_ shape: [Int], strides: [Int], offset: Int? = nil) -> Tensor {
        guard
            require(
                shape.count == strides.count, .shape,
                "asStrided: \(shape.count) sizes and \(strides.count) strides were given")
        else { return .invalid() }
        let start = Int64(offset ?? self.offset)
        let result = Tensor.make { out in
            shape.withSizes { rank, shape in
                strides.withSizes { _, strides in apus_tensor_as_strided(out, handle, rank, shape, strides, start) }
            }
        }
        result.becomeView(of: self)
        if requiresGrad, !result.isInvalid {
            let window = StridedWindow(of: result, in: self)
            recordView("AsStrided", result) { window.embed($0) }
        }
        return result
    }

    /// The diagonal of two dims as a new last dim; offset > 0 is above the main one. Shares memory.
    public func diagonal(offset: Int = 0, dim1: Int = 0, dim2: Int = 1) -> Tensor {
        view(
            "Diagonal",
            { apus_tensor_diagonal($0, handle, Int64(offset), Int32(clamping: dim1), Int32(clamping: dim2)) },
            backward: embedding { $0.diagonal(offset: offset, dim1: dim1, dim2: dim2) })
    }

    /// Windows of `size` elements, `step` apart, along a dim; the window is a new last dim. Shares memory.
    public func unfold(dim: Int, size: Int, step: Int) -> Tensor {
        view(
            "Unfold", { apus_tensor_unfold($0, handle, Int32(clamping: dim), Int64(size), Int64(step)) },
            backward: unfolding(dim, size, step))
    }

    /// The same view again, with the same history. Shares memory.
    public func alias() -> Tensor { view("Alias", { apus_tensor_alias($0, handle) }, backward: { $0 }) }

    // MARK: - Derivatives

    /// The derivative of a view that shows each element at most once: zeros, with the gradient in the same view of them.
    private func embedding(_ view: @escaping (Tensor) -> Tensor) -> (Tensor) -> Tensor {
        let shape = self.shape
        return { g in
            let room = Tensor.zeros(shape, dtype: g.dtype, device: g.device)
            view(room).copy_(g)
            return room
        }
    }

    /// The derivative of windows, which may overlap: each place in the window is added in turn.
    private func unfolding(_ dim: Int, _ size: Int, _ step: Int) -> (Tensor) -> Tensor {
        let shape = self.shape
        return { g in
            let room = Tensor.zeros(shape, dtype: g.dtype, device: g.device)
            let windows = g.size(dim < 0 ? dim - 1 : dim)
            for i in 0..<size {
                room.slice(dim: dim, start: i, end: i + (windows - 1) * step + 1, step: step)
                    .add_(g.select(dim: -1, index: i))
            }
            return room
        }
    }

    private func reshaping(to shape: [Int]) -> (Tensor) -> Tensor { { $0.reshape(shape) } }

    private func summing(to shape: [Int]) -> (Tensor) -> Tensor { { $0.sum(to: shape) } }
}
