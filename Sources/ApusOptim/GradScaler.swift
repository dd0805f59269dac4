import Apus

/// Keeps float16 gradients from vanishing: the loss is multiplied by a large scale, the gradients divided by it before
/// the step, and the scale follows what the dtype can take.
///
///     let scaler = GradScaler()
///     for (x, target) in loader {
///         optimizer.zeroGrad()
///         let loss = autocast(.float16) { F.crossEntropy(net(x), target) }
///         scaler.scale(loss).backward()
///         scaler.step(optimizer)
///         scaler.update()
///     }
///
/// A step whose gradients hold infinity or NaN is left out and lowers the scale (Micikevicius et al., "Mixed Precision
/// Training", ICLR 2018). bfloat16 has the range of float32 and needs no scaler.
public final class GradScaler {
    /// What losses are multiplied by.
    public private(set) var scale: Double
    /// What the scale is multiplied by after `growthInterval` steps in a row without infinities.
    public var growthFactor: Double
    /// What the scale is multiplied by after a step with infinities.
    public var backoffFactor: Double
    /// See `growthFactor`.
    public var growthInterval: Int
    /// Whether there is any scaling; without, `step` only steps.
    public let isEnabled: Bool

    private var steps = 0
    private var foundInfinity = false
    /// Optimizers whose gradients are divided already, since the last `update`, and whether they are finite.
    private var unscaled: [ObjectIdentifier: Bool] = [:]

    /// A scaler with PyTorch's defaults.
    public init(
        initialScale: Double = 65536, growthFactor: Double = 2, backoffFactor: Double = 0.5, growthInterval: Int = 2000,
        isEnabled: Bool = true
    ) {
        _ = require(growthFactor > 1, "GradScaler: expected a growthFactor above 1, got \(growthFactor)")
        _ = require(
            backoffFactor > 0 && backoffFactor < 1,
            "GradScaler: expected a backoffFactor between 0 and 1, got \(backoffFactor)")
        scale = isEnabled ? initialScale : 1
        self.growthFactor = growthFactor
        self.backoffFactor = backoffFactor
        self.growthInterval = growthInterval
        self.isEnabled = isEnabled
    }

    /// The loss times the scale.
    public func scale(_ loss: Tensor) -> Tensor { isEnabled ? loss * scale : loss }

    /// Divides the gradients by the scale now, where they are wanted before the step, to clip them for instance. Once
    /// an optimizer between updates.
    public func unscale(_ optimizer: Optimizer) {
        guard
            isEnabled,
            require(
                unscaled[ObjectIdentifier(optimizer)] == nil,
                "GradScaler: unscale was called before for this optimizer since the last update")
        else { return }
        let gradients = optimizer.parameters.compactMap(\.grad)
        let isFinite = noGrad {
            gradients.map { $0.div_(scale).isfinite().all().item(Bool.self) }.allSatisfy { $0 }
        }
        unscaled[ObjectIdentifier(optimizer)] = isFinite
        if !isFinite { foundInfinity = true }
    }

    /// Steps the optimizer, unless its gradients hold infinity or NaN. Returns whether it stepped.
    @discardableResult
    public func step(_ optimizer: Optimizer) -> Bool {
        guard isEnabled else {
            optimizer.step()
            return true
        }
        if unscaled[ObjectIdentifier(optimizer)] == nil { unscale(optimizer) }
        guard unscaled[ObjectIdentifier(optimizer)] == true else { return false }
        optimizer.step()
        return true
    }

    /// Moves the scale; call it at the end of each iteration.
    public func update() {
        guard isEnabled else { return }
        unscaled = [:]
        if foundInfinity {
            scale *= backoffFactor
            steps = 0
        } else {
            steps += 1
            if steps == growthInterval {
                scale *= growthFactor
                steps = 0
            }
        }
        foundInfinity = false
    }

    /// The scale and how many steps went well in a row, to go on from later.
    public var state: State {
        get { State(scale: scale, steps: steps) }
        set {
            scale = newValue.scale
            steps = newValue.steps
        }
    }

    /// What a later run needs.
    public struct State: Hashable, Sendable, Codable {
        /// What losses are multiplied by.
        public var scale: Double
        /// Steps without infinities since the scale last moved.
        public var steps: Int

        /// A state from its parts.
        public init(scale: Double, steps: Int) {
            self.scale = scale
            self.steps = steps
        }
    }
}
