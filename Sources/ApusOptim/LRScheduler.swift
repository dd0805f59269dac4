import Apus

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Changes an optimizer's learning rates as the training goes on. Call `step` after each epoch, or after each batch where
/// the schedule counts batches.
///
///     let scheduler = CosineAnnealingLR(optimizer, tMax: epochs)
///     for _ in 0 ..< epochs {
///         trainEpoch()
///         scheduler.step()
///     }
///
/// A rate follows from the group's rate at the time the scheduler was made and the number of steps alone, so that setting
/// rates by hand lasts until the next step only.
open class LRScheduler {
    /// The optimizer whose rates change.
    public let optimizer: Optimizer
    /// The groups' rates when the scheduler was made.
    public private(set) final var baseRates: [Double]
    /// Steps so far.
    public private(set) final var stepCount = 0

    /// A scheduler of an optimizer; subclasses call `start` when they are ready.
    public init(_ optimizer: Optimizer) {
        self.optimizer = optimizer
        baseRates = optimizer.learningRates
    }

    /// The rate after `step` steps of a group whose own rate is `base`.
    open func rate(base: Double, step: Int) -> Double { base }

    /// Moves on by one and sets the rates.
    public final func step() {
        stepCount += 1
        apply()
    }

    /// Sets the rates for where the schedule stands. Subclasses call it at the end of `init`.
    open func apply() {
        optimizer.learningRates = baseRates.map { rate(base: $0, step: stepCount) }
    }

    /// Where the schedule stands: the number of steps and the groups' own rates.
    public final func stateDict() -> [String: Double] {
        var state = ["step": Double(stepCount)]
        for (i, rate) in baseRates.enumerated() { state["base.\(i)"] = rate }
        return state
    }

    /// Takes up a state that `stateDict` gave, and sets the rates.
    ///
    /// - Throws: `OptimizerStateError` where the state belongs to an optimizer of another number of groups.
    public final func loadStateDict(_ state: [String: Double]) throws {
        guard let step = state["step"].flatMap({ Int(exactly: $0) }), step >= 0 else {
            throw OptimizerStateError("step: expected the number of steps of a schedule")
        }
        let rates = baseRates.indices.compactMap { state["base.\($0)"] }
        guard rates.count == baseRates.count, state.count == rates.count + 1 else {
            throw OptimizerStateError("expected the rates of \(baseRates.count) groups, found \(state.count - 1)")
        }
        baseRates = rates
        stepCount = step
        apply()
    }
}

/// Multiplies the rate by `gamma` every `stepSize` steps: lr = base · gamma^⌊step / stepSize⌋.
public final class StepLR: LRScheduler {
    private let stepSize: Int
    private let gamma: Double

    /// A schedule in steps of equal length.
    public init(_ optimizer: Optimizer, stepSize: Int, gamma: Double = 0.1) {
        _ = require(stepSize > 0, "StepLR: expected a stepSize of at least 1, got \(stepSize)")
        self.stepSize = max(1, stepSize)
        self.gamma = gamma
        super.init(optimizer)
        apply()
    }

    public override func rate(base: Double, step: Int) -> Double { base * pow(gamma, Double(step / stepSize)) }
}

/// Multiplies the rate by `gamma` at each of the milestones.
public final class MultiStepLR: LRScheduler {
    private let milestones: [Int]
    private let gamma: Double

    /// A schedule that changes after the given numbers of steps; one that is given twice counts twice.
    public init(_ optimizer: Optimizer, milestones: [Int], gamma: Double = 0.1) {
        self.milestones = milestones
        self.gamma = gamma
        super.init(optimizer)
        apply()
    }

    public override func rate(base: Double, step: Int) -> Double {
        base * pow(gamma, Double(milestones.count { $0 <= step }))
    }
}

/// Multiplies the rate by `gamma` each step: lr = base · gamma^step.
public final class ExponentialLR: LRScheduler {
    private let gamma: Double

    /// A schedule that decays by the same factor each step.
    public init(_ optimizer: Optimizer, gamma: Double) {
        self.gamma = gamma
        super.init(optimizer)
        apply()
    }

    public override func rate(base: Double, step: Int) -> Double { base * pow(gamma, Double(step)) }
}

