import CApus

/// Where a derivative and differences of the function disagree.
public struct GradcheckError: Error, CustomStringConvertible {
    /// One line that names the output's and the input's element and both values.
    public let description: String
}

/// Compares the derivatives of a function with central differences, entry by entry of its Jacobian. A complex element
/// counts as two real ones, its real and its imaginary part.
///
/// - Parameters:
///   - inputs: Where to check. Those of float64 and complex128 are checked; others, integers for instance, are handed on.
///     Lower precision is refused, for differences of it are too coarse.
///   - eps: How far an element is moved each way.
///   - atol: A disagreement up to `atol + rtol * |difference quotient|` passes.
///   - rtol: See `atol`.
///   - function: Smooth near the inputs, and not random.
/// - Throws: `GradcheckError` at the first entry that disagrees, or if the inputs cannot be checked; `TensorError` where
///   an operation fails. Complexity: two calls of the function an element of the inputs, and a backward pass an element
///   of the outputs.
public func gradcheck(
    _ inputs: [Tensor], eps: Double = 1e-6, atol: Double = 1e-5, rtol: Double = 1e-3,
    _ function: @escaping ([Tensor]) -> [Tensor]
) throws {
    let check = Gradcheck(inputs: inputs, eps: eps, atol: atol, rtol: rtol, function: function)
    let checked = try check.checkedInputs()
    try withTensorErrors {
        let leaves = inputs.enumerated().map { i, x in
            checked.contains(i) ? x.detach().clone().requiresGrad_() : x.detach()
        }
        let outputs = enableGrad { function(leaves) }
        guard !outputs.contains(where: \.isInvalid) else { return }
        for (o, output) in outputs.enumerated() where output.dtype.isDifferentiable {
            guard output.dtype.isDouble else {
                throw GradcheckError(
                    description: "gradcheck: output \(o) is \(output.dtype), expected float64 or complex128")
            }
            let analytic = try check.analytic(output, leaves, checked)
            for (place, i) in checked.enumerated() {
                let numeric = try check.numeric(output: o, input: i, leaves)
                // Where the function failed there is nothing to compare; its error is thrown behind this.
                guard numeric.allSatisfy({ $0.count == analytic[place].count }) else { return }
                try check.compare(analytic[place], numeric, (o, output), (i, leaves[i]))
            }
        }
    }
}

/// Compares second derivatives with differences: `gradcheck` of the gradients, as a function of the inputs and of the
/// gradients of the outputs, which are fixed numbers between -1 and 1.
public func gradgradcheck(
    _ inputs: [Tensor], eps: Double = 1e-6, atol: Double = 1e-5, rtol: Double = 1e-3,
    _ function: @escaping ([Tensor]) -> [Tensor]
) throws {
    let outputs = try withTensorErrors { noGrad { function(inputs.map { $0.detach() }) } }
    let differentiable = outputs.indices.filter { outputs[$0].dtype.isDouble }
    let vectors = try differentiable.map { o in
        let numbers = (Tensor.arange(outputs[o].parts.count, dtype: .float64, device: .cpu) * 0.7 + 0.3 + Double(o))
            .sin()
        return try Tensor(parts: numbers.toArray(Double.self), like: outputs[o])
    }
    let checked = inputs.indices.filter { inputs[$0].dtype.isDouble }
    try gradcheck(inputs + vectors, eps: eps, atol: atol, rtol: rtol) { arguments in
        enableGrad {
            let points = arguments.prefix(inputs.count).map {
                $0.requiresGrad || !$0.dtype.isDifferentiable ? $0 : $0.detach().requiresGrad_()
            }
            let vectors = Array(arguments.dropFirst(inputs.count))
            let outputs = function(points)
            let used = differentiable.indices.filter { outputs[differentiable[$0]].requiresGrad }
            guard !used.isEmpty else { return [] }
            let gradients = grad(
                outputs: used.map { outputs[differentiable[$0]] }, inputs: checked.map { points[$0] },
                gradOutputs: used.map { vectors[$0] }, createGraph: true, allowUnused: true)
            return gradients.enumerated().map { $1 ?? points[checked[$0]].detach().zerosLike() }
        }
    }
}

private struct Gradcheck {
    let inputs: [Tensor]
    let eps, atol, rtol: Double
    let function: ([Tensor]) -> [Tensor]

