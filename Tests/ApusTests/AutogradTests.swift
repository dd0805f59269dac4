import CApus
import TestSupport
import Testing

@testable import Apus

// The tape: derivatives of every row of the operator tables by finite differences, and what PyTorch's tape does with
// writes in place, graphs that were freed, and deep chains.

private let unaryOperators = (0..<UInt32(APUS_UNARY_COUNT)).compactMap(UnaryOp.init(rawValue:))
private let binaryOperators = (0..<UInt32(APUS_BINARY_COUNT)).compactMap(BinaryOp.init(rawValue:))
private func name(_ op: UnaryOp) -> String { String(cString: apus_unary_name(op)) }
private func name(_ op: BinaryOp) -> String { String(cString: apus_binary_name(op)) }

private func sample(_ op: UnaryOp, _ shape: [Int] = [3, 4], dtype: DType = .float64) -> Tensor {
    var (low, high) = (0.0, 0.0)
    apus_unary_domain(op, &low, &high)
    return makeTensor(shape, dtype: dtype, low: low, high: high, seed: 1)
}

private func samples(_ op: BinaryOp, _ shapes: [[Int]] = [[3, 4], [3, 4]], dtype: DType = .float64) -> [Tensor] {
    var low = [0.0, 0.0]
    var high = [0.0, 0.0]
    apus_binary_domain(op, &low, &high)
    return (0..<2).map { makeTensor(shapes[$0], dtype: dtype, low: low[$0], high: high[$0], seed: UInt64($0) + 2) }
}

@Test func operatorsWithoutDerivative() throws {
    // A row that loses its derivative shows up here.
    let unaries = unaryOperators.filter { !isRecorded($0) }
    #expect(
        Set(unaries.map(name)) == [
            "isnan", "isinf", "isfinite", "signbit", "logical_not", "bitwise_not",
        ])
    let binaries = binaryOperators.filter { !isRecorded($0) }
    #expect(
        Set(binaries.map(name)) == [
            "gcd", "lcm", "bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_left_shift", "bitwise_right_shift",
            "eq", "ne", "lt", "le", "gt", "ge", "logical_and", "logical_or", "logical_xor", "nextafter",
        ])
}

private func isRecorded(_ op: UnaryOp) -> Bool {
    (try? withTensorErrors { unary(op, sample(op).requiresGrad_()).requiresGrad }) == true
}

private func isRecorded(_ op: BinaryOp) -> Bool {
    let inputs = samples(op).map { $0.requiresGrad_() }
    return (try? withTensorErrors { binary(op, inputs[0], inputs[1]).requiresGrad }) == true
}

@Test(arguments: unaryOperators)
func unaryDerivative(_ op: UnaryOp) throws {
    guard isRecorded(op) else { return }
    let body = { (inputs: [Tensor]) in unary(op, inputs[0]) }
    for x in [sample(op), sample(op, []), sample(op, [0, 2]), sample(op, [2, 1, 3]).transpose(0, 2)] {
        try checkDerivatives([x], body)
    }
    let z = sample(op, [2, 2], dtype: .complex128)
    if takesComplex([z], body) { try checkDerivatives([z], body) }
}

@Test(arguments: binaryOperators)
func binaryDerivative(_ op: BinaryOp) throws {
    guard isRecorded(op) else { return }
    let body = { (inputs: [Tensor]) in binary(op, inputs[0], inputs[1]) }
    for shapes in [[[3, 4], [3, 4]], [[2, 1, 3], [2, 1]], [[], [3]], [[0, 2], [2]]] {
        let inputs = samples(op, shapes)
        try checkDerivatives(inputs, body)
        guard takesComplex(samples(op, shapes, dtype: .complex128), body) else { continue }
        let complex = samples(op, shapes, dtype: .complex128)
        for pair in [complex, [inputs[0], complex[1]], [complex[0], inputs[1]]] { try checkDerivatives(pair, body) }
    }
    let matrices = samples(op, [[2, 3], [3, 2]])
    try checkDerivatives([matrices[0], matrices[1].t()], body)
}

