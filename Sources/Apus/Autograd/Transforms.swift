// Derivatives of functions rather than of tensors: torch.func and torch.autograd.functional. Functions take and return
// lists of tensors, or one; they are differentiated at `inputs`, which are left as they are. With `createGraph`, what
// comes out can be differentiated again with regard to inputs that require grad.

extension Autograd {
    /// The value of a function of one number, and its gradient with regard to each input.
    public static func gradAndValue(
        at inputs: [Tensor], createGraph: Bool = false, _ function: ([Tensor]) -> Tensor
    ) -> (gradients: [Tensor], value: Tensor) {
        let (outputs, gradients) = vjp(at: inputs, createGraph: createGraph) { [function($0)] }
        return (gradients, outputs[0])
    }

    /// As above, for one input.
    public static func gradAndValue(
        at input: Tensor, createGraph: Bool = false, _ function: (Tensor) -> Tensor
    ) -> (gradient: Tensor, value: Tensor) {
        let (gradients, value) = gradAndValue(at: [input], createGraph: createGraph) { function($0[0]) }
        return (gradients[0], value)
    }

    /// The outputs, and vᵀJ: the gradients of the inputs for the gradients `vectors` of the outputs. Without vectors the
    /// outputs must have one element each.
    public static func vjp(
        at inputs: [Tensor], vectors: [Tensor]? = nil, createGraph: Bool = false,
        _ function: ([Tensor]) -> [Tensor]
    ) -> (outputs: [Tensor], gradients: [Tensor]) {
        enableGrad {
            let points = inputs.map { point($0, createGraph) }
            let outputs = function(points)
            let gradients = pull(outputs, points, vectors, createGraph: createGraph)
            return (createGraph ? outputs : outputs.map { $0.detach() }, gradients)
        }
    }

    /// The outputs, and Jv: the derivatives of the outputs in the direction `tangents` of the inputs.
    ///
    /// Computed by two reverse passes (the product with J is the derivative of vᵀJ with regard to v), so that every
    /// operator with a second derivative has it.
    public static func jvp(
        at inputs: [Tensor], tangents: [Tensor], createGraph: Bool = false, _ function: ([Tensor]) -> [Tensor]
    ) -> (outputs: [Tensor], tangents: [Tensor]) {
        enableGrad {
            let points = inputs.map { point($0, createGraph) }
            let outputs = function(points)
            let pushed = push(tangents, points, outputs, createGraph: createGraph)
            return (createGraph ? outputs : outputs.map { $0.detach() }, pushed)
        }
    }

    /// The outputs, and the function that turns tangents of the inputs into those of the outputs: for many directions at
    /// one point, from one run of `function`.
    public static func linearize(
        at inputs: [Tensor], _ function: ([Tensor]) -> [Tensor]
    ) -> (outputs: [Tensor], jvp: (_ tangents: [Tensor]) -> [Tensor]) {
        enableGrad {
            let points = inputs.map { point($0, false) }
            let outputs = function(points)
            return (
                outputs.map { $0.detach() },
                { tangents in
                    enableGrad { push(tangents, points, outputs, createGraph: false, retainGraph: true) }
                }
            )
        }
    }

    /// How a Jacobian is computed: row by row, a backward pass an element of the outputs, or column by column, a pass
    /// forward an element of the inputs. Take the mode that needs fewer.
    public enum JacobianStrategy: Sendable {
        /// By rows: PyTorch's jacrev.
        case reverse
        /// By columns: PyTorch's jacfwd. For real inputs.
        case forward
    }

    /// The Jacobian: for each output and each input a tensor of the output's shape followed by the input's.
    public static func jacobian(
        at inputs: [Tensor], strategy: JacobianStrategy = .reverse, createGraph: Bool = false,
        _ function: ([Tensor]) -> [Tensor]
    ) -> [[Tensor]] {
        enableGrad {
            let points = inputs.map { point($0, createGraph) }
            if strategy == .forward { return columns(points, function(points), createGraph) }
            return function(points).map { output in
                let flat = output.reshape(-1)
                let rows = (0..<flat.count).map {
                    pull([flat[$0]], points, nil, createGraph: createGraph, retainGraph: true)
                }
                return points.indices.map { i in
                    guard !rows.isEmpty else {
                        return Tensor.zeros(output.shape + points[i].shape, dtype: output.dtype, device: output.device)
                    }
                    return Tensor.stack(rows.map { $0[i] }).reshape(output.shape + points[i].shape)
                }
            }
        }
    }

    /// The Jacobian by columns: tangents that are 1 in one element of one input.
    private static func columns(_ points: [Tensor], _ outputs: [Tensor], _ createGraph: Bool) -> [[Tensor]] {
        var jacobian = outputs.map { _ in [Tensor]() }
        for (i, point) in points.enumerated() {
            let pushed = (0..<point.count).map { element in
                let tangents = points.map { $0.detach().zerosLike() }
                tangents[i].view(-1)[element] = 1
                return push(tangents, points, outputs, createGraph: createGraph, retainGraph: true)
            }
            for (o, output) in outputs.enumerated() {
                let shape = output.shape + point.shape
                guard !pushed.isEmpty else {
                    jacobian[o].append(Tensor.zeros(shape, dtype: output.dtype, device: output.device))
                    continue
                }
                jacobian[o].append(Tensor.stack(pushed.map { $0[o] }, dim: -1).reshape(shape))
            }
        }
        return jacobian
    }

