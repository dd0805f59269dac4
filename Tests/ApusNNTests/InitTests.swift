import Apus
import ApusNN
import TestSupport
import Testing

@Suite("First values and gradient clipping")
struct InitTests {
    private func deviation(_ t: Tensor) -> Double { t.detach().std().item() }

    @Test("deviations and bounds are those of the papers")
    func laws() {
        let generator = Generator(seed: 2)
        let w = Tensor.zeros(200, 300)
        #expect(Init.fanInAndFanOut(Tensor.zeros(4, 3, 2, 5)) == (30, 40))
        Init.xavierUniform_(w, gain: 2, generator: generator)
        #expect(w.abs().max().item() <= 2 * (6 / 500.0).squareRoot())
        #expect(abs(deviation(w) - 2 * (2 / 500.0).squareRoot()) < 2e-3)
        Init.xavierNormal_(w, generator: generator)
        #expect(abs(deviation(w) - (2 / 500.0).squareRoot()) < 1e-3)
        Init.kaimingNormal_(w, mode: .fanOut, nonlinearity: .relu, generator: generator)
        #expect(abs(deviation(w) - (2 / 200.0).squareRoot()) < 1e-3)
        Init.kaimingUniform_(w, nonlinearity: .leakyRelu(5.0.squareRoot()), generator: generator)
        #expect(w.abs().max().item() <= 1 / 300.0.squareRoot())
        Init.truncNormal_(w, mean: 1, std: 2, low: 0, high: 1.5, generator: generator)
        #expect(w.min().item() >= 0 && w.max().item() <= 1.5)
        Init.truncNormal_(w, generator: generator)
        // The deviation of a standard normal variable cut at ±2.
        #expect(abs(deviation(w) - 0.8796) < 5e-3)
        #expect(Init.eye_(Tensor.ones(2, 3)).equal(Tensor([[1.0, 0, 0], [0, 1, 0]])))
        #expect(Init.constant_(Tensor.ones(2), 3).equal(Tensor([3.0, 3.0])))
        #expect(Init.Nonlinearity.tanh.gain == 5.0 / 3)
        let leaf = Tensor.zeros(3).requiresGrad_()
        #expect(Init.ones_(leaf) === leaf && leaf.isLeaf)
    }

    @Test("gradients are clipped by their common norm")
    func clipping() throws {
        let parameters = [Tensor.zeros(2).requiresGrad_(), Tensor.zeros(1).requiresGrad_(), Tensor.zeros(3)]
        parameters[0].grad = Tensor([3.0, 0.0])
        parameters[1].grad = Tensor([4.0])
        #expect(clipGradNorm_(parameters, maxNorm: 10).item() == 5)
        #expect(parameters[0].grad!.equal(Tensor([3.0, 0.0])))
        clipGradNorm_(parameters, maxNorm: 1)
        try expectEqual(parameters[0].grad!, Tensor([0.6, 0.0]), "first")
        try expectEqual(parameters[1].grad!, Tensor([0.8]), "second")
        try expectEqual(clipGradNorm_(parameters, maxNorm: 1, normType: .infinity), Tensor(Float(0.8)), "greatest")
        clipGradValue_(parameters, clipValue: 0.7)
        #expect(parameters[1].grad!.item(Float.self) == 0.7)
        #expect(clipGradNorm_([], maxNorm: 1).item() == 0)
    }

    @Test("parameters and vectors")
    func vectors() {
        let layer = Linear(2, 2)
        vectorToParameters(Tensor([1.0, 2, 3, 4, 5, 6]), layer.parameters())
        #expect(layer.weight.detach().equal(Tensor([[1.0, 2], [3, 4]])))
        #expect(layer.bias!.detach().equal(Tensor([5.0, 6])))
        let vector = parametersToVector(layer.parameters())
        #expect(vector.toArray(Float.self) == [1, 2, 3, 4, 5, 6])
        vector.square().sum().backward()
        #expect(layer.bias!.grad!.equal(Tensor([10.0, 12])))
        #expect(throws: TensorError.self) {
            try withTensorErrors { vectorToParameters(.ones(5), layer.parameters()) }
        }
    }
}
