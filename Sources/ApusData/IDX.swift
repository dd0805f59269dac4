import Apus

/// Reads a file in the IDX format of the MNIST data sets, compressed with gzip or not.
///
/// The file begins with two zero bytes, the element type, the rank and the dims as big-endian 32-bit numbers; the
/// elements follow in row-major order. Nothing is allocated before the file's size was compared with its dims.
///
/// - Returns: A tensor of the file's shape in uint8, int8, int16, int32, float32 or float64.
/// - Throws: `TensorFileError` that names the file and the byte.
public func readIDX(_ path: String) throws -> Tensor {
    let file = try MappedFile(path)
    defer { withExtendedLifetime(file) {} }
    return try readIDX(file.bytes, path: path)
}

func readIDX(_ bytes: UnsafeRawBufferPointer, path: String) throws -> Tensor {
    var reader = try ByteReader(bytes, path: path)
    let magic = try reader.read(4, "the IDX header")
    guard magic[0] == 0, magic[1] == 0 else {
        throw TensorFileError(
            path: path, offset: 0, "is not an IDX file: expected two zero bytes, found \(magic[0]), \(magic[1])")
    }
    guard let dtype = elementType(magic[2]) else {
        throw TensorFileError(path: path, offset: 2, "unknown IDX element type \(magic[2])")
    }
    let rank = Int(magic[3])
    guard (1...64).contains(rank) else {
        throw TensorFileError(path: path, offset: 3, "expected 1 to 64 dims, found \(rank)")
    }
    let header = try reader.read(4 * rank, "the IDX header")
    let shape = stride(from: 0, to: header.count, by: 4).map { i in
        header[i..<i + 4].reduce(0) { $0 << 8 | Int($1) }
    }
    let size = try byteCount(shape, dtype, in: reader)
    var data = [UInt8](repeating: 0, count: size)
    try reader.fill(&data, "the IDX data of shape \(shape)")
    try reader.expectEnd()
    if dtype.size > 1 { swapBytes(of: &data, width: dtype.size) }
    return try data.withUnsafeBytes { try Tensor(copying: $0, dtype: dtype, shape: shape) }
}

private func elementType(_ code: UInt8) -> DType? {
    switch code {
    case 0x08: .uint8
    case 0x09: .int8
    case 0x0b: .int16
    case 0x0c: .int32
    case 0x0d: .float32
    case 0x0e: .float64
    default: nil
    }
}

/// What the elements take, if the file can hold that much.
private func byteCount(_ shape: [Int], _ dtype: DType, in reader: borrowing ByteReader) throws -> Int {
    var size = dtype.size
    for dim in shape {
        let (product, overflow) = size.multipliedReportingOverflow(by: dim)
        guard !overflow else { throw TensorFileError(path: reader.path, offset: 4, "the shape \(shape) is too large") }
        size = product
    }
    let bound = reader.upperBound
    guard size <= bound else {
        let most = reader.isCompressed ? "can inflate to at most \(bound)" : "has \(bound) left"
        throw TensorFileError(
            path: reader.path, offset: 4,
            "the IDX data is cut short: shape \(shape) takes \(size) bytes, the file \(most)")
    }
    return size
}

/// Big-endian to little-endian, the order of every machine Apus runs on.
private func swapBytes(of data: inout [UInt8], width: Int) {
    for start in stride(from: 0, to: data.count, by: width) { data[start..<start + width].reverse() }
}
