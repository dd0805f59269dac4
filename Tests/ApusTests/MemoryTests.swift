import Apus
import Testing

/// In a process of its own, where no other test makes tensors.
@Suite("Memory of many training steps")
struct MemoryTests {
    @Test("10,000 steps leave neither blocks nor bytes behind")
    func steps() async {
        await #expect(processExitsWith: .success) {
            let w = Tensor.randn(8, 8, requiresGrad: true)
            let x = Tensor.randn(4, 8)
            /// What a program may do in a step: a graph, hooks, double backward, views and writes, checkpoints, duals.
            func step(_ number: Int) {
                let y = x.matmul(w).tanh()
                y.registerHook { _ in nil }
                y.gradFn!.registerHook { _, _ in nil }
                y.retainGrad()
                y.exp().sum().backward()
                let z = w * 1
                z[0].mul_(2)
                let first = grad(of: (Doubling()(z).exp() * z).sum(), for: w, createGraph: true)
                if number % 2 == 0 { first.square().sum().backward() }
                if number % 5 == 0 {
                    checkpoint(w) { ($0 * $0).exp() }.sum().backward()
                    _ = withDualLevel { $0.unpackDual($0.makeDual(w, tangent: w.detach()).exp()).tangent }
                }
                w.grad = nil
            }
            step(0)
            let before = Runtime.memoryStats
            for number in 1...10_000 {
                step(number)
                let now = Runtime.memoryStats
                precondition(
                    now.count == before.count && now.inUse == before.inUse,
                    "step \(number): \(before.count) blocks became \(now.count), \(before.inUse) bytes \(now.inUse)")
            }
        }
    }
}

private struct Doubling: CustomFunction {
    func forward(_ inputs: [Tensor], _ context: FunctionContext) -> [Tensor] {
        context.save(inputs[0])
        return [inputs[0] * 2]
    }

    func backward(_ gradients: [Tensor?], _ context: FunctionContext) -> [Tensor?] {
        [gradients[0]! * 2 + context.saved[0] * 0]
    }
}
