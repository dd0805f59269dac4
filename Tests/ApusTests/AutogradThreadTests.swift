import Apus
import TestSupport
import Testing

@Suite("Many tasks at once")
struct AutogradThreadTests {
    @Test("tasks with graphs of their own share parameters")
    func sharedParameters() async {
        let generator = Generator(seed: 1)
        let w = Tensor.randn([16, 16], dtype: .float64, generator: generator).requiresGrad_()
        let x = Tensor.randn([8, 16], dtype: .float64, generator: generator)
        let loss: @Sendable () -> Tensor = { x.matmul(w).tanh().matmul(w.t()).square().sum() }
        let expected = grad(of: loss(), for: w)
        await withTaskGroup(of: Bool.self) { group in
            for task in 0..<16 {
                group.addTask {
                    for _ in 0..<20 {
                        let gradient = task % 2 == 0 ? grad(of: loss(), for: w) : noGrad { expected }
                        guard gradient.equal(expected) else { return false }
                    }
                    return true
                }
            }
            for await isEqual in group { #expect(isEqual) }
        }
        // Backward passes that add to the same grad at once: every one of them counts.
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<16 { group.addTask { for _ in 0..<10 { loss().backward() } } }
        }
        #expect(w.grad!.allClose(expected * 160, rtol: 1e-9))
    }

    @Test("tasks find a view whose base was written to meanwhile")
    func staleViews() async {
        for _ in 0..<50 {
            let x = Tensor([1.0, 2, 3], requiresGrad: true)
            let y = x * 1
            let view = y[1...]
            y.mul_(5)
            await withTaskGroup(of: Bool.self) { group in
                for _ in 0..<8 {
                    group.addTask { grad(of: view.sum(), for: x, retainGraph: true).equal(Tensor([0.0, 5, 5])) }
                }
                for await isRight in group { #expect(isRight) }
            }
        }
    }

    @Test("grad mode, autocast and anomaly mode belong to the task")
    func modes() async {
        let x = Tensor([1.0], requiresGrad: true)
        await withTaskGroup(of: Bool.self) { group in
            for task in 0..<8 {
                group.addTask {
                    let work: () async -> Bool = {
                        await Task.yield()
                        return (x * 2).requiresGrad
                    }
                    return task % 2 == 0 ? await noGrad(work) == false : await work()
                }
            }
            for await isRight in group { #expect(isRight) }
        }
        autocast {
            #expect(isAutocastEnabled)
            detectAnomaly { #expect(isAnomalyDetectionEnabled && isAutocastEnabled) }
        }
    }

    @Test("modes follow a task that hops threads, and its children; others do not see them")
    func hopping() async {
        let x = Tensor([1.0], requiresGrad: true)
        await withTaskGroup(of: Bool.self) { group in
            for number in 0..<16 {
                group.addTask {
                    let isOn = number % 2 == 0
                    let check: @Sendable () async -> Bool = {
                        for _ in 0..<20 {
                            await Task.yield()
                            async let child = (x * 2).requiresGrad
                            if await child != isOn || isGradEnabled != isOn { return false }
                        }
                        return true
                    }
                    return isOn ? await enableGrad(check) : await noGrad(check)
                }
            }
            for await isRight in group { #expect(isRight) }
        }
        #expect(isGradEnabled)
        await inferenceMode { #expect(await Task { isInferenceModeEnabled }.value) }
        await Task.detached { #expect(isGradEnabled && !isInferenceModeEnabled) }.value
    }
}
