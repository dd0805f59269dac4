import Apus

extension Functional {
    /// In training, sets each element to 0 with probability `p` and multiplies the others by 1 / (1 − p)
    /// (Srivastava et al., JMLR 15, 2014); otherwise returns `x`.
    ///
    /// Which elements fall depends on the generator's state alone, not on threads.
    ///
    /// - Parameters:
    ///   - x: Any shape.
    ///   - p: From 0 to 1.
    ///   - training: Whether to drop anything.
    ///   - generator: Where chance comes from.
    public static func dropout(
        _ x: Tensor, p: Double = 0.5, training: Bool = true, generator: Generator = .default
    ) -> Tensor {
        guard require((0...1).contains(p), "dropout: expected a probability from 0 to 1, got \(p)") else {
            return .invalid()
        }
        guard training, p > 0 else { return x }
        if p == 1 { return x * 0 }
        let mask = noGrad { x.emptyLike().bernoulli_(1 - p, generator: generator).mul_(1 / (1 - p)) }
        return x * mask
    }
}
