import CApus

/// NumPy's .npy and .npz files.
///
///     try NumPyFile.save(tensor, to: "x.npy")
///     let x = try NumPyFile.load("x.npy")
///     try NumPyFile.saveNpz([("x", x), ("y", y)], compressed: true, to: "data.npz")
///     for (name, tensor) in try NumPyFile.loadNpz("data.npz") { … }
///
/// All of NumPy's numbers are read, in either byte order and either order of dims; an array whose first dim is the
/// innermost gives a tensor with such strides. '<V2', as which ml_dtypes writes it, is read as bfloat16 and written so.
/// Arrays of Python objects, of texts and of structures are refused.
public enum NumPyFile {
    /// Reads a .npy file. The tensor shares the mapped file's memory; writing to it does not change the file.
    ///
    /// - Throws: `TensorFileError` that names the file and the byte.
    public static func load(_ path: String) throws -> Tensor {
        try TensorArchive(path, format: .npy, mode: .copyOnWrite).tensor(at: 0)
    }

    /// Reads all arrays of a .npz file, in order; stored ones share the mapped file's memory as in `load`.
    ///
    /// - Throws: `TensorFileError` that names the file and the byte.
    public static func loadNpz(_ path: String) throws -> [(name: String, tensor: Tensor)] {
        try TensorArchive(path, format: .npz, mode: .copyOnWrite).tensors()
    }

    /// Writes a .npy file.
    ///
    /// - Throws: `TensorFileError` where the system refuses to write.
    public static func save(_ tensor: Tensor, to path: String) throws {
        try checkFile(apus_npy_save(path, tensor.handle), path)
    }

    /// Writes a .npz file.
    ///
    /// - Throws: `TensorFileError` for a name that appears twice, and where the system refuses to write.
    public static func saveNpz(_ tensors: [(String, Tensor)], compressed: Bool = false, to path: String) throws {
        try withNamedHandles(tensors) { names, handles in
            try checkFile(apus_npz_save(path, tensors.count, names, handles, compressed), path)
        }
    }
}
