import Apus
import CApus

/// Stochastic gradient descent, with momentum (Sutskever et al., "On the importance of initialization and momentum in
/// deep learning", ICML 2013) in PyTorch's form:
///
///     g ← g + weightDecay · p
///     v ← momentum · v + (1 − dampening) · g       (v = g in the first step)
///     g ← nesterov ? g + momentum · v : v
///     p ← p − lr · g
///
/// With `maximize`, g is −g from the start. Without momentum v is left out.
public final class SGD: Optimizer {
    /// An optimizer of groups; options that a group does not set are those given here.
    public init(
        _ groups: [ParameterGroup], lr: Double = 1e-3, momentum: Double = 0, dampening: Double = 0,
        weightDecay: Double = 0, nesterov: Bool = false, maximize: Bool = false
    ) {
        super.init(
            groups,
            defaults: [
                .lr: lr, .momentum: momentum, .dampening: dampening, .weightDecay: weightDecay,
                .nesterov: Double(nesterov), .maximize: Double(maximize),
            ])
    }

    /// An optimizer of parameters.
    ///
    /// - Parameters:
    ///   - parameters: The tensors to optimize.
    ///   - lr: The learning rate.
    ///   - momentum: The share of the last step that is kept.
    ///   - dampening: The share of the gradient that does not enter the momentum.
    ///   - weightDecay: How strongly parameters are pulled towards zero, through the gradient.
    ///   - nesterov: Whether to look ahead by the momentum; needs a momentum and no dampening.
    ///   - maximize: Whether to go up instead of down.
    public convenience init(
        _ parameters: [Tensor], lr: Double = 1e-3, momentum: Double = 0, dampening: Double = 0,
        weightDecay: Double = 0, nesterov: Bool = false, maximize: Bool = false
    ) {
        self.init(
            [ParameterGroup(parameters)], lr: lr, momentum: momentum, dampening: dampening, weightDecay: weightDecay,
            nesterov: nesterov, maximize: maximize)
    }

    public override func update(_ parameter: Tensor, gradient: Tensor, state: ParameterState, group: ParameterGroup) {
        let hasMomentum = group[.momentum] != 0
        let isFirst = hasMomentum && state["momentum_buffer"] == nil
        let momentum = hasMomentum ? state.zeros("momentum_buffer", like: parameter) : nil
        var options = apus_sgd_options(
            size: MemoryLayout<apus_sgd_options>.size, lr: group[.lr], momentum: group[.momentum],
            dampening: group[.dampening],
            weight_decay: group[.weightDecay], nesterov: group[.nesterov] != 0, maximize: group[.maximize] != 0,
            first_step: isFirst)
        _ = check(apus_sgd_step(parameter.handle, gradient.handle, momentum?.handle, &options))
    }
}
