import Apus
import ApusNN
import TestSupport
import Testing

@Suite("Layers")
struct LayerTests {
    @Test("linear layers and convolutions start by PyTorch's law")
    func initialisation() {
        let linear = Linear(400, 300, generator: Generator(seed: 1))
        let bound = 1 / 20.0
        for values in [linear.weight, linear.bias!].map({ $0.toArray(Double.self) }) {
            #expect(values.allSatisfy { abs($0) <= bound })
            #expect(values.max()! > bound * 0.95 && values.min()! < -bound * 0.95)
        }
        #expect(abs(linear.weight.detach().std().item() - bound / 3.0.squareRoot()) < 2e-4)
        let conv = Conv2d(8, 16, kernelSize: [3, 2], groups: 2, generator: Generator(seed: 1))
        #expect(conv.weight.shape == [16, 4, 3, 2])
        #expect(conv.weight.detach().abs().max().item() <= 1 / 24.0.squareRoot())
        #expect(conv.weight.detach().abs().max().item() > 0.9 / 24.0.squareRoot())
        let table = Embedding(1000, 50, paddingIdx: -1, generator: Generator(seed: 1))
        #expect(abs(table.weight.detach().std().item() - 1) < 0.02)
        #expect(table.weight.detach()[-1].equal(.zeros(50)))
        #expect(table.weight.requiresGrad && table.weight.isLeaf)
    }

    @Test("equal seeds give equal layers")
    func seeds() {
        let layers = [1, 1, 2].map { Linear(5, 5, generator: Generator(seed: $0)) }
        #expect(layers[0].weight.equal(layers[1].weight))
        #expect(!layers[0].weight.equal(layers[2].weight))
    }

