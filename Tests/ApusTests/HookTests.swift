import Apus
import Testing

@Suite("Hooks")
struct HookTests {
    @Test("hooks of a tensor see its gradient once a pass, and may replace it")
    func tensorHooks() {
        let x = Tensor([1.0, 2], requiresGrad: true)
        var seen: [[Float]] = []
        let first = x.registerHook {
            seen.append($0.toArray(Float.self))
            return $0 * 10
        }
        (x * x + x).sum().backward()
        #expect(seen == [[3, 5]])
        #expect(x.grad!.toArray(Float.self) == [30, 50])
        first.remove()
        x.grad = nil
        (x * x).sum().backward()
        #expect(seen.count == 1 && x.grad!.toArray(Float.self) == [2, 4])
    }

    @Test("a gradient that nobody else holds becomes the leaf's grad without a copy")
    func ownership() throws {
        let x = Tensor.ones([1000], device: .cpu, requiresGrad: true)
        var address: UnsafeRawPointer?
        x.registerHook {
            address = try? $0.withUnsafeBytes { $0.baseAddress }
            return nil
        }
        x.exp().sum().backward()
        #expect(try x.grad!.withUnsafeBytes { $0.baseAddress } == address)
    }

    @Test("hooks of a node see what goes in and comes out")
    func nodeHooks() {
        let x = Tensor([3.0], requiresGrad: true)
        let y = x * x
        var log: [String] = []
        y.gradFn!.registerPrehook { gradients in
            log.append("before \(gradients[0]!.item())")
            return [gradients[0]! * 2]
        }
        let handle = y.gradFn!.registerHook { inputs, outputs in
            log.append("after \(inputs[0]!.item()) \(outputs[0]!.item())")
            return [inputs[0]! + 1, nil]
        }
        (y * 5).sum().backward(retainGraph: true)
        #expect(log == ["before 5.0", "after 30.0 10.0"])
        #expect(x.grad!.item() == 31)
        handle.remove()
        x.grad = nil
        y.backward()
        #expect(x.grad!.item() == 12)
    }

    @Test("hooks over several tensors run once a pass")
    func groups() {
        let x = Tensor([1.0], requiresGrad: true)
        let y = Tensor([2.0], requiresGrad: true)
        let z = Tensor([3.0], requiresGrad: true)
        var all: [[Double?]] = []
        var any = 0
        registerMultiGradHook([x, y, z]) { gradients in all.append(gradients.map { $0?.item() }) }
        registerMultiGradHook([x, y, z], mode: .any) { _ in any += 1 }
        (x * y).sum().backward()
        #expect(all == [[2, 1, nil]])
        (x * y * z).sum().backward()
        #expect(all.last == [6, 3, 2])
        #expect(any == 2)
    }

    @Test("post-accumulate hooks may step and free at once")
    func postAccumulate() {
        let w = Tensor([1.0], requiresGrad: true)
        w.registerPostAccumulateGradHook { gradient in
            noGrad { _ = w.sub_(gradient * 0.5) }
            w.grad = nil
        }
        (w * 4).sum().backward()
        #expect(w.item() == -1 && w.grad == nil)
        let computed = w * 2
        #expect(throws: TensorError.self) {
            try withTensorErrors { _ = computed.registerPostAccumulateGradHook { _ in } }
        }
    }

    @Test("saved tensors go through hooks")
    func savedTensors() {
        let x = Tensor([1.0, 2, 3], requiresGrad: true)
        var (packed, unpacked) = (0, 0)
        let y = withSavedTensorHooks(
            pack: { tensor -> [Float] in
                packed += 1
                return tensor.toArray(Float.self)
            },
            unpack: { values -> Tensor in
                unpacked += 1
                return Tensor(values)
            }
        ) { (x.exp() * x).sum() }
        #expect(packed == 3 && unpacked == 0)
        y.backward()
        #expect(unpacked == 3)
        let expected = [1.0, 2, 3].map { (1 + $0) * Double(Float($0).exponential) }
        #expect(zip(x.grad!.toArray(Float.self), expected).allSatisfy { abs(Double($0) - $1) < 1e-4 * $1 })
        let z = saveOnCPU { x.square().sum() }
        x.grad = nil
        z.backward()
        #expect(x.grad!.toArray(Float.self) == [2, 4, 6])
        #expect(throws: TensorError.self) {
            try withTensorErrors { disableSavedTensorHooks("not here") { saveOnCPU {} } }
        }
    }

    @Test("anomaly detection names the operation and its callers")
    func anomaly() {
        let x = Tensor([0.0, 1], requiresGrad: true)
        let error = #expect(throws: TensorError.self) {
            try withTensorErrors { detectAnomaly { (x.sqrt() * Tensor([0.0, 1])).sum().backward() } }
        }
        #expect(error?.message.contains("SqrtBackward gave NaN as the gradient of its input 0") == true)
        #expect(!isAnomalyDetectionEnabled)
        x.grad = nil
        (x.sqrt() * Tensor([0.0, 1])).sum().backward()
        #expect(x.grad![0].item().isNaN)
        let w = Tensor([2.0], requiresGrad: true)
        let stale = #expect(throws: TensorError.self) {
            try withTensorErrors {
                detectAnomaly {
                    let y = w * 1
                    let z = y.square()
                    y.add_(1)
                    z.backward()
                }
            }
        }
        #expect(stale?.message.contains("modified in place") == true)
    }
}

extension Float {
    fileprivate var exponential: Float { Tensor([self]).exp().item(Float.self) }
}
