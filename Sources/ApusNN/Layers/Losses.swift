import Apus

/// A loss as a module: a function of an input and a target. All losses have a `reduction`: mean, sum, none or batchMean.
///
///     let criterion = CrossEntropyLoss(labelSmoothing: 0.1)
///     let loss = criterion(net(x), target)
open class Loss: Module {
    /// What becomes of the losses of the single elements or samples.
    public final let reduction: Reduction

    /// A loss with this reduction.
    public init(reduction: Reduction = .mean) { self.reduction = reduction }

    /// Computes the loss.
    open func forward(_ input: Tensor, _ target: Tensor) -> Tensor {
        .failed(.unsupported, "\(type(of: self)): forward(_:_:) is not implemented")
    }

    /// The loss: calls `forward`.
    public final func callAsFunction(_ input: Tensor, _ target: Tensor) -> Tensor { forward(input, target) }

    open override var extraDescription: String { "reduction=\(reduction)" }
}

/// The cross entropy of scores and classes; see `Functional.crossEntropy`.
public final class CrossEntropyLoss: Loss {
    /// A factor for each class.
    @Buffer public var weight: Tensor?
    private let ignoreIndex: Int
    private let labelSmoothing: Double

    /// A cross-entropy loss.
    public init(
        weight: Tensor? = nil, ignoreIndex: Int = -100, labelSmoothing: Double = 0, reduction: Reduction = .mean
    ) {
        self.weight = weight
        self.ignoreIndex = ignoreIndex
        self.labelSmoothing = labelSmoothing
        super.init(reduction: reduction)
    }

    public override func forward(_ input: Tensor, _ target: Tensor) -> Tensor {
        F.crossEntropy(
            input, target, weight: weight, ignoreIndex: ignoreIndex, labelSmoothing: labelSmoothing,
            reduction: reduction)
    }
}

/// The negative log-likelihood; see `Functional.nllLoss`.
public final class NLLLoss: Loss {
    /// A factor for each class.
    @Buffer public var weight: Tensor?
    private let ignoreIndex: Int

    /// A negative log-likelihood loss.
    public init(weight: Tensor? = nil, ignoreIndex: Int = -100, reduction: Reduction = .mean) {
        self.weight = weight
        self.ignoreIndex = ignoreIndex
        super.init(reduction: reduction)
    }

    public override func forward(_ input: Tensor, _ target: Tensor) -> Tensor {
        F.nllLoss(input, target, weight: weight, ignoreIndex: ignoreIndex, reduction: reduction)
    }
}

/// (x − y)².
public final class MSELoss: Loss {
    public override func forward(_ input: Tensor, _ target: Tensor) -> Tensor {
        F.mseLoss(input, target, reduction: reduction)
    }
}

/// |x − y|.
public final class L1Loss: Loss {
    public override func forward(_ input: Tensor, _ target: Tensor) -> Tensor {
        F.l1Loss(input, target, reduction: reduction)
    }
}

/// A parabola up to `beta`, a line beyond; see `Functional.smoothL1Loss`.
public final class SmoothL1Loss: Loss {
    private let beta: Double

    /// A loss whose parabola ends at `beta`.
    public init(beta: Double = 1, reduction: Reduction = .mean) {
        self.beta = beta
        super.init(reduction: reduction)
    }

    public override func forward(_ input: Tensor, _ target: Tensor) -> Tensor {
        F.smoothL1Loss(input, target, beta: beta, reduction: reduction)
    }
}

/// A parabola up to `delta`, a line beyond; see `Functional.huberLoss`.
public final class HuberLoss: Loss {
    private let delta: Double

    /// A loss whose parabola ends at `delta`.
    public init(delta: Double = 1, reduction: Reduction = .mean) {
        self.delta = delta
        super.init(reduction: reduction)
    }

    public override func forward(_ input: Tensor, _ target: Tensor) -> Tensor {
        F.huberLoss(input, target, delta: delta, reduction: reduction)
    }
}

/// The binary cross entropy of probabilities; see `Functional.binaryCrossEntropy`.
public final class BCELoss: Loss {
    /// A factor for each element's loss.
    @Buffer public var weight: Tensor?

    /// A binary cross-entropy loss.
    public init(weight: Tensor? = nil, reduction: Reduction = .mean) {
        self.weight = weight
        super.init(reduction: reduction)
    }

    public override func forward(_ input: Tensor, _ target: Tensor) -> Tensor {
        F.binaryCrossEntropy(input, target, weight: weight, reduction: reduction)
    }
}

/// The binary cross entropy of scores; see `Functional.binaryCrossEntropyWithLogits`.
public final class BCEWithLogitsLoss: Loss {
    /// A factor for each element's loss.
    @Buffer public var weight: Tensor?
    /// A factor for the positive part.
    @Buffer public var posWeight: Tensor?

    /// A binary cross-entropy loss for scores.
    public init(weight: Tensor? = nil, posWeight: Tensor? = nil, reduction: Reduction = .mean) {
        self.weight = weight
        self.posWeight = posWeight
        super.init(reduction: reduction)
    }

    public override class var stateNames: [String: String] { ["posWeight": "pos_weight"] }

    public override func forward(_ input: Tensor, _ target: Tensor) -> Tensor {
        F.binaryCrossEntropyWithLogits(input, target, weight: weight, posWeight: posWeight, reduction: reduction)
    }
}

/// The divergence of Kullback and Leibler; see `Functional.klDiv`.
public final class KLDivLoss: Loss {
    private let logTarget: Bool

    /// A divergence from probabilities or, with `logTarget`, from their logarithms.
    public init(logTarget: Bool = false, reduction: Reduction = .mean) {
        self.logTarget = logTarget
        super.init(reduction: reduction)
    }

    public override func forward(_ input: Tensor, _ target: Tensor) -> Tensor {
        F.klDiv(input, target, logTarget: logTarget, reduction: reduction)
    }
}
