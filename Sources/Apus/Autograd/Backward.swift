extension Tensor {
    /// Computes the gradients of this tensor with regard to the leaves it was computed from, and adds them to their
    /// `grad`.
    ///
    /// The graph's saved tensors are freed on the way unless `retainGraph`; a second walk is then an error.
    /// - Parameters:
    ///   - gradient: Of what follows with regard to this tensor, in its shape. May be left out for one element: 1.
    ///   - retainGraph: Keep the graph for another walk. The default is `createGraph`.
    ///   - createGraph: Record the computation of the gradients too, so that these can be differentiated again.
    ///   - inputs: Only these tensors, leaves or not, get a gradient.
    public func backward(
        gradient: Tensor? = nil, retainGraph: Bool? = nil, createGraph: Bool = false, inputs: [Tensor]? = nil
    ) {
        guard let root = Tensor.root(of: self, gradient: gradient, "backward") else { return }
        Tensor.accumulate([root], into: inputs, retainGraph ?? createGraph, createGraph)
    }

    /// Walks the graph and adds to the `grad` of all leaves, or of `inputs` alone.
    fileprivate static func accumulate(
        _ roots: [(edge: Edge, gradient: Tensor)], into inputs: [Tensor]?, _ retainGraph: Bool, _ createGraph: Bool
    ) {
        let gradients = Engine.run(
            roots: roots, targets: inputs.map { $0.map(\.edge) }, retainGraph: retainGraph, createGraph: createGraph)
        guard let inputs else { return }
        for (input, gradient) in zip(inputs, gradients) {
            guard require(input.requiresGrad, "backward: one of the inputs does not require grad") else { return }
            guard var gradient, !gradient.isInvalid else { continue }
            input.accumulateGrad(&gradient, createGraph: createGraph)
        }
    }

    /// The edge and the gradient that a walk starts with; nil, after a report, when there can be none.
    fileprivate static func root(
        of output: Tensor, gradient: Tensor?, _ name: StaticString
    ) -> (edge: Edge, gradient: Tensor)? {
        if output.isInvalid {
            _ = failed(.device, "\(name): the tensor is the result of an operation that failed")
            return nil
        }
        guard let edge = output.edge else {
            report(
                .invalid_argument, "\(name): the tensor does not require grad and was not computed from one that does")
            return nil
        }
        guard let gradient else {
            guard
                require(
                    output.count == 1, .shape,
                    "\(name): a gradient must be given for a tensor of more than one element, shape \(output.shape)")
            else { return nil }
            guard
                require(
                    !output.dtype.isComplex, .dtype,
                    "\(name): a gradient must be given for a complex tensor, and this one is \(output.dtype)")
            else { return nil }
            return (edge, noGrad { output.onesLike() })
        }
        guard
            require(
                gradient.hasShape(of: output), .shape,
                "\(name): a gradient of shape \(gradient.shape) was given for a tensor of shape \(output.shape)")
        else { return nil }
        return (edge, gradient.to(output.dtype))
    }
}

/// Computes the gradients of `outputs`, summed, with regard to the leaves they were computed from, in one walk, and adds
/// them to their `grad`; see ``Tensor/backward(gradient:retainGraph:createGraph:inputs:)``. An output without a gradient
/// in `gradients` must have one element.
public func backward(
    _ outputs: [Tensor], gradients: [Tensor?]? = nil, retainGraph: Bool? = nil, createGraph: Bool = false,
    inputs: [Tensor]? = nil
) {
    guard
        require(
            gradients.map { $0.count == outputs.count } ?? true,
            "backward: \(gradients?.count ?? 0) gradients were given for \(outputs.count) outputs")
    else { return }
    var roots: [(edge: Edge, gradient: Tensor)] = []
    for (i, output) in outputs.enumerated() {
        guard let root = Tensor.root(of: output, gradient: gradients?[i], "backward") else { return }
        roots.append(root)
    }
    Tensor.accumulate(roots, into: inputs, retainGraph ?? createGraph, createGraph)
}