@Test(arguments: [FixtureScalar.complex(0.5, -1.2), .complex(2, 0), .complex(0, 0)])
func powersWithAComplexNumber(_ scalar: FixtureScalar) throws {
    let number = scalar.number
    let numbers = [sample(.log), sample(.log, dtype: .complex128)]
    for x in numbers { try checkDerivatives([x]) { binary(.pow, $0[0], number) } }
    guard scalar.double != 0 else { return }
    for x in numbers { try checkDerivatives([x]) { binary(.pow, $0[0], number, reversed: true) } }
}

@Test func lengthAndDirectionHaveNoGradientAtTheOrigin() throws {
    for op in [UnaryOp.abs, .sign] {
        let z = Tensor.zeros([2], dtype: .complex128).requiresGrad_()
        let y = unary(op, z)
        y.backward(gradient: y.detach().onesLike())
        try assertClose(z.grad!, z.detach())
    }
}

@Test func tutorialGraph() {
    let x = Tensor.ones(2, 2, requiresGrad: true)
    let z = ((x + 2) * (x + 2)).mean()
    #expect(z.gradFn?.name == "MeanBackward")
    z.backward()
    #expect(x.grad!.toArray(Float.self) == [1.5, 1.5, 1.5, 1.5])
    (x * 2).sum().backward()
    #expect(x.grad!.toArray(Float.self) == [3.5, 3.5, 3.5, 3.5])
}

@Test func savedTensorChangedInPlace() {
    let x = Tensor([1.0, 2.0], dtype: .float32).requiresGrad_()
    let y = x * 1
    let z = (y * y).sum()
    noGrad { _ = y.add_(1) }
    let error = #expect(throws: TensorError.self) { try withTensorErrors { z.backward() } }
    #expect(error?.message.contains("version") == true)
}

@Test func leafInPlaceIsRefused() {
    let x = Tensor.ones(2, requiresGrad: true)
    #expect(throws: TensorError.self) { try withTensorErrors { x.add_(1) } }
    noGrad { _ = x.add_(1) }
    #expect(x.toArray(Float.self) == [2, 2])
}

@Test func graphIsFreedUnlessRetained() {
    let x = Tensor.ones(2, requiresGrad: true)
    let z = x.exp().sum()
    z.backward(retainGraph: true)
    z.backward()
    #expect(throws: TensorError.self) { try withTensorErrors { z.backward() } }
}

@Test func writingThroughAViewReachesTheBase() {
    let a = Tensor([2.0], dtype: .float32).requiresGrad_()
    let y = Tensor.zeros(3)
    y[0] = (a * 3).squeeze()
    (y * Tensor([1.0, 10.0, 100.0])).sum().backward()
    #expect(a.grad!.item(Float.self) == 3)
}

extension Tensor {
    fileprivate func item(at index: Int) -> Float { self[index].item(Float.self) }
}

/// One after the other, since both look at how much memory is alive.
@Suite(.serialized) struct LongGraphs {
    @Test func deepChains() {
        var y = Tensor.ones(2, requiresGrad: true)
        let x = y
        for _ in 0..<100_000 { y = y + 1 }
        y.sum().backward()
        #expect(x.grad!.toArray(Float.self) == [1, 1])
        // And one that is dropped without backward.
        var z = Tensor.ones(2, requiresGrad: true)
        for _ in 0..<100_000 { z = z * 1 }
        #expect(z.item(at: 0) == 1)
    }

    @Test func stepsLeaveNoMemoryBehind() {
        let w = Tensor.randn(8, 8, requiresGrad: true)
        func step() { (w.matmul(w).tanh() * w).sum().backward() }
        step()
        w.grad = nil
        let before = Runtime.memoryStats.count
        for _ in 0..<1000 {
            step()
            w.grad = nil
        }
        // Other tests run beside this one; a leak would leave thousands.
        #expect(Runtime.memoryStats.count < before + 1000)
    }
}
