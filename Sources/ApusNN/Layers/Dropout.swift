import Apus

/// In training, sets each element to 0 with probability `p` and multiplies the others by 1 / (1 − p) (Srivastava et al.,
/// JMLR 15, 2014); in evaluation mode does nothing.
///
///     Sequential(Linear(512, 512), ReLU(), Dropout(p: 0.2))
///
/// Shape: any.
public final class Dropout: Module {
    private let p: Double
    private let generator: Generator

    /// A dropout layer.
    ///
    /// - Parameters:
    ///   - p: From 0 to 1.
    ///   - generator: Where chance comes from.
    public init(p: Double = 0.5, generator: Generator = .default) {
        _ = require((0...1).contains(p), "Dropout: expected a probability from 0 to 1, got \(p)")
        self.p = p
        self.generator = generator
    }

    /// A dropout layer of this probability.
    public convenience init(_ p: Double) { self.init(p: p) }

    public override func forward(_ x: Tensor) -> Tensor {
        F.dropout(x, p: p, training: isTraining, generator: generator)
    }

    public override var extraDescription: String { "p=\(p)" }
}
