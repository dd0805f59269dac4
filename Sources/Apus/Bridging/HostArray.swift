import CApus

/// An array of fixed size whose elements can be shared with tensors: what a NumPy array is to PyTorch.
///
///     let array: HostArray<Float> = [1, 2, 3]
///     let tensor = Tensor(sharing: array)
///     array[0] = 10        // tensor([10., 2., 3.])
///     tensor.add_(1)       // array is [11, 3, 4]
///
/// It is a class: two variables may name one array, and either side may outlive the other. `Documentation/bridging.md`
/// has a table of what is shared and what is refused. Like a tensor it may be handed between tasks and read from
/// several at once; writing to elements that another task uses at the same time is the program's to prevent.
///
/// Writing an element counts in the version of the tensors that share it. In a loop over many elements
/// `withUnsafeMutableBufferPointer` counts once, and is faster.
public final class HostArray<Element: TensorScalar>: RandomAccessCollection, MutableCollection,
    ExpressibleByArrayLiteral, CustomStringConvertible, @unchecked Sendable
{
    /// The same elements as a tensor of one dim, which keeps them alive.
    private let storage: Tensor
    private let elements: UnsafeMutableBufferPointer<Element>

    /// The elements of `storage`, a contiguous and writable tensor on the CPU.
    fileprivate init(storage: Tensor, caller: String) throws {
        self.storage = storage
        elements = try storage.hostBuffer(of: Element.self, caller)
        try storage.checkWritable(caller)
    }

    /// An array of `count` times the same value.
    public convenience init(repeating value: Element, count: Int) {
        self.init(count: count) { $0.initialize(repeating: value) }
    }

    /// An array with the elements of a collection.
    public convenience init(_ elements: some Collection<Element>) {
        self.init(count: elements.count) { _ = $0.initialize(from: elements) }
    }

    /// An array with the given elements.
    public convenience init(arrayLiteral elements: Element...) { self.init(elements) }

    private init(count: Int, fill: (UnsafeMutableBufferPointer<Element>) -> Void) {
        precondition(count >= 0, "HostArray: expected a count of at least 0, got \(count)")
        storage = Tensor.make { out in
            [count].withSizes { rank, sizes in
                apus_tensor_empty(out, Element.dtype, rank, sizes, APUS_DEVICE_CPU)
            }
        }
        elements = UnsafeMutableBufferPointer(
            start: apus_tensor_data(storage.handle)?.assumingMemoryBound(to: Element.self), count: count)
        fill(elements)
    }

    /// The first index, 0.
    public var startIndex: Int { 0 }
    /// How many elements there are.
    public var endIndex: Int { elements.count }

    /// The element at `index`, from 0 to `count - 1`.
    public subscript(index: Int) -> Element {
        get {
            precondition(
                elements.indices.contains(index), "HostArray: index \(index) is out of range for \(count) elements")
            return elements[index]
        }
        set {
            precondition(
                elements.indices.contains(index), "HostArray: index \(index) is out of range for \(count) elements")
            elements[index] = newValue
            storage.markModified()
        }
    }

    /// Gives `body` the elements to read. The pointer is valid inside `body` only.
    public func withUnsafeBufferPointer<Result>(
        _ body: (UnsafeBufferPointer<Element>) throws -> Result
    ) rethrows -> Result {
        defer { withExtendedLifetime(self) {} }
        return try body(UnsafeBufferPointer(elements))
    }

    /// Gives `body` the elements to read and write. The pointer is valid inside `body` only.
    public func withUnsafeMutableBufferPointer<Result>(
        _ body: (UnsafeMutableBufferPointer<Element>) throws -> Result
    ) rethrows -> Result {
        defer { storage.markModified() }
        return try body(elements)
    }

    /// Gives `body` the elements to read, as a span that cannot leave it.
    public func withSpan<Result>(_ body: (Span<Element>) throws -> Result) rethrows -> Result {
        try withUnsafeBufferPointer { try body($0.span) }
    }

    /// Gives `body` the elements to read and write, as a span that cannot leave it. Counts as one write.
    public func withMutableSpan<Result>(_ body: (inout MutableSpan<Element>) throws -> Result) rethrows -> Result {
        try withUnsafeMutableBufferPointer { buffer in
            var span = buffer.mutableSpan
            return try body(&span)
        }
    }

    /// As `withUnsafeBufferPointer`: the elements always lie one after the other.
    public func withContiguousStorageIfAvailable<Result>(
        _ body: (UnsafeBufferPointer<Element>) throws -> Result
    ) rethrows -> Result? {
        try withUnsafeBufferPointer(body)
    }

    /// As `withUnsafeMutableBufferPointer`: the elements always lie one after the other.
    public func withContiguousMutableStorageIfAvailable<Result>(
        _ body: (inout UnsafeMutableBufferPointer<Element>) throws -> Result
    ) rethrows -> Result? {
        try withUnsafeMutableBufferPointer { buffer in
            var buffer = buffer
            return try body(&buffer)
        }
    }

    /// The elements as an array would print them.
    public var description: String { Array(self).description }

    /// A new handle over the elements.
    fileprivate func handle(shape: [Int]?) -> OpaquePointer {
        let view = Tensor.make { out in
            (shape ?? [count]).withSizes { rank, sizes in apus_tensor_view(out, storage.handle, rank, sizes) }
        }
        return apus_tensor_retain(view.handle)
    }
}

extension Tensor {
    /// A tensor that shares the elements of `array`: a write on either side is seen on the other, and the memory lives
    /// as long as either.
    ///
    /// - Parameters:
    ///   - array: The elements.
    ///   - shape: The tensor's shape, of as many elements; nil for one dim.
    public convenience init<Element: TensorScalar>(sharing array: HostArray<Element>, shape: [Int]? = nil) {
        self.init(owning: array.handle(shape: shape))
    }

    /// An array that shares the tensor's elements in row-major order: a write on either side is seen on the other, and
    /// the memory lives as long as either.
    ///
    /// - Throws: `TensorError` where the tensor requires grad, is not contiguous, is of another dtype, is read-only or
    ///   is not on the CPU. The message says what to call first.
    public func hostArray<Element: TensorScalar>(of type: Element.Type) throws -> HostArray<Element> {
        guard !requiresGrad else {
            throw TensorError(.invalid_argument, "hostArray: the tensor requires grad; share detach() instead")
        }
        return try HostArray(storage: detach(), caller: "hostArray")
    }
}
