import Apus
import TestSupport
import Testing

private func values(_ x: Tensor) -> [Double] { x.to(.float64).toArray(Double.self) }

private func isClose(_ a: [Double], _ b: [Double]) -> Bool {
    a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) <= 1e-9 * max(1, abs($1)) }
}

@Suite("Derivatives of functions")
struct TransformTests {
    let x = Tensor([1, 2, 3] as [Double])
    let v = Tensor([1, -1, 0.5] as [Double])
    /// Σ x³ with a mixed term: H = diag(6x) + the ones of x₀x₁.
    private func cubic(_ x: Tensor) -> Tensor { (x * x * x).sum() + x[0] * x[1] }

    @Test("values, gradients and products with the Jacobian")
    func firstOrder() {
        let (gradient, value) = Autograd.gradAndValue(at: x, cubic)
        #expect(value.item() == 38 && isClose(values(gradient), [5, 13, 27]))
        #expect(!value.requiresGrad && !x.requiresGrad)
        let (outputs, pulled) = Autograd.vjp(at: [x], vectors: [v]) { [$0[0].square()] }
        #expect(isClose(values(outputs[0]), [1, 4, 9]) && isClose(values(pulled[0]), [2, -4, 3]))
        let pushed = Autograd.jvp(at: [x], tangents: [v]) { [$0[0].square(), $0[0].sum(), Tensor([1.0])] }
        #expect(isClose(values(pushed.tangents[0]), [2, -4, 3]))
        #expect(pushed.tangents[1].item() == 0.5 && pushed.tangents[2].item() == 0)
    }

    @Test("Jacobians and Hessians")
    func matrices() {
        let jacobian = Autograd.jacobian(at: x) { Tensor.stack([$0.sum(), ($0 * $0).sum()]) }
        #expect(jacobian.shape == [2, 3] && isClose(values(jacobian), [1, 1, 1, 2, 4, 6]))
        let hessian = Autograd.hessian(at: x, cubic)
        #expect(hessian.shape == [3, 3] && isClose(values(hessian), [6, 1, 0, 1, 12, 0, 0, 0, 18]))
        let expected = [5.0, -11, 9]
        #expect(isClose(values(Autograd.vhp(at: [x], vectors: [v]) { cubic($0[0]) }.product[0]), expected))
        let (value, product) = Autograd.hvp(at: [x], vectors: [v]) { cubic($0[0]) }
        #expect(value.item() == 38 && isClose(values(product[0]), expected))
    }

    @Test("what comes out can be differentiated again where asked")
    func nested() {
        let p = Tensor([2] as [Double], requiresGrad: true)
        let slope = Autograd.gradAndValue(at: p, createGraph: true) { ($0 * $0 * $0).sum() }.gradient
        slope.sum().backward()
        #expect(p.grad!.item() == 12)
        let third = Autograd.jacobian(at: p.detach()) { p in
            Autograd.jacobian(at: p, createGraph: true) { p in
                Autograd.jacobian(at: p, createGraph: true) { p in p * p * p * p }
            }
        }
        #expect(third.numel == 1 && third.sum().item() == 48)
    }

    @Test("duals carry tangents forward")
    func duals() {
        withDualLevel { level in
            let x = level.makeDual(self.x, tangent: v)
            let y = (x.sin() * x).sum()
            let (primal, tangent) = level.unpackDual(y)
            let expected = zip([1.0, 2, 3], [1, -1, 0.5]).map { x, v in
                v * (Tensor([x] as [Double]).sin().item() + x * Tensor([x] as [Double]).cos().item())
            }
            #expect(abs(tangent!.item() - expected.reduce(0, +)) < 1e-9 && !primal.requiresGrad)
            #expect(level.unpackDual(Tensor([1.0])).tangent == nil)
            #expect(isClose(values(level.unpackDual(x).tangent!), values(v)))
            #expect(level.unpackDual(y * 2).tangent!.item() == 2 * tangent!.item())
        }
    }

    @Test("vmap maps over a dim")
    func mapping() {
        let rows = Tensor.arange(6, dtype: .float64).reshape(2, 3)
        #expect(isClose(values(vmap(rows) { $0.sum() }), [3, 12]))
        #expect(vmap(rows, inDim: 1, outDim: 1) { $0 * 2 }.equal(rows * 2))
        let dots = vmap([rows, x], inDims: [0, nil]) { [$0[0].dot($0[1])] }
        #expect(isClose(values(dots[0]), [8, 26]))
        #expect(throws: TensorError.self) { try withTensorErrors { _ = vmap([rows, x]) { $0 } } }
        // A gradient for each row.
        let perRow = vmap(rows) { row in Autograd.gradAndValue(at: row) { ($0 * $0).sum() }.gradient }
        #expect(perRow.equal(rows * 2))
    }

