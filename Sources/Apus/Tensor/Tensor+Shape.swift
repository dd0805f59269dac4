import CApus

// Other shapes: views where that is possible, copies where it is not.

extension Tensor {
    /// The elements in row-major order in another shape, one size of which may be -1. Shares memory where the strides
    /// allow it, else copies.
    public func reshape(_ shape: [Int]) -> Tensor {
        let result = Tensor.make { out in shape.withSizes { apus_tensor_reshape(out, handle, $0, $1) } }
        if sharesStorage(with: result) { result.becomeView(of: self) }
        if requiresGrad {
            let shape = self.shape
            recordView("Reshape", result) { $0.reshape(shape) }
        }
        return result
    }

    /// The elements in another shape: `x.reshape(2, -1)`.
    public func reshape(_ shape: Int...) -> Tensor { reshape(shape) }

    /// The dims from startDim to endDim, both included, as one. Shares memory where the strides allow it.
    public func flatten(startDim: Int = 0, endDim: Int = -1) -> Tensor {
        let shape = self.shape
        if shape.isEmpty { return reshape([1]) }
        let first = normalized(dim: startDim, rank: shape.count, "flatten")
        let last = normalized(dim: endDim, rank: shape.count, "flatten")
        guard require(first <= last, "flatten: startDim \(startDim) comes after endDim \(endDim)") else {
            return .invalid()
        }
        if first == last { return self }
        let merged = shape[first...last].reduce(1) { $0.multipliedReportingOverflow(by: $1).partialValue }
        return reshape(Array(shape[..<first]) + [merged] + shape[(last + 1)...])
    }

    /// One dim as several of the given sizes, one of which may be -1. Shares memory where the strides allow it.
    public func unflatten(dim: Int, sizes: [Int]) -> Tensor {
        let shape = self.shape
        let place = normalized(dim: dim, rank: shape.count, "unflatten")
        guard place < shape.count else { return reshape(sizes) }
        var sizes = sizes
        if let open = sizes.firstIndex(of: -1) {
            let known = sizes.reduce(1) { $1 == -1 ? $0 : $0 &* $1 }
            sizes[open] = known == 0 ? 0 : shape[place] / known
        }
        guard
            require(
                sizes.reduce(1, &*) == shape[place], .shape,
                "unflatten: sizes \(sizes) do not make up dim \(dim) of size \(shape[place])")
        else { return .invalid() }
        return reshape(Array(shape[..<place]) + sizes + shape[(place + 1)...])
    }

    /// Sums over what broadcasting added, so that the result has `shape`.
    package func sum(to shape: [Int]) -> Tensor {
        let mine = self.shape
        if mine == shape { return self }
        let extra = mine.count - shape.count
        guard require(extra >= 0, .shape, "a gradient of shape \(mine) does not fit an input of shape \(shape)") else {
            return .invalid()
        }
        let added = Array(0..<extra)
        let stretched = shape.indices.filter { shape[$0] == 1 && mine[$0 + extra] != 1 }.map { $0 + extra }
        var result = self
        if !stretched.isEmpty { result = result.sum(stretched, keepDim: true) }
        if !added.isEmpty { result = result.sum(added) }
        guard
            require(
                result.shape == shape, .shape, "a gradient of shape \(mine) does not fit an input of shape \(shape)")
        else { return .invalid() }
        return result
    }

    /// The tensor repeated along each dim, with new leading dims where more counts are given than it has. Copies.
    public func `repeat`(_ counts: [Int]) -> Tensor {
        let shape = self.shape
        guard
            require(
                counts.count >= shape.count && counts.allSatisfy { $0 >= 0 }, .shape,
                "repeat: counts \(counts) for a tensor of shape \(shape)")
        else { return .invalid() }
        let padded = [Int](repeating: 1, count: counts.count - shape.count) + shape
        let sizes = zip(counts, padded).map { $0.multipliedReportingOverflow(by: $1) }
        let fits = sizes.allSatisfy { !$0.overflow }
        guard require(fits, .overflow, "repeat: counts \(counts) for a tensor of shape \(shape)") else {
            return .invalid()
        }
        let apart = padded.flatMap { [1, $0] }
        let stretched = zip(counts, padded).flatMap { [$0, $1] }
        return reshape(apart).expand(stretched).reshape(sizes.map { $0.partialValue })
    }

    /// The tensor repeated along each dim: `x.repeat(2, 3)`. Copies.
    public func `repeat`(_ counts: Int...) -> Tensor { self.repeat(counts) }

    /// As `repeat`, but fewer counts than dims are allowed: they are for the last dims.
    public func tile(_ counts: Int...) -> Tensor {
        self.repeat([Int](repeating: 1, count: Swift.max(0, rank - counts.count)) + counts)
    }

    /// The tensor with the given dims reversed. Copies.
    public func flip(_ dims: Int...) -> Tensor { flip(dims) }

    /// The tensor with the given dims reversed. Copies.
    public func flip(_ dims: [Int]) -> Tensor {
        let y =
            dims.isEmpty
            ? clone() : dims.withDims { count, dims in Tensor.make { apus_flip($0, handle, count, dims) } }
        if !dims.isEmpty && Autograd.isRecording(self) {
            Autograd.record("Flip", inputs: [self], output: y) { [$0.gradient.flip(dims)] }
        }
        return y
    }

    /// The elements moved by `shift` places along a dim, those that leave one end entering at the other; in row-major
    /// order without a dim. Copies.
    public func roll(_ shift: Int, dim: Int? = nil) -> Tensor {
        guard let dim else { return rank == 0 ? clone() : flatten().roll(shift, dim: 0).reshape(shape) }
        let size = self.size(dim)
        if size == 0 { return clone() }
        let places = (shift % size + size) % size
        return Tensor.cat(
            [
                narrow(dim: dim, start: size - places, length: places),
                narrow(dim: dim, start: 0, length: size - places),
            ],
            dim: dim)
    }

    /// The elements moved along several dims, one after the other. Copies.
    public func roll(_ shifts: [Int], dims: [Int]) -> Tensor {
        if dims.isEmpty, shifts.count == 1 { return roll(shifts[0]) }
        guard
            require(
                shifts.count == dims.count, .shape, "roll: \(shifts.count) shifts and \(dims.count) dims were given")
        else { return .invalid() }
        return zip(shifts, dims).reduce(self) { $0.roll($1.0, dim: $1.1) }
    }

    /// The lower triangle of the last two dims, zero elsewhere; diagonal > 0 takes in more. Copies.
    public func tril(diagonal: Int = 0) -> Tensor { triangle(diagonal, upper: false) }

    /// The upper triangle of the last two dims, zero elsewhere; diagonal > 0 leaves out more. Copies.
    public func triu(diagonal: Int = 0) -> Tensor { triangle(diagonal, upper: true) }

    private func triangle(_ diagonal: Int, upper: Bool) -> Tensor {
        let y = Tensor.make { apus_triangle($0, handle, Int64(diagonal), upper) }
        if Autograd.isRecording(self) {
            Autograd.record(upper ? "Triu" : "Tril", inputs: [self], output: y) {
                [$0.gradient.triangle(diagonal, upper: upper)]
            }
        }
        return y
    }
}
