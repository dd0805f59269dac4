import Apus
import CApus

/// Adam (Kingma & Ba, "Adam: A Method for Stochastic Optimization", arXiv:1412.6980):
///
///     g ← g + weightDecay · p
///     m ← β₁ · m + (1 − β₁) · g
///     v ← β₂ · v + (1 − β₂) · g²
///     p ← p − lr · (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + eps)
///
/// for step t = 1, 2, …. With `amsgrad` (Reddi et al., arXiv:1904.09237) the greatest v so far takes the place of v in
/// the last line; with `maximize` g is −g from the start.
///
/// Weight decay acts through the gradient, and so is scaled like it; `AdamW` keeps the two apart.
public class Adam: Optimizer {
    /// An optimizer of groups; options that a group does not set are those given here.
    public init(
        _ groups: [ParameterGroup], lr: Double = 1e-3, betas: (Double, Double) = (0.9, 0.999), eps: Double = 1e-8,
        weightDecay: Double = 0, amsgrad: Bool = false, maximize: Bool = false
    ) {
        super.init(
            groups,
            defaults: [
                .lr: lr, .beta1: betas.0, .beta2: betas.1, .eps: eps, .weightDecay: weightDecay,
                .amsgrad: Double(amsgrad), .maximize: Double(maximize),
            ])
    }

    /// An optimizer of parameters.
    ///
    /// - Parameters:
    ///   - parameters: The tensors to optimize.
    ///   - lr: The learning rate.
    ///   - betas: How slowly the means of the gradients and of their squares move.
    ///   - eps: What is added to the denominator.
    ///   - weightDecay: How strongly parameters are pulled towards zero.
    ///   - amsgrad: Whether to divide by the greatest mean of squares so far.
    ///   - maximize: Whether to go up instead of down.
    public convenience init(
        _ parameters: [Tensor], lr: Double = 1e-3, betas: (Double, Double) = (0.9, 0.999), eps: Double = 1e-8,
        weightDecay: Double = 0, amsgrad: Bool = false, maximize: Bool = false
    ) {
        self.init(
            [ParameterGroup(parameters)], lr: lr, betas: betas, eps: eps, weightDecay: weightDecay, amsgrad: amsgrad,
            maximize: maximize)
    }

    /// Whether weight decay acts on the parameter itself.
    var isDecoupled: Bool { false }

    public override func update(_ parameter: Tensor, gradient: Tensor, state: ParameterState, group: ParameterGroup) {
        let first = state.zeros("exp_avg", like: parameter)
        let second = state.zeros("exp_avg_sq", like: parameter)
        let greatest = group[.amsgrad] != 0 ? state.zeros("max_exp_avg_sq", like: parameter) : nil
        var options = apus_adam_options(
            size: MemoryLayout<apus_adam_options>.size, lr: group[.lr], beta1: group[.beta1], beta2: group[.beta2],
            eps: group[.eps],
            weight_decay: group[.weightDecay], step: Int64(state.step), decoupled: isDecoupled,
            maximize: group[.maximize] != 0)
        _ = check(
            apus_adam_step(
                parameter.handle, gradient.handle, first.handle, second.handle, greatest?.handle, &options))
    }
}

/// Adam with decoupled weight decay (Loshchilov & Hutter, "Decoupled Weight Decay Regularization", arXiv:1711.05101):
/// as `Adam`, but the first line is
///
///     p ← p − lr · weightDecay · p
///
/// so that the decay is not scaled by the gradient's history.
public final class AdamW: Adam {
    /// An optimizer of groups; options that a group does not set are those given here.
    public override init(
        _ groups: [ParameterGroup], lr: Double = 1e-3, betas: (Double, Double) = (0.9, 0.999), eps: Double = 1e-8,
        weightDecay: Double = 1e-2, amsgrad: Bool = false, maximize: Bool = false
    ) {
        super.init(
            groups, lr: lr, betas: betas, eps: eps, weightDecay: weightDecay, amsgrad: amsgrad, maximize: maximize)
    }

    /// An optimizer of parameters; the arguments are those of `Adam`.
    public convenience init(
        _ parameters: [Tensor], lr: Double = 1e-3, betas: (Double, Double) = (0.9, 0.999), eps: Double = 1e-8,
        weightDecay: Double = 1e-2, amsgrad: Bool = false, maximize: Bool = false
    ) {
        self.init(
            [ParameterGroup(parameters)], lr: lr, betas: betas, eps: eps, weightDecay: weightDecay, amsgrad: amsgrad,
            maximize: maximize)
    }

    override var isDecoupled: Bool { true }
}
