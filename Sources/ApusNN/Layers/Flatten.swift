import Apus

/// Joins dims `startDim` to `endDim` into one.
///
///     Sequential(Conv2d(1, 8, kernelSize: 3), Flatten(), Linear(8 * 26 * 26, 10))
///
/// Shape: `[N, C, H, W]` → `[N, C·H·W]` as it stands.
public final class Flatten: Module {
    private let startDim: Int
    private let endDim: Int

    /// A layer that joins dims.
    public init(startDim: Int = 1, endDim: Int = -1) {
        self.startDim = startDim
        self.endDim = endDim
    }

    public override func forward(_ x: Tensor) -> Tensor { x.flatten(startDim: startDim, endDim: endDim) }

    public override var extraDescription: String { "startDim=\(startDim), endDim=\(endDim)" }
}

/// Divides dim `dim` into several; the opposite of `Flatten`.
///
///     Unflatten(dim: 1, sizes: [1, 28, 28])   // [N, 784] → [N, 1, 28, 28]
public final class Unflatten: Module {
    private let dim: Int
    private let sizes: [Int]

    /// A layer that divides a dim; one of the sizes may be −1.
    public init(dim: Int, sizes: [Int]) {
        self.dim = dim
        self.sizes = sizes
    }

    public override func forward(_ x: Tensor) -> Tensor { x.unflatten(dim: dim, sizes: sizes) }

    public override var extraDescription: String { "dim=\(dim), sizes=\(sizes)" }
}
