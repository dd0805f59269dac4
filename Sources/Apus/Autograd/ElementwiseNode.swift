import CApus

/// A recorded elementwise operation of one to three tensors, whose rules stand in Derivatives.swift.
final class ElementwiseNode: Node, @unchecked Sendable {
    enum Operation {
        case unary(UnaryOp)
        case binary(BinaryOp)
        case ternary(TernaryOp, scale: Double?)
    }

    private let operation: Operation
    @exclusivity(unchecked) private var a: SavedTensor?
    @exclusivity(unchecked) private var b: SavedTensor?
    @exclusivity(unchecked) private var c: SavedTensor?
    @exclusivity(unchecked) private var y: SavedTensor?
    /// The number in the place of a or b, for operations of a tensor and a number; never dropped.
    private let scalar: Scalar?
    /// What the gradient of each input must be brought back to; nil where it has the result's shape and dtype, and empty
    /// where all have.
    @exclusivity(unchecked) private var forms: [Form?] = []
    @exclusivity(unchecked) private(set) var released = false

    /// An input's shape and dtype, where they differ from the result's.
    struct Form {
        let shape: [Int]
        let dtype: DType
        let device: Device

        init(_ tensor: Tensor) {
            shape = tensor.shape
            dtype = tensor.dtype
            device = tensor.device
        }

        /// A gradient of the result as one of the input: summed over what was broadcast.
        func fit(_ gradient: Tensor) -> Tensor { gradient.sum(to: shape).to(dtype: dtype, device: device) }
    }

    init(_ operation: Operation, inputs: Int, scalar: Scalar? = nil) {
        self.operation = operation
        self.scalar = scalar
        super.init(inputs: inputs)
    }

    /// Makes `tensor`, which requires grad, an input of this node, whose result is `result`.
    @inline(__always)
    func connect(_ input: Int, _ edge: Edge, _ tensor: Tensor, result: Tensor) {
        edges[input] = edge
        // A number may be on another device.
        let isThere = tensor.rank > 0 || tensor.device == result.device
        if isThere && tensor.dtype == result.dtype && tensor.hasShape(of: result) { return }
        if forms.isEmpty { forms = Array(repeating: nil, count: edges.count) }
        forms[input] = Form(tensor)
    }

    /// Keeps what the rules of the inputs that need a gradient read.
    @inline(__always)
    func save(_ operands: Rule.Operands, a: Tensor, b: Tensor?, c: Tensor?, y: Tensor) {
        if operands.contains(.a) { self.a = SavedTensor(a) }
        if operands.contains(.b), let b { self.b = SavedTensor(b) }
        if operands.contains(.c), let c { self.c = SavedTensor(c) }
        if operands.contains(.y) { self.y = SavedTensor(y) }
    }

    override var name: String {
        switch operation {
        case .unary(let op): nodeName(apus_unary_name(op))
        case .binary(let op): nodeName(apus_binary_name(op))
        case .ternary(let op, _): nodeName(apus_ternary_name(op))
        }
    }

    override func apply(_ gradients: inout Slots<Tensor>, _ results: inout Slots<Tensor>, createGraph: Bool) {
        guard let g = gradients.take(0) else { return }
        switch operation {
        case .unary(let op):
            results[0] = gradient(derivative(of: op), g, 0, createGraph)
        case .binary(let op):
            let rules = derivative(of: op)
            if needs(0) { results[0] = gradient(rules.a, g, 0, createGraph) }
            if needs(1) { results[1] = gradient(rules.b, g, 1, createGraph) }
        case .ternary(let op, let scale):
            let rules = derivative(of: op)
            if needs(0) { results[0] = gradient(rules.a, g, 0, createGraph) }
            guard needs(1) || needs(2) else { return }
            let scaled = scale.map { g * $0 } ?? g
            if needs(1) { results[1] = gradient(rules.b, scaled, 1, createGraph) }
            if needs(2) { results[2] = gradient(rules.c, scaled, 2, createGraph) }
        }
    }

