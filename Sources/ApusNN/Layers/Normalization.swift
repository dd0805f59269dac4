import Apus

/// What the batch norms have in common: y = (x − mean) / √(var + eps) · weight + bias for each channel (Ioffe & Szegedy,
/// arXiv:1502.03167).
///
/// In training, mean and variance are the batch's own, and the running ones move towards them by `momentum`, or with
/// `momentum` nil become their plain average; in evaluation mode the running ones are used. Weight starts as ones, bias
/// as zeros.
open class BatchNorm: Module {
    /// Channels, C.
    public final let numFeatures: Int
    /// What is added to the variance.
    public final let eps: Double
    /// How far the running values move in a step; nil for their average over all steps.
    public final let momentum: Double?
    /// `[C]`.
    @Parameter public final var weight: Tensor?
    /// `[C]`.
    @Parameter public final var bias: Tensor?
    /// `[C]`.
    @Buffer public final var runningMean: Tensor?
    /// `[C]`.
    @Buffer public final var runningVar: Tensor?
    /// Training steps so far: int64, 0-d.
    @Buffer public final var numBatchesTracked: Tensor?

    /// A batch norm.
    ///
    /// - Parameters:
    ///   - numFeatures: Channels.
    ///   - eps: What is added to the variance.
    ///   - momentum: How far the running values move in a step; nil for their average over all steps.
    ///   - affine: Whether there are weight and bias.
    ///   - trackRunningStats: Whether there are running values; without them the batch's own are always used.
    ///   - dtype: Of the parameters.
    public init(
        _ numFeatures: Int, eps: Double = 1e-5, momentum: Double? = 0.1, affine: Bool = true,
        trackRunningStats: Bool = true, dtype: DType? = nil
    ) {
        self.numFeatures = numFeatures
        self.eps = eps
        self.momentum = momentum
        weight = affine ? .ones([numFeatures], dtype: dtype) : nil
        bias = affine ? .zeros([numFeatures], dtype: dtype) : nil
        runningMean = trackRunningStats ? .zeros([numFeatures], dtype: dtype) : nil
        runningVar = trackRunningStats ? .ones([numFeatures], dtype: dtype) : nil
        numBatchesTracked = trackRunningStats ? .zeros([], dtype: .int64) : nil
        super.init()
    }

    open override class var stateNames: [String: String] {
        ["runningMean": "running_mean", "runningVar": "running_var", "numBatchesTracked": "num_batches_tracked"]
    }

    /// The numbers of dims that an input may have.
    var ranks: ClosedRange<Int> { 2...64 }

    public final override func forward(_ x: Tensor) -> Tensor {
        guard
            require(
                ranks.contains(x.rank) && x.size(1) == numFeatures, .shape,
                "\(type(of: self)): expected an input of \(ranks.lowerBound) to \(ranks.upperBound) dims with "
                    + "\(numFeatures) channels in dim 1, got \(x.shape)")
        else { return .invalid() }
        return F.batchNorm(
            x, runningMean: runningMean, runningVar: runningVar, weight: weight, bias: bias,
            training: isTraining || runningMean == nil, momentum: nextMomentum(), eps: eps)
    }

    /// Counts a training step; returns how far the running values move in it.
    private func nextMomentum() -> Double {
        guard isTraining, let numBatchesTracked else { return momentum ?? 0 }
        numBatchesTracked.add_(1)
        return momentum ?? 1 / numBatchesTracked.item()
    }

    open override var extraDescription: String {
        "\(numFeatures), eps=\(eps), momentum=\(momentum.map { "\($0)" } ?? "nil"), affine=\(weight != nil), "
            + "trackRunningStats=\(runningMean != nil)"
    }
}

/// Batch normalisation of vectors: `[N, C]` or `[N, C, L]`.
///
///     BatchNorm1d(64)
public final class BatchNorm1d: BatchNorm {
    override var ranks: ClosedRange<Int> { 2...3 }
}

/// Batch normalisation of images: `[N, C, H, W]`.
///
///     Sequential(Conv2d(1, 16, kernelSize: 3), BatchNorm2d(16), ReLU())
public final class BatchNorm2d: BatchNorm {
    override var ranks: ClosedRange<Int> { 4...4 }
}

/// Layer normalisation: y = (x − mean) / √(var + eps) · weight + bias over the last dims of each sample (Ba, Kiros &
/// Hinton, arXiv:1607.06450).
///
///     LayerNorm(512)         // over the last dim
///     LayerNorm([16, 512])   // over the last two
///
/// Shape: `[…, normalizedShape]` → the same. Weight starts as ones, bias as zeros.
public final class LayerNorm: Module {
    /// The sizes of the last dims.
    public let normalizedShape: [Int]
    private let eps: Double
    /// `normalizedShape`.
    @Parameter public var weight: Tensor?
    /// `normalizedShape`.
    @Parameter public var bias: Tensor?

    /// A layer norm over the last dims.
    ///
    /// - Parameters:
    ///   - normalizedShape: The sizes of the last dims.
    ///   - eps: What is added to the variance.
    ///   - elementwiseAffine: Whether there are weight and bias.
    ///   - bias: Whether there is a bias beside the weight.
    ///   - dtype: Of the parameters.
    public init(
        _ normalizedShape: [Int], eps: Double = 1e-5, elementwiseAffine: Bool = true, bias: Bool = true,
        dtype: DType? = nil
    ) {
        self.normalizedShape = normalizedShape
        self.eps = eps
        weight = elementwiseAffine ? .ones(normalizedShape, dtype: dtype) : nil
        self.bias = elementwiseAffine && bias ? .zeros(normalizedShape, dtype: dtype) : nil
    }

    /// A layer norm over the last dim.
    public convenience init(_ size: Int, eps: Double = 1e-5, elementwiseAffine: Bool = true) {
        self.init([size], eps: eps, elementwiseAffine: elementwiseAffine)
    }

    public override func forward(_ x: Tensor) -> Tensor {
        F.layerNorm(x, normalizedShape: normalizedShape, weight: weight, bias: bias, eps: eps)
    }

    public override var extraDescription: String {
        "\(normalizedShape), eps=\(eps), elementwiseAffine=\(weight != nil)"
    }
}
