import CApus

// How a tensor and Swift memory share elements. Documentation/bridging.md has the whole in one table: what each road does
// with the memory, who keeps it alive, whose writes are seen, and what is refused.
//
// Every write through these roads counts in the tensor's version, so that a backward pass which needs the old values
// says so; writes through a pointer of your own do not: call `markModified()` after them.

extension Tensor {
    /// A tensor over memory that somebody else owns.
    ///
    /// - Parameters:
    ///   - buffer: The elements, in host memory, aligned to the element's size.
    ///   - shape: The tensor's shape; nil for one dim over the whole buffer.
    ///   - strides: In elements, none negative; nil for row-major order.
    ///   - readOnly: Whether writing through the tensor is an error.
    ///   - deallocator: Called exactly once, from whichever thread drops the last tensor over the memory; also if this
    ///     initializer throws.
    /// - Throws: `TensorError` where the view does not lie inside the buffer.
    public convenience init<Element: TensorScalar>(
        sharing buffer: UnsafeMutableBufferPointer<Element>, shape: [Int]? = nil, strides: [Int]? = nil,
        readOnly: Bool = false, deallocator: @escaping @Sendable () -> Void
    ) throws {
        try self.init(
            sharing: UnsafeMutableRawBufferPointer(buffer), dtype: Element.dtype, shape: shape ?? [buffer.count],
            strides: strides, readOnly: readOnly, owner: Deallocator(deallocator))
    }

    /// A tensor over memory that `owner` keeps alive.
    ///
    /// - Parameters:
    ///   - buffer: The elements, in host memory, aligned to the element's size.
    ///   - dtype: What the elements are.
    ///   - shape: The tensor's shape.
    ///   - strides: In elements, none negative; nil for row-major order.
    ///   - readOnly: Whether writing through the tensor is an error.
    ///   - owner: Retained until the last tensor over the memory is gone, and released from that one's thread.
    /// - Throws: `TensorError` where the view does not lie inside the buffer.
    public convenience init(
        sharing buffer: UnsafeMutableRawBufferPointer, dtype: DType, shape: [Int], strides: [Int]? = nil,
        readOnly: Bool = false, owner: AnyObject
    ) throws {
        precondition(
            strides == nil || strides?.count == shape.count,
            "Tensor(sharing:): expected a stride for each dim of shape \(shape), got \(strides ?? [])")
        // An empty buffer may have no address; C wants one all the same.
        let start = buffer.baseAddress ?? UnsafeMutableRawPointer(bitPattern: 64)!
        let payload = Unmanaged.passRetained(owner).toOpaque()
        let (shape64, strides64) = (shape.map(Int64.init), strides?.map(Int64.init))
        self.init(
            owning: try newHandle { out in
                apus_tensor_wrap(
                    out, dtype, Int32(clamping: shape.count), shape64, strides64, start, buffer.count, readOnly,
                    { Unmanaged<AnyObject>.fromOpaque($0!).release() }, payload)
            })
    }

    /// A read-only tensor over memory that `owner` keeps alive: an `NSData`, say, with its `bytes` and `length`.
    ///
    /// - Parameters:
    ///   - buffer: The elements, in host memory, aligned to the element's size.
    ///   - dtype: What the elements are.
    ///   - shape: The tensor's shape.
    ///   - strides: In elements, none negative; nil for row-major order.
    ///   - owner: Retained until the last tensor over the memory is gone, and released from that one's thread.
    /// - Throws: `TensorError` where the view does not lie inside the buffer.
    public convenience init(
        viewing buffer: UnsafeRawBufferPointer, dtype: DType, shape: [Int], strides: [Int]? = nil, owner: AnyObject
    ) throws {
        try self.init(
            sharing: UnsafeMutableRawBufferPointer(mutating: buffer), dtype: dtype, shape: shape, strides: strides,
            readOnly: true, owner: owner)
    }

    /// A tensor of its own memory with the elements that the bytes of a collection (an array, a slice, Foundation's
    /// `Data`) hold in row-major order and the machine's byte order.
    ///
    /// - Throws: `TensorError` where the shape needs another number of bytes, or memory runs out.
    public convenience init(copying bytes: some Collection<UInt8>, dtype: DType, shape: [Int]) throws {
        let copy = { (bytes: UnsafeBufferPointer<UInt8>) in
            try Tensor(copying: UnsafeRawBufferPointer(bytes), dtype: dtype, shape: shape)
        }
        let tensor = try bytes.withContiguousStorageIfAvailable(copy) ?? Array(bytes).withUnsafeBufferPointer(copy)
        self.init(owning: apus_tensor_retain(tensor.handle))
    }

    /// A tensor of its own memory with the elements that a span holds in row-major order and the machine's byte order,
    /// wherever they are aligned.
    ///
    /// - Throws: `TensorError` where the shape needs another number of bytes, or memory runs out.
    public convenience init(copying bytes: RawSpan, dtype: DType, shape: [Int]) throws {
        let tensor = try bytes.withUnsafeBytes { try Tensor(copying: $0, dtype: dtype, shape: shape) }
        self.init(owning: apus_tensor_retain(tensor.handle))
    }

    /// A tensor of its own memory with the elements that `bytes` hold in row-major order, wherever they are aligned.
    ///
    /// - Throws: `TensorError` where the shape needs another number of bytes, or memory runs out.
    public convenience init(copying bytes: UnsafeRawBufferPointer, dtype: DType, shape: [Int]) throws {
        let needed = try packedByteCount(shape, dtype, "Tensor(copying:)")
        guard bytes.count == needed else {
            throw TensorError(
                .shape, "Tensor(copying:): shape \(shape) of \(dtype) takes \(needed) bytes, got \(bytes.count)")
        }
        let shape64 = shape.map(Int64.init)
        self.init(
            owning: try newHandle { out in
                apus_tensor_empty(out, dtype, Int32(clamping: shape.count), shape64, APUS_DEVICE_CPU)
            })
        guard let source = bytes.baseAddress, !bytes.isEmpty else { return }
        apus_tensor_data(handle)?.copyMemory(from: source, byteCount: bytes.count)
    }
}

