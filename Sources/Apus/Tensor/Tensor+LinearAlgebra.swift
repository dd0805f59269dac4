import CApus

extension Tensor {
    /// The matrix product: dot product of vectors, matrix by vector, matrix by matrix, and batches of these, whose
    /// leading dims broadcast.
    public func matmul(_ other: Tensor) -> Tensor {
        if Autocast.isPossible { return Autocast.low(self).product(Autocast.low(other)) }
        return product(other)
    }

    private func product(_ other: Tensor) -> Tensor {
        let y = Tensor.make { apus_matmul($0, handle, other.handle) }
        if Autograd.isRecording(self, other) {
            Autograd.record("Matmul", inputs: [self, other], output: y, saving: [self, other]) { context in
                let (a, b) = (context.saved[0], context.saved[1])
                return context.holomorphic { g in
                    [
                        context.needs(0) ? matmulBackwardLeft(g, a, b) : nil,
                        context.needs(1) ? matmulBackwardRight(g, a, b) : nil,
                    ]
                }
            }
        }
        return y
    }

    /// The product of two matrices.
    public func mm(_ other: Tensor) -> Tensor { ranked("mm", 2, other, 2) { self.matmul(other) } }

    /// The products of two batches of matrices, [b, n, k] by [b, k, m].
    public func bmm(_ other: Tensor) -> Tensor { ranked("bmm", 3, other, 3) { self.matmul(other) } }

    /// The product of a matrix and a vector.
    public func mv(_ vector: Tensor) -> Tensor { ranked("mv", 2, vector, 1) { self.matmul(vector) } }

    /// The sum of the products of two vectors' elements.
    public func dot(_ other: Tensor) -> Tensor { ranked("dot", 1, other, 1) { self.product(other) } }

    /// The products of every element of one vector with every one of another: [n] and [m] give [n, m].
    public func outer(_ other: Tensor) -> Tensor {
        ranked("outer", 1, other, 1) { self.unsqueeze(1) * other.unsqueeze(0) }
    }

    private func ranked(_ name: StaticString, _ mine: Int, _ other: Tensor, _ its: Int, _ body: () -> Tensor) -> Tensor
    {
        if rank == mine && other.rank == its || isInvalid || other.isInvalid { return body() }
        return .failed(
            .shape, "\(name): expected tensors of rank \(mine) and \(its), got shapes \(shape) and \(other.shape)")
    }

    /// beta·self + alpha·(a @ b), with this tensor broadcast to the product's shape. a and b are matrices or batches.
    public func addmm(_ a: Tensor, _ b: Tensor, beta: Double = 1, alpha: Double = 1) -> Tensor {
        let (c, a, b) = (Autocast.low(self), Autocast.low(a), Autocast.low(b))
        let y = Tensor.make { apus_addmm($0, c.handle, a.handle, b.handle, beta, alpha) }
        if Autograd.isRecording(c, a, b) {
            Autograd.record("Addmm", inputs: [c, a, b], output: y, saving: [a, b]) { context in
                let (a, b) = (context.saved[0], context.saved[1])
                return context.holomorphic { gradient in
                    let g = alpha == 1 ? gradient : gradient * alpha
                    return [
                        context.needs(0) ? (beta == 1 ? gradient : gradient * beta) : nil,
                        context.needs(1) ? matmulBackwardLeft(g, a, b) : nil,
                        context.needs(2) ? matmulBackwardRight(g, a, b) : nil,
                    ]
                }
            }
        }
        return y
    }

    /// x @ weightᵀ + bias: [..., in] by [out, in] gives [..., out].
    public func linear(_ weight: Tensor, bias: Tensor? = nil) -> Tensor {
        let (x, weight, bias) = (Autocast.low(self), Autocast.low(weight), Autocast.low(bias))
        let y = Tensor.make { apus_linear($0, x.handle, weight.handle, bias?.handle) }
        if Autograd.isRecording(x, weight, bias) {
            Autograd.record("Linear", inputs: [x, weight, bias], output: y, saving: [x, weight]) { context in
                let (x, weight) = (context.saved[0], context.saved[1])
                return context.holomorphic { g in
                    let rows = g.matrixRows
                    return [
                        context.needs(0) ? g.matmul(weight) : nil,
                        context.needs(1) ? rows.t().matmul(x.matrixRows) : nil,
                        context.needs(2) ? rows.sum(0) : nil,
                    ]
                }
            }
        }
        return y
    }
}

/// The gradient of a in a @ b.
private func matmulBackwardLeft(_ g: Tensor, _ a: Tensor, _ b: Tensor) -> Tensor {
    if a.rank == 1 && b.rank == 1 { return g * b }
    if a.rank == 1 { return matmulBackwardLeft(g.unsqueeze(-2), a.unsqueeze(0), b).sum(to: [1, a.size(0)]).squeeze(0) }
    if b.rank == 1 { return g.unsqueeze(-1) * b }
    return g.matmul(b.mT).sum(to: a.shape)
}

/// The gradient of b in a @ b.
private func matmulBackwardRight(_ g: Tensor, _ a: Tensor, _ b: Tensor) -> Tensor {
    if a.rank == 1 && b.rank == 1 { return g * a }
    if a.rank == 1 { return a.unsqueeze(-1) * g.unsqueeze(-2) }
    if b.rank == 1 {
        return matmulBackwardRight(g.unsqueeze(-1), a, b.unsqueeze(-1)).sum(to: [b.size(0), 1]).squeeze(-1)
    }
    if b.rank == 2 && a.rank > 2 {
        return a.matrixRows.t().matmul(g.matrixRows)
    }
    return a.mT.matmul(g).sum(to: b.shape)
}

extension Tensor {
    /// The vectors of the last dim as rows of one matrix. Works for sizes of zero, where -1 in a shape would not.
    fileprivate var matrixRows: Tensor {
        switch rank {
        case 2: self
        case 1: unsqueeze(0)
        default: flatten(startDim: 0, endDim: -2)
        }
    }
}
