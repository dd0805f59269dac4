/// What a backward function gets: the gradients of the results and the tensors saved with the operation.
public struct BackwardContext {
    /// The gradient of each result; nil stands for zero.
    public let gradients: [Tensor?]
    /// The tensors given as `saving`, in that order.
    public let saved: [Tensor]
    let node: Node

    /// The gradient of the only, or first, result. Read it only where that result had one: a backward function of one
    /// result always has.
    public var gradient: Tensor { gradients[0]! }

    /// Whether input `index` requires a gradient; if not, its place in the answer may be nil, which saves the work.
    public func needs(_ index: Int) -> Bool { node.needs(index) }

    /// Applies a derivative stated as for real numbers: for a complex result it gets the conjugate of the gradient, and
    /// what it returns is conjugated, which is the gradient through a holomorphic function.
    package func holomorphic(_ rule: (_ g: Tensor) -> [Tensor?]) -> [Tensor?] {
        guard gradient.dtype.isComplex else { return rule(gradient) }
        return rule(gradient.conj()).map { $0?.conj() }
    }
}

/// The derivative of one operation: from the gradients of its results to one gradient an input, nil for none.
///
/// A gradient may have the shape the input was broadcast to and another float dtype; it is summed and converted to the
/// input's.
public typealias BackwardFunction = (BackwardContext) -> [Tensor?]

/// A recorded operation whose derivative is a closure.
final class FunctionNode: Node, @unchecked Sendable {
    private let label: Label
    private var function: BackwardFunction?
    private var saved: SavedTensors
    private let forms: [ElementwiseNode.Form?]
    private(set) var released = false
    /// The tangents of the results from those of the inputs and the saved tensors, for operations that have a rule of
    /// their own; nil, or nil from it, where there is none.
    var tangentFunction: ((_ tangents: [Tensor?], _ saved: [Tensor]) -> [Tensor?]?)?

    init(
        _ label: Label, inputs: [Tensor?], outputs: [Tensor], saving: [Tensor], outputCount: Int,
        function: @escaping BackwardFunction
    ) {
        self.label = label
        self.function = function
        forms = inputs.map { input in
            guard let input, input.requiresGrad else { return nil }
            return ElementwiseNode.Form(input)
        }
        saved = SavedTensors(
            saving,
            sources: saving.map { tensor in
                if let input = inputs.firstIndex(where: { $0 === tensor }) { return .input(input) }
                if let output = outputs.firstIndex(where: { $0 === tensor }) { return .output(output) }
                return .other
            })
        super.init(inputs: inputs.count, outputCount: outputCount)
        for (i, input) in inputs.enumerated() { edges[i] = input?.edge }
    }

    /// An operation's name: a literal costs nothing to keep.
    enum Label: ExpressibleByStringLiteral {
        case literal(StaticString)
        case text(String)

        init(stringLiteral value: StaticString) { self = .literal(value) }
    }

    override var name: String {
        switch label {
        case .literal(let name): "\(name)Backward"
        case .text(let name): "\(name)Backward"
        }
    }

    override func apply(_ gradients: inout Slots<Tensor>, _ results: inout Slots<Tensor>, createGraph: Bool) {
        guard let function else { return report(.invalid_argument, releasedMessage(self)) }
        let tensors = saved.unpack(for: self, createGraph: createGraph)
        var incoming: [Tensor?] = []
        incoming.reserveCapacity(gradients.count)
        for i in 0..<gradients.count { incoming.append(gradients.take(i)) }
        guard incoming.contains(where: { $0 != nil }) else { return }
        var answer = function(BackwardContext(gradients: incoming, saved: tensors, node: self))
        guard
            require(
                answer.count == edges.count,
                "\(name): \(answer.count) gradients were returned for \(edges.count) inputs")
        else { return }
        for i in 0..<answer.count where needs(i) {
            guard let gradient = answer[i].take(), let form = forms[i] else { continue }
            results[i] = form.fit(gradient)
        }
    }

