import Apus

/// The functions of neural networks, PyTorch's torch.nn.functional; written `F.conv2d(…)`.
///
/// All are differentiable, as often as wanted, in every floating-point tensor they take.
public enum Functional {}

/// Short for `Functional`.
public typealias F = Functional

/// What becomes of the losses of the single elements or samples.
public enum Reduction: String, Sendable, Hashable, CaseIterable {
    /// They are returned as they are.
    case none
    /// Their mean; where samples have weights, the weighted mean.
    case mean
    /// Their sum.
    case sum
    /// Their sum divided by the size of the first dim.
    case batchMean

    /// Reduces losses of which each counts the same.
    func callAsFunction(_ losses: Tensor) -> Tensor {
        switch self {
        case .none: losses
        case .mean: losses.mean()
        case .sum: losses.sum()
        case .batchMean: losses.sum() / Double(losses.rank == 0 ? 1 : losses.size(0))
        }
    }
}

/// A height and a width: one number for both, or two in an array. `kernelSize: 3`, `stride: [2, 1]`.
public protocol Size2D: Sendable {
    /// The height and the width.
    var heightAndWidth: (height: Int, width: Int) { get }
}

extension Int: Size2D {
    /// The number twice.
    public var heightAndWidth: (height: Int, width: Int) { (self, self) }
}

extension Array: Size2D where Element == Int {
    /// The two elements, or the only one twice.
    public var heightAndWidth: (height: Int, width: Int) {
        guard require(count == 1 || count == 2, "expected a height and a width, got \(self)") else { return (1, 1) }
        return (self[0], self[count - 1])
    }
}

extension Size2D {
    /// As C arrays of two have it.
    var pair: (Int64, Int64) {
        let (height, width) = heightAndWidth
        return (Int64(height), Int64(width))
    }

    /// "(3, 3)".
    var text: String { "(\(heightAndWidth.height), \(heightAndWidth.width))" }
}
