import Apus
import Testing

private struct Cube: CustomFunction {
    var isOnce = false

    func forward(_ inputs: [Tensor], _ context: FunctionContext) -> [Tensor] {
        context.save(inputs[0])
        context.isOnceDifferentiable = isOnce
        return [inputs[0] * inputs[0] * inputs[0]]
    }

    func backward(_ gradients: [Tensor?], _ context: FunctionContext) -> [Tensor?] {
        [gradients[0]! * context.saved[0].square() * 3]
    }
}

/// The quotient and the remainder, of which only the first has a derivative.
private struct DivMod: CustomFunction {
    var materializes = true

    func forward(_ inputs: [Tensor], _ context: FunctionContext) -> [Tensor] {
        let (a, b) = (inputs[0], inputs[1])
        context.save(b)
        context.materializesGrads = materializes
        let (quotient, rest) = (a / b, (a / b).floor())
        context.markNonDifferentiable(rest)
        context.info["needs"] = context.needsInputGrad
        return [quotient, rest]
    }

    func backward(_ gradients: [Tensor?], _ context: FunctionContext) -> [Tensor?] {
        #expect((gradients[1] == nil) == !materializes)
        #expect(context.info["needs"] as? [Bool] == [true, false])
        return [gradients[0]! / context.saved[0], nil]
    }
}

private struct DoubleInPlace: CustomFunction {
    func forward(_ inputs: [Tensor], _ context: FunctionContext) -> [Tensor] {
        context.markDirty(inputs[0])
        return [inputs[0].mul_(2)]
    }

    func backward(_ gradients: [Tensor?], _ context: FunctionContext) -> [Tensor?] { [gradients[0]! * 2] }
}

private struct Identity: CustomFunction {
    func forward(_ inputs: [Tensor], _ context: FunctionContext) -> [Tensor] { inputs }
    func backward(_ gradients: [Tensor?], _ context: FunctionContext) -> [Tensor?] { [gradients[0]! * 7] }
}

@Suite("Custom functions")
struct CustomFunctionTests {
    @Test("forward, backward and second derivative")
    func cube() throws {
        let x = Tensor([2.0], requiresGrad: true)
        let y = Cube()(x)
        #expect(y.gradFn?.name == "CubeBackward")
        let g = grad(of: y, for: x, createGraph: true)
        #expect(g.item() == 12)
        #expect(grad(of: g, for: x).item() == 12)
        #expect(noGrad { Cube()(x) }.requiresGrad == false)
        let points = [Tensor([0.3, -1.2] as [Double])]
        try gradcheck(points) { Cube().apply($0) }
        try gradgradcheck(points) { Cube().apply($0) }
    }

    @Test("a second derivative of one that is differentiable once is an error")
    func once() throws {
        let x = Tensor([2.0], requiresGrad: true)
        let g = grad(of: Cube(isOnce: true)(x), for: x, createGraph: true)
        #expect(g.item() == 12 && g.requiresGrad)
        let error = #expect(throws: TensorError.self) { try withTensorErrors { g.backward() } }
        #expect(error?.message.contains("differentiable once") == true)
    }

    @Test("results without derivative, and gradients that are absent", arguments: [true, false])
    func several(materializes: Bool) {
        let a = Tensor([7.0], requiresGrad: true)
        let outputs = DivMod(materializes: materializes).apply([a, Tensor([2.0])])
        #expect(outputs[0].requiresGrad && !outputs[1].requiresGrad)
        outputs[0].backward()
        #expect(a.grad!.item() == 0.5)
    }

    @Test("inputs changed in place take the new history, views too")
    func dirty() {
        let x = Tensor([1.0, 2], requiresGrad: true)
        let y = x * 1
        let z = DoubleInPlace()(y)
        #expect(z === y && y.toArray(Float.self) == [2, 4])
        (y * y).sum().backward()
        #expect(x.grad!.toArray(Float.self) == [8, 16])

        x.grad = nil
        let base = x * 1
        _ = DoubleInPlace()(base[0...0])
        base.sum().backward()
        #expect(x.grad!.toArray(Float.self) == [2, 1])
        #expect(throws: TensorError.self) { try withTensorErrors { _ = DoubleInPlace()(x) } }
    }

    @Test("an input returned as it is becomes a tensor of its own")
    func identity() {
        let x = Tensor([1.0], requiresGrad: true)
        let y = Identity()(x)
        #expect(y !== x && x.isLeaf && y.sharesStorage(with: x))
        y.backward()
        #expect(x.grad!.item() == 7)
    }

    @Test("gradcheck points at the entry that is wrong")
    func wrong() {
        struct Wrong: CustomFunction {
            func forward(_ inputs: [Tensor], _ context: FunctionContext) -> [Tensor] { [inputs[0] * 2] }
            func backward(_ gradients: [Tensor?], _ context: FunctionContext) -> [Tensor?] {
                [gradients[0]! * Tensor([2, 2.5] as [Double])]
            }
        }
        let error = #expect(throws: GradcheckError.self) {
            try gradcheck([Tensor([1, 1] as [Double])]) { Wrong().apply($0) }
        }
        #expect(error?.description.contains("output 0[1] / d input 0[1] is 2.5") == true)
        #expect(throws: GradcheckError.self) { try gradcheck([Tensor([1.0])]) { $0 } }
        // The function fails when it is called again, beside the point: its own error is thrown.
        var calls = 0
        #expect(throws: TensorError.self) {
            try gradcheck([Tensor([1, 2] as [Double])]) { x in
                calls += 1
                return [calls == 1 ? x[0] * x[0] : x[0].matmul(Tensor.ones(3, dtype: .float64))]
            }
        }
    }
}
