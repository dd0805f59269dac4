import CApus

// Order along a dim. NaN is greater than any number, and -0.0 equals 0.0. Equal elements keep their order, so that places
// are determined; gradients go to them.

extension Tensor {
    /// The elements along a dim in order, and where each stood (int64). Equal elements keep their order in either
    /// direction; `stable` asks for what is so anyway.
    public func sort(
        dim: Int = -1, descending: Bool = false, stable: Bool = false
    ) -> (values: Tensor, indices: Tensor) {
        ranked("Sort", dim) { apus_sort($0, $1, handle, Int32(clamping: dim), descending, stable) }
    }

    /// Where the elements along a dim stand, in their order: int64, the `indices` of `sort`.
    public func argsort(dim: Int = -1, descending: Bool = false, stable: Bool = false) -> Tensor {
        Tensor.make { apus_sort(nil, $0, handle, Int32(clamping: dim), descending, stable) }
    }

    /// The k greatest (or least) elements along a dim, and where each stands (int64); of equal elements the first. In
    /// order unless `sorted` is false.
    public func topk(
        _ k: Int, dim: Int = -1, largest: Bool = true, sorted: Bool = true
    ) -> (values: Tensor, indices: Tensor) {
        ranked("Topk", dim) { apus_topk($0, $1, handle, Int64(k), Int32(clamping: dim), largest, sorted) }
    }

    /// The element at place k, counted from 1, of the order along a dim, and where it stands (int64).
    public func kthvalue(_ k: Int, dim: Int = -1, keepDim: Bool = false) -> (values: Tensor, indices: Tensor) {
        ranked("Kthvalue", dim, dropsDim: !keepDim) {
            apus_kthvalue($0, $1, handle, Int64(k), Int32(clamping: dim), keepDim)
        }
    }

    /// The median along a dim, the lower one of two, and where it stands (int64). The first NaN where there is one.
    public func median(dim: Int, keepDim: Bool = false) -> (values: Tensor, indices: Tensor) {
        let length = rank == 0 ? 1 : shape[normalized(dim: dim, rank: rank, "median")]
        let places = noGrad {
            let middle = detach().kthvalue((length + 1) / 2, dim: dim, keepDim: true).indices
            guard dtype.isFloatingPoint else { return middle }
            let greatest = detach().max(dim: dim, keepDim: true)
            return Tensor.where(greatest.values.isnan(), greatest.indices, middle)
        }
        let values = gather(dim: dim, index: places)
        return keepDim || rank == 0 ? (values, places) : (values.squeeze(dim), places.squeeze(dim))
    }

    /// The median of all elements, the lower one of two, 0-d; NaN where there is one, or no element.
    public func median() -> Tensor {
        if count == 0 && dtype.isFloatingPoint { return Tensor(Double.nan, dtype: dtype, device: device) }
        return reshape(-1).median(dim: 0).values
    }

    /// Values and where they stand along a dim, with the derivative that goes there.
    private func ranked(
        _ name: StaticString, _ dim: Int, dropsDim: Bool = false,
        _ body: (UnsafeMutablePointer<OpaquePointer?>, UnsafeMutablePointer<OpaquePointer?>) -> Status
    ) -> (values: Tensor, indices: Tensor) {
        var indexHandle: OpaquePointer?
        let values = Tensor.make { body($0, &indexHandle) }
        let indices = indexHandle.map { Tensor(owning: $0) } ?? .invalid()
        if Autograd.isRecording(self), !values.isInvalid {
            let shape = self.shape
            Autograd.record(name, inputs: [self], output: values, saving: [indices]) { context in
                let g = context.gradient
                let index = context.saved[0]
                if shape.isEmpty { return [g] }
                let room = Tensor.zeros(shape, dtype: g.dtype, device: g.device)
                return [
                    dropsDim
                        ? room.scatter(dim: dim, index: index.unsqueeze(dim), source: g.unsqueeze(dim))
                        : room.scatter(dim: dim, index: index, source: g)
                ]
            }
        }
        return (values, indices)
    }
}
