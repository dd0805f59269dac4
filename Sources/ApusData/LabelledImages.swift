import Apus

/// Grey images with a class each. Samples are a float32 image `[1, H, W]` from 0 to 1 and an int64 class.
///
/// Pixels stay bytes in memory until they are fetched.
public protocol LabelledImages: Dataset where Element == Example, Batch == Example {
    /// All images, uint8 `[N, 1, H, W]`.
    var images: Tensor { get }
    /// All classes, int64 `[N]`.
    var labels: Tensor { get }
    /// The byte that stands for white.
    var white: Int { get }
}

extension LabelledImages {
    /// How many images there are.
    public var count: Int { images.shape[0] }
    /// Height and width of an image.
    public var imageSize: (height: Int, width: Int) { (images.shape[2], images.shape[3]) }
    /// The class of each image, as an array.
    public var labelArray: [Int] { labels.toArray(Int.self) }
    /// The image at `index` and its class.
    public subscript(index: Int) -> Example { (scaled(images[index]), labels[index]) }
    /// The images at `indices` `[B, 1, H, W]` and their classes `[B]`.
    public func batch(_ indices: [Int]) -> Example {
        let rows = Tensor(indices, device: images.device)
        return (scaled(images.indexSelect(dim: 0, index: rows)), labels.indexSelect(dim: 0, index: rows))
    }

    private func scaled(_ pixels: Tensor) -> Tensor { pixels.to(.float32) * (1 / Double(white)) }
}

/// 1,797 real images of handwritten digits, 8×8 pixels of 17 shades, built into the library.
///
/// They are the test part of "Optical Recognition of Handwritten Digits", E. Alpaydin and C. Kaynak, UCI Machine
/// Learning Repository, CC BY 4.0, <https://doi.org/10.24432/C50P49>.
public struct Digits: LabelledImages {
    /// All images, uint8 `[1797, 1, 8, 8]`, from 0 to 16.
    public let images: Tensor
    /// The digit of each image, int64 `[1797]`.
    public let labels: Tensor
    /// The byte that stands for white.
    public let white = 16

    private static let pixels = 64

    /// The whole data set.
    public init() {
        do {
            let (images, labels) = try PackageResources.digits_bin_gz.withUnsafeBytes { try Self.unpack($0) }
            self.images = try images.withUnsafeBytes { bytes in
                try Tensor(copying: bytes, dtype: .uint8, shape: [labels.count, 1, 8, 8])
            }
            self.labels = Tensor(labels, device: .cpu)
        } catch {
            preconditionFailure("the digits built into this library are damaged: \(error)")
        }
    }

    private static func unpack(_ resource: UnsafeRawBufferPointer) throws -> (images: [UInt8], labels: [Int]) {
        var reader = try ByteReader(resource, path: "digits.bin.gz")
        let count = 1797
        let bytes = try reader.read(count * (pixels + 1), "the digits")
        try reader.expectEnd()
        let starts = (0..<count).map { $0 * (pixels + 1) }
        return (starts.flatMap { bytes[$0..<$0 + pixels] }, starts.map { Int(bytes[$0 + pixels]) })
    }
}

/// MNIST, Fashion-MNIST, KMNIST or any other data set of that format: a folder with the four files
/// `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte` and `t10k-labels-idx1-ubyte`,
/// compressed (then `.gz` may follow the name) or not.
public struct MNIST: LabelledImages {
    /// All images, uint8 `[N, 1, H, W]`.
    public let images: Tensor
    /// The class of each image, int64 `[N]`.
    public let labels: Tensor
    /// The byte that stands for white.
    public let white = 255

    /// Reads the training or the test part from the folder `root`.
    ///
    /// - Throws: `TensorFileError` where a file is missing, damaged, or does not fit the other.
    public init(root: String, train: Bool = true) throws {
        let part = train ? "train" : "t10k"
        let imagePath = try Self.find("\(part)-images", "idx3-ubyte", in: root)
        let labelPath = try Self.find("\(part)-labels", "idx1-ubyte", in: root)
        let images = try Self.read(imagePath, rank: 3)
        let labels = try Self.read(labelPath, rank: 1)
        guard images.shape[0] == labels.shape[0] else {
            throw TensorFileError(
                path: labelPath, offset: 4,
                "expected a label for each of the \(images.shape[0]) images in \(imagePath), found \(labels.shape[0])")
        }
        self.images = images.unsqueeze(1)
        self.labels = labels.to(.int64)
    }

    private static func find(_ name: String, _ kind: String, in root: String) throws -> String {
        let names = ["\(name)-\(kind)", "\(name)-\(kind).gz", "\(name).\(kind)", "\(name).\(kind).gz"]
        guard let found = names.map({ "\(root)/\($0)" }).first(where: Directory.exists) else {
            throw TensorFileError(path: root, "expected the file \(names[0]) or \(names[1]) in this folder")
        }
        return found
    }

    private static func read(_ path: String, rank: Int) throws -> Tensor {
        let tensor = try readIDX(path)
        guard tensor.dtype == .uint8, tensor.rank == rank else {
            throw TensorFileError(
                path: path, offset: 2,
                "expected bytes with \(rank) dims, found \(tensor.dtype) of shape \(tensor.shape)")
        }
        return tensor
    }
}
