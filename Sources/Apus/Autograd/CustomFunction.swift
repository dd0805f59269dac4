/// An operation of one's own with a derivative of one's own.
///
///     struct Cube: CustomFunction {
///         func forward(_ inputs: [Tensor], _ context: FunctionContext) -> [Tensor] {
///             context.save(inputs[0])
///             return [inputs[0] * inputs[0] * inputs[0]]
///         }
///         func backward(_ gradients: [Tensor?], _ context: FunctionContext) -> [Tensor?] {
///             [gradients[0]! * context.saved[0].square() * 3]
///         }
///     }
///     let y = Cube()(x)
///
/// `forward` runs unrecorded, so it may use anything: in-place operations, the C core, kernels of one's own. What is
/// not a tensor (a factor, a mode) is a property of the conforming type.
public protocol CustomFunction {
    /// Computes the results. Keep what `backward` needs by `context.save`.
    func forward(_ inputs: [Tensor], _ context: FunctionContext) -> [Tensor]

    /// Tells the context what `backward` needs, after `forward`, for a `forward` that is shared with other code and knows
    /// nothing of contexts. Does nothing unless written.
    func setupContext(_ inputs: [Tensor], _ outputs: [Tensor], _ context: FunctionContext)

    /// The tangents of the results from those of the inputs, nil for zero, in forward mode. Unless written, they are
    /// derived from `backward`, which must then be differentiable.
    func jvp(_ tangents: [Tensor?], _ context: FunctionContext) -> [Tensor?]?

    /// The gradient of each input, nil for none, from those of the results. Written in tensor operations it can be
    /// differentiated again. A gradient may have the shape that the input was broadcast to: it is summed.
    func backward(_ gradients: [Tensor?], _ context: FunctionContext) -> [Tensor?]
}

/// What a custom function's two halves share.
public final class FunctionContext {
    /// Which inputs require a gradient.
    public let needsInputGrad: [Bool]
    /// The tensors given to `save`, in order; in `backward` only.
    public fileprivate(set) var saved: [Tensor] = []
    /// Whether `backward` gets zeros for results that have no gradient (the default) or nil.
    public var materializesGrads = true
    /// Whether `backward` cannot itself be differentiated: it then runs unrecorded, and a second derivative is an error.
    public var isOnceDifferentiable = false
    /// Anything else that `forward` wants to tell `backward`.
    public var info: [String: Any] = [:]

    fileprivate var nonDifferentiable: [Tensor] = []
    fileprivate var dirty: [Tensor] = []

    fileprivate init(needsInputGrad: [Bool]) { self.needsInputGrad = needsInputGrad }

    /// Keeps tensors for `backward`: inputs, results or others. Changes made to them in place until then are noticed.
    public func save(_ tensors: Tensor...) { saved += tensors }

    /// Says that these results have no derivative: they do not require grad.
    public func markNonDifferentiable(_ outputs: Tensor...) { nonDifferentiable += outputs }

    /// Says that `forward` changed these inputs in place. Each must be returned as a result too.
    public func markDirty(_ inputs: Tensor...) { dirty += inputs }
}

extension CustomFunction {
    /// Does nothing.
    public func setupContext(_ inputs: [Tensor], _ outputs: [Tensor], _ context: FunctionContext) {}

    /// Nil: tangents are derived from `backward`.
    public func jvp(_ tangents: [Tensor?], _ context: FunctionContext) -> [Tensor?]? { nil }

