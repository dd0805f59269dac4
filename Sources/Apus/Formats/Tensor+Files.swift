extension Tensor {
    /// Reads a file that holds one tensor: .npy, a .pt file or any other of `TensorArchive`'s formats, by its content; a
    /// table of numbers where the name ends in ".csv". Writing to the tensor does not change the file.
    ///
    /// - Throws: `TensorFileError` where the file is damaged or holds no tensor or several.
    public static func load(_ path: String) throws -> Tensor {
        if path.hasSuffix(".csv") { return try CSVFile.load(path).tensor }
        let archive = try TensorArchive(path, mode: .copyOnWrite)
        guard archive.count == 1 else {
            throw TensorFileError(path: path, "holds \(archive.count) tensors, expected one")
        }
        return try archive.tensor(at: 0)
    }

    /// Writes the tensor alone, in the format that the name's end says: .npy, .pt, .pth or .csv.
    ///
    /// - Throws: `TensorFileError` for other names, and where the system refuses to write.
    public func save(to path: String) throws {
        switch path.split(separator: ".", omittingEmptySubsequences: false).last {
        case "npy": try NumPyFile.save(self, to: path)
        case "pt", "pth": try TorchFile.save(.tensor(self), to: path)
        case "csv": try CSVFile.save(self, to: path)
        default: throw TensorFileError(path: path, "cannot write: the name ends in none of .npy, .pt, .pth and .csv")
        }
    }
}
