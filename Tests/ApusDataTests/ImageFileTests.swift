import Apus
import TestSupport
import Testing

@testable import ApusData

/// An IDX file of bytes.
func idx(_ shape: [Int], _ data: [UInt8], type: UInt8 = 8) -> [UInt8] {
    [0, 0, type, UInt8(shape.count)] + shape.flatMap { size in (0..<4).map { UInt8(size >> (24 - 8 * $0) & 255) } }
        + data
}

@Suite("IDX files")
struct IDXTests {
    @Test("every element type is read, compressed or not")
    func types() throws {
        let folder = try TemporaryFolder()
        let cases: [(UInt8, DType, [UInt8], [Double])] = [
            (0x08, .uint8, [1, 255], [1, 255]), (0x09, .int8, [1, 255], [1, -1]),
            (0x0b, .int16, [1, 2, 255, 254], [258, -2]),
            (0x0c, .int32, [0, 1, 0, 0, 255, 255, 255, 255], [65536, -1]),
            (0x0d, .float32, [0x3f, 0x80, 0, 0, 0xc0, 0, 0, 0], [1, -2]),
            (0x0e, .float64, [0x3f, 0xf0, 0, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0], [1, -2]),
        ]
        for (type, dtype, data, values) in cases {
            for file in [idx([2, 1], data, type: type), gzip(idx([2, 1], data, type: type))] {
                let tensor = try readIDX(try folder.write(file, to: "x"))
                #expect(tensor.dtype == dtype)
                #expect(tensor.shape == [2, 1])
                #expect(tensor.toArray(Double.self) == values)
            }
        }
    }

    @Test(
        "damaged headers are refused at their place",
        arguments: [
            ([], 0), ([0, 0, 8], 3), ([1, 0, 8, 1, 0, 0, 0, 0], 0), ([0, 0, 7, 1, 0, 0, 0, 0], 2),
            ([0, 0, 8, 0], 3), ([0, 0, 8, 65], 3), ([0, 0, 8, 2, 0, 0, 0, 1, 0, 0], 10),
            (idx([3], [1, 2]), 4), (idx([1], [1, 2]), 9), (idx([0xffff_ffff, 0xffff_ffff, 0xffff_ffff], []), 4),
            (idx([0xffff_ffff], [1]), 4),
        ])
    func refusals(bytes: [UInt8], offset: Int) throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(bytes, to: "x")
        let error = #expect(throws: TensorFileError.self) { try readIDX(path) }
        #expect(error?.path == path)
        #expect(error?.offset == offset, "\(error?.description ?? "")")
    }

    @Test("a small compressed file cannot claim a huge tensor")
    func bomb() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(gzip(idx([0x4000_0000], [1, 2, 3])), to: "x.gz")
        let error = #expect(throws: TensorFileError.self) { try readIDX(path) }
        #expect(error?.message.contains("can inflate to at most") == true)
    }

    @Test("a compressed file whose data is short is refused")
    func shortData() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(gzip(idx([300], [1, 2, 3])), to: "x.gz")
        let error = #expect(throws: TensorFileError.self) { try readIDX(path) }
        #expect(error?.message.contains("found 3") == true)
    }
}

@Suite("MNIST folders and the built-in digits")
struct ImageFolderTests {
    private func folder(images: [UInt8], labels: [UInt8], suffix: String = "") throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        try folder.write(images, to: "train-images-idx3-ubyte" + suffix)
        try folder.write(labels, to: "train-labels-idx1-ubyte" + suffix)
        return folder
    }

    @Test("images and labels come scaled and typed", arguments: ["", ".gz"])
    func reading(suffix: String) throws {
        let images = idx([2, 2, 2], [0, 51, 102, 255, 0, 0, 0, 255])
        let labels = idx([2], [3, 1])
        let folder =
            try suffix.isEmpty
            ? folder(images: images, labels: labels)
            : folder(images: gzip(images), labels: gzip(labels), suffix: suffix)
        let data = try MNIST(root: folder.path)
        #expect(data.count == 2)
        #expect(data.labelArray == [3, 1])
        #expect(data.imageSize == (2, 2))
        let (image, label) = data[0]
        #expect(image.shape == [1, 2, 2])
        #expect(zip(image.toArray(Float.self), [0, 0.2, 0.4, 1] as [Float]).allSatisfy { abs($0 - $1) < 1e-6 })
        #expect(label.toArray(Int64.self) == [3])
        let batch = data.batch([1, 0, 1])
        #expect(batch.input.shape == [3, 1, 2, 2])
        #expect(batch.target.toArray(Int64.self) == [1, 3, 1])
    }

    @Test("missing, swapped and unequal files are refused by name")
    func refusals() throws {
        let empty = try TemporaryFolder()
        let error = #expect(throws: TensorFileError.self) { try MNIST(root: empty.path) }
        #expect(error?.message.contains("train-images-idx3-ubyte") == true)
        let unequal = try folder(images: idx([1, 1, 1], [0]), labels: idx([2], [0, 0]))
        #expect(throws: TensorFileError.self) { try MNIST(root: unequal.path) }
        let swapped = try folder(images: idx([2], [0, 0]), labels: idx([1, 1, 1], [0]))
        #expect(throws: TensorFileError.self) { try MNIST(root: swapped.path) }
        #expect(throws: TensorFileError.self) { try MNIST(root: unequal.path, train: false) }
    }

    @Test("the digits are all there")
    func digits() {
        let digits = Digits()
        #expect(digits.count == 1797)
        #expect(digits.images.shape == [1797, 1, 8, 8])
        let counts = Dictionary(grouping: digits.labelArray, by: \.self).mapValues(\.count)
        #expect((0...9).map { counts[$0] } == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180])
        let (image, label) = digits[0]
        #expect(label.item() == 0)
        #expect(Array(image.toArray(Float.self)[..<8]) == [0, 0, 5, 13, 9, 1, 0, 0].map { Float($0) / 16 })
        #expect(digits.images.toArray(UInt8.self).max() == 16)
    }
}
