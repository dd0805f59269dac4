import CApus

/// A file of named tensors, opened: safetensors, .npy, .npz, PyTorch's .pt and .pth, or GGUF.
///
///     let archive = try TensorArchive("model.safetensors")
///     for name in archive.names { print(name) }
///     let weight = try archive.tensor("weight")
///
/// The file is mapped, and a tensor shares its memory wherever the file holds it uncompressed, in the machine's byte
/// order and at an aligned place; the memory stays as long as a tensor lives. Everything else is a copy. Opening checks
/// whatever the file says about lengths, shapes and places, executes nothing in it, and reads no element.
public final class TensorArchive: @unchecked Sendable {
    /// The formats; `.detect` goes by the content.
    public typealias Format = CApus.ArchiveFormat

    /// The name the file was opened by.
    public let path: String
    private let handle: OpaquePointer

    /// Opens `path`.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - format: Its format.
    ///   - mode: Whether tensors that share the file's memory may be written to.
    /// - Throws: `TensorFileError` that names the file and the byte.
    public init(_ path: String, format: Format = .detect, mode: MappedFile.Mode = .readOnly) throws {
        self.path = path
        handle = try newFileHandle(path) { apus_archive_open($0, path, format, mode == .copyOnWrite) }
    }

    deinit { apus_archive_release(handle) }

    /// The format it was found to have.
    public var format: Format { apus_archive_get_format(handle) }
    /// How many tensors there are.
    public var count: Int { apus_archive_count(handle) }
    /// Their names, in the file's order. That of a .npy file's array is empty; those of a .pt file are the keys on the way
    /// to the tensor, joined by dots.
    public var names: [String] { (0..<count).map { String(cString: apus_archive_name(handle, $0)) } }

    /// The position of a name; nil where there is none.
    public func index(of name: String) -> Int? {
        let index = apus_archive_find(handle, name)
        return index < 0 ? nil : Int(index)
    }

    /// The dtype of the tensor at a position.
    ///
    /// - Throws: `TensorFileError` for a dtype that Apus does not have, such as GGUF's quantised ones.
    public func dtype(at index: Int) throws -> DType {
        var dtype = DType.float32
        try checkFile(apus_archive_dtype(&dtype, handle, index), path)
        return dtype
    }

    /// The shape of the tensor at a position.
    public func shape(at index: Int) -> [Int] {
        precondition((0..<count).contains(index), "TensorArchive: there is no tensor \(index) among \(count)")
        return (0..<Int(apus_archive_rank(handle, index))).map { Int(apus_archive_shape(handle, index)[$0]) }
    }

    /// The tensor at a position.
    ///
    /// - Throws: `TensorFileError` where its compressed data is damaged, a bool is neither 0 nor 1, or Apus does not have
    ///   its dtype.
    public func tensor(at index: Int) throws -> Tensor {
        Tensor(owning: try newFileHandle(path) { apus_archive_tensor($0, handle, index) })
    }

    /// The tensor of that name; nil where there is none. Throws as `tensor(at:)`.
    public func tensor(_ name: String) throws -> Tensor? { try index(of: name).map(tensor(at:)) }

    /// All tensors with their names, in the file's order. Throws as `tensor(at:)`.
    public func tensors() throws -> [(name: String, tensor: Tensor)] {
        try names.enumerated().map { (name: $1, tensor: try tensor(at: $0)) }
    }

    /// What the file says about itself: the texts of a safetensors header, the values of a GGUF file.
    public var metadata: [String: StoredValue] {
        guard case .dict(let pairs) = StoredValue(borrowing: apus_archive_metadata(handle)) else { return [:] }
        return Dictionary(pairs.map { ($0.key.string ?? "", $0.value) }) { first, _ in first }
    }

    /// The whole content of a .pt file, whatever it is made of; nil for other formats.
    public var value: StoredValue? { apus_archive_value(handle).map(StoredValue.init(borrowing:)) }
}
