import CApus

extension Tensor {
    /// The sizes of the dims, outermost first; empty for a 0-d tensor.
    public var shape: [Int] {
        let rank = Int(apus_tensor_rank(handle))
        guard rank > 0, let sizes = apus_tensor_shape(handle) else { return [] }
        return UnsafeBufferPointer(start: sizes, count: rank).map { Int($0) }
    }

    /// For each dim, how many elements lie between neighbours.
    public var strides: [Int] {
        let rank = Int(apus_tensor_rank(handle))
        guard rank > 0, let strides = apus_tensor_strides(handle) else { return [] }
        return UnsafeBufferPointer(start: strides, count: rank).map { Int($0) }
    }

    /// How many dims there are.
    public var rank: Int { Int(apus_tensor_rank(handle)) }

    /// How many dims there are; the same as `rank`.
    public var ndim: Int { rank }

    /// How many dims there are; the same as `rank`.
    public func dim() -> Int { rank }

    /// The size of a dim; a negative one counts from the end.
    public func size(_ dim: Int) -> Int {
        let rank = self.rank
        let index = dim < 0 ? dim + rank : dim
        guard
            require(index >= 0 && index < rank, .index, "size: dim \(dim) is out of range for a tensor of rank \(rank)")
        else { return 0 }
        return Int(apus_tensor_shape(handle)[index])
    }

    /// How many elements there are.
    public var count: Int { Int(apus_tensor_numel(handle)) }

    /// How many elements there are; the same as `count`.
    public var numel: Int { count }

    /// The type of the elements.
    public var dtype: DType { apus_tensor_dtype(handle) }

    /// Where the memory lies.
    public var device: Device { Device(code: apus_tensor_device(handle)) }

    /// Bytes an element takes.
    public var elementSize: Int { dtype.size }

    /// Whether the elements lie in row-major order without gaps.
    public var isContiguous: Bool { apus_tensor_is_contiguous(handle) }

    /// Whether writing to the memory is refused.
    public var isReadOnly: Bool { apus_tensor_is_read_only(handle) }

    /// Elements between the start of the storage and the first element.
    public var offset: Int { Int(apus_tensor_offset(handle)) }

    /// How many writes the storage has seen. Autograd uses it to notice values that changed after they were saved.
    public var version: Int { Int(apus_tensor_version(handle)) }

    /// Whether both tensors look at the same storage, so that writing to one may change the other.
    public func sharesStorage(with other: Tensor) -> Bool { apus_tensor_shares_storage(handle, other.handle) }

    /// Says that the memory was written to from outside the library.
    public func markModified() { apus_tensor_bump_version(handle) }

    /// Whether this is a number that takes part in type promotion by its kind alone.
    var isWeak: Bool { apus_tensor_is_weak(handle) }

    /// Whether both have the same shape, without making arrays.
    @inline(__always)
    package func hasShape(of other: Tensor) -> Bool {
        let rank = apus_tensor_rank(handle)
        guard rank == apus_tensor_rank(other.handle) else { return false }
        guard rank > 0, let a = apus_tensor_shape(handle), let b = apus_tensor_shape(other.handle) else { return true }
        for i in 0..<Int(rank) where a[i] != b[i] { return false }
        return true
    }
}

/// A dim counted from the start. Reports a dim that a tensor of `rank` dims lacks, and gives 0; 0-d counts as one dim.
package func normalized(dim: Int, rank: Int, _ name: StaticString) -> Int {
    let count = max(rank, 1)
    guard
        require(
            dim >= -count && dim < count, .index,
            "\(name): dim \(dim) is out of range for a tensor of rank \(rank) (expected \(-count) to \(count - 1))")
    else { return 0 }
    return dim < 0 ? dim + count : dim
}

extension [Int] {
    /// Calls `body` with the sizes as the C core takes them.
    @inline(__always)
    package func withSizes<Result>(_ body: (Int32, UnsafePointer<Int64>?) -> Result) -> Result {
        withUnsafeBufferPointer { sizes in
            sizes.withMemoryRebound(to: Int64.self) { body(Int32(clamping: $0.count), $0.baseAddress) }
        }
    }

    /// Calls `body` with the dims as the C core takes them; a null pointer when there are none.
    @inline(__always)
    package func withDims<Result>(_ body: (Int32, UnsafePointer<Int32>?) -> Result) -> Result {
        if isEmpty { return body(0, nil) }
        return withUnsafeTemporaryAllocation(of: Int32.self, capacity: count) { dims in
            for i in indices { dims[i] = Int32(clamping: self[i]) }
            return body(Int32(clamping: count), dims.baseAddress)
        }
    }
}
