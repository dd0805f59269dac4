import Apus
import CZlib
import Testing

@testable import ApusData

/// `bytes` as a gzip file.
func gzip(_ bytes: [UInt8]) -> [UInt8] {
    var stream = z_stream()
    deflateInit2_(
        &stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    defer { deflateEnd(&stream) }
    var output = [UInt8](repeating: 0, count: bytes.count + 1000)
    var input = bytes
    let count = input.count
    let written = input.withUnsafeMutableBufferPointer { source in
        output.withUnsafeMutableBufferPointer { target in
            stream.next_in = source.baseAddress
            stream.avail_in = UInt32(count)
            stream.next_out = target.baseAddress
            stream.avail_out = UInt32(target.count)
            deflate(&stream, Z_FINISH)
            return target.count - Int(stream.avail_out)
        }
    }
    return Array(output[..<written])
}

@Suite("Reading gzip")
struct GzipTests {
    private func readAll(_ file: [UInt8], count: Int) throws -> [UInt8] {
        try file.withUnsafeBytes { bytes in
            var reader = try ByteReader(bytes, path: "f.gz")
            let result = try reader.read(count, "the data")
            try reader.expectEnd()
            return result
        }
    }

    let data = (0..<5000).map { UInt8(truncatingIfNeeded: $0 &* $0 / 7) }

    @Test("data comes back, from one member or several, and plain data as it is")
    func roundTrip() throws {
        #expect(try readAll(gzip(data), count: 5000) == data)
        #expect(try readAll(gzip(data) + gzip([1, 2, 3]) + gzip([]), count: 5003) == data + [1, 2, 3])
        #expect(try readAll(data, count: 5000) == data)
        #expect(try readAll(gzip([]), count: 0) == [])
    }

    @Test("a file cut short anywhere is refused")
    func truncation() throws {
        let file = gzip(data)
        for length in stride(from: 2, to: file.count, by: 7) {
            let error = #expect(throws: TensorFileError.self) { try readAll(Array(file[..<length]), count: 5000) }
            #expect(error?.path == "f.gz")
            #expect(error?.offset == length)
        }
    }

    @Test("damage is found by the check sum at the latest")
    func damage() {
        let file = gzip(data)
        for place in stride(from: 10, to: file.count, by: 41) {
            var bad = file
            bad[place] ^= 0x10
            #expect(throws: TensorFileError.self, "byte \(place)") { try readAll(bad, count: 5000) }
        }
    }

    @Test("more or less data than expected, and bytes after the end, are refused")
    func wrongSize() {
        for count in [4999, 5001] {
            #expect(throws: TensorFileError.self) { try readAll(gzip(data), count: count) }
            #expect(throws: TensorFileError.self) { try readAll(data, count: count) }
        }
        let error = #expect(throws: TensorFileError.self) { try readAll(gzip(data) + [0, 0], count: 5000) }
        #expect(error?.offset == gzip(data).count)
    }
}