    @Test("checkpoints give the same gradients, with random numbers and nested")
    func checkpoints() {
        Generator().asDefault {
            let w = Tensor.randn([4, 4], dtype: .float64, requiresGrad: true)
            let input = Tensor.randn([2, 4], dtype: .float64, requiresGrad: true)
            func block(_ x: Tensor) -> Tensor {
                let mask = Tensor.bernoulli(0.5, shape: x.shape, dtype: .float64)
                return (x.matmul(w).tanh() * mask).exp()
            }
            func gradients(_ run: (Tensor) -> Tensor) -> [Tensor] {
                manualSeed(3)
                return grad(outputs: [run(input).square().sum()], inputs: [w, input]).map { $0! }
            }
            let plain = gradients { block(block($0)) }
            let once = gradients { checkpoint($0) { block(block($0)) } }
            let nested = gradients { checkpoint($0) { checkpoint(block($0)) { block($0) } } }
            for (a, (b, c)) in zip(plain, zip(once, nested)) { #expect(a.equal(b) && a.equal(c)) }
            let after = Generator.default.state
            manualSeed(3)
            _ = block(block(input))
            #expect(Generator.default.state == after)
        }
    }

    @Test("a checkpoint saves nothing inside, and higher derivatives go through it")
    func checkpointSaves() {
        var runs = 0
        let x = Tensor([0.5] as [Double], requiresGrad: true)
        let y = checkpoint(x) {
            runs += 1
            return $0.exp().sin() * $0
        }
        #expect(runs == 1)
        let first = grad(of: y, for: x, createGraph: true)
        #expect(runs == 2)
        let second = grad(of: first, for: x)
        let plain = { (x: Tensor) in x.exp().sin() * x }
        let expected = Autograd.hessian(at: x.detach()) { plain($0).sum() }
        #expect(abs(second.item() - expected.sum().item()) < 1e-12)

        var isSecond = false
        let error = #expect(throws: TensorError.self) {
            try withTensorErrors {
                checkpoint(x) { x in
                    defer { isSecond = true }
                    return isSecond ? x * 2 : x.exp().sin()
                }.backward()
            }
        }
        #expect(error?.message.contains("checkpoint") == true)
    }

    @Test("the picture of the tutorial's graph")
    func picture() {
        let x = Tensor.ones(2, 2, requiresGrad: true)
        let y = x + 2
        let z = (y * y).mean()
        let graph = AutogradGraph(of: z, names: ["x": x, "z": z])
        #expect(graph.boxes.map(\.label) == ["z []", "MeanBackward", "MulBackward", "AddBackward", "x [2, 2]"])
        #expect(graph.boxes.map(\.depth) == [0, 1, 2, 3, 4])
        #expect(graph.arrows.count == 5)  // the product leads to the sum twice
        #expect(graph.dot.hasPrefix("digraph autograd {") && graph.dot.contains("n3 -> n4;"))
        #expect(graph.svg.contains(">x [2, 2]</text>") && graph.svg.hasSuffix("</svg>\n"))
    }

    @Test("mixed precision follows the lists, and gradients reach float32 parameters")
    func autocasting() {
        let (a, w) = (Tensor.randn(3, 4), Tensor.randn(4, 2, requiresGrad: true))
        for dtype in [DType.bfloat16, .float16] {
            autocast(dtype) {
                let y = a.matmul(w)
                #expect(y.dtype == dtype && a.linear(w.t()).dtype == dtype)
                #expect(y.exp().dtype == .float32 && y.softmax(dim: 1).dtype == .float32 && y.sum().dtype == .float32)
                #expect((y + a.narrow(dim: 1, start: 0, length: 2)).dtype == .float32 && y.relu().dtype == dtype)
                #expect(autocast(isEnabled: false) { a.matmul(w).dtype } == .float32)
                w.grad = nil
                y.softmax(dim: 1).square().sum().backward()
                #expect(w.grad?.dtype == .float32)
            }
        }
        #expect(!isAutocastEnabled && a.matmul(w).dtype == .float32)
        let exact = Autograd.gradAndValue(at: w) { a.matmul($0).square().sum() }.gradient
        let low = autocast { Autograd.gradAndValue(at: w) { a.matmul($0).square().sum() }.gradient }
        #expect(low.allClose(exact, rtol: 0.05, atol: 0.3))
    }
}
