import Apus
import ApusNN
import ApusOptim
import Testing

@Suite("Training, end to end", .serialized)
struct TrainingTests {
    /// Two interleaved half circles with some noise.
    private func moons(_ count: Int, seed: UInt64) -> (x: Tensor, y: Tensor) {
        let generator = Generator(seed: seed)
        let angle = Tensor.rand(count, generator: generator) * Double.pi
        let y = Tensor.randint(0, 2, shape: [count], generator: generator)
        let side = y.float()
        let x0 = (angle.cos() * (1 - side * 2)) + side
        let x1 = (angle.sin() * (1 - side * 2)) + side * 0.5
        return (Tensor.stack([x0, x1], dim: 1) + Tensor.randn(count, 2, generator: generator) * 0.1, y)
    }

    @Test("a small network learns two moons")
    func moons() {
        let (x, y) = moons(512, seed: 1)
        let generator = Generator(seed: 2)
        let net = Sequential(
            Linear(2, 32, generator: generator), ReLU(), Linear(32, 32, generator: generator), ReLU(),
            Linear(32, 2, generator: generator))
        let optimizer = Adam(net.parameters(), lr: 0.01)
        var loss = Double.infinity
        for _ in 0..<200 {
            optimizer.zeroGrad()
            let value = F.crossEntropy(net(x), y)
            value.backward()
            optimizer.step()
            loss = value.item()
        }
        #expect(loss < 0.05)
        let (testX, testY) = moons(256, seed: 3)
        let accuracy = noGrad { (net(testX).argmax(dim: 1) .== testY).float().mean().item() }
        #expect(accuracy > 0.97)
    }

    /// The weights of a small convolutional network after some steps with everything that depends on chance.
    private func trained(threads: Int) -> [[Float]] {
        Runtime.numThreads = threads
        defer { Runtime.numThreads = 0 }
        let generator = Generator(seed: 4)
        let net = Sequential(
            Conv2d(1, 16, kernelSize: 3, padding: 1, generator: generator), BatchNorm2d(16), ReLU(), MaxPool2d(2),
            Conv2d(16, 32, kernelSize: 3, padding: 1, generator: generator), GELU(), AvgPool2d(2),
            Dropout(p: 0.2, generator: generator), Flatten(), Linear(32 * 7 * 7, 64, generator: generator),
            LayerNorm(64), Tanh(), Linear(64, 10, generator: generator))
        let x = Tensor.randn(64, 1, 28, 28, generator: generator)
        let y = Tensor.randint(0, 10, shape: [64], generator: generator)
        let optimizer = AdamW(net.parameters(), lr: 1e-3)
        for _ in 0..<4 {
            optimizer.zeroGrad()
            F.crossEntropy(net(x), y, labelSmoothing: 0.1).backward()
            clipGradNorm_(net.parameters(), maxNorm: 1)
            optimizer.step()
        }
        return net.stateDict().tensors.map { $0.toArray(Float.self) }
    }

    @Test("the same bits with 1 and with 2 threads")
    func threads() {
        let (one, two) = (trained(threads: 1), trained(threads: 2))
        for (a, b) in zip(one, two) { #expect(a.map(\.bitPattern) == b.map(\.bitPattern)) }
    }

    @Test("every option that PyTorch's training loop uses works together")
    func options() {
        let net = Sequential(
            Embedding(20, 8, paddingIdx: 0), Flatten(), Dropout(0.1), Linear(32, 4), LogSoftmax(dim: 1))
        let optimizer = SGD(net.parameters(), lr: 0.1, momentum: 0.9, nesterov: true)
        let scheduler = CosineAnnealingLR(optimizer, tMax: 30)
        let x = Tensor.randint(0, 20, shape: [16, 4], generator: Generator(seed: 1))
        let y = x.select(dim: 1, index: 0).remainder(4)
        let criterion = NLLLoss()
        var losses: [Double] = []
        for _ in 0..<30 {
            optimizer.zeroGrad()
            let loss = criterion(net(x), y)
            loss.backward()
            optimizer.step()
            scheduler.step()
            losses.append(loss.item())
        }
        #expect(losses.last! < losses[0] / 4)
        #expect(optimizer.learningRates[0] < 1e-12)
    }
}
