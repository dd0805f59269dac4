import CApus

// How elementwise operations get into the graph. Each `record…` is called on the result, after the operation, and only
// when an input requires grad.

extension Tensor {
    /// Where the gradient of this tensor goes, if it requires one.
    @inline(__always)
    var edge: Edge? {
        guard let node = gradientNode else { return nil }
        return Edge(node: node, index: outputIndex)
    }

    /// Makes the node the history of this result.
    @inline(__always)
    func setHistory(_ node: Node, output: Int32 = 0) {
        self.node = node
        outputIndex = output
        if DualLevel.isPossible { DualLevel.pushTangent(to: self) }
    }

    @inline(never)
    func recordUnary(_ op: UnaryOp, _ x: Tensor) {
        guard GradMode.isEnabled, !isInvalid, let node = unaryNode(op, x) else { return }
        setHistory(node)
    }

    @inline(never)
    func recordBinary(_ op: BinaryOp, _ a: Tensor, _ b: Tensor) {
        guard GradMode.isEnabled, !isInvalid, let node = binaryNode(op, a, b) else { return }
        setHistory(node)
    }

    /// As `recordBinary`, with a number on one side.
    @inline(never)
    func recordBinary(_ op: BinaryOp, _ x: Tensor, _ scalar: Scalar, reversed: Bool) {
        guard GradMode.isEnabled, !isInvalid, let node = binaryNode(op, x, scalar, reversed: reversed) else { return }
        setHistory(node)
    }

    @inline(never)
    func recordTernary(_ op: TernaryOp, _ a: Tensor, _ b: Tensor, _ c: Tensor, scale: Double?) {
        guard GradMode.isEnabled, !isInvalid, let node = ternaryNode(op, a, b, c, scale: scale) else { return }
        setHistory(node)
    }

    /// Whether this result of operands of which `input` requires grad can have a gradient.
    @inline(__always)
    private func isDifferentiable(from input: Tensor) -> Bool { dtype == input.dtype || dtype.isDifferentiable }

    /// The node of `self = op(x)`; nil when the operation is not differentiable.
    func unaryNode(_ op: UnaryOp, _ x: Tensor) -> Node? {
        let reads = RuleReads.of(op)
        guard reads != .absent, let edge = x.edge, isDifferentiable(from: x) else { return nil }
        if op == .abs || op == .sign, x.dtype.isComplex { return lengthNode(op, x) }
        let node = ElementwiseNode(.unary(op), inputs: 1)
        node.connect(0, edge, x, result: self)
        node.save(reads, a: x, b: nil, c: nil, y: self)
        return node
    }

    /// The node of `self`, the length or the direction of complex numbers: neither is holomorphic, so no rule of the
    /// table, which states a derivative as for real numbers, fits them.
    private func lengthNode(_ op: UnaryOp, _ x: Tensor) -> Node {
        FunctionNode(.text(nodeName(apus_unary_name(op))), inputs: [x], outputs: [self], saving: [x], outputCount: 1) {
            [op == .abs ? complexAbsBackward($0.gradient, $0.saved[0]) : complexSignBackward($0.gradient, $0.saved[0])]
        }
    }

    /// The node of `self = op(a, b)`; nil when the operation is not differentiable.
    func binaryNode(_ op: BinaryOp, _ a: Tensor, _ b: Tensor) -> ElementwiseNode? {
        let (readsA, readsB) = (RuleReads.of(op, 0), RuleReads.of(op, 1))
        let edgeA = readsA == .absent ? nil : a.edge
        let edgeB = readsB == .absent ? nil : b.edge
        guard edgeA != nil || edgeB != nil, isDifferentiable(from: edgeA != nil ? a : b) else { return nil }
        let node = ElementwiseNode(.binary(op), inputs: 2)
        var reads: Rule.Operands = []
        if let edgeA {
            node.connect(0, edgeA, a, result: self)
            reads.formUnion(readsA)
        }
        if let edgeB {
            node.connect(1, edgeB, b, result: self)
            reads.formUnion(readsB)
        }
        node.save(reads, a: a, b: b, c: nil, y: self)
        return node
    }

    /// The node of `self = op(x, scalar)`, or of `op(scalar, x)` where `reversed`.
    func binaryNode(_ op: BinaryOp, _ x: Tensor, _ scalar: Scalar, reversed: Bool) -> ElementwiseNode? {
        let reads = RuleReads.of(op, reversed ? 1 : 0)
        guard reads != .absent, let edge = x.edge, isDifferentiable(from: x) else { return nil }
        let node = ElementwiseNode(.binary(op), inputs: 2, scalar: scalar)
        node.connect(reversed ? 1 : 0, edge, x, result: self)
        node.save(reads.subtracting(reversed ? .a : .b), a: x, b: x, c: nil, y: self)
        return node
    }

    /// The node of `self = op(a, b, c)` with the number `scale`; nil when the operation is not differentiable.
    func ternaryNode(_ op: TernaryOp, _ a: Tensor, _ b: Tensor, _ c: Tensor, scale: Double?) -> ElementwiseNode? {
        guard dtype.isDifferentiable else { return nil }
        let node = ElementwiseNode(.ternary(op, scale: scale), inputs: 3)
        var reads: Rule.Operands = []
        var isConnected = false
        for (i, input) in [a, b, c].enumerated() {
            let own = RuleReads.of(op, i)
            guard own != .absent, let edge = input.edge else { continue }
            node.connect(i, edge, input, result: self)
            reads.formUnion(own)
            isConnected = true
        }
        guard isConnected else { return nil }
        node.save(reads, a: a, b: b, c: c, y: self)
        return node
    }
}
