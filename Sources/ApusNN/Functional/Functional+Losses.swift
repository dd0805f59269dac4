import Apus

extension Functional {
    /// (x − y)².
    ///
    /// - Parameters:
    ///   - input: Any shape.
    ///   - target: The same shape.
    ///   - reduction: What becomes of the elements' losses.
    public static func mseLoss(_ input: Tensor, _ target: Tensor, reduction: Reduction = .mean) -> Tensor {
        guard sameShape("mseLoss", input, target) else { return .invalid() }
        return reduction((Autocast.wide(input) - Autocast.wide(target)).square())
    }

    /// |x − y|.
    ///
    /// - Parameters:
    ///   - input: Any shape.
    ///   - target: The same shape.
    ///   - reduction: What becomes of the elements' losses.
    public static func l1Loss(_ input: Tensor, _ target: Tensor, reduction: Reduction = .mean) -> Tensor {
        guard sameShape("l1Loss", input, target) else { return .invalid() }
        return reduction((Autocast.wide(input) - Autocast.wide(target)).abs())
    }

    /// d² / (2·beta) where d = |x − y| is below `beta`, else d − beta / 2 (Girshick, arXiv:1504.08083).
    ///
    /// - Parameters:
    ///   - input: Any shape.
    ///   - target: The same shape.
    ///   - beta: Where the parabola ends; 0 gives the L1 loss.
    ///   - reduction: What becomes of the elements' losses.
    public static func smoothL1Loss(
        _ input: Tensor, _ target: Tensor, beta: Double = 1, reduction: Reduction = .mean
    ) -> Tensor {
        guard
            sameShape("smoothL1Loss", input, target),
            require(beta >= 0, "smoothL1Loss: expected a beta of at least 0, got \(beta)")
        else { return .invalid() }
        if beta == 0 { return l1Loss(input, target, reduction: reduction) }
        return huberLoss(input, target, delta: beta, scale: 1 / beta, reduction)
    }

    /// d² / 2 where d = |x − y| is at most `delta`, else delta · (d − delta / 2) (Huber, doi:10.1214/aoms/1177703732).
    ///
    /// - Parameters:
    ///   - input: Any shape.
    ///   - target: The same shape.
    ///   - delta: Where the parabola ends.
    ///   - reduction: What becomes of the elements' losses.
    public static func huberLoss(
        _ input: Tensor, _ target: Tensor, delta: Double = 1, reduction: Reduction = .mean
    ) -> Tensor {
        guard
            sameShape("huberLoss", input, target),
            require(delta > 0, "huberLoss: expected a delta above 0, got \(delta)")
        else { return .invalid() }
        return huberLoss(input, target, delta: delta, scale: 1, reduction)
    }

    private static func huberLoss(
        _ input: Tensor, _ target: Tensor, delta: Double, scale: Double, _ reduction: Reduction
    ) -> Tensor {
        let difference = Autocast.wide(input) - Autocast.wide(target)
        // With c the difference clamped to ±delta, c·(d − c/2) is the parabola inside and the line outside.
        let clamped = difference.clamp(min: -delta, max: delta)
        return reduction(clamped * (difference - clamped * 0.5) * scale)
    }

    /// −(y·log x + (1 − y)·log(1 − x)) for probabilities x. Logarithms are at least −100.
    ///
    /// - Parameters:
    ///   - input: Probabilities, of any shape. `binaryCrossEntropyWithLogits` takes scores and is more exact.
    ///   - target: From 0 to 1, of the same shape.
    ///   - weight: A factor for each element's loss, broadcast.
    ///   - reduction: What becomes of the elements' losses.
    public static func binaryCrossEntropy(
        _ input: Tensor, _ target: Tensor, weight: Tensor? = nil, reduction: Reduction = .mean
    ) -> Tensor {
        guard sameShape("binaryCrossEntropy", input, target) else { return .invalid() }
        let isValid = noGrad { ((input .>= 0) & (input .<= 1)).all().item(Bool.self) }
        guard require(isValid, "binaryCrossEntropy: expected probabilities from 0 to 1") else { return .invalid() }
        let losses = noGrad {
            (target - 1) * (1 - input).log().clamp(min: -100) - target * input.log().clamp(min: -100)
        }
        Autograd.record("BinaryCrossEntropy", inputs: [input, target], output: losses, saving: [input, target]) {
            context in
            let (g, x, y) = (context.gradient, context.saved[0], context.saved[1])
            return [
                context.needs(0) ? g * (x - y) / ((1 - x) * x).clamp(min: 1e-12) : nil,
                context.needs(1) ? g * ((1 - x).log().clamp(min: -100) - x.log().clamp(min: -100)) : nil,
            ]
        }
        return reduction(weight.map { losses * $0 } ?? losses)
    }

    /// The binary cross entropy of scores: of sigmoid(x), computed so that nothing overflows.
    ///
    /// - Parameters:
    ///   - input: Scores, of any shape.
    ///   - target: From 0 to 1, of the same shape.
    ///   - weight: A factor for each element's loss, broadcast.
    ///   - posWeight: A factor for the positive part y·log(…), broadcast; above 1 it favours recall.
    ///   - reduction: What becomes of the elements' losses.
    public static func binaryCrossEntropyWithLogits(
        _ input: Tensor, _ target: Tensor, weight: Tensor? = nil, posWeight: Tensor? = nil, reduction: Reduction = .mean
    ) -> Tensor {
        guard sameShape("binaryCrossEntropyWithLogits", input, target) else { return .invalid() }
        let (input, target) = (Autocast.wide(input), Autocast.wide(target))
        let logSigmoid = input.logSigmoid()
        let positive = posWeight.map { ((($0 - 1) * target) + 1) * logSigmoid } ?? logSigmoid
        let losses = (1 - target) * input - positive
        return reduction(weight.map { losses * $0 } ?? losses)
    }

    /// The divergence of Kullback and Leibler, y·(log y − x) for logarithms x of probabilities; 0 where y is 0.
    ///
    /// - Parameters:
    ///   - input: Logarithms of probabilities, of any shape.
    ///   - target: Probabilities, of the same shape; or their logarithms.
    ///   - logTarget: Whether the target is logarithms.
    ///   - reduction: What becomes of the elements' losses. `.batchMean` is the mathematical definition.
    public static func klDiv(
        _ input: Tensor, _ target: Tensor, logTarget: Bool = false, reduction: Reduction = .mean
    ) -> Tensor {
        guard sameShape("klDiv", input, target) else { return .invalid() }
        let (input, target) = (Autocast.wide(input), Autocast.wide(target))
        return reduction(logTarget ? target.exp() * (target - input) : target.xlogy(target) - target * input)
    }

    private static func sameShape(_ name: StaticString, _ input: Tensor, _ target: Tensor) -> Bool {
        require(
            input.hasShape(of: target), .shape,
            "\(name): expected a target of shape \(input.shape), got \(target.shape)")
    }
}
