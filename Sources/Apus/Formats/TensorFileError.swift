import CApus

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What is wrong with a file, and where.
///
/// Every reader and writer of files in Apus throws this. It prints as one line:
/// `model.safetensors: byte 8: expected '{', found 'x'`.
public struct TensorFileError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file, as it was named by the caller.
    public var path: String
    /// Where in the file, in bytes from its start, for errors about its content.
    public var offset: Int?
    /// What was expected and what was found.
    public var message: String

    /// An error about `path`, at `offset` where it concerns the file's content.
    public init(path: String, offset: Int? = nil, _ message: String) {
        self.path = path
        self.offset = offset
        self.message = message
    }

    /// The error as one line of text.
    public var description: String {
        guard let offset else { return "\(path): \(message)" }
        return "\(path): byte \(offset): \(message)"
    }
}

/// So that frameworks which look for it print the text rather than the type.
extension TensorFileError {
    /// The error as one line of text.
    public var errorDescription: String? { description }
    /// The error as one line of text.
    public var localizedDescription: String { description }
}

// MARK: - From the C core

/// Throws the latest failure of the core: a `TensorFileError` where it concerns a file, else a `TensorError`.
package func checkFile(_ status: Status, _ path: String) throws {
    guard status != .ok else { return }
    var offset: Int64 = -1
    let detail = apus_last_error_detail(&offset)
    let message = detail.map { String(cString: $0) } ?? ""
    guard detail != apus_last_error() else { throw TensorError(status, message) }
    throw TensorFileError(path: path, offset: offset < 0 ? nil : Int(offset), message)
}

/// Runs a C function that makes an object, or throws its failure.
func newFileHandle(
    _ path: String, _ body: (UnsafeMutablePointer<OpaquePointer?>) throws -> Status
) throws -> OpaquePointer {
    var out: OpaquePointer?
    try checkFile(body(&out), path)
    return out!
}

extension TensorFileError {
    /// An error of the operating system: "cannot open: No such file or directory".
    static func system(_ action: String, _ path: String, code: Int32 = errno) -> TensorFileError {
        TensorFileError(path: path, "cannot \(action): \(String(cString: strerror(code)))")
    }
}