    /// The inputs to be checked.
    func checkedInputs() throws -> [Int] {
        for (i, x) in inputs.enumerated() where x.dtype.isDifferentiable && !x.dtype.isDouble {
            throw GradcheckError(description: "gradcheck: input \(i) is \(x.dtype), expected float64 or complex128")
        }
        let checked = inputs.indices.filter { inputs[$0].dtype.isDouble }
        guard !checked.isEmpty else {
            throw GradcheckError(description: "gradcheck: no input is float64 or complex128")
        }
        return checked
    }

    /// Rows of the Jacobian, a part of an output element each, for each checked input. Since the gradient of L = Re(v̄·y)
    /// is ∂L/∂Re x + i·∂L/∂Im x, the parts of y are had with v = 1 and v = i.
    func analytic(_ output: Tensor, _ leaves: [Tensor], _ checked: [Int]) throws -> [[[Double]]] {
        let zeros = checked.map { [Double](repeating: 0, count: leaves[$0].parts.count) }
        let seeds = output.dtype.isComplex ? [[1.0, 0], [0, 1]] : [[1.0]]
        var rows = checked.map { _ in [[Double]]() }
        let flat = enableGrad { output.reshape(-1) }
        for element in 0..<output.count {
            let one = enableGrad { flat.select(dim: 0, index: element) }
            for seed in seeds {
                let gradients =
                    output.requiresGrad
                    ? grad(
                        outputs: [one], inputs: checked.map { leaves[$0] },
                        gradOutputs: [try Tensor(parts: seed, like: one)], retainGraph: true, allowUnused: true)
                    : checked.map { _ in nil }
                for (place, gradient) in gradients.enumerated() {
                    rows[place].append(gradient?.parts ?? zeros[place])
                }
            }
        }
        return rows
    }

    /// The same by central differences, a column a part of an input element.
    func numeric(output: Int, input: Int, _ leaves: [Tensor]) throws -> [[Double]] {
        let values = leaves[input].parts
        func evaluate(_ place: Int, _ shift: Double) throws -> [Double] {
            var moved = values
            moved[place] += shift
            var arguments = leaves.map { $0.detach() }
            arguments[input] = try Tensor(parts: moved, like: leaves[input])
            return noGrad { function(arguments)[output].parts }
        }
        return try values.indices.map { place in
            zip(try evaluate(place, eps), try evaluate(place, -eps)).map { ($0 - $1) / (2 * eps) }
        }
    }

    func compare(
        _ rows: [[Double]], _ columns: [[Double]], _ output: (number: Int, tensor: Tensor),
        _ input: (number: Int, tensor: Tensor)
    ) throws {
        for (o, row) in rows.enumerated() {
            for (i, derivative) in row.enumerated() {
                let slope = columns[i][o]
                guard abs(derivative - slope) <= atol + rtol * abs(slope) || derivative == slope else {
                    throw GradcheckError(
                        description: "gradcheck: d output \(output.number)\(place(o, output.tensor)) / d input "
                            + "\(input.number)\(place(i, input.tensor)) is \(derivative) by backward and \(slope) by "
                            + "differences")
                }
            }
        }
    }

    /// The indices of an element, as "[1, 2]", and which part of a complex one.
    private func place(_ part: Int, _ tensor: Tensor) -> String {
        let isComplex = tensor.dtype.isComplex
        var rest = isComplex ? part / 2 : part
        var indices = tensor.shape
        for d in indices.indices.reversed() {
            (rest, indices[d]) = rest.quotientAndRemainder(dividingBy: indices[d])
        }
        return "\(indices)" + (isComplex ? part % 2 == 0 ? ".real" : ".imag" : "")
    }
}

extension DType {
    fileprivate var isDouble: Bool { self == .float64 || self == .complex128 }
}

extension Tensor {
    /// The elements of a float64 tensor, or the real and imaginary parts in turn of those of a complex128 one.
    fileprivate var parts: [Double] {
        guard dtype.isComplex else { return toArray(Double.self) }
        let total = 2 * count
        return [Double](unsafeUninitializedCapacity: total) { buffer, initialized in
            let bytes = UnsafeMutableRawBufferPointer(buffer)
            if check(apus_tensor_read(handle, .complex128, bytes.baseAddress, bytes.count)) { initialized = total }
        }
    }

    /// A tensor of these parts with the shape, dtype and device of another.
    fileprivate convenience init(parts: [Double], like other: Tensor) throws {
        let made = try parts.withUnsafeBytes { try Tensor(copying: $0, dtype: other.dtype, shape: other.shape) }
        self.init(owning: Tensor.takeHandle(made.to(other.device)))
    }
}
