import Apus
import CZlib

/// Reads bytes from memory that may be compressed with gzip (RFC 1952); which of the two, its first bytes say.
///
/// Inflates as it goes, so that a reader takes what its own header promises and no more, whatever the compressed data
/// would grow to.
struct ByteReader: ~Copyable {
    /// Deflate cannot shrink data further than this.
    static let largestRatio = 1032

    /// The name for messages.
    let path: String
    private let input: UnsafeRawBufferPointer
    private var stream: UnsafeMutablePointer<z_stream>?
    private var inputOffset = 0
    private var hasEnded = false
    /// Bytes delivered so far.
    private(set) var position = 0

    /// Reads `input`, which must outlive the reader; `path` names it in messages.
    init(_ input: UnsafeRawBufferPointer, path: String) throws {
        self.input = input
        self.path = path
        guard Self.isCompressed(input) else { return }
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        stream.initialize(to: z_stream())
        // 15: the largest window; 16: a gzip header, whose check sum is verified.
        let status = inflateInit2_(stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard status == Z_OK else {
            stream.deallocate()
            throw TensorFileError(path: path, "cannot start inflating: zlib status \(status)")
        }
        self.stream = stream
    }

    deinit {
        guard let stream else { return }
        inflateEnd(stream)
        stream.deallocate()
    }

    /// Whether `bytes` begin as a gzip file does.
    static func isCompressed(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.count >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b
    }

    /// Whether the input is compressed.
    var isCompressed: Bool { stream != nil }

    /// The most bytes that can still come.
    var upperBound: Int {
        let rest = input.count - inputOffset
        return isCompressed ? rest.multipliedReportingOverflow(by: Self.largestRatio).partialValue + 65_536 : rest
    }

    /// An error at the place in the file that was read last.
    func failure(_ message: String) -> TensorFileError {
        TensorFileError(path: path, offset: inputOffset, message)
    }

    /// Fills `buffer` as far as there are bytes. Returns how many came; fewer than asked for means the end.
    mutating func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        let count = stream == nil ? copy(into: buffer) : try inflate(into: buffer)
        position += count
        return count
    }

    /// The next `count` bytes, or an error that says `what` is cut short.
    mutating func read(_ count: Int, _ what: String) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        try fill(&bytes, what)
        return bytes
    }

    /// Fills `bytes`, or throws an error that says `what` is cut short.
    mutating func fill(_ bytes: inout [UInt8], _ what: String) throws {
        let start = position
        let count = try bytes.withUnsafeMutableBytes { buffer in try read(into: buffer) }
        guard count == bytes.count else {
            throw failure("\(what) is cut short: expected \(bytes.count) bytes from \(place(start)), found \(count)")
        }
    }

    /// Throws unless every byte was read.
    mutating func expectEnd() throws {
        let end = position
        var byte: UInt8 = 0
        let count = try withUnsafeMutableBytes(of: &byte) { buffer in try read(into: buffer) }
        guard count == 0 else {
            throw TensorFileError(
                path: path, offset: isCompressed ? inputOffset : end,
                "expected the end of the data at \(place(end)), found more")
        }
    }

    private func place(_ position: Int) -> String {
        isCompressed ? "byte \(position) of the inflated data" : "byte \(position)"
    }

    private mutating func copy(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        let count = min(buffer.count, input.count - inputOffset)
        buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: input[inputOffset..<inputOffset + count]))
        inputOffset += count
        return count
    }

    private mutating func inflate(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        guard let stream, let inputStart = input.baseAddress, let outputStart = buffer.baseAddress else { return 0 }
        var filled = 0
        while filled < buffer.count, !hasEnded {
            // zlib counts in 32 bits.
            let available = min(input.count - inputOffset, 1 << 30)
            let room = min(buffer.count - filled, 1 << 30)
            stream.pointee.next_in = UnsafeMutableRawPointer(mutating: inputStart + inputOffset)
                .assumingMemoryBound(to: UInt8.self)
            stream.pointee.avail_in = UInt32(available)
            stream.pointee.next_out = (outputStart + filled).assumingMemoryBound(to: UInt8.self)
            stream.pointee.avail_out = UInt32(room)
            let status = CZlib.inflate(stream, Z_NO_FLUSH)
            inputOffset += available - Int(stream.pointee.avail_in)
            filled += room - Int(stream.pointee.avail_out)
            switch status {
            case Z_OK: continue
            case Z_STREAM_END:
                // A file may hold several members, one after the other.
                hasEnded = inputOffset == input.count
                guard !hasEnded else { continue }
                guard Self.isCompressed(UnsafeRawBufferPointer(rebasing: input[inputOffset...])) else {
                    throw failure("expected the end of the gzip data, found more")
                }
                inflateReset(stream)
            case Z_BUF_ERROR where inputOffset == input.count:
                throw failure("the gzip data is cut short")
            default:
                let reason = stream.pointee.msg.map { String(cString: $0) } ?? "zlib status \(status)"
                throw failure("the gzip data is damaged: \(reason)")
            }
        }
        return filled
    }
}
