import Apus

/// `gradcheck` for tests of one output, with a tolerance of theirs, and `gradgradcheck` where `secondOrder`.
public func checkGradients(
    _ inputs: [Tensor], step: Double = 1e-6, tolerance: Tolerance = Tolerance(relative: 1e-5, absolute: 1e-6),
    secondOrder: Bool = false, _ body: @escaping ([Tensor]) -> Tensor
) throws {
    try gradcheck(inputs, eps: step, atol: tolerance.absolute, rtol: tolerance.relative) { [body($0)] }
    guard secondOrder else { return }
    try gradgradcheck(inputs, eps: step, atol: tolerance.absolute, rtol: tolerance.relative) { [body($0)] }
}

/// All that is checked of a differentiable operator at one place: both derivatives by differences, and forward mode
/// against two reverse passes.
public func checkDerivatives(
    _ inputs: [Tensor], tolerance: Tolerance = Tolerance(relative: 2e-5, absolute: 2e-5),
    _ body: @escaping ([Tensor]) -> Tensor
) throws {
    try checkGradients(inputs, tolerance: tolerance, secondOrder: true, body)
    let tangents = inputs.enumerated().map { i, x in
        makeTensor(x.shape, dtype: x.dtype, low: -1, high: 1, seed: UInt64(i) + 7).to(x.device)
    }
    try withTensorErrors {
        let expected = Autograd.jvp(at: inputs, tangents: tangents) { [body($0)] }.tangents[0]
        let pushed = withDualLevel { level in
            level.unpackDual(body(zip(inputs, tangents).map { level.makeDual($0, tangent: $1) })).tangent
        }
        try expectEqual(pushed ?? expected.zerosLike(), expected, tolerance: tolerance, "forward mode")
    }
}

/// Whether an operator takes complex numbers: with those given it does not fail.
public func takesComplex(_ inputs: [Tensor], _ body: ([Tensor]) -> Tensor) -> Bool {
    (try? withTensorErrors { body(inputs.map { $0.detach().requiresGrad_() }) }) != nil
}
