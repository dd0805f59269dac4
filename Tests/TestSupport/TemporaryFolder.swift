import Foundation

/// A folder of a test's own that goes with it.
public final class TemporaryFolder {
    /// Where it is.
    public let path: String

    /// A new, empty folder.
    public init() throws {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("apus-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// The path of something in the folder.
    public subscript(name: String) -> String { path + "/" + name }

    /// Writes a file and returns its path.
    @discardableResult
    public func write(_ bytes: [UInt8], to name: String) throws -> String {
        try Foundation.Data(bytes).write(to: URL(fileURLWithPath: self[name]))
        return self[name]
    }

    /// The content of a file.
    public func read(_ name: String) throws -> [UInt8] {
        Array(try Foundation.Data(contentsOf: URL(fileURLWithPath: self[name])))
    }

    /// The content of a text file.
    public func text(_ name: String) throws -> String { String(decoding: try read(name), as: UTF8.self) }

    /// The names of everything in the folder, hidden files too, sorted.
    public var names: [String] {
        get throws { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }
    }
}