    /// As above, for one input and one output.
    public static func jacobian(
        at input: Tensor, strategy: JacobianStrategy = .reverse, createGraph: Bool = false,
        _ function: (Tensor) -> Tensor
    ) -> Tensor {
        jacobian(at: [input], strategy: strategy, createGraph: createGraph) { [function($0[0])] }[0][0]
    }

    /// The second derivatives of a function of one number: entry [i][j] has the shape of input i followed by that of
    /// input j. `strategy` is that of the Jacobian of the gradient.
    public static func hessian(
        at inputs: [Tensor], strategy: JacobianStrategy = .reverse, createGraph: Bool = false,
        _ function: ([Tensor]) -> Tensor
    ) -> [[Tensor]] {
        jacobian(at: inputs, strategy: strategy, createGraph: createGraph) {
            gradAndValue(at: $0, createGraph: true, function).gradients
        }
    }

    /// As above, for one input.
    public static func hessian(
        at input: Tensor, strategy: JacobianStrategy = .reverse, createGraph: Bool = false,
        _ function: (Tensor) -> Tensor
    ) -> Tensor {
        hessian(at: [input], strategy: strategy, createGraph: createGraph) { function($0[0]) }[0][0]
    }

    /// The value of a function of one number, and vᵀH: its second derivatives times `vectors` from the left.
    public static func vhp(
        at inputs: [Tensor], vectors: [Tensor], createGraph: Bool = false, _ function: ([Tensor]) -> Tensor
    ) -> (value: Tensor, product: [Tensor]) {
        enableGrad {
            let points = inputs.map { point($0, createGraph) }
            let value = function(points)
            let gradients = pull([value], points, nil, createGraph: true)
            let product = pull(gradients, points, vectors, createGraph: createGraph)
            return (createGraph ? value : value.detach(), product)
        }
    }

    /// The value of a function of one number, and Hv: its second derivatives times `vectors`. The same as `vhp` where
    /// the second derivatives are continuous, and then twice as dear.
    public static func hvp(
        at inputs: [Tensor], vectors: [Tensor], createGraph: Bool = false, _ function: ([Tensor]) -> Tensor
    ) -> (value: Tensor, product: [Tensor]) {
        let (outputs, product) = jvp(at: inputs, tangents: vectors, createGraph: createGraph) { points in
            let (gradients, value) = gradAndValue(at: points, createGraph: true, function)
            return gradients + [value]
        }
        return (outputs[outputs.count - 1], Array(product.dropLast()))
    }

    /// A tensor at which to differentiate: a leaf of its own, or one that leads back to `input` where the result is to
    /// be differentiated with regard to it.
    private static func point(_ input: Tensor, _ createGraph: Bool) -> Tensor {
        createGraph && input.requiresGrad ? input.view(input.shape) : input.detach().requiresGrad_()
    }

    private static func pull(
        _ outputs: [Tensor], _ points: [Tensor], _ vectors: [Tensor]?, createGraph: Bool, retainGraph: Bool? = nil
    ) -> [Tensor] {
        // Outputs that do not depend on the inputs contribute nothing.
        let used = outputs.indices.filter { outputs[$0].requiresGrad }
        guard !used.isEmpty else { return points.map { $0.detach().zerosLike() } }
        let gradients = grad(
            outputs: used.map { outputs[$0] }, inputs: points, gradOutputs: vectors.map { v in used.map { v[$0] } },
            retainGraph: retainGraph, createGraph: createGraph, allowUnused: true)
        return zip(gradients, points).map { $0 ?? $1.detach().zerosLike() }
    }

    /// J times `tangents`, for outputs computed from `points`.
    fileprivate static func push(
        _ tangents: [Tensor], _ points: [Tensor], _ outputs: [Tensor], createGraph: Bool, retainGraph: Bool? = nil
    ) -> [Tensor] {
        guard
            require(
                zip(tangents, points).allSatisfy { $0.hasShape(of: $1) } && tangents.count == points.count, .shape,
                "jvp: tangents of shapes \(tangents.map(\.shape)) do not fit inputs of shapes \(points.map(\.shape))")
        else { return outputs.map { _ in .invalid() } }
        let free = outputs.map { $0.detach().zerosLike().requiresGrad_() }
        let gradients = zip(pull(outputs, points, free, createGraph: true), tangents).filter { $0.0.requiresGrad }
        return outputs.indices.map { i in
            guard !gradients.isEmpty else { return outputs[i].detach().zerosLike() }
            let pushed = grad(
                outputs: gradients.map(\.0), inputs: [free[i]], gradOutputs: gradients.map(\.1),
                retainGraph: retainGraph ?? (createGraph || i + 1 < outputs.count), createGraph: createGraph,
                allowUnused: true)
            return pushed[0] ?? outputs[i].detach().zerosLike()
        }
    }
}
