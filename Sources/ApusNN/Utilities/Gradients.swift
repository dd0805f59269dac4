import Apus

/// Scales the gradients of all parameters by the same factor, in place, so that their norm as one vector is at most
/// `maxNorm` (Pascanu et al., arXiv:1211.5063).
///
/// - Parameters:
///   - parameters: Those without a gradient do not count.
///   - maxNorm: The largest norm allowed.
///   - normType: The order p of the norm; may be infinite.
/// - Returns: The norm before.
@discardableResult
public func clipGradNorm_(_ parameters: [Tensor], maxNorm: Double, normType: Double = 2) -> Tensor {
    noGrad {
        let gradients = parameters.compactMap(\.grad).map { $0.detach() }
        guard !gradients.isEmpty else { return Tensor.zeros([]) }
        let total = Tensor.stack(gradients.map { $0.norm(normType) }).norm(normType)
        // A norm that is not finite makes all gradients NaN, which the caller then sees in the loss.
        let factor = (maxNorm / (total + 1e-6)).clamp(max: 1)
        for gradient in gradients { gradient.mul_(factor) }
        return total
    }
}

/// Clamps every element of the parameters' gradients to ±`clipValue`, in place.
public func clipGradValue_(_ parameters: [Tensor], clipValue: Double) {
    noGrad {
        for gradient in parameters.compactMap(\.grad) {
            gradient.detach().clamp_(min: -clipValue, max: clipValue)
        }
    }
}

/// All parameters one after the other, as one vector. Differentiable.
public func parametersToVector(_ parameters: [Tensor]) -> Tensor {
    Tensor.cat(parameters.map { $0.reshape(-1) })
}

/// Copies the parts of a vector into the parameters, one after the other.
public func vectorToParameters(_ vector: Tensor, _ parameters: [Tensor]) {
    let count = parameters.reduce(0) { $0 + $1.count }
    guard
        require(
            vector.shape == [count], .shape,
            "vectorToParameters: expected a vector of \(count) elements, got \(vector.shape)")
    else { return }
    noGrad {
        var start = 0
        for parameter in parameters {
            let part = vector.narrow(dim: 0, start: start, length: parameter.count)
            parameter.detach().copy_(part.reshape(parameter.shape))
            start += parameter.count
        }
    }
}