/// Runs a C function that makes a tensor. What the outside world gave may be wrong, so a failure throws.
func newHandle(_ body: (UnsafeMutablePointer<OpaquePointer?>) -> Status) throws -> OpaquePointer {
    var out: OpaquePointer?
    let status = body(&out)
    guard status == .ok, let out else { throw TensorError(status, String(cString: apus_last_error())) }
    return out
}

/// Bytes that the elements of a shape take when they are packed.
private func packedByteCount(_ shape: [Int], _ dtype: DType, _ caller: String) throws -> Int {
    if shape.allSatisfy({ $0 >= 0 }), shape.contains(0) { return 0 }
    return try shape.reduce(dtype.size) { size, dim in
        let (product, overflow) = size.multipliedReportingOverflow(by: dim)
        guard dim >= 0, !overflow else { throw TensorError(.overflow, "\(caller): impossible shape \(shape)") }
        return product
    }
}

// MARK: - Borrowing

extension Tensor {
    /// Gives `body` the elements in row-major order. The pointer is valid inside `body` only.
    ///
    /// - Throws: `TensorError` where the tensor is not contiguous, not of that dtype, or not on the CPU; whatever
    ///   `body` throws.
    public func withUnsafeBuffer<Element: TensorScalar, Result>(
        of type: Element.Type, _ body: (UnsafeBufferPointer<Element>) throws -> Result
    ) throws -> Result {
        let buffer = try hostBuffer(of: type, "withUnsafeBuffer")
        defer { withExtendedLifetime(self) {} }
        return try body(UnsafeBufferPointer(buffer))
    }

    /// Gives `body` the elements in row-major order, to read and write. The pointer is valid inside `body` only. Counts
    /// as one write to the tensor.
    ///
    /// - Throws: `TensorError` where the tensor is not contiguous, not of that dtype, not on the CPU or read-only, or
    ///   is a leaf that requires grad while gradients are recorded; whatever `body` throws.
    public func withUnsafeMutableBuffer<Element: TensorScalar, Result>(
        of type: Element.Type, _ body: (UnsafeMutableBufferPointer<Element>) throws -> Result
    ) throws -> Result {
        let buffer = try hostBuffer(of: type, "withUnsafeMutableBuffer")
        try checkWritable("withUnsafeMutableBuffer")
        guard !(requiresGrad && isLeaf && isGradEnabled) else {
            throw TensorError(
                .invalid_argument,
                "withUnsafeMutableBuffer: the tensor is a leaf that requires grad; write inside noGrad { } or to detach()"
            )
        }
        defer { markModified() }
        return try body(buffer)
    }

    /// Gives `body` the elements in row-major order, as a span that cannot leave it.
    ///
    /// - Throws: As `withUnsafeBuffer`.
    public func withSpan<Element: TensorScalar, Result>(
        of type: Element.Type, _ body: (Span<Element>) throws -> Result
    ) throws -> Result {
        try withUnsafeBuffer(of: type) { try body($0.span) }
    }

    /// Gives `body` the elements in row-major order, to read and write, as a span that cannot leave it. Counts as one
    /// write to the tensor.
    ///
    /// - Throws: As `withUnsafeMutableBuffer`.
    public func withMutableSpan<Element: TensorScalar, Result>(
        of type: Element.Type, _ body: (inout MutableSpan<Element>) throws -> Result
    ) throws -> Result {
        try withUnsafeMutableBuffer(of: type) { buffer in
            var span = buffer.mutableSpan
            return try body(&span)
        }
    }

    /// Gives `body` the bytes of the elements in row-major order, whatever the dtype. The pointer is valid inside `body`
    /// only.
    ///
    /// - Throws: `TensorError` where the tensor is not contiguous or not on the CPU; whatever `body` throws.
    public func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
        try checkContiguousOnHost("withUnsafeBytes")
        defer { withExtendedLifetime(self) {} }
        return try body(UnsafeRawBufferPointer(start: apus_tensor_data(handle), count: byteCount))
    }

    /// Bytes that the elements take when they are packed.
    package var byteCount: Int { count * dtype.size }

    func hostBuffer<Element: TensorScalar>(
        of type: Element.Type, _ caller: String
    ) throws -> UnsafeMutableBufferPointer<Element> {
        guard dtype == Element.dtype else {
            throw TensorError(
                .dtype, "\(caller): the tensor is \(dtype), not \(Element.dtype); convert it with to(.\(Element.dtype))"
            )
        }
        try checkContiguousOnHost(caller)
        return UnsafeMutableBufferPointer(
            start: apus_tensor_data(handle)?.assumingMemoryBound(to: Element.self), count: count)
    }

    func checkWritable(_ caller: String) throws {
        guard !isReadOnly else {
            throw TensorError(.read_only, "\(caller): the tensor's memory is read-only; write to clone()")
        }
    }

    private func checkContiguousOnHost(_ caller: String) throws {
        guard device == .cpu, !isInvalid else {
            throw TensorError(.device, "\(caller): the tensor is on \(device); copy it with to(.cpu)")
        }
        guard isContiguous else {
            throw TensorError(
                .shape, "\(caller): the tensor of shape \(shape) is not contiguous; copy it with contiguous()")
        }
    }
}

/// Runs a closure when it goes.
private final class Deallocator: Sendable {
    private let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    deinit { body() }
}
