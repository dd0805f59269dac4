import CApus

// The way from an operator of the C core's tables to a result with history. Everything elementwise goes through here.

/// op(x).
@inline(__always)
package func unary(_ op: UnaryOp, _ x: Tensor) -> Tensor {
    if Autocast.isPossible && Autocast.isWide(op) { return recordedUnary(op, Autocast.wide(x)) }
    return recordedUnary(op, x)
}

@inline(__always)
private func recordedUnary(_ op: UnaryOp, _ x: Tensor) -> Tensor {
    let y = Tensor.make { apus_unary($0, op, x.handle) }
    if x.requiresGrad { y.recordUnary(op, x) }
    return y
}

/// op(a, b).
@inline(__always)
package func binary(_ op: BinaryOp, _ a: Tensor, _ b: Tensor) -> Tensor {
    if op == .pow && Autocast.isPossible { return recordedBinary(op, Autocast.wide(a), Autocast.wide(b)) }
    return recordedBinary(op, a, b)
}

@inline(__always)
private func recordedBinary(_ op: BinaryOp, _ a: Tensor, _ b: Tensor) -> Tensor {
    let y = Tensor.make { apus_binary($0, op, a.handle, b.handle) }
    if a.requiresGrad || b.requiresGrad { y.recordBinary(op, a, b) }
    return y
}

/// op(x, scalar), or op(scalar, x) where `reversed`.
@inline(__always)
package func binary(_ op: BinaryOp, _ x: Tensor, _ scalar: Scalar, reversed: Bool = false) -> Tensor {
    let x = op == .pow && Autocast.isPossible ? Autocast.wide(x) : x
    let y = withUnsafePointer(to: scalar.raw) { number in
        Tensor.make { apus_binary_scalar($0, op, x.handle, number, reversed) }
    }
    if x.requiresGrad { y.recordBinary(op, x, scalar, reversed: reversed) }
    return y
}

/// op(a, b, c) with the number `scale`, 1 where it is nil.
@inline(__always)
package func ternary(_ op: TernaryOp, _ a: Tensor, _ b: Tensor, _ c: Tensor, scale: Scalar? = nil) -> Tensor {
    let y = Tensor.make { out in
        guard let scale else { return apus_ternary(out, op, a.handle, b.handle, c.handle, nil) }
        return withUnsafePointer(to: scale.raw) { apus_ternary(out, op, a.handle, b.handle, c.handle, $0) }
    }
    if a.requiresGrad || b.requiresGrad || c.requiresGrad {
        y.recordTernary(op, a, b, c, scale: scale?.double)
    }
    return y
}

extension Tensor {
    /// self = op(self).
    package func unaryInPlace(_ op: UnaryOp) -> Tensor {
        guard requiresGrad && isGradEnabled else {
            _ = write { apus_unary($0, op, handle) }
            return self
        }
        return recordedInPlace(inPlaceName(apus_unary_name(op)), readsSelf: RuleReads.of(op).contains(.a)) { old in
            guard write({ apus_unary($0, op, handle) }) else { return nil }
            return unaryNode(op, old)
        }
    }

    /// self = op(self, other).
    package func binaryInPlace(_ op: BinaryOp, _ other: Tensor) -> Tensor {
        guard (requiresGrad || other.requiresGrad) && isGradEnabled else {
            _ = write { apus_binary($0, op, handle, other.handle) }
            return self
        }
        let readsSelf = RuleReads.of(op, 0).union(RuleReads.of(op, 1)).contains(.a) || other === self
        let other = other !== self && other.sharesStorage(with: self) ? other.clone() : other
        return recordedInPlace(inPlaceName(apus_binary_name(op)), readsSelf: readsSelf) { old in
            let operand = other === self ? old : other
            guard write({ apus_binary($0, op, handle, operand.handle) }) else { return nil }
            return binaryNode(op, old, operand)
        }
    }

    /// self = op(self, scalar).
    package func binaryInPlace(_ op: BinaryOp, _ scalar: Scalar) -> Tensor {
        let run: () -> Bool = { [self] in
            withUnsafePointer(to: scalar.raw) { number in
                write { apus_binary_scalar($0, op, handle, number, false) }
            }
        }
        guard requiresGrad && isGradEnabled else {
            _ = run()
            return self
        }
        let readsSelf = RuleReads.of(op, 0).contains(.a)
        return recordedInPlace(inPlaceName(apus_binary_name(op)), readsSelf: readsSelf) { old in
            run() ? binaryNode(op, old, scalar, reversed: false) : nil
        }
    }

    /// self = op(self, b, c) with the number `scale`.
    package func ternaryInPlace(_ op: TernaryOp, _ b: Tensor, _ c: Tensor, scale: Scalar? = nil) -> Tensor {
        let run: () -> Bool = { [self] in
            guard let scale else { return write { apus_ternary($0, op, handle, b.handle, c.handle, nil) } }
            return withUnsafePointer(to: scale.raw) { number in
                write { apus_ternary($0, op, handle, b.handle, c.handle, number) }
            }
        }
        guard (requiresGrad || b.requiresGrad || c.requiresGrad) && isGradEnabled else {
            _ = run()
            return self
        }
        let readsSelf = (0..<3).contains { RuleReads.of(op, $0).contains(.a) }
        return recordedInPlace(inPlaceName(apus_ternary_name(op)), readsSelf: readsSelf) { old in
            run() ? ternaryNode(op, old, b, c, scale: scale?.double) : nil
        }
    }

    /// Writes into this tensor with history. `body` gets this tensor as it was, a copy where its values are read
    /// afterwards, does the writing and returns the node, whose first input must be that old tensor.
    func recordedInPlace(
        _ name: @autoclosure () -> String, readsSelf: Bool, _ body: (_ old: Tensor) -> Node?
    ) -> Tensor {
        guard mayRecordWrite(name()) else { return self }
        let old: Tensor
        if readsSelf {
            old = Tensor.make { apus_tensor_to($0, handle, dtype, apus_tensor_device(handle)) }
        } else {
            old = aliased()
        }
        old.node = gradientNode
        old.outputIndex = outputIndex
        if let node = body(old) { rebaseHistory(node) }
        return self
    }
}

/// "add_" for "add".
func inPlaceName(_ name: UnsafePointer<CChar>?) -> String {
    String(cString: name!) + "_"
}
