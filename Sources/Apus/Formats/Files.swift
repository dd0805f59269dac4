// Mapped files, files that are written beside their place, and directories. The first two are the C core's.
import CApus

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A file mapped into memory. Pages are read when they are first touched.
///
///     let file = try MappedFile("weights.bin")
///     let weights = try file.tensor(dtype: .float32, shape: [1000, 1000], offset: 128)
///
/// A file that another program shortens while it is mapped makes the reader crash, as everywhere; one that is replaced
/// by renaming, as every writer in Apus does, does not.
public final class MappedFile: @unchecked Sendable {
    /// What may be done with tensors over the file.
    public enum Mode: Sendable {
        /// Writing to them is an error.
        case readOnly
        /// Writing changes their memory and never the file.
        case copyOnWrite
    }

    /// The name the file was opened by.
    public let path: String
    private let handle: OpaquePointer

    /// Maps `path`.
    ///
    /// - Throws: `TensorFileError` where there is no regular file that may be read.
    public init(_ path: String, mode: Mode = .readOnly) throws {
        self.path = path
        handle = try newFileHandle(path) { apus_file_map($0, path, mode == .copyOnWrite) }
    }

    deinit { apus_file_release(handle) }

    /// The file's content. Valid as long as this object, or a tensor over the file, lives.
    public var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: apus_file_data(handle), count: apus_file_bytes(handle))
    }

    /// The row-major tensor of the elements from byte `offset` on. It shares the file's memory, which stays as long as the
    /// tensor lives; where the place is not aligned for the dtype it is a copy.
    ///
    /// - Throws: `TensorFileError` where the file ends before the tensor.
    public func tensor(dtype: DType, shape: [Int], offset: Int = 0) throws -> Tensor {
        guard offset >= 0 else { throw TensorFileError(path: path, offset: offset, "lies before the file") }
        let shape64 = shape.map(Int64.init)
        return Tensor(
            owning: try newFileHandle(path) { out in
                apus_file_tensor(out, handle, dtype, Int32(clamping: shape.count), shape64, offset)
            })
    }
}

/// Files that appear whole or not at all: written under another name in the same directory, then renamed.
package enum AtomicFile {
    /// An open file that is not yet in its place.
    package struct Writer {
        fileprivate let handle: OpaquePointer
        fileprivate let path: String

        /// Appends `bytes`.
        package func write(_ bytes: UnsafeRawBufferPointer) throws {
            try checkFile(apus_writer_write(handle, bytes.baseAddress, bytes.count), path)
        }

        /// Appends `bytes`.
        package func write(_ bytes: [UInt8]) throws {
            try bytes.withUnsafeBytes { buffer in try write(buffer) }
        }

        /// Appends `text` as UTF-8.
        package func write(_ text: String) throws { try write(Array(text.utf8)) }
    }

    /// Writes `path` by `body`. On any error nothing is left behind, and a file that was there before stays as it was.
    package static func write(
        to path: String, _ body: (Writer) throws -> Void
    ) throws {
        let handle = try newFileHandle(path) { apus_writer_open($0, path) }
        do {
            try body(Writer(handle: handle, path: path))
        } catch {
            _ = apus_writer_close(handle, false)
            throw error
        }
        try checkFile(apus_writer_close(handle, true), path)
    }

    /// Writes `text` to `path` as UTF-8.
    package static func write(_ text: String, to path: String) throws {
        try write(to: path) { writer in try writer.write(text) }
    }
}

/// Directories for output.
package enum Directory {
    /// Makes `path` and the directories above it, where they do not exist.
    package static func create(_ path: String) throws {
        var built = path.hasPrefix("/") ? "/" : ""
        for part in path.split(separator: "/") {
            built += part
            if mkdir(built, 0o777) != 0, errno != EEXIST { throw TensorFileError.system("make the directory", built) }
            built += "/"
        }
        var status = stat()
        guard stat(path, &status) == 0 else { throw TensorFileError.system("open", path) }
        guard status.st_mode & S_IFMT == S_IFDIR else { throw TensorFileError(path: path, "is not a directory") }
    }

    /// Makes `path` where it does not exist, and throws unless files can be made in it.
    package static func createWritable(_ path: String) throws {
        try create(path)
        guard access(path, W_OK | X_OK) == 0 else { throw TensorFileError.system("write into the directory", path) }
    }

    /// Whether something exists at `path`.
    package static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }
}
