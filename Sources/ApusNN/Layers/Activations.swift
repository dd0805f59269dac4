import Apus

// Activations as modules. All keep the shape. Each forwards to the function of the same name.

/// max(x, 0).
public final class ReLU: Module {
    public override func forward(_ x: Tensor) -> Tensor { F.relu(x) }
}

/// min(max(x, 0), 6).
public final class ReLU6: Module {
    public override func forward(_ x: Tensor) -> Tensor { F.relu6(x) }
}

/// The self-normalising ELU (Klambauer et al., arXiv:1706.02515).
public final class SELU: Module {
    public override func forward(_ x: Tensor) -> Tensor { F.selu(x) }
}

/// x · sigmoid(x).
public final class SiLU: Module {
    public override func forward(_ x: Tensor) -> Tensor { F.silu(x) }
}

/// x · tanh(softplus(x)) (Misra, arXiv:1908.08681).
public final class Mish: Module {
    public override func forward(_ x: Tensor) -> Tensor { F.mish(x) }
}

/// The hyperbolic tangent.
public final class Tanh: Module {
    public override func forward(_ x: Tensor) -> Tensor { F.tanh(x) }
}

/// 1 / (1 + exp(−x)).
public final class Sigmoid: Module {
    public override func forward(_ x: Tensor) -> Tensor { F.sigmoid(x) }
}

/// log(sigmoid(x)).
public final class LogSigmoid: Module {
    public override func forward(_ x: Tensor) -> Tensor { F.logSigmoid(x) }
}

/// x · relu6(x + 3) / 6 (Howard et al., arXiv:1905.02244).
public final class Hardswish: Module {
    public override func forward(_ x: Tensor) -> Tensor { F.hardswish(x) }
}

/// relu6(x + 3) / 6.
public final class Hardsigmoid: Module {
    public override func forward(_ x: Tensor) -> Tensor { F.hardsigmoid(x) }
}

/// x clamped to −1 … 1.
public final class Hardtanh: Module {
    public override func forward(_ x: Tensor) -> Tensor { F.hardtanh(x) }
}

/// x / (1 + |x|).
public final class Softsign: Module {
    public override func forward(_ x: Tensor) -> Tensor { F.softsign(x) }
}

/// x − tanh(x).
public final class Tanhshrink: Module {
    public override func forward(_ x: Tensor) -> Tensor { F.tanhshrink(x) }
}

/// x, or negativeSlope · x where x < 0.
public final class LeakyReLU: Module {
    private let negativeSlope: Double

    /// An activation with this slope below 0.
    public init(negativeSlope: Double = 0.01) { self.negativeSlope = negativeSlope }

    public override func forward(_ x: Tensor) -> Tensor { F.leakyRelu(x, negativeSlope: negativeSlope) }

    public override var extraDescription: String { "negativeSlope=\(negativeSlope)" }
}

/// x, or alpha · (exp(x) − 1) where x < 0 (Clevert et al., arXiv:1511.07289).
public final class ELU: Module {
    private let alpha: Double

    /// An activation that ends at −alpha.
    public init(alpha: Double = 1) { self.alpha = alpha }

    public override func forward(_ x: Tensor) -> Tensor { F.elu(x, alpha: alpha) }

    public override var extraDescription: String { "alpha=\(alpha)" }
}

/// x, or alpha · (exp(x / alpha) − 1) where x < 0 (Barron, arXiv:1704.07483).
public final class CELU: Module {
    private let alpha: Double

    /// An activation that ends at −alpha.
    public init(alpha: Double = 1) { self.alpha = alpha }

    public override func forward(_ x: Tensor) -> Tensor { F.celu(x, alpha: alpha) }

    public override var extraDescription: String { "alpha=\(alpha)" }
}

/// x · Φ(x) with the normal distribution function Φ (Hendrycks & Gimpel, arXiv:1606.08415).
public final class GELU: Module {
    private let approximate: GELUApproximation

    /// An activation, exact or by tanh.
    public init(approximate: GELUApproximation = .none) { self.approximate = approximate }

    public override func forward(_ x: Tensor) -> Tensor { F.gelu(x, approximate: approximate) }

    public override var extraDescription: String { "approximate=\(approximate)" }
}

/// x, or 0 where |x| ≤ lambda.
public final class Hardshrink: Module {
    private let lambda: Double

    /// An activation with this threshold.
    public init(lambda: Double = 0.5) { self.lambda = lambda }

    public override func forward(_ x: Tensor) -> Tensor { F.hardshrink(x, lambda: lambda) }

    public override var extraDescription: String { "lambda=\(lambda)" }
}

/// x moved towards 0 by lambda.
public final class Softshrink: Module {
    private let lambda: Double

    /// An activation with this threshold.
    public init(lambda: Double = 0.5) { self.lambda = lambda }

    public override func forward(_ x: Tensor) -> Tensor { F.softshrink(x, lambda: lambda) }

    public override var extraDescription: String { "lambda=\(lambda)" }
}

/// exp(x) / Σ exp(x) along `dim`.
public final class Softmax: Module {
    private let dim: Int

    /// A softmax along this dim.
    public init(dim: Int) { self.dim = dim }

    public override func forward(_ x: Tensor) -> Tensor { F.softmax(x, dim: dim) }

    public override var extraDescription: String { "dim=\(dim)" }
}

/// The logarithm of softmax along `dim`.
public final class LogSoftmax: Module {
    private let dim: Int

    /// A log-softmax along this dim.
    public init(dim: Int) { self.dim = dim }

    public override func forward(_ x: Tensor) -> Tensor { F.logSoftmax(x, dim: dim) }

    public override var extraDescription: String { "dim=\(dim)" }
}

/// log(1 + exp(beta · x)) / beta; x itself where beta · x is above `threshold`.
public final class Softplus: Module {
    private let beta: Double
    private let threshold: Double

    /// An activation that is sharper the greater `beta` is.
    public init(beta: Double = 1, threshold: Double = 20) {
        self.beta = beta
        self.threshold = threshold
    }

    public override func forward(_ x: Tensor) -> Tensor { F.softplus(x, beta: beta, threshold: threshold) }

    public override var extraDescription: String { "beta=\(beta), threshold=\(threshold)" }
}
