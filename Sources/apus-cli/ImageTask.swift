import Apus
import ApusData
import ApusNN
import ApusTraining

/// What `train` and `predict` agree on: the images, how they are divided, and the network for them.
struct ImageTask {
    /// Any data set of images and classes.
    typealias Images = any Dataset<Example, Example>

    /// What a model file says about itself, so that `predict` can rebuild the network and the test set.
    struct Description: Equatable {
        /// Whether the images came with Apus rather than from a folder.
        var isBuiltIn: Bool
        var height: Int
        var width: Int
        var classes: Int
        /// What the split of the built-in digits follows from.
        var seed: UInt64
    }

    let description: Description
    let training: Images
    let test: Images

    /// The built-in digits, four fifths of each class for training.
    static func digits(seed: UInt64) -> ImageTask {
        let digits = Digits()
        let (training, test) = stratifiedSplit(digits, labels: digits.labelArray, fraction: 0.8, seed: seed)
        let description = Description(isBuiltIn: true, height: 8, width: 8, classes: 10, seed: seed)
        return ImageTask(description: description, training: training, test: test)
    }

    /// A folder with the files of MNIST or another data set of that format.
    static func folder(_ path: String, seed: UInt64) throws -> ImageTask {
        let (training, test) = (try MNIST(root: path, train: true), try MNIST(root: path, train: false))
        guard training.count > 0, test.count > 0 else { throw CommandError("\(path): expected images, found none") }
        guard training.imageSize == test.imageSize else {
            throw CommandError(
                "\(path): the training images are \(training.imageSize), the test images \(test.imageSize) pixels")
        }
        let (height, width) = training.imageSize
        guard height >= 4, width >= 4 else {
            throw CommandError("\(path): expected images of at least 4×4 pixels, found \(height)×\(width)")
        }
        let classes = 1 + max(training.labelArray.max() ?? 0, test.labelArray.max() ?? 0)
        let description = Description(isBuiltIn: false, height: height, width: width, classes: classes, seed: seed)
        return ImageTask(description: description, training: training, test: test)
    }
}

extension ImageTask.Description {
    /// A small convolutional network for images of this size.
    func network() -> Sequential {
        // Large images are halved once more, early, where it saves the most work.
        let isLarge = min(height, width) >= 16
        let (rows, columns) = isLarge ? (height / 4, width / 4) : (height / 2, width / 2)
        var layers: [Module] = [Conv2d(1, 32, kernelSize: 3, padding: 1), BatchNorm2d(32), ReLU()]
        if isLarge { layers.append(MaxPool2d(kernelSize: 2)) }
        layers += [Conv2d(32, 64, kernelSize: 3, padding: 1), BatchNorm2d(64), ReLU(), MaxPool2d(kernelSize: 2)]
        layers += [Dropout(p: 0.3), Flatten(), Linear(64 * rows * columns, 128), ReLU(), Dropout(p: 0.3)]
        layers.append(Linear(128, classes))
        return Sequential(layers)
    }

    private static let format = "apus image classifier 1"

    /// The description as text to store in a file.
    var metadata: [String: String] {
        [
            "format": Self.format, "data": isBuiltIn ? "digits" : "folder", "height": "\(height)", "width": "\(width)",
            "classes": "\(classes)", "seed": "\(seed)",
        ]
    }

    /// The description in the metadata of the file at `path`.
    init(metadata: [String: String], path: String) throws {
        guard metadata["format"] == Self.format else {
            throw CommandError("\(path): is not a model that 'apus train' wrote")
        }
        func number<T: FixedWidthInteger>(_ name: String, in range: ClosedRange<T>) throws -> T {
            guard let number = metadata[name].flatMap({ T($0) }), range.contains(number) else {
                throw CommandError("\(path): expected a number for \"\(name)\" in its metadata")
            }
            return number
        }
        isBuiltIn = metadata["data"] == "digits"
        height = try number("height", in: 4...4096)
        width = try number("width", in: 4...4096)
        classes = try number("classes", in: 1...256)
        seed = try number("seed", in: 0...UInt64.max)
    }
}

/// Moves half of the images by up to one pixel each way, so that the network does not learn places by heart.
func shiftSome(_ batch: Example, _ generator: Generator) -> Example {
    let (height, width) = (batch.input.shape[2], batch.input.shape[3])
    let count = batch.input.shape[0]
    // 0 … 8 are the nine moves, the rest leaves the image where it is.
    let moves = Tensor.randint(0, 18, shape: [count], device: .cpu, generator: generator).toArray(Int.self)
    let source = batch.input.toArray(Float.self)
    let shifted = HostArray<Float>(repeating: 0, count: source.count)
    shifted.withUnsafeMutableBufferPointer { target in
        for (image, move) in moves.enumerated() {
            let (down, right) = move < 9 ? (move / 3 - 1, move % 3 - 1) : (0, 0)
            let start = image * height * width
            for y in max(0, down)..<min(height, height + down) {
                for x in max(0, right)..<min(width, width + right) {
                    target[start + y * width + x] = source[start + (y - down) * width + x - right]
                }
            }
        }
    }
    return (Tensor(sharing: shifted, shape: batch.input.shape), batch.target)
}
