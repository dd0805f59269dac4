import Apus
import Testing

private func message(_ body: () -> Void) -> String? {
    do {
        try withTensorErrors(body)
        return nil
    } catch {
        return "\(error)"
    }
}

@Suite("The graph and its walks")
struct GraphTests {
    let x = Tensor([1, 2, 3] as [Double], requiresGrad: true)

    @Test("several roots in one walk, with gradients of their own, into chosen inputs")
    func severalRoots() {
        let y = Tensor([2] as [Double], requiresGrad: true)
        let shared = x * y
        backward([shared.sum(), shared * shared], gradients: [nil, Tensor([1, 0, 0] as [Double])])
        #expect(x.grad!.toArray(Double.self) == [2 + 8, 2, 2] && y.grad!.item() == 6 + 4)
        x.grad = nil
        y.grad = nil
        backward([(x * y).sum(), (x + y).sum()], inputs: [y])
        #expect(x.grad == nil && y.grad!.item() == 6 + 3)
        #expect(message { backward([(x * y).sum()], gradients: []) }?.contains("0 gradients") == true)
        #expect(message { backward([x * y]) }?.contains("more than one element") == true)
    }

    @Test("batched gradients are those of each slice")
    func batches() {
        let y = x * x
        let rows = Tensor.eye(3, dtype: .float64)
        let gradients = grad(outputs: [y], inputs: [x], gradOutputs: [rows], isGradsBatched: true)
        #expect(gradients[0]!.equal(Tensor([[2, 0, 0], [0, 4, 0], [0, 0, 6]] as [[Double]])))
        let uneven = {
            grad(outputs: [x * 1, x * 2], inputs: [x], gradOutputs: [rows, rows[0...1]], isGradsBatched: true)
        }
        #expect(message { _ = uneven() }?.contains("leading dims") == true)
    }

    @Test("edges of the graph outlive tensors, and nodes carry notes")
    func edges() {
        var y: Tensor? = x * 2
        let edge = GradientEdge(y!)!
        let leaf = GradientEdge(x)!
        #expect(edge.node.name == "MulBackward" && edge.outputNumber == 0 && leaf.node.name == "AccumulateGrad")
        let z = (y! * y!).sum()
        y = nil
        let gradients = grad(outputs: [z], inputs: [edge, leaf])
        #expect(gradients[0]!.toArray(Double.self) == [4, 8, 12] && gradients[1]!.toArray(Double.self) == [8, 16, 24])
        #expect(message { _ = GradientEdge(Tensor([1.0])) }?.contains("does not require grad") == true)
        edge.node.metadata["layer"] = 3
        #expect(edge.node.metadata["layer"] as? Int == 3 && leaf.node.metadata.isEmpty)
    }

    @Test("a stale tensor's message names the operation and both versions")
    func versions() {
        let y = x * 1
        let z = y.sin().sum()
        y.add_(1)
        y.add_(1)
        let text = message { z.backward() }
        #expect(text?.contains("SinBackward") == true)
        #expect(text?.contains("it is at version 2, expected version 0") == true, "\(text ?? "")")
        x.markModified()
    }

    @Test("anomaly detection names the operation, and who called it where the program has symbols")
    func anomalies() {
        let zero = Tensor([0] as [Double], requiresGrad: true)
        let text = message { detectAnomaly { (zero.sqrt() * 0).sum().backward() } }
        #expect(text?.contains("SqrtBackward gave NaN as the gradient of its input 0") == true)
        #expect(text?.contains("the operation was called by") == true, "\(text ?? "")")
    }

    @Test("anomaly detection may be put on all tasks")
    func anomalyEverywhere() async {
        // In a process of its own, since other tests make NaN on purpose.
        await #expect(processExitsWith: .success) {
            let zero = Tensor([0.0], requiresGrad: true)
            setDetectAnomaly(true)
            precondition(isAnomalyDetectionEnabled)
            let found: Void? = try? withTensorErrors { (zero.sqrt() * 0).sum().backward() }
            setDetectAnomaly(false)
            precondition(found == nil && !isAnomalyDetectionEnabled)
            try withTensorErrors { (zero.sqrt() * 0).sum().backward() }
        }
    }

    @Test("complex: an implicit gradient is for real numbers alone; |z|² by its parts")
    func complex() throws {
        let z = makeTensor([2], dtype: .complex128, requiresGrad: true)
        #expect(message { z.sum().backward() }?.contains("complex") == true)
        (z * z.conj()).sum().backward(gradient: Tensor.ones([], dtype: .complex128))
        // The gradient of x² + y² is 2x + 2iy.
        try assertClose(z.grad!, z.detach() * 2)
        let real = Tensor([1, 2] as [Double], requiresGrad: true)
        (real * z.detach()).sum().backward(gradient: Tensor.ones([], dtype: .complex128))
        #expect(real.grad!.dtype == .float64 && real.grad!.allClose(z.detach().to(.float64)))
    }

    @Test("data: the values without the history, and how to exchange them")
    func data() {
        #expect(x.data.sharesStorage(with: x) && !x.data.requiresGrad)
        x.data = Tensor([5, 6, 7] as [Double])
        #expect(x.toArray(Double.self) == [5, 6, 7] && x.requiresGrad && x.isLeaf)
        #expect(message { x.data = Tensor([1.0, 2, 3]) }?.contains("float64") == true)
    }
}

