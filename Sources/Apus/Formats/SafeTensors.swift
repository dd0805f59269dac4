import CApus

/// Files of named tensors in the safetensors format: 8 bytes with the header's length, a JSON header, the data.
///
///     try SafeTensors.save([("weight", w), ("bias", b)], metadata: ["epoch": "20"], to: "model.safetensors")
///     let file = try SafeTensors.load("model.safetensors")
///     let weight = file["weight"]
///
/// The format is described at <https://github.com/huggingface/safetensors>.
public enum SafeTensors {
    /// What a file holds.
    public struct Contents {
        /// The tensors, in the header's order.
        public var tensors: [(name: String, tensor: Tensor)]
        /// The header's `__metadata__`.
        public var metadata: [String: String]

        /// The tensor called `name`; nil where there is none.
        public subscript(name: String) -> Tensor? { tensors.first { $0.name == name }?.tensor }
    }

    /// Writes named tensors to `path`. The file appears whole or not at all; one that was there before is replaced only
    /// when all is written.
    ///
    /// - Parameters:
    ///   - tensors: Names, each once, and tensors of any dtype and strides on any device. The header keeps their order.
    ///   - metadata: Text to store with them.
    ///   - path: Where to write.
    /// - Throws: `TensorFileError` for a name that appears twice or is reserved, and where the system refuses to write;
    ///   `TensorError` for a tensor that cannot be read.
    public static func save(
        _ tensors: [(String, Tensor)], metadata: [String: String] = [:], to path: String
    ) throws {
        let metadata = StoredValue.dict(metadata.map { (key: .string($0.key), value: .string($0.value)) })
        try metadata.withHandle { metadata in
            try withNamedHandles(tensors) { names, handles in
                try checkFile(apus_safetensors_save(path, tensors.count, names, handles, metadata), path)
            }
        }
    }

    /// Reads the tensors in `path`, after checking every length, shape and offset in its header.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - mapped: Whether the tensors share the mapped file: nothing is read before it is used, the file stays open as
    ///     long as a tensor lives, and the tensors are read-only. Otherwise they are copies. Tensors that the file
    ///     holds at an odd place for their dtype are always copied.
    /// - Throws: `TensorFileError` that names the file and the byte.
    public static func load(_ path: String, mapped: Bool = true) throws -> Contents {
        let archive = try TensorArchive(path, format: .safetensors)
        var tensors = try archive.tensors()
        if !mapped { tensors = try tensors.map { ($0.name, try $0.tensor.copied(from: path)) } }
        return Contents(tensors: tensors, metadata: archive.metadata.compactMapValues(\.string))
    }
}

extension Tensor {
    /// A copy of memory of its own.
    func copied(from path: String) throws -> Tensor {
        Tensor(owning: try newFileHandle(path) { apus_tensor_to($0, handle, dtype, apus_tensor_device(handle)) })
    }
}

/// Names and tensors as the core's writers take them. Valid inside `body` only.
func withNamedHandles<Result>(
    _ tensors: [(String, Tensor)],
    _ body: (UnsafePointer<UnsafePointer<CChar>?>?, UnsafePointer<OpaquePointer?>?) throws -> Result
) throws -> Result {
    let text = tensors.flatMap { $0.0.utf8CString }
    let handles: [OpaquePointer?] = tensors.map(\.1.handle)
    return try withExtendedLifetime(tensors) {
        try text.withUnsafeBufferPointer { text in
            var next = text.baseAddress
            let names = tensors.map { name, _ in
                defer { next = next.map { $0 + name.utf8.count + 1 } }
                return next
            }
            return try names.withUnsafeBufferPointer { names in
                try handles.withUnsafeBufferPointer { handles in try body(names.baseAddress, handles.baseAddress) }
            }
        }
    }
}