    @inline(__always)
    private func gradient(_ rule: Rule, _ g: Tensor, _ input: Int, _ createGraph: Bool) -> Tensor? {
        // Conjugates around a rule that reads no operand would cancel.
        let isConjugated = !rule.operands.isEmpty && g.dtype.isComplex
        guard var gradient = apply(rule, isConjugated ? g.conj() : g, createGraph) else { return nil }
        if isConjugated { gradient = gradient.conj() }
        guard !forms.isEmpty, let form = forms[input] else { return gradient }
        return form.fit(gradient)
    }

    /// An element of the result depends on one element of each operand alone, so the rules work both ways.
    override func push(_ tangents: [Tensor?], to result: Tensor, output: Int, createGraph: Bool) -> Tensor? {
        let rules: [Rule]
        var factor: Double?
        switch operation {
        case .unary(let op): rules = [derivative(of: op)]
        case .binary(let op): rules = [derivative(of: op).a, derivative(of: op).b]
        case .ternary(let op, let scale):
            let three = derivative(of: op)
            rules = [three.a, three.b, three.c]
            factor = scale
        }
        var total: Tensor?
        for (i, tangent) in tangents.enumerated() {
            guard var tangent else { continue }
            if i > 0, let factor { tangent = tangent * factor }
            guard let part = apply(rules[i], tangent.to(result.dtype), createGraph) else { continue }
            total = total.map { $0 + part } ?? part
        }
        return total?.expand(result.shape)
    }

    @inline(__always)
    private func apply(_ rule: Rule, _ g: Tensor, _ createGraph: Bool) -> Tensor? {
        switch rule {
        case .none: nil
        case .g(let rule): rule(g)
        case .ga(let rule): rule(g, savedA(createGraph))
        case .gb(let rule): rule(g, savedB(createGraph))
        case .gc(let rule): rule(g, savedC(createGraph))
        case .gy(let rule): rule(g, savedY(createGraph))
        case .gab(let rule): rule(g, savedA(createGraph), savedB(createGraph))
        case .gay(let rule): rule(g, savedA(createGraph), savedY(createGraph))
        case .gby(let rule): rule(g, savedB(createGraph), savedY(createGraph))
        case .gbc(let rule): rule(g, savedB(createGraph), savedC(createGraph))
        case .gabc(let rule): rule(g, savedA(createGraph), savedB(createGraph), savedC(createGraph))
        case .gaby(let rule): rule(g, savedA(createGraph), savedB(createGraph), savedY(createGraph))
        }
    }

    private func savedA(_ createGraph: Bool) -> Tensor {
        a?.unpack(for: self, history: createGraph ? edges[0] : nil) ?? missing(0)
    }
    private func savedB(_ createGraph: Bool) -> Tensor {
        b?.unpack(for: self, history: createGraph && edges.count > 1 ? edges[1] : nil) ?? missing(1)
    }
    private func savedC(_ createGraph: Bool) -> Tensor {
        c?.unpack(for: self, history: createGraph && edges.count > 2 ? edges[2] : nil) ?? missing(2)
    }
    private func savedY(_ createGraph: Bool) -> Tensor {
        y?.unpack(for: self, history: createGraph ? Edge(node: self, index: 0) : nil) ?? missing(3)
    }
    /// What stands for an operand that is not saved: the number, if the operation had one there.
    private func missing(_ operand: Int) -> Tensor {
        if let scalar, operand < 2, !needs(operand) { return Tensor(weak: scalar) }
        return .failed(.invalid_argument, releasedMessage(self))
    }

    override var isReleased: Bool { released }

    override func releaseSaved() {
        if a == nil && b == nil && c == nil && y == nil { return }
        released = true
        a = nil
        b = nil
        c = nil
        y = nil
    }
}

/// "GeluTanhBackward" for "gelu_tanh".
func nodeName(_ operation: UnsafePointer<CChar>?) -> String {
    guard let operation else { return "Backward" }
    return String(cString: operation).split(separator: "_").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
        + "Backward"
}

/// What is said when a graph is walked a second time.
func releasedMessage(_ node: Node) -> String {
    "backward: \(node.name) has been walked before and its saved tensors are gone; "
        + "give retainGraph: true to the first backward to walk a graph twice"
}
