import Apus

/// How far a result may be from the expected value: absolute + relative · |expected|.
public struct Tolerance: Sendable {
    /// The share of the expected value.
    public var relative: Double
    /// What is allowed near zero.
    public var absolute: Double

    /// A tolerance of these bounds.
    public init(relative: Double, absolute: Double) {
        self.relative = relative
        self.absolute = absolute
    }

    /// Not a bit may differ, but for NaNs.
    public static let exact = Tolerance(relative: 0, absolute: 0)

    /// What rounding in a few operations of this dtype makes. Integers and Bools are compared exactly.
    public static func standard(_ dtype: DType) -> Tolerance {
        switch dtype {
        case .float16: Tolerance(relative: 2e-3, absolute: 2e-3)
        case .bfloat16: Tolerance(relative: 1.6e-2, absolute: 1.6e-2)
        case .float32, .complex64: Tolerance(relative: 3e-6, absolute: 3e-6)
        case .float64, .complex128: Tolerance(relative: 1e-9, absolute: 1e-10)
        default: .exact
        }
    }
}

/// Checks dtype, shape and all elements of a tensor against those expected. NaN equals NaN.
///
/// - Throws: `FixtureError` that names the worst element and counts the others.
public func expectEqual(
    _ actual: Tensor, _ expected: FixtureTensor, tolerance: Tolerance? = nil, _ what: String
) throws {
    let found = try FixtureTensor(actual)
    guard found.dtype == expected.dtype else {
        throw FixtureError("\(what): expected dtype \(expected.dtype), got \(found.dtype)")
    }
    guard found.shape == expected.shape else {
        throw FixtureError("\(what): expected shape \(expected.shape), got \(found.shape)")
    }
    switch (found.elements, expected.elements) {
    case (.floats(let a), .floats(let b)):
        try compare(a, b, tolerance ?? .standard(expected.dtype), expected, what)
    default:
        guard found.elements != expected.elements else { return }
        throw FixtureError("\(what): expected \(expected.elements), got \(found.elements)")
    }
}

/// Checks a tensor against another as `expectEqual(_:_:tolerance:_:)` does.
public func expectEqual(_ actual: Tensor, _ expected: Tensor, tolerance: Tolerance? = nil, _ what: String) throws {
    try expectEqual(actual, FixtureTensor(expected), tolerance: tolerance, what)
}

private func compare(
    _ found: [Double], _ expected: [Double], _ tolerance: Tolerance, _ tensor: FixtureTensor, _ what: String
) throws {
    var worst = (index: 0, excess: 0.0)
    var count = 0
    for (i, (a, b)) in zip(found, expected).enumerated() {
        if a == b || (a.isNaN && b.isNaN) { continue }
        let difference = abs(a - b)
        let allowed = tolerance.absolute + tolerance.relative * abs(b)
        if difference <= allowed && b.isFinite { continue }
        count += 1
        let excess = difference.isNaN || allowed == 0 ? .infinity : difference / allowed
        if excess > worst.excess { worst = (i, excess) }
    }
    guard count > 0 else { return }
    let element = tensor.dtype.isComplex ? worst.index / 2 : worst.index
    throw FixtureError(
        "\(what): element \(coordinates(element, tensor.shape)) of \(tensor.dtype) \(tensor.shape): expected "
            + "\(expected[worst.index]), got \(found[worst.index]); \(count) of \(expected.count) differ by more than "
            + "\(tolerance.absolute) + \(tolerance.relative)·|expected|")
}

private func coordinates(_ index: Int, _ shape: [Int]) -> [Int] {
    var rest = index
    var result: [Int] = []
    for size in shape.reversed() {
        result.insert(rest % size, at: 0)
        rest /= size
    }
    return result
}

extension Fixture {
    /// Runs an operator on the inputs and compares its outputs, and the gradients where the fixture has them.
    ///
    /// - Parameters:
    ///   - tolerance: For the outputs; nil for the standard of each dtype.
    ///   - gradTolerance: For the gradients; nil for that of the outputs.
    ///   - body: Computes the outputs in the fixture's order. It may return fewer: those are compared.
    /// - Throws: `FixtureError` where something differs; what a tensor operation reports.
    public func check(
        tolerance: Tolerance? = nil, gradTolerance: Tolerance? = nil, _ body: ([Tensor?]) throws -> [Tensor]
    ) throws {
        try withTensorErrors {
            let inputs = try inputs.enumerated().map { i, input in
                let tensor = try input?.tensor()
                if grads.indices.contains(i), grads[i] != nil { tensor?.requiresGrad_() }
                return tensor
            }
            let results = try body(inputs)
            for (i, result) in results.enumerated() where !result.isInvalid {
                guard outputs.indices.contains(i) else { break }
                try expectEqual(result, outputs[i], tolerance: tolerance, "\(name), output \(i)")
            }
            try checkGradients(of: inputs, results, tolerance: gradTolerance ?? tolerance)
        }
    }

    /// As `check`, for a case of the family "gradients": one of second order has the gradient of an output behind the
    /// inputs, and the first gradients for outputs.
    public func checkOrders(tolerance: Tolerance? = nil, _ body: ([Tensor?]) throws -> [Tensor]) throws {
        guard args.has("output") else { return try check(tolerance: tolerance, body) }
        let place = try args.int("output")
        try check(tolerance: tolerance) { arguments in
            let inputs = Array(arguments.dropLast())
            let result = try body(inputs)[place]
            let sources = inputs.compactMap { $0 }.filter(\.requiresGrad)
            guard !result.isInvalid, let seed = arguments.last ?? nil else { return [] }
            let gradients = grad(
                outputs: [result], inputs: sources, gradOutputs: [seed], createGraph: true, allowUnused: true)
            return zip(gradients, sources).map { $0 ?? $1.detach().zerosLike() }
        }
    }

    private func checkGradients(of inputs: [Tensor?], _ results: [Tensor], tolerance: Tolerance?) throws {
        guard grads.contains(where: { $0 != nil }), !results.contains(where: \.isInvalid) else { return }
        for (result, gradient) in zip(results, gradOutputs) {
            guard let gradient else { continue }
            guard result.requiresGrad else { throw FixtureError("\(name): an output does not require grad") }
            result.backward(gradient: try gradient.tensor(), retainGraph: true)
        }
        for (i, (input, expected)) in zip(inputs, grads).enumerated() {
            guard let input, let expected else { continue }
            // PyTorch's fixtures write a gradient that nothing flows into as zeros.
            let gradient = input.grad ?? Tensor.zeros(input.shape, dtype: input.dtype)
            try expectEqual(gradient, expected, tolerance: tolerance, "\(name), gradient of input \(i)")
        }
    }
}
