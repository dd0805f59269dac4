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

/// What PyTorch's tape does, row by row of its documentation; values worked out there.
@Suite("The tape does what PyTorch's does")
struct AutogradSemanticsTests {
    @Test("gradients are summed over broadcast dims")
    func broadcasting() {
        let a = Tensor.ones(3, 1, requiresGrad: true)
        let b = Tensor.ones(4, requiresGrad: true)
        (a * b * 2).sum().backward()
        #expect(a.grad!.shape == [3, 1] && a.grad!.toArray(Float.self) == [8, 8, 8])
        #expect(b.grad!.shape == [4] && b.grad!.toArray(Float.self) == [6, 6, 6, 6])
    }

    @Test("only floats and complex numbers require grad")
    func dtypes() {
        #expect(message { _ = Tensor([1, 2]).requiresGrad_() }?.contains("int64") == true)
        #expect(Tensor.zeros([2], dtype: .complex64).requiresGrad_().requiresGrad)
        let x = Tensor([1.5], requiresGrad: true)
        #expect(!x.to(.int64).requiresGrad && !(x .> 1).requiresGrad && !x.argmax().requiresGrad)
        let half = x.to(.float16)
        half.sum().backward()
        #expect(half.requiresGrad && x.grad?.dtype == .float32)
    }

    @Test("backward needs a gradient where there is more than one element, and one that fits")
    func roots() {
        let x = Tensor.ones(2, requiresGrad: true)
        #expect(message { (x * 2).backward() }?.contains("more than one element") == true)
        #expect(message { (x * 2).backward(gradient: Tensor.ones(3)) }?.contains("[3]") == true)
        #expect(message { Tensor.ones(2).backward() }?.contains("does not require grad") == true)
        (x * 2).backward(gradient: Tensor([1.0, 10]))
        #expect(x.grad!.toArray(Float.self) == [2, 20])
    }

    @Test("grad(): unused inputs, several outputs, nothing accumulated")
    func grads() {
        let (x, y) = (Tensor([2.0], requiresGrad: true), Tensor([3.0], requiresGrad: true))
        let results = grad(outputs: [x * x, x * 5], inputs: [x, y], allowUnused: true)
        #expect(results[0]!.item() == 9 && results[1] == nil && x.grad == nil)
        #expect(message { _ = grad(outputs: [x * x], inputs: [y]) }?.contains("allowUnused") == true)
        let middle = x * y
        #expect(grad(of: middle * middle, for: middle).item() == 12)
        (x * x * y).backward(inputs: [y])
        #expect(x.grad == nil && y.grad!.item() == 4)
    }

    @Test("a graph of the gradients, to the third derivative")
    func higherDerivatives() {
        let x = Tensor([2] as [Double], requiresGrad: true)
        let y = (x * x * x * x).sum()
        let first = grad(of: y, for: x, createGraph: true)
        let second = grad(of: first, for: x, createGraph: true)
        let third = grad(of: second, for: x, retainGraph: true)
        #expect([first, second, third].map { $0.item() } == [32, 48, 48])
        y.backward(createGraph: true)
        #expect(x.grad!.requiresGrad)
    }

    @Test("leaves, retained gradients, detaching")
    func leaves() {
        let x = Tensor([1.0], requiresGrad: true)
        let y = x * 2
        #expect(x.isLeaf && x.gradFn == nil && !y.isLeaf && y.gradFn?.name == "MulBackward")
        y.retainGrad()
        (y * 3).backward()
        #expect(y.retainsGrad && y.grad!.item() == 3 && !x.retainsGrad)
        let cut = y.detach()
        #expect(cut.isLeaf && !cut.requiresGrad && cut.sharesStorage(with: y))
        let z = x * 4
        z.detach_()
        #expect(!z.requiresGrad && z.isLeaf)
        #expect(message { z.requiresGrad = true } == nil)
        #expect(message { y.requiresGrad = false }?.contains("only leaves") == true)
        #expect(message { x[0...].detach_() }?.contains("view") == true)
    }

    @Test("modes")
    func modes() {
        let x = Tensor([1.0], requiresGrad: true)
        #expect(isGradEnabled && !noGrad { (x * 2).requiresGrad } && !inferenceMode { (x * 2).requiresGrad })
        #expect(noGrad { enableGrad { (x * 2).requiresGrad } })
        #expect(withGradMode(false) { isGradEnabled } == false)
        let made = noGrad { x * 2 }
        #expect(message { _ = made.requiresGrad_() } == nil && made.isLeaf)
    }

    @Test("version counters")
    func versions() {
        let x = Tensor.ones(3)
        let before = x.version
        x.add_(1)
        x[0] = 5
        #expect(x.version == before + 2 && x[1...].version == x.version && x.detach().version == x.version)
        let w = Tensor([2.0], requiresGrad: true)
        let y = w * 1
        let z = y.exp()
        // exp saves its result, so changing the operand is fine and changing the result is not.
        y.add_(1)
        z.sum().backward(retainGraph: true)
        z.mul_(2)
        #expect(message { z.sum().backward() }?.contains("ExpBackward needs was modified in place") == true)
    }

    @Test("writes in place: leaves, views, and what was saved")
    func inPlace() {
        let x = Tensor.ones(3, requiresGrad: true)
        #expect(message { x.add_(1) }?.contains("leaf") == true)
        #expect(message { x[0].mul_(2) }?.contains("view of a leaf") == true)
        let y = x * 2
        y[1].mul_(10)
        y[2] = 0
        y.sum().backward()
        #expect(x.grad!.toArray(Float.self) == [2, 20, 0])
        #expect(y.gradFn?.name == "CopySlices")
        let base = x * 1
        let view = base[0...1]
        base.mul_(3)
        #expect(view.gradFn?.name == "AsStridedBackward")
        x.grad = nil
        view.sum().backward()
        #expect(x.grad!.toArray(Float.self) == [3, 3, 0])
        let made = noGrad { base[0] }
        #expect(message { made.add_(x[0] * 1) }?.contains("noGrad") == true)
    }

    @Test("the graph can be walked by hand")
    func nodes() {
        let x = Tensor([1.0], requiresGrad: true)
        let y = Tensor([1.0])
        let node = (x.exp() * y).gradFn!
        #expect(node.nextFunctions.map { $0.node?.name } == ["ExpBackward", nil])
        #expect(node.nextFunctions[0].node!.nextFunctions[0].node!.name == "AccumulateGrad")
        let parts = Tensor.ones(4, requiresGrad: true).max(dim: 0)
        #expect(parts.values.gradFn!.name == "MaxBackward" && !parts.indices.requiresGrad)
    }
}