/// The gradients of `outputs`, summed, with regard to each of `inputs`. Nothing is added to any `grad`.
///
/// An input that the outputs do not depend on is an error, or gives nil where `allowUnused`.
/// - Parameters:
///   - outputs: Tensors that require grad.
///   - inputs: Leaves or computed tensors that require grad.
///   - gradOutputs: The gradient of each output; nil, or a nil among them, stands for 1 for one element.
///   - retainGraph: Keep the graph for another walk. The default is `createGraph`.
///   - createGraph: Record the computation of the gradients too, so that these can be differentiated again.
///   - allowUnused: Whether inputs may be unused.
///   - isGradsBatched: Whether `gradOutputs` have a leading dim of their own, of one size: the answers then have it too,
///     and are those for each slice. A loop of walks, for operators have no batched derivatives.
public func grad(
    outputs: [Tensor], inputs: [Tensor], gradOutputs: [Tensor?]? = nil, retainGraph: Bool? = nil,
    createGraph: Bool = false, allowUnused: Bool = false, isGradsBatched: Bool = false
) -> [Tensor?] {
    for (i, input) in inputs.enumerated() {
        guard require(input.requiresGrad, "grad: input \(i) does not require grad") else {
            return inputs.map { _ in nil }
        }
    }
    let edges = inputs.map(\.edge)
    if isGradsBatched {
        return batchedGradients(
            outputs, edges, gradOutputs ?? [], retainGraph ?? createGraph, createGraph, allowUnused)
    }
    return gradients(outputs, edges, gradOutputs, retainGraph ?? createGraph, createGraph, allowUnused)
}

/// As above, with regard to places in the graph, which may outlive the tensors that they were taken from.
public func grad(
    outputs: [Tensor], inputs: [GradientEdge], gradOutputs: [Tensor?]? = nil, retainGraph: Bool? = nil,
    createGraph: Bool = false, allowUnused: Bool = false
) -> [Tensor?] {
    gradients(outputs, inputs.map(\.edge), gradOutputs, retainGraph ?? createGraph, createGraph, allowUnused)
}

private func gradients(
    _ outputs: [Tensor], _ inputs: [Edge?], _ gradOutputs: [Tensor?]?, _ retainGraph: Bool, _ createGraph: Bool,
    _ allowUnused: Bool
) -> [Tensor?] {
    let nothing = [Tensor?](repeating: nil, count: inputs.count)
    guard
        require(
            gradOutputs.map { $0.count == outputs.count } ?? true,
            "grad: \(gradOutputs?.count ?? 0) gradients were given for \(outputs.count) outputs")
    else { return nothing }
    var roots: [(edge: Edge, gradient: Tensor)] = []
    for (i, output) in outputs.enumerated() {
        guard let root = Tensor.root(of: output, gradient: gradOutputs?[i], "grad") else { return nothing }
        roots.append(root)
    }
    let gradients = Engine.run(roots: roots, targets: inputs, retainGraph: retainGraph, createGraph: createGraph)
    for (i, gradient) in gradients.enumerated() where gradient == nil {
        _ = require(
            allowUnused, "grad: the outputs do not depend on input \(i); give allowUnused: true to get nil for it")
    }
    return gradients
}

private func batchedGradients(
    _ outputs: [Tensor], _ inputs: [Edge?], _ gradOutputs: [Tensor?], _ retainGraph: Bool, _ createGraph: Bool,
    _ allowUnused: Bool
) -> [Tensor?] {
    let sizes = gradOutputs.map { $0?.shape.first ?? 0 }
    guard
        require(
            sizes.count == outputs.count && Set(sizes).count == 1 && sizes[0] > 0, .shape,
            "grad: batches need a gradient an output, with leading dims of one size, got "
                + "\(gradOutputs.map { $0?.shape ?? [] })")
    else { return inputs.map { _ in nil } }
    let rows = (0..<sizes[0]).map { row in
        gradients(
            outputs, inputs, gradOutputs.map { $0?.select(dim: 0, index: row) }, retainGraph || row + 1 < sizes[0],
            createGraph, allowUnused)
    }
    return inputs.indices.map { i in
        guard rows.contains(where: { $0[i] != nil }) else { return nil }
        return Tensor.stack(rows.compactMap { $0[i] })
    }
}

/// The gradient of one output with regard to one input; see the form for several.
public func grad(
    of output: Tensor, for input: Tensor, gradOutput: Tensor? = nil, retainGraph: Bool? = nil, createGraph: Bool = false
) -> Tensor {
    let gradients = grad(
        outputs: [output], inputs: [input], gradOutputs: [gradOutput], retainGraph: retainGraph,
        createGraph: createGraph)
    return gradients[0] ?? .invalid()
}