    @Test("shapes")
    func shapes() {
        let images = Tensor.randn(2, 3, 8, 8)
        let cases: [(Module, Tensor, [Int])] = [
            (Linear(8, 5), images, [2, 3, 8, 5]),
            (Conv2d(3, 6, kernelSize: 3, stride: 2, padding: 1), images, [2, 6, 4, 4]),
            (Conv2d(3, 6, kernelSize: [1, 3], dilation: [1, 2]), images, [2, 6, 8, 4]),
            (MaxPool2d(2), images, [2, 3, 4, 4]),
            (MaxPool2d(kernelSize: 3, stride: 2, ceilMode: true), images, [2, 3, 4, 4]),
            (AvgPool2d(kernelSize: 3, stride: 1, padding: 1), images, [2, 3, 8, 8]),
            (AdaptiveAvgPool2d([3, 5]), images, [2, 3, 3, 5]),
            (BatchNorm2d(3), images, [2, 3, 8, 8]),
            (LayerNorm([8, 8]), images, [2, 3, 8, 8]),
            (Flatten(), images, [2, 192]),
            (Unflatten(dim: 1, sizes: [3, -1]), Tensor.ones(2, 12), [2, 3, 4]),
            (Embedding(10, 4), Tensor([[1, 2, 3]]), [1, 3, 4]),
            (BatchNorm1d(3), Tensor.randn(4, 3), [4, 3]),
        ]
        for (module, x, shape) in cases { #expect(module(x).shape == shape, "\(module)") }
    }

    @Test("activations are the functions of their names")
    func activations() throws {
        let x = Tensor.randn(4, 5)
        let cases: [(Module, Tensor)] = [
            (ReLU(), x.relu()), (ReLU6(), x.relu6()), (LeakyReLU(negativeSlope: 0.2), x.leakyRelu(0.2)),
            (ELU(alpha: 2), x.elu(2)), (CELU(), x.celu(1)), (SELU(), x.selu()), (GELU(), x.gelu()),
            (GELU(approximate: .tanh), x.geluTanh()), (SiLU(), x.silu()), (Mish(), x.mish()), (Tanh(), x.tanh()),
            (Sigmoid(), x.sigmoid()), (LogSigmoid(), x.logSigmoid()), (Softmax(dim: 1), x.softmax(dim: 1)),
            (LogSoftmax(dim: 0), x.logSoftmax(dim: 0)), (Softplus(), x.softplus()), (Hardswish(), x.hardswish()),
            (Hardsigmoid(), x.hardsigmoid()), (Hardtanh(), x.hardtanh()), (Softsign(), x.softsign()),
            (Tanhshrink(), x.tanhshrink()), (Hardshrink(), x.hardshrink(0.5)), (Softshrink(), x.softshrink(0.5)),
            (Identity(), x),
        ]
        for (module, expected) in cases { #expect(module(x).equal(expected), "\(module)") }
        let soft = Softplus(beta: 2)(x)
        try expectEqual(soft, (x * 2).softplus() / 2, "softplus")
    }

    @Test("dropout drops by chance in training only, and keeps the mean")
    func dropout() {
        let x = Tensor.ones(200, 200)
        let layer = Dropout(p: 0.25, generator: Generator(seed: 5))
        let y = layer(x)
        let dropped = (y .== 0).sum().item() / 40_000
        #expect(abs(dropped - 0.25) < 0.01)
        #expect(abs(y.mean().item() - 1) < 0.02)
        #expect(Set(y.toArray(Float.self)) == [0, 4.0 / 3])
        #expect(!layer(x).equal(y))
        #expect(Dropout(p: 0.25, generator: Generator(seed: 5))(x).equal(y))
        #expect(Dropout(p: 1)(x).equal(.zeros(200, 200)))
        #expect(Dropout(p: 0)(x).equal(x))
        layer.eval()
        #expect(layer(x) === x)
    }

    @Test("batch norm moves its running values in training, and uses them after")
    func batchNorm() throws {
        let x = Tensor.randn([16, 3], dtype: .float64, generator: Generator(seed: 1)) * 2 + 5
        let layer = BatchNorm1d(3, momentum: 0.5, dtype: .float64)
        let y = layer(x)
        try expectEqual(y.mean(0), .zeros([3], dtype: .float64), tolerance: .init(relative: 0, absolute: 1e-12), "mean")
        try expectEqual(layer.runningMean!, x.mean(0) * 0.5, "running mean")
        try expectEqual(layer.runningVar!, x.var(0) * 0.5 + 0.5, "running variance")
        #expect(layer.numBatchesTracked!.item(Int.self) == 1)
        layer.eval()
        let expected = (x - layer.runningMean!) / (layer.runningVar! + 1e-5).sqrt()
        try expectEqual(layer(x), expected, "evaluation")
        #expect(layer.numBatchesTracked!.item(Int.self) == 1)

        let average = BatchNorm1d(3, momentum: nil, dtype: .float64)
        _ = average(x)
        _ = average(x * 3)
        try expectEqual(average.runningMean!, x.mean(0) * 2, "average of means")
        let untracked = BatchNorm1d(3, affine: false, trackRunningStats: false)
        #expect(untracked.stateDict().isEmpty)
        untracked.eval()
        #expect(abs(untracked(x.float()).mean().item()) < 1e-6)
    }

    @Test("attention: queries that see no key give zeros, fused or not; mistakes are refused")
    func attention() throws {
        let (q, k, v) = (Tensor.randn(2, 4).requiresGrad_(), Tensor.randn(3, 4), Tensor.randn(3, 5))
        let hidden = -Double.infinity
        let mask = Tensor([[0, hidden, 1], [hidden, hidden, hidden]], dtype: .float32)
        let fused = F.scaledDotProductAttention(q, k, v, attnMask: mask)
        #expect(fused[1].equal(.zeros(5)))
        // A mask that learns takes the way of tensor operations.
        let composed = F.scaledDotProductAttention(q, k, v, attnMask: mask.clone().requiresGrad_())
        try expectEqual(composed.detach(), fused.detach(), tolerance: .init(relative: 1e-5, absolute: 1e-6), "composed")
        composed.sum().backward()
        #expect(q.grad![1].equal(.zeros(4)))
        mask.add_(1)
        #expect(throws: TensorError.self) { try withTensorErrors { fused.sum().backward() } }
        #expect(throws: TensorError.self) {
            try withTensorErrors { _ = F.scaledDotProductAttention(q, k, v, attnMask: mask, isCausal: true) }
        }
        let heads = [4, 2].map { Tensor.randn($0, 3, 4) }
        #expect(throws: TensorError.self) {
            try withTensorErrors { _ = F.scaledDotProductAttention(heads[0], heads[1], heads[1]) }
        }
        let none = Tensor.ones(0, 3, 4)
        #expect(throws: TensorError.self) {
            try withTensorErrors {
                _ = F.scaledDotProductAttention(heads[0], none, none, dropoutP: 0.5, enableGQA: true)
            }
        }
    }

    @Test("one-hot vectors")
    func oneHot() {
        #expect(F.oneHot(Tensor([0, 2])).equal(Tensor([[1, 0, 0], [0, 0, 1]])))
        #expect(F.oneHot(Tensor([[1]]), numClasses: 2).shape == [1, 1, 2])
        #expect(throws: TensorError.self) { try withTensorErrors { _ = F.oneHot(Tensor([3]), numClasses: 3) } }
    }

    @Test("losses as modules are the functions of their names")
    func losses() {
        let (x, y) = (Tensor.randn(4, 3), Tensor.rand(4, 3))
        let (classes, weight) = (Tensor([0, 2, 1, 1]), Tensor([0.5, 1.0, 2.0]))
        let cases: [(Loss, Tensor, Tensor, Tensor)] = [
            (CrossEntropyLoss(weight: weight), x, classes, F.crossEntropy(x, classes, weight: weight)),
            (NLLLoss(reduction: .sum), x, classes, F.nllLoss(x, classes, reduction: .sum)),
            (MSELoss(), x, y, F.mseLoss(x, y)), (L1Loss(reduction: .none), x, y, F.l1Loss(x, y, reduction: .none)),
            (SmoothL1Loss(beta: 0.5), x, y, F.smoothL1Loss(x, y, beta: 0.5)),
            (HuberLoss(delta: 0.5), x, y, F.huberLoss(x, y, delta: 0.5)),
            (BCELoss(), x.sigmoid(), y, F.binaryCrossEntropy(x.sigmoid(), y)),
            (BCEWithLogitsLoss(posWeight: weight), x, y, F.binaryCrossEntropyWithLogits(x, y, posWeight: weight)),
            (KLDivLoss(reduction: .batchMean), x, y, F.klDiv(x, y, reduction: .batchMean)),
        ]
        for (loss, input, target, expected) in cases { #expect(loss(input, target).equal(expected), "\(loss)") }
        #expect(BCEWithLogitsLoss(posWeight: weight).stateDict().names == ["pos_weight"])
    }
}
