import Apus

extension Functional {
    /// The cross entropy of scores and classes: −log softmax(x)[class], the loss of classification.
    ///
    /// With a weight, a class's losses are multiplied by it, and `mean` divides by the sum of the samples' weights. With
    /// label smoothing ε the target is a mixture: 1 − ε the class, ε all classes alike.
    ///
    /// - Parameters:
    ///   - input: Scores `[N, C]`, `[N, C, d…]` or `[C]`; not normalised.
    ///   - target: Classes, integers of the input's shape without C; or a probability for each class, floats of the
    ///     input's shape.
    ///   - weight: `[C]`.
    ///   - ignoreIndex: Samples of this class are left out. Not for probabilities.
    ///   - labelSmoothing: ε, from 0 to 1.
    ///   - reduction: What becomes of the samples' losses.
    /// - Returns: One number, or with `.none` the input's shape without C.
    public static func crossEntropy(
        _ input: Tensor, _ target: Tensor, weight: Tensor? = nil, ignoreIndex: Int = -100, labelSmoothing: Double = 0,
        reduction: Reduction = .mean
    ) -> Tensor {
        guard
            require(
                (0...1).contains(labelSmoothing),
                "crossEntropy: expected a labelSmoothing from 0 to 1, got \(labelSmoothing)"),
            let classDim = classDim("crossEntropy", input, weight)
        else { return .invalid() }
        let logs = input.logSoftmax(dim: classDim)
        guard !logs.isInvalid else { return logs }
        if target.dtype.isFloatingPoint {
            return probabilityLoss(logs, target, classDim, weight, labelSmoothing, reduction)
        }
        return classLoss("crossEntropy", logs, target, classDim, weight, ignoreIndex, labelSmoothing, reduction)
    }

    /// The negative log-likelihood: −weight[class] · x[class].
    ///
    /// - Parameters:
    ///   - input: Logarithms of probabilities `[N, C]`, `[N, C, d…]` or `[C]`.
    ///   - target: Classes, integers of the input's shape without C.
    ///   - weight: `[C]`; `mean` divides by the sum of the samples' weights.
    ///   - ignoreIndex: Samples of this class are left out.
    ///   - reduction: What becomes of the samples' losses.
    /// - Returns: One number, or with `.none` the input's shape without C.
    public static func nllLoss(
        _ input: Tensor, _ target: Tensor, weight: Tensor? = nil, ignoreIndex: Int = -100, reduction: Reduction = .mean
    ) -> Tensor {
        guard let classDim = classDim("nllLoss", input, weight) else { return .invalid() }
        return classLoss("nllLoss", Autocast.wide(input), target, classDim, weight, ignoreIndex, 0, reduction)
    }

    /// Where the classes are: dim 1, or 0 without a batch. Nil, after a report, where the shapes do not fit.
    private static func classDim(_ name: StaticString, _ input: Tensor, _ weight: Tensor?) -> Int? {
        guard require(input.rank > 0, .shape, "\(name): expected scores [N, C, …] or [C], got a 0-d tensor") else {
            return nil
        }
        let dim = min(1, input.rank - 1)
        guard let weight else { return dim }
        let fits = weight.shape == [input.size(dim)]
        return require(
            fits, .shape, "\(name): expected a weight for each of \(input.size(dim)) classes, got \(weight.shape)")
            ? dim : nil
    }

    private static func classLoss(
        _ name: StaticString, _ logs: Tensor, _ target: Tensor, _ classDim: Int, _ weight: Tensor?, _ ignoreIndex: Int,
        _ smoothing: Double, _ reduction: Reduction
    ) -> Tensor {
        guard !logs.isInvalid else { return .invalid() }
        var sampleShape = logs.shape
        let classes = sampleShape.remove(at: classDim)
        guard
            require(target.dtype.isInteger, .dtype, "\(name): expected integer classes, got \(target.dtype)"),
            require(
                target.shape == sampleShape, .shape,
                "\(name): expected classes of shape \(sampleShape) for scores of shape \(logs.shape), got \(target.shape)"
            )
        else { return .invalid() }
        let isCounted = noGrad { target .!= ignoreIndex }
        let isAllCounted = noGrad { isCounted.all().item(Bool.self) }
        let places = isAllCounted ? target : target.maskedFill(isCounted.logicalNot(), 0)
        var losses = -logs.gather(dim: classDim, index: places.unsqueeze(classDim)).squeeze(classDim)
        // How much each sample counts.
        var shares: Tensor?
        if let weight {
            shares = weight.indexSelect(dim: 0, index: places.reshape(-1)).reshape(sampleShape)
            losses = losses * shares!
        }
        if smoothing > 0 {
            let all = weight.map { logs * alongClasses($0, classDim, logs.rank) } ?? logs
            losses = losses * (1 - smoothing) - all.sum(classDim) * (smoothing / Double(classes))
        }
        if !isAllCounted {
            let counted = isCounted.to(losses.dtype)
            losses = losses.maskedFill(isCounted.logicalNot(), 0)
            shares = shares.map { $0 * counted } ?? counted
        }
        guard reduction == .mean, let shares else { return reduction(losses) }
        return losses.sum() / shares.sum()
    }

    private static func probabilityLoss(
        _ logs: Tensor, _ target: Tensor, _ classDim: Int, _ weight: Tensor?, _ smoothing: Double,
        _ reduction: Reduction
    ) -> Tensor {
        guard
            require(
                target.shape == logs.shape, .shape,
                "crossEntropy: expected probabilities of shape \(logs.shape), got \(target.shape)")
        else { return .invalid() }
        let classes = Double(logs.size(classDim))
        let mixture = smoothing > 0 ? target * (1 - smoothing) + smoothing / classes : target
        let products = weight.map { logs * mixture * alongClasses($0, classDim, logs.rank) } ?? logs * mixture
        return reduction(-products.sum(classDim))
    }

    /// A vector over the classes in the shape that broadcasts with the scores.
    private static func alongClasses(_ weight: Tensor, _ classDim: Int, _ rank: Int) -> Tensor {
        weight.reshape((0..<rank).map { $0 == classDim ? weight.count : 1 })
    }
}