/// Half a cosine from the group's own rate down to `etaMin` in `tMax` steps (Loshchilov & Hutter, "SGDR: Stochastic
/// Gradient Descent with Warm Restarts", arXiv:1608.03983; without the restarts):
/// lr = etaMin + (base − etaMin) · (1 + cos(π · step / tMax)) / 2.
public final class CosineAnnealingLR: LRScheduler {
    private let tMax: Int
    private let etaMin: Double

    /// A schedule of `tMax` steps; when more are taken, the rate rises again.
    public init(_ optimizer: Optimizer, tMax: Int, etaMin: Double = 0) {
        _ = require(tMax > 0, "CosineAnnealingLR: expected a tMax of at least 1, got \(tMax)")
        self.tMax = max(1, tMax)
        self.etaMin = etaMin
        super.init(optimizer)
        apply()
    }

    public override func rate(base: Double, step: Int) -> Double {
        etaMin + (base - etaMin) * (1 + cos(.pi * Double(step) / Double(tMax))) / 2
    }
}

/// Multiplies the group's own rate by a function of the number of steps.
public final class LambdaLR: LRScheduler {
    private let factor: (Int) -> Double

    /// A schedule by a function.
    public init(_ optimizer: Optimizer, _ factor: @escaping (_ step: Int) -> Double) {
        self.factor = factor
        super.init(optimizer)
        apply()
    }

    public override func rate(base: Double, step: Int) -> Double { base * factor(step) }
}

/// The one-cycle policy (Smith & Topin, "Super-Convergence", arXiv:1708.07120): in half cosines up from
/// maxLR / divFactor to maxLR during the share `pctStart` of the steps, then down to
/// maxLR / divFactor / finalDivFactor. Where the optimizer has a momentum (SGD) or β₁ (Adam), that goes the other way,
/// from `maxMomentum` to `baseMomentum` and back. Step it after each batch.
public final class OneCycleLR: LRScheduler {
    private let maxRate: Double
    private let totalSteps: Int
    private let pctStart: Double
    private let divFactor: Double
    private let finalDivFactor: Double
    private let momenta: (base: Double, max: Double)?

    /// A schedule of `totalSteps` steps.
    public init(
        _ optimizer: Optimizer, maxLR: Double, totalSteps: Int, pctStart: Double = 0.3, divFactor: Double = 25,
        finalDivFactor: Double = 1e4, cycleMomentum: Bool = true, baseMomentum: Double = 0.85,
        maxMomentum: Double = 0.95
    ) {
        _ = require(totalSteps > 1, "OneCycleLR: expected at least 2 totalSteps, got \(totalSteps)")
        _ = require((0...1).contains(pctStart), "OneCycleLR: expected a pctStart from 0 to 1, got \(pctStart)")
        maxRate = maxLR
        self.totalSteps = max(2, totalSteps)
        self.pctStart = pctStart
        self.divFactor = divFactor
        self.finalDivFactor = finalDivFactor
        momenta = cycleMomentum ? (baseMomentum, maxMomentum) : nil
        super.init(optimizer)
        apply()
    }

    public override func rate(base: Double, step: Int) -> Double {
        let low = maxRate / divFactor
        return interpolate(step, from: low, over: maxRate, to: low / finalDivFactor)
    }

    public override func apply() {
        super.apply()
        guard let momenta else { return }
        let momentum = interpolate(stepCount, from: momenta.max, over: momenta.base, to: momenta.max)
        for (i, group) in optimizer.groups.enumerated() {
            for option in [OptimizerOption.momentum, .beta1] where group.optionNames.contains(option) {
                optimizer.set(option, to: momentum, group: i)
            }
        }
    }

    private func interpolate(_ step: Int, from start: Double, over peak: Double, to end: Double) -> Double {
        let top = pctStart * Double(totalSteps) - 1
        let last = Double(totalSteps - 1)
        let position = min(Double(step), last)
        func half(_ a: Double, _ b: Double, _ progress: Double) -> Double {
            b + (a - b) * (1 + cos(.pi * progress)) / 2
        }
        if position <= top { return half(start, peak, top > 0 ? position / top : 1) }
        return half(peak, end, (position - top) / (last - top))
    }
}
