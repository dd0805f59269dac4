import CApus

// DLPack carries tensors to and from other libraries in the same process without a copy. The pointers here are those of
// its `DLManagedTensorVersioned` and, for libraries from before version 1, `DLManagedTensor`.

extension Tensor {
    /// A tensor over the memory of another library.
    ///
    /// A write on either side is seen on the other. The library's deleter runs exactly once: when the last tensor over
    /// the memory goes, from that one's thread, or at once if this initializer throws. A tensor whose producer marked
    /// it read-only refuses writes.
    ///
    /// - Parameter managed: A `DLManagedTensorVersioned`, which this consumes.
    /// - Throws: `TensorError` for memory that is not the host's or not aligned to its elements, elements that no dtype
    ///   stands for, negative strides (copy first), and another major version.
    public convenience init(dlpack managed: UnsafeMutableRawPointer) throws {
        self.init(
            owning: try newHandle {
                apus_tensor_from_dlpack_versioned($0, managed.assumingMemoryBound(to: apus_dlpack_versioned.self))
            })
    }

    /// As `init(dlpack:)`, from a `DLManagedTensor`, which cannot say that its memory is read-only.
    public convenience init(unversionedDLPack managed: UnsafeMutableRawPointer) throws {
        self.init(
            owning: try newHandle {
                apus_tensor_from_dlpack($0, managed.assumingMemoryBound(to: apus_dlpack_managed.self))
            })
    }

    /// The tensor for another library: a `DLManagedTensorVersioned` over the same memory, with the same strides.
    ///
    /// A write on either side is seen on the other, but only this side's count in `version`. Whoever gets the pointer
    /// must call its deleter once, from any thread; until then the memory stays.
    ///
    /// - Parameter copy: Whether to hand out a contiguous copy, marked as such, in place of the memory itself.
    /// - Throws: `TensorError` where the tensor requires grad: export `detach()` instead.
    public func dlpack(copy: Bool = false) throws -> UnsafeMutableRawPointer {
        try checkExportable("dlpack")
        var managed: UnsafeMutablePointer<apus_dlpack_versioned>?
        return try exported(apus_tensor_to_dlpack_versioned(&managed, handle, copy)) { managed }
    }

    /// As `dlpack(copy:)`, as a `DLManagedTensor`.
    ///
    /// - Throws: `TensorError` where the tensor requires grad, and where it is read-only, which this form cannot say.
    public func unversionedDLPack(copy: Bool = false) throws -> UnsafeMutableRawPointer {
        try checkExportable("unversionedDLPack")
        var managed: UnsafeMutablePointer<apus_dlpack_managed>?
        return try exported(apus_tensor_to_dlpack(&managed, handle, copy)) { managed }
    }

    private func checkExportable(_ caller: String) throws {
        guard !requiresGrad else {
            throw TensorError(.invalid_argument, "\(caller): the tensor requires grad; export detach() instead")
        }
    }
}

/// The pointer that a call of the core gave, or its error.
private func exported<Managed>(
    _ status: Status, _ managed: () -> UnsafeMutablePointer<Managed>?
) throws -> UnsafeMutableRawPointer {
    guard status == .ok, let managed = managed() else { throw TensorError(status, String(cString: apus_last_error())) }
    return UnsafeMutableRawPointer(managed)
}