@Suite("Forward mode and its kin")
struct ForwardModeTests {
    let x = Tensor([1, 2, 3] as [Double])
    let v = Tensor([1, -1, 0.5] as [Double])

    @Test("Jacobians and Hessians by rows and by columns are the same")
    func strategies() {
        let function = { (inputs: [Tensor]) in [inputs[0].outer(inputs[1]).sin(), inputs[0].sum()] }
        let inputs = [x, Tensor([0.5, 2] as [Double])]
        let rows = Autograd.jacobian(at: inputs, function)
        let columns = Autograd.jacobian(at: inputs, strategy: .forward, function)
        for (a, b) in zip(rows.joined(), columns.joined()) { #expect(a.shape == b.shape && a.allClose(b)) }
        let cubic = { (x: Tensor) in (x * x * x).sum() + x[0] * x[1] }
        #expect(Autograd.hessian(at: x, strategy: .forward, cubic).allClose(Autograd.hessian(at: x, cubic)))
    }

    @Test("a function linearised once, pushed in many directions")
    func linearised() {
        var runs = 0
        let (outputs, push) = Autograd.linearize(at: [x]) {
            runs += 1
            return [$0[0].square()]
        }
        #expect(outputs[0].toArray(Double.self) == [1, 4, 9])
        #expect(push([v])[0].toArray(Double.self) == [2, -4, 3])
        #expect(push([v * 2])[0].toArray(Double.self) == [4, -8, 6])
        #expect(runs == 1)
    }

    @Test("tangents go through views and writes in place, and can be differentiated")
    func duals() {
        withDualLevel { level in
            let dual = level.makeDual(x, tangent: v)
            let y = dual * 1
            y[1].mul_(10)
            y.add_(dual)
            #expect(level.unpackDual(y).tangent!.toArray(Double.self) == [2, -11, 1])
            #expect(level.unpackDual(noGrad { dual * 2 }).tangent == nil)
        }
        let w = Tensor([2] as [Double], requiresGrad: true)
        withDualLevel { level in
            let dual = level.makeDual(w, tangent: Tensor([1] as [Double]))
            level.unpackDual(dual * dual * dual).tangent!.backward()
        }
        #expect(w.grad!.item() == 12)
        let nested = message { withDualLevel { _ in withDualLevel { _ in } } }
        #expect(nested?.contains("nested") == true)
        let unfit = message { withDualLevel { _ = $0.makeDual(x, tangent: v[0...1]) } }
        #expect(unfit?.contains("[2]") == true)
    }

    private struct Exponential: CustomFunction {
        func forward(_ inputs: [Tensor], _ context: FunctionContext) -> [Tensor] { [inputs[0].exp()] }
        func setupContext(_ inputs: [Tensor], _ outputs: [Tensor], _ context: FunctionContext) {
            context.save(outputs[0])
        }
        func backward(_ gradients: [Tensor?], _ context: FunctionContext) -> [Tensor?] {
            [gradients[0]! * context.saved[0]]
        }
        // Thrice what it should be, to be seen.
        func jvp(_ tangents: [Tensor?], _ context: FunctionContext) -> [Tensor?]? {
            [tangents[0]! * context.saved[0] * 3]
        }
    }

    @Test("custom functions: a context set up apart, and a tangent rule of their own")
    func custom() throws {
        try gradcheck([x]) { Exponential().apply($0) }
        withDualLevel { level in
            let y = Exponential()(level.makeDual(x, tangent: v))
            #expect(level.unpackDual(y).tangent!.allClose(x.exp() * v * 3))
        }
    }

    @Test("checkpoints in segments")
    func segments() {
        let w = Tensor([0.5] as [Double], requiresGrad: true)
        var runs = 0
        let functions: [(Tensor) -> Tensor] = (0..<5).map { _ in
            {
                runs += 1
                return ($0 * w).sin()
            }
        }
        let plain = grad(of: functions.reduce(x) { $1($0) }.sum(), for: w)
        runs = 0
        let y = checkpointSequential(functions, segments: 2, x).sum()
        #expect(runs == 5)
        #expect(grad(of: y, for: w).equal(plain) && runs == 7)
        #expect(message { _ = checkpointSequential(functions, segments: 6, x) }?.contains("6 segments") == true)
    }
}