    /// Runs the function and records it.
    public func apply(_ inputs: [Tensor]) -> [Tensor] {
        let isRecording = Autograd.isRecording(inputs)
        let context = FunctionContext(needsInputGrad: inputs.map { isRecording && $0.requiresGrad })
        let before = inputs.map { ($0.gradientNode, $0.outputIndex) }
        var outputs = noGrad {
            let outputs = forward(inputs, context)
            setupContext(inputs, outputs, context)
            return outputs
        }
        func contains(_ list: [Tensor], _ tensor: Tensor) -> Bool { list.contains { $0 === tensor } }
        // An input that is returned as it is becomes a tensor of its own, or its history would be overwritten.
        for i in outputs.indices where contains(inputs, outputs[i]) && !contains(context.dirty, outputs[i]) {
            outputs[i] = outputs[i].aliased()
        }
        let saving = context.saved
        context.saved = []
        guard isRecording, !outputs.contains(where: \.isInvalid) else { return outputs }
        for tensor in context.dirty {
            guard
                require(contains(outputs, tensor), "\(Self.self): an input marked dirty was not returned as a result"),
                tensor.mayRecordWrite("\(Self.self)")
            else { return outputs }
        }
        let node = makeNode(inputs, before, outputs, saving: saving, context)
        for (i, output) in outputs.enumerated()
        where output.dtype.isDifferentiable && !contains(context.nonDifferentiable, output) {
            if contains(context.dirty, output) && output.base != nil {
                guard
                    require(
                        i == 0 && output === inputs[0] && outputs.count == 1,
                        "\(Self.self): a view can be changed in place only as the first input and the only result")
                else { return outputs }
                output.rebaseHistory(node)
            } else {
                output.setHistory(node, output: Int32(i))
            }
        }
        context.nonDifferentiable = []
        context.dirty = []
        return outputs
    }

    /// Runs a function of one result.
    public func callAsFunction(_ inputs: Tensor...) -> Tensor {
        let outputs = apply(inputs)
        guard require(outputs.count == 1, "\(Self.self): \(outputs.count) results, where one is expected; use apply")
        else { return .invalid() }
        return outputs[0]
    }

    private func makeNode(
        _ inputs: [Tensor], _ before: [(node: Node?, index: Int32)], _ outputs: [Tensor], saving: [Tensor],
        _ context: FunctionContext
    ) -> FunctionNode {
        // Shapes for zeros in place of absent gradients: the results themselves would keep the graph alive.
        let forms = outputs.map { (shape: $0.shape, dtype: $0.dtype, device: $0.device) }
        let node = FunctionNode(
            .text("\(Self.self)"), inputs: inputs, outputs: outputs, saving: saving, outputCount: outputs.count
        ) { backwardContext in
            context.saved = backwardContext.saved
            defer { context.saved = [] }
            let gradients = backwardContext.gradients.enumerated().map { i, gradient -> Tensor? in
                guard gradient == nil, context.materializesGrads else { return gradient }
                return Tensor.zeros(forms[i].shape, dtype: forms[i].dtype, device: forms[i].device)
            }
            guard context.isOnceDifferentiable else { return self.backward(gradients, context) }
            let answer = noGrad { self.backward(gradients, context) }
            return isGradEnabled ? refusingSecondDerivative(answer, gradients, "\(Self.self)") : answer
        }
        node.tangentFunction = { tangents, saved in
            context.saved = saved
            defer { context.saved = [] }
            return self.jvp(tangents, context)
        }
        for (i, history) in before.enumerated() {
            node.edges[i] = history.node.map { Edge(node: $0, index: history.index) }
        }
        return node
    }
}

/// The gradients of a function that is differentiable once, recorded so that differentiating them is an error.
private func refusingSecondDerivative(_ answer: [Tensor?], _ gradients: [Tensor?], _ name: String) -> [Tensor?] {
    let sources = gradients.filter { $0?.requiresGrad == true } + [Tensor.zeros([], device: .cpu, requiresGrad: true)]
    return answer.map { gradient in
        guard let gradient else { return nil }
        let result = gradient.aliased()
        let node = FunctionNode(.text(name), inputs: sources, outputs: [result], saving: [], outputCount: 1) { _ in
            report(
                .invalid_argument,
                "\(name): its derivative is marked as differentiable once, and a second one was asked for")
            return sources.map { _ in nil }
        }
        result.setHistory(node)
        return result
    }
}
