import CApus

// Picking and placing elements by index tensors, which hold integers. Indices out of range are errors.

extension Tensor {
    /// The slices of a dim that a vector of indices names, in its order. Copies.
    public func indexSelect(dim: Int, index: Tensor) -> Tensor {
        let y = Tensor.make { apus_index_select($0, handle, Int32(clamping: dim), index.handle) }
        if Autograd.isRecording(self) {
            let shape = self.shape
            Autograd.record("IndexSelect", inputs: [self], output: y, saving: [index]) { context in
                let g = context.gradient
                let room = Tensor.zeros(shape, dtype: g.dtype, device: g.device)
                return [room.indexAdd(dim: dim, index: context.saved[0], source: g)]
            }
        }
        return y
    }

    /// This with alpha times slice i of `source` added to slice index[i] of a dim. Copies.
    public func indexAdd(dim: Int, index: Tensor, source: Tensor, alpha: Double = 1) -> Tensor {
        let y = Tensor.make {
            apus_index_add($0, handle, Int32(clamping: dim), index.handle, source.handle, alpha)
        }
        if Autograd.isRecording(self, source) {
            let shape = source.shape
            Autograd.record("IndexAdd", inputs: [self, source], output: y, saving: [index]) { context in
                let g = context.gradient
                guard context.needs(1) else { return [g, nil] }
                let picked = g.indexSelect(dim: dim, index: context.saved[0]).reshape(shape)
                return [g, alpha == 1 ? picked : picked * alpha]
            }
        }
        return y
    }

    /// As `indexAdd`, in place.
    @discardableResult
    public func indexAdd_(dim: Int, index: Tensor, source: Tensor, alpha: Double = 1) -> Tensor {
        if Autograd.isRecording(self, source) {
            return assign(indexAdd(dim: dim, index: index, source: source, alpha: alpha))
        }
        _ = write { apus_index_add($0, handle, Int32(clamping: dim), index.handle, source.handle, alpha) }
        return self
    }

    /// y[i][j] = x[index[i][j]][j] for dim 0, and so on. Copies.
    public func gather(dim: Int, index: Tensor) -> Tensor {
        let y = Tensor.make { apus_gather($0, handle, Int32(clamping: dim), index.handle) }
        if Autograd.isRecording(self) {
            let shape = self.shape
            Autograd.record("Gather", inputs: [self], output: y, saving: [index]) { context in
                let g = context.gradient
                let room = Tensor.zeros(shape, dtype: g.dtype, device: g.device)
                return [room.scatterAdd(dim: dim, index: context.saved[0], source: g)]
            }
        }
        return y
    }

    /// This with y[index[i][j]][j] set to source[i][j] for dim 0, and so on. Copies.
    public func scatter(dim: Int, index: Tensor, source: Tensor) -> Tensor {
        scatter(dim, index, source, add: false)
    }

    /// This with y[index[i][j]][j] set to a number for dim 0, and so on. Copies.
    public func scatter<S: TensorScalar>(dim: Int, index: Tensor, value: S) -> Tensor {
        scatter(dim, index, Tensor(value, dtype: dtype, device: device).expand(index.shape), add: false)
    }

    /// This with y[index[i][j]][j] increased by source[i][j] for dim 0, and so on. Copies.
    public func scatterAdd(dim: Int, index: Tensor, source: Tensor) -> Tensor {
        scatter(dim, index, source, add: true)
    }

    /// As `scatter`, in place.
    @discardableResult
    public func scatter_(dim: Int, index: Tensor, source: Tensor) -> Tensor {
        scatterInPlace(dim, index, source, add: false)
    }

    /// As `scatter` with a number, in place.
    @discardableResult
    public func scatter_<S: TensorScalar>(dim: Int, index: Tensor, value: S) -> Tensor {
        scatterInPlace(dim, index, Tensor(value, dtype: dtype, device: device).expand(index.shape), add: false)
    }

    /// As `scatterAdd`, in place.
    @discardableResult
    public func scatterAdd_(dim: Int, index: Tensor, source: Tensor) -> Tensor {
        scatterInPlace(dim, index, source, add: true)
    }

    private func scatterInPlace(_ dim: Int, _ index: Tensor, _ source: Tensor, add: Bool) -> Tensor {
        if Autograd.isRecording(self, source) { return assign(scatter(dim, index, source, add: add)) }
        _ = write { apus_scatter($0, handle, Int32(clamping: dim), index.handle, source.handle, add) }
        return self
    }

    private func scatter(_ dim: Int, _ index: Tensor, _ source: Tensor, add: Bool) -> Tensor {
        let place = Int32(clamping: dim)
        let y = Tensor.make { apus_scatter($0, handle, place, index.handle, source.handle, add) }
        if Autograd.isRecording(self, source) {
            let shape = source.shape
            Autograd.record(add ? "ScatterAdd" : "Scatter", inputs: [self, source], output: y, saving: [index]) {
                context in
                let g = context.gradient
                let index = context.saved[0]
                return [
                    add || !context.needs(0) ? g : g.scatter(dim: dim, index: index, value: 0),
                    context.needs(1) ? g.gather(dim: dim, index: index).padded(to: shape) : nil,
                ]
            }
        }
        return y
    }

