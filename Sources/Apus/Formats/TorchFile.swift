import CApus

/// PyTorch's .pt and .pth files, as `torch.save` writes them and `torch.load(path, weights_only=True)` reads them.
///
///     let state = try TorchFile.loadTensors("resnet18.pth")
///     try TorchFile.save(["epoch": 3, "weight": .tensor(w)], to: "checkpoint.pt")
///
/// Reading executes nothing: it knows the few names that checkpoints of tensors, numbers, texts and containers use, and
/// refuses all others. Both the zip form and the one before PyTorch 1.6 are read. What Python programs hang on a dict or
/// tensor, and whether a tensor requires grad, is not kept.
public enum TorchFile {
    /// Reads a whole file. Tensors that share a storage in the file share it here. Their memory is the mapped file's;
    /// writing to them changes neither the file nor what others read from it.
    ///
    /// - Throws: `TensorFileError` that names the file and the byte.
    public static func load(_ path: String) throws -> StoredValue {
        try TensorArchive(path, format: .torch, mode: .copyOnWrite).value ?? .none
    }

    /// Reads the tensors of a file under their keys joined by dots, in the file's order; memory as in `load`.
    ///
    /// - Throws: `TensorFileError` that names the file and the byte.
    public static func loadTensors(_ path: String) throws -> [(name: String, tensor: Tensor)] {
        try TensorArchive(path, format: .torch, mode: .copyOnWrite).tensors()
    }

    /// Writes a value. Tensors that share a storage will share it when they are read again.
    ///
    /// - Throws: `TensorFileError` where the system refuses to write, or values are nested deeper than 100.
    public static func save(_ value: StoredValue, to path: String) throws {
        try value.withHandle { try checkFile(apus_torch_save(path, $0), path) }
    }

    /// Writes a state dict: a dict of tensors by name, in order.
    ///
    /// - Throws: `TensorFileError` where the system refuses to write.
    public static func save(_ tensors: [(String, Tensor)], to path: String) throws {
        try save(.dict(tensors.map { (key: .string($0.0), value: .tensor($0.1)) }), to: path)
    }
}