    override func push(_ tangents: [Tensor?], to result: Tensor, output: Int, createGraph: Bool) -> Tensor? {
        if let tangentFunction, let all = tangentFunction(tangents, saved.unpack(for: self, createGraph: createGraph)) {
            return all.indices.contains(output) ? all[output] : nil
        }
        return super.push(tangents, to: result, output: output, createGraph: createGraph)
    }

    override var isReleased: Bool { released }

    override func releaseSaved() {
        guard !saved.isEmpty else { return }
        released = true
        saved.removeAll()
        function = nil
        tangentFunction = nil
    }
}

/// Recording operations of one's own.
public enum Autograd {
    /// Whether an operation on these inputs is to be recorded: grad mode is on and one of them requires grad. Ask before
    /// making the closure for `record`.
    @inline(__always)
    public static func isRecording(_ a: Tensor) -> Bool { a.requiresGrad && isGradEnabled }

    /// As above, for two inputs; nil ones do not count.
    @inline(__always)
    public static func isRecording(_ a: Tensor, _ b: Tensor?) -> Bool {
        (a.requiresGrad || b?.requiresGrad == true) && isGradEnabled
    }

    /// As above, for three inputs.
    @inline(__always)
    public static func isRecording(_ a: Tensor, _ b: Tensor?, _ c: Tensor?) -> Bool {
        (a.requiresGrad || b?.requiresGrad == true || c?.requiresGrad == true) && isGradEnabled
    }

    /// As above, for any number of inputs.
    public static func isRecording(_ inputs: [Tensor?]) -> Bool {
        inputs.contains { $0?.requiresGrad == true } && isGradEnabled
    }

    /// Records that `output` was computed from `inputs`, with the given derivative.
    ///
    /// Does nothing when grad mode is off, no input requires grad, or the output is not a float tensor. Write the
    /// derivative in tensor operations and higher derivatives work by themselves.
    /// - Parameters:
    ///   - name: The operation's, e.g. "Conv2d"; the node is called "Conv2dBackward".
    ///   - inputs: What gradients are computed for; nil where an optional operand is absent.
    ///   - output: The result, just computed and not recorded yet.
    ///   - saving: Tensors the derivative reads. Keep them here and not in the closure: this notices in-place changes, is
    ///     freed with the graph, and makes no reference cycles when the output is among them.
    ///   - backward: The derivative. With one output it is called only when that output has a gradient.
    public static func record(
        _ name: StaticString, inputs: [Tensor?], output: Tensor, saving: [Tensor] = [],
        backward: @escaping BackwardFunction
    ) {
        record(name, inputs: inputs, outputs: [output], saving: saving, backward: backward)
    }

    /// As above, for several outputs. Those that are not float tensors take no part.
    public static func record(
        _ name: StaticString, inputs: [Tensor?], outputs: [Tensor], saving: [Tensor] = [],
        backward: @escaping BackwardFunction
    ) {
        record(.literal(name), inputs, outputs, saving, backward)
    }

    /// As above, for a name that is not known before.
    package static func record(
        text name: String, inputs: [Tensor?], outputs: [Tensor], saving: [Tensor], backward: @escaping BackwardFunction
    ) {
        record(.text(name), inputs, outputs, saving, backward)
    }

    private static func record(
        _ label: FunctionNode.Label, _ inputs: [Tensor?], _ outputs: [Tensor], _ saving: [Tensor],
        _ backward: @escaping BackwardFunction
    ) {
        guard isRecording(inputs), !outputs.contains(where: { $0.isInvalid }) else { return }
        guard outputs.contains(where: { $0.dtype.isDifferentiable }) else { return }
        let node = FunctionNode(
            label, inputs: inputs, outputs: outputs, saving: saving, outputCount: outputs.count, function: backward)
        for (i, output) in outputs.enumerated() where output.dtype.isDifferentiable {
            output.setHistory(node, output: Int32(i))
        }
    }
}