    /// Zeros of a shape at least as great in every dim, with this in the first corner.
    private func padded(to shape: [Int]) -> Tensor {
        let mine = self.shape
        if mine == shape { return self }
        let room = Tensor.zeros(shape, dtype: dtype, device: device)
        var corner = room
        for (dim, size) in mine.enumerated() { corner = corner.narrow(dim: dim, start: 0, length: size) }
        corner.copy_(self)
        return room
    }

    /// NumPy's advanced indexing: `indices[d]`, nil for the whole dim, indexes dim d; those given broadcast together, and
    /// their shape stands in place of the dims they index where these are adjacent, else in front. Bool masks count for
    /// as many dims as they have. Copies.
    public func index(_ indices: [Tensor?]) -> Tensor {
        let indices = Tensor.withoutMasks(indices)
        let y = indices.withHandles { count, handles in Tensor.make { apus_index($0, handle, count, handles) } }
        if Autograd.isRecording(self) {
            let shape = self.shape
            Autograd.record("Index", inputs: [self], output: y, saving: indices.compactMap { $0 }) { context in
                let g = context.gradient
                let room = Tensor.zeros(shape, dtype: g.dtype, device: g.device)
                return [room.indexPut(indices.replaced(by: context.saved), g, accumulate: true)]
            }
        }
        return y
    }

    /// This with the elements that `index` would pick set to, or increased by, `values`, which broadcast. Copies.
    public func indexPut(_ indices: [Tensor?], _ values: Tensor, accumulate: Bool = false) -> Tensor {
        let indices = Tensor.withoutMasks(indices)
        let y = indices.withHandles { count, handles in
            Tensor.make { apus_index_put($0, handle, count, handles, values.handle, accumulate) }
        }
        if Autograd.isRecording(self, values) {
            Autograd.record(
                "IndexPut", inputs: [self, values], output: y, saving: indices.compactMap { $0 }
            ) { context in
                let g = context.gradient
                let indices = indices.replaced(by: context.saved)
                let zero = Tensor(0, dtype: g.dtype, device: g.device)
                return [
                    accumulate || !context.needs(0) ? g : g.indexPut(indices, zero),
                    context.needs(1) ? g.index(indices) : nil,
                ]
            }
        }
        return y
    }

    /// As `indexPut`, in place.
    @discardableResult
    public func indexPut_(_ indices: [Tensor?], _ values: Tensor, accumulate: Bool = false) -> Tensor {
        if Autograd.isRecording(self, values) { return assign(indexPut(indices, values, accumulate: accumulate)) }
        _ = Tensor.withoutMasks(indices).withHandles { count, handles in
            write { apus_index_put($0, handle, count, handles, values.handle, accumulate) }
        }
        return self
    }

    /// Masks as the index tensors they stand for, one a dim of the mask.
    private static func withoutMasks(_ indices: [Tensor?]) -> [Tensor?] {
        indices.flatMap { index -> [Tensor?] in
            guard let index, index.dtype == .bool, !index.isInvalid else { return [index] }
            return index.nonzero().unbind(dim: 1)
        }
    }

    /// The elements in row-major order that a tensor of indices names, in its shape; negative ones count from the end.
    /// Copies.
    public func take(_ index: Tensor) -> Tensor {
        reshape(-1).index([index])
    }

    /// The elements where the mask, broadcast with this tensor, is true, as a vector. Copies.
    public func maskedSelect(_ mask: Tensor) -> Tensor {
        let y = Tensor.make { apus_masked_select($0, handle, mask.handle) }
        if Autograd.isRecording(self) {
            Autograd.record("MaskedSelect", inputs: [self], output: y, saving: [self, mask]) { context in
                let whole = (context.saved[0].detach().zerosLike(dtype: .bool) .|| context.saved[1])
                let room = Tensor.zeros(whole.shape, dtype: context.gradient.dtype, device: context.gradient.device)
                return [room.indexPut([whole], context.gradient)]
            }
        }
        return y
    }

    /// The coordinates of the elements that are not zero: int64 [count, rank].
    public func nonzero() -> Tensor { Tensor.make { apus_nonzero($0, handle) } }
}

extension [Tensor?] {
    /// Calls `body` with the handles as the C core takes them.
    fileprivate func withHandles<Result>(_ body: (Int32, UnsafePointer<OpaquePointer?>?) -> Result) -> Result {
        map { $0?.handle }.withUnsafeBufferPointer { body(Int32(clamping: $0.count), $0.baseAddress) }
    }

    /// These with the tensors, leaving nil in its places, replaced in order.
    fileprivate func replaced(by tensors: [Tensor]) -> [Tensor?] {
        var rest = tensors[...]
        return map { $0 == nil ? nil : rest.popFirst() }
    }
}
