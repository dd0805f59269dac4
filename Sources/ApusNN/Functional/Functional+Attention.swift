import Apus
import CApus

extension Functional {
    /// Scaled dot-product attention: softmax(scale · query keyᵀ + mask) value (Vaswani et al., arXiv:1706.03762).
    ///
    /// Without dropout and where the mask needs no gradient, one fused operator computes it and another its gradients; the
    /// matrix of weights, L × S for each head, is never stored.
    ///
    /// - Parameters:
    ///   - query: `[…, H, L, E]`.
    ///   - key: `[…, H, S, E]`.
    ///   - value: `[…, H, S, F]`.
    ///   - attnMask: Broadcasts with `[…, H, L, S]`. A bool one is true where a query sees a key, a float one is added. A
    ///     query that sees no key gives zeros.
    ///   - dropoutP: Each weight falls with this probability; 0 outside training.
    ///   - isCausal: Query i sees keys 0 to i alone. Not beside a mask.
    ///   - scale: 1 / √E unless given.
    ///   - enableGQA: Key and value may have fewer heads, a divisor of H: that many queries' heads in a row share one.
    ///   - generator: Where the chance of dropout comes from.
    /// - Returns: `[…, H, L, F]`.
    public static func scaledDotProductAttention(
        _ query: Tensor, _ key: Tensor, _ value: Tensor, attnMask: Tensor? = nil, dropoutP: Double = 0,
        isCausal: Bool = false, scale: Double? = nil, enableGQA: Bool = false, generator: Generator = .default
    ) -> Tensor {
        let (q, k, v) = (Autocast.low(query), Autocast.low(key), Autocast.low(value))
        let heads = [q, k, v].map { $0.rank > 2 ? $0.size(-3) : 1 }
        let fits = heads.allSatisfy { $0 == heads[0] || (enableGQA && $0 > 0 && heads[0] % $0 == 0) }
        let name = "scaledDotProductAttention"
        guard
            require(attnMask == nil || !isCausal, "\(name): expected a mask or isCausal, got both"),
            require((0...1).contains(dropoutP), "\(name): expected a dropout from 0 to 1, got \(dropoutP)"),
            require(
                fits, .shape,
                "\(name): expected as many heads of queries, keys and values, or with enableGQA a divisor, got shapes "
                    + "\(q.shape), \(k.shape) and \(v.shape)"),
            require(
                q.rank > 1 && k.rank == q.rank && v.rank == q.rank, .shape,
                "\(name): expected queries, keys and values of one rank, at least 2, got shapes \(q.shape), \(k.shape) and "
                    + "\(v.shape)")
        else { return .invalid() }
        let scale = scale ?? 1 / Double(q.size(-1)).squareRoot()
        let problem = AttentionProblem(mask: attnMask, isCausal: isCausal, scale: scale)
        if dropoutP > 0 || attnMask?.requiresGrad == true {
            let weights = dropout(problem.weights(q, k), p: dropoutP, generator: generator)
            return weights.matmul(problem.spread(v, like: q))
        }
        return fusedAttention(q, k, v, problem)
    }

    private static func fusedAttention(_ q: Tensor, _ k: Tensor, _ v: Tensor, _ problem: AttentionProblem) -> Tensor {
        let isRecording = Autograd.isRecording(q, k, v)
        var sums: OpaquePointer?
        let y = Tensor.make { out in
            withUnsafeMutablePointer(to: &sums) { sums in
                apus_attention(
                    out, isRecording ? sums : nil, q.handle, k.handle, v.handle, problem.mask?.handle, problem.scale,
                    problem.isCausal)
            }
        }
        guard let sums, isRecording else { return y }
        let saving = [q, k, v, y, Tensor(owning: sums)] + (problem.mask.map { [$0] } ?? [])
        Autograd.record("ScaledDotProductAttention", inputs: [q, k, v], output: y, saving: saving) { context in
            let (g, q, k, v) = (context.gradient, context.saved[0], context.saved[1], context.saved[2])
            var problem = problem
            if problem.mask != nil { problem.mask = context.saved[5] }
            if isGradEnabled { return problem.gradients(g, q, k, v) }
            return fusedGradients(context) {
                apus_attention_backward(
                    $0, $1, $2, g.handle, q.handle, k.handle, v.handle, problem.mask?.handle, context.saved[3].handle,
                    context.saved[4].handle, problem.scale, problem.isCausal)
            }
        }
        return y
    }
}

/// Attention in tensor operations: where weights fall by chance, or derivatives are differentiated again.
private struct AttentionProblem: @unchecked Sendable {
    var mask: Tensor?
    let isCausal: Bool
    let scale: Double

    /// Keys or values with as many heads as queries have: each is repeated for those that share it.
    func spread(_ x: Tensor, like q: Tensor) -> Tensor {
        guard q.rank > 2, x.size(-3) != q.size(-3) else { return x }
        let share = q.size(-3) / x.size(-3)
        var shape = x.unsqueeze(-3).shape
        shape[shape.count - 3] = share
        return x.unsqueeze(-3).expand(shape).reshape(Array(q.shape.dropLast(2)) + x.shape.suffix(2))
    }

    /// The gradient of `spread`: sums over those that shared.
    private func gather(_ g: Tensor, like x: Tensor) -> Tensor {
        guard x.rank > 2, x.size(-3) != g.size(-3) else { return g }
        let share = g.size(-3) / x.size(-3)
        return g.reshape(Array(x.shape.dropLast(2)) + [share] + x.shape.suffix(2)).sum(-3)
    }

    /// softmax(scale · q kᵀ + mask), zeros for queries that see no key.
    func weights(_ q: Tensor, _ k: Tensor) -> Tensor {
        let scores = q.matmul(spread(k, like: q).mT) * scale
        guard let mask = visible(scores) else { return scores.softmax(dim: -1) }
        // Hidden keys get the least finite score: all alike where none is seen, rather than NaN.
        let lowest = scores.dtype == .float16 ? -6e4 : -3e38
        let isBool = mask.dtype == .bool
        let seen = noGrad { (isBool ? mask : mask .> lowest).any(-1, keepDim: true).to(scores.dtype) }
        let rest = isBool ? scores.maskedFill(mask.logicalNot(), lowest) : scores + mask.clamp(min: lowest)
        return rest.softmax(dim: -1) * seen
    }

    private func visible(_ scores: Tensor) -> Tensor? {
        guard isCausal else { return mask }
        return Tensor.ones(Array(scores.shape.suffix(2)), dtype: .bool, device: scores.device).tril()
    }

    /// The gradients of q, k and v from that of the result.
    func gradients(_ g: Tensor, _ q: Tensor, _ k: Tensor, _ v: Tensor) -> [Tensor?] {
        let weights = weights(q, k)
        let forWeights = g.matmul(spread(v, like: q).mT)
        let forScores = weights * (forWeights - (forWeights * weights).sum(-1, keepDim: true)) * scale
        return [
            forScores.matmul(spread(k, like: q)), gather(forScores.mT.matmul(q), like: k),
            gather(weights.mT.matmul(g), like: v),
        ]
    }
}
