import Apus
import ApusNN
import ApusOptim
import Testing

/// Any OpenCL device, the processor's included; nil where there is none, and then there is nothing to test.
private let device = Device.devices.dropFirst().first

/// Attention of one head over a sequence, then a mean over the sequence.
private final class Attention: Module {
    private let query, key, value: Linear
    private let norm: LayerNorm

    init(_ width: Int, generator: Generator) {
        query = Linear(width, width, generator: generator)
        key = Linear(width, width, generator: generator)
        value = Linear(width, width, generator: generator)
        norm = LayerNorm(width)
    }

    override func forward(_ x: Tensor) -> Tensor {
        norm(x + F.scaledDotProductAttention(query(x), key(x), value(x))).mean(1)
    }
}

@Suite("Training on an OpenCL device", .serialized, .enabled(if: device != nil))
struct OpenCLTrainingTests {
    /// The losses of some steps on a device, where everything is made. Weights, data and chance come from one seed.
    private func losses(
        on device: Device, input: [Int], steps: Int = 20, _ model: (Generator) -> Module
    ) -> [Double] {
        withDefaultDevice(device) {
            let generator = Generator(seed: 5)
            let net = model(generator)
            let x = Tensor.randn(input, generator: generator)
            let y = Tensor.randint(0, 10, shape: [input[0]], generator: generator)
            let optimizer = Adam(net.parameters(), lr: 1e-3)
            return (0..<steps).map { _ in
                optimizer.zeroGrad()
                let loss = F.crossEntropy(net(x), y)
                loss.backward()
                optimizer.step()
                return loss.item()
            }
        }
    }

    /// On the device, with nothing run on the CPU, as on the CPU.
    private func expectSameLosses(_ input: [Int], _ model: (Generator) -> Module) throws {
        let device = try #require(device)
        let before = Runtime.fallbacks
        let (expected, actual) = (losses(on: .cpu, input: input, model), losses(on: device, input: input, model))
        #expect(Runtime.fallbacks == before)
        #expect(expected.last! < expected[0] * 0.95)
        for (a, b) in zip(actual, expected) { #expect(abs(a - b) < 1e-4 * b, "\(actual) \(expected)") }
    }

    @Test("a convolutional network has the losses that it has on the CPU")
    func convolutional() throws {
        try expectSameLosses([32, 1, 28, 28]) { g in
            Sequential(
                Conv2d(1, 8, kernelSize: 3, padding: 1, generator: g), BatchNorm2d(8), ReLU(), MaxPool2d(2),
                Conv2d(8, 16, kernelSize: 3, padding: 1, generator: g), ReLU(), MaxPool2d(2), Flatten(),
                Linear(16 * 7 * 7, 10, generator: g))
        }
    }

    @Test("so has a network with dropout, whose masks are the same")
    func dropout() throws {
        try expectSameLosses([64, 50]) { g in
            Sequential(
                Linear(50, 64, generator: g), Tanh(), Dropout(p: 0.3, generator: g), Linear(64, 64, generator: g),
                ReLU(), Dropout(p: 0.5, generator: g), Linear(64, 10, generator: g))
        }
        let device = try #require(device)
        let masks = [.cpu, device].map {
            Dropout(p: 0.3, generator: Generator(seed: 9))(Tensor.ones([1001], device: $0)).cpu().toArray(Float.self)
        }
        #expect(masks[0] == masks[1] && masks[0].contains(0))
    }

    @Test("so has a small model with attention")
    func attention() throws {
        try expectSameLosses([16, 12, 24]) { g in
            Sequential(Attention(24, generator: g), Linear(24, 10, generator: g))
        }
    }
}

/// In a process of its own, where no other test makes tensors.
@Suite("Memory of many training steps on an OpenCL device", .enabled(if: device != nil))
struct OpenCLMemoryTests {
    @Test("10,000 steps leave neither buffers nor bytes behind, on the device and beside it")
    func steps() async {
        await #expect(processExitsWith: .success) {
            let device = Device.devices[1]
            let net = Sequential(Linear(8, 8), Tanh(), Linear(8, 2)).to(device)
            let optimizer = SGD(net.parameters(), lr: 0.01, momentum: 0.9)
            let x = Tensor.randn(4, 8).to(device)
            let y = Tensor([0, 1, 1, 0]).to(device)
            func step() -> [Runtime.MemoryStats] {
                optimizer.zeroGrad()
                let loss = F.crossEntropy(net(x), y)
                loss.backward()
                optimizer.step()
                precondition(loss.item() < 10)
                return [device.memoryStats, Device.cpu.memoryStats]
            }
            _ = (step(), step())
            let before = step()
            for number in 1...10_000 {
                for (now, then) in zip(step(), before) {
                    precondition(
                        now.count == then.count && now.inUse == then.inUse,
                        "step \(number): \(then.count) blocks became \(now.count), \(then.inUse) bytes \(now.inUse)")
                }
            }
        }
    }
}
