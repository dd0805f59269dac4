import Apus

/// A linear layer: y = x · weightᵀ + bias.
///
///     let layer = Linear(784, 10)
///     let y = layer(Tensor.randn(32, 784))   // [32, 10]
///
/// Shape: `[…, inFeatures]` → `[…, outFeatures]`.
///
/// Weight and bias start uniform within ±1 / √inFeatures.
public final class Linear: Module {
    /// The size of the input's last dim.
    public let inFeatures: Int
    /// The size of the output's last dim.
    public let outFeatures: Int
    /// `[outFeatures, inFeatures]`.
    @Parameter public var weight: Tensor
    /// `[outFeatures]`.
    @Parameter public var bias: Tensor?

    /// A linear layer.
    ///
    /// - Parameters:
    ///   - inFeatures: The size of the input's last dim.
    ///   - outFeatures: The size of the output's last dim.
    ///   - bias: Whether to add a bias.
    ///   - dtype: Of the parameters.
    ///   - generator: What the first values are drawn from.
    public init(
        _ inFeatures: Int, _ outFeatures: Int, bias: Bool = true, dtype: DType? = nil, generator: Generator = .default
    ) {
        self.inFeatures = inFeatures
        self.outFeatures = outFeatures
        weight = .empty([outFeatures, inFeatures], dtype: dtype)
        self.bias = bias ? .empty([outFeatures], dtype: dtype) : nil
        super.init()
        Init.linear_(weight: weight, bias: self.bias, generator: generator)
    }

    public override func forward(_ x: Tensor) -> Tensor { F.linear(x, weight, bias) }

    public override var extraDescription: String { "\(inFeatures), \(outFeatures), bias=\(bias != nil)" }
}

/// Returns its input.
public final class Identity: Module {
    public override func forward(_ x: Tensor) -> Tensor { x }
}
