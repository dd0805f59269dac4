import Apus

/// How GELU is computed.
public enum GELUApproximation: String, Sendable, Hashable, CaseIterable {
    /// x · Φ(x).
    case none
    /// By tanh.
    case tanh
}

extension Functional {
    /// max(x, 0).
    public static func relu(_ x: Tensor) -> Tensor { x.relu() }
    /// min(max(x, 0), 6).
    public static func relu6(_ x: Tensor) -> Tensor { x.relu6() }
    /// x, or negativeSlope · x where x < 0.
    public static func leakyRelu(_ x: Tensor, negativeSlope: Double = 0.01) -> Tensor { x.leakyRelu(negativeSlope) }
    /// x, or alpha · (exp(x) − 1) where x < 0 (Clevert et al., arXiv:1511.07289).
    public static func elu(_ x: Tensor, alpha: Double = 1) -> Tensor { x.elu(alpha) }
    /// x, or alpha · (exp(x / alpha) − 1) where x < 0 (Barron, arXiv:1704.07483).
    public static func celu(_ x: Tensor, alpha: Double = 1) -> Tensor { x.celu(alpha) }
    /// The self-normalising ELU (Klambauer et al., arXiv:1706.02515).
    public static func selu(_ x: Tensor) -> Tensor { x.selu() }
    /// x · Φ(x) with the normal distribution function Φ (Hendrycks & Gimpel, arXiv:1606.08415).
    public static func gelu(_ x: Tensor, approximate: GELUApproximation = .none) -> Tensor {
        approximate == .tanh ? x.geluTanh() : x.gelu()
    }
    /// x · sigmoid(x).
    public static func silu(_ x: Tensor) -> Tensor { x.silu() }
    /// x · tanh(softplus(x)) (Misra, arXiv:1908.08681).
    public static func mish(_ x: Tensor) -> Tensor { x.mish() }
    /// The hyperbolic tangent.
    public static func tanh(_ x: Tensor) -> Tensor { x.tanh() }
    /// 1 / (1 + exp(−x)).
    public static func sigmoid(_ x: Tensor) -> Tensor { x.sigmoid() }
    /// log(sigmoid(x)).
    public static func logSigmoid(_ x: Tensor) -> Tensor { x.logSigmoid() }
    /// x · relu6(x + 3) / 6 (Howard et al., arXiv:1905.02244).
    public static func hardswish(_ x: Tensor) -> Tensor { x.hardswish() }
    /// relu6(x + 3) / 6.
    public static func hardsigmoid(_ x: Tensor) -> Tensor { x.hardsigmoid() }
    /// x clamped to −1 … 1.
    public static func hardtanh(_ x: Tensor) -> Tensor { x.hardtanh() }
    /// x / (1 + |x|).
    public static func softsign(_ x: Tensor) -> Tensor { x.softsign() }
    /// x − tanh(x).
    public static func tanhshrink(_ x: Tensor) -> Tensor { x.tanhshrink() }
    /// x, or 0 where |x| ≤ lambda.
    public static func hardshrink(_ x: Tensor, lambda: Double = 0.5) -> Tensor { x.hardshrink(lambda) }
    /// x moved towards 0 by lambda.
    public static func softshrink(_ x: Tensor, lambda: Double = 0.5) -> Tensor { x.softshrink(lambda) }
    /// log(1 + exp(beta · x)) / beta; x itself where beta · x is above `threshold`.
    public static func softplus(_ x: Tensor, beta: Double = 1, threshold: Double = 20) -> Tensor {
        if beta == 1 && threshold == 20 { return x.softplus() }
        let scaled = x * beta
        // Where it is not used, the exponential must not overflow into the gradient.
        let smooth = scaled.clamp(max: threshold).exp().log1p() / beta
        return Tensor.where(scaled .> threshold, x, smooth)
    }
    /// exp(x) / Σ exp(x) along `dim`.
    public static func softmax(_ x: Tensor, dim: Int) -> Tensor { x.softmax(dim: dim) }
    /// The logarithm of softmax along `dim`.
    public static func logSoftmax(_ x: Tensor, dim: Int) -> Tensor { x.logSoftmax(dim: dim) }
}
