import Apus
import ApusNN

/// The name of an optimizer's option, a number: `.lr`, `.weightDecay` and so on. Flags are 0 or 1.
public struct OptimizerOption: Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
    /// The option's name as PyTorch spells it, which is what states are saved with.
    public let description: String

    /// An option of your own optimizer.
    public init(stringLiteral name: String) { description = name }

    /// An option of your own optimizer.
    public init(_ name: String) { description = name }

    /// The learning rate.
    public static let lr: OptimizerOption = "lr"
    /// How strongly parameters are pulled towards zero.
    public static let weightDecay: OptimizerOption = "weight_decay"
    /// Whether to go up instead of down.
    public static let maximize: OptimizerOption = "maximize"
    /// SGD: the share of the last step that is kept.
    public static let momentum: OptimizerOption = "momentum"
    /// SGD: the share of the gradient that does not enter the momentum.
    public static let dampening: OptimizerOption = "dampening"
    /// SGD: whether to look ahead by the momentum.
    public static let nesterov: OptimizerOption = "nesterov"
    /// Adam: how slowly the mean of the gradients moves.
    public static let beta1: OptimizerOption = "beta1"
    /// Adam: how slowly the mean of the squared gradients moves.
    public static let beta2: OptimizerOption = "beta2"
    /// Adam: what is added to the denominator.
    public static let eps: OptimizerOption = "eps"
    /// Adam: whether to divide by the greatest mean of squares so far.
    public static let amsgrad: OptimizerOption = "amsgrad"
}

/// Parameters that an optimizer treats alike.
///
///     AdamW(
///         [
///             ParameterGroup(backbone.parameters(), [.lr: 1e-5]),
///             ParameterGroup(head.parameters()),
///         ], lr: 1e-3)
public struct ParameterGroup {
    /// The tensors to optimize.
    public let parameters: [Tensor]
    private var options: [OptimizerOption: Double]

    /// A group; options that are not given are the optimizer's own.
    public init(_ parameters: [Tensor], _ options: [OptimizerOption: Double] = [:]) {
        self.parameters = parameters
        self.options = options
    }

    /// The value of an option; 0 for one that was not set.
    public subscript(option: OptimizerOption) -> Double {
        get { options[option] ?? 0 }
        set { options[option] = newValue }
    }

    /// The options that are set, sorted by name.
    public var optionNames: [OptimizerOption] { options.keys.sorted { $0.description < $1.description } }

    /// The learning rate.
    public var lr: Double {
        get { self[.lr] }
        set { self[.lr] = newValue }
    }

    mutating func fill(with defaults: [OptimizerOption: Double]) {
        options.merge(defaults) { own, _ in own }
    }
}
