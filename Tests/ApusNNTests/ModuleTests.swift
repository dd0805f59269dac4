import Apus
import ApusNN
import Testing

/// All ways in which a module can hold tensors and modules.
private final class Net: Module {
    let conv1 = Conv2d(1, 2, kernelSize: 3, bias: false)
    var norm: BatchNorm2d? = BatchNorm2d(2)
    var nothing: Linear?
    let layers: [Module] = [Linear(4, 3), ReLU()]
    let heads = ["b": Linear(3, 1), "a": Linear(3, 2)]
    @Parameter var scale: Tensor
    @Parameter var shift: Tensor?
    @Buffer var offset: Tensor
    let count = 3

    override init() {
        scale = .ones(2)
        shift = nil
        offset = .zeros(3)
        super.init()
    }
}

private class Base: Module {
    let first = Linear(2, 2, bias: false)
}

private final class Derived: Base {
    let second = Linear(2, 2, bias: false)
    lazy var third = Linear(2, 2, bias: false)
    weak var parent: Module?
}

@Suite("Modules")
struct ModuleTests {
    @Test("names are those of the properties, in the order of PyTorch")
    func names() {
        let net = Net()
        #expect(
            net.namedParameters().map(\.name) == [
                "scale", "conv1.weight", "norm.weight", "norm.bias", "layers.0.weight", "layers.0.bias",
                "heads.a.weight", "heads.a.bias", "heads.b.weight", "heads.b.bias",
            ])
        #expect(
            net.namedBuffers().map(\.name) == [
                "offset", "norm.running_mean", "norm.running_var", "norm.num_batches_tracked",
            ])
        #expect(
            net.namedModules().map(\.name) == [
                "", "conv1", "norm", "layers.0", "layers.1", "heads.a", "heads.b",
            ])
        #expect(net.children().count == 6)
        #expect(net.parameterCount == 2 + 18 + 4 + 15 + 8 + 4)
        #expect(net.parameters().allSatisfy { $0.requiresGrad })
        #expect(net.buffers().allSatisfy { !$0.requiresGrad })
    }

    @Test("superclasses come first; a reference back to a parent is no child")
    func hierarchy() {
        let module = Derived()
        _ = module.third
        #expect(module.namedParameters().map(\.name) == ["first.weight", "second.weight", "third.weight"])
        module.parent = module
        #expect(module.namedParameters().count == 3)
    }

    @Test("replaced modules and optional parameters are seen")
    func changes() {
        let net = Net()
        net.norm = nil
        net.shift = .zeros(2)
        #expect(net.namedParameters().map(\.name).prefix(3) == ["scale", "shift", "conv1.weight"])
        #expect(net.shift!.requiresGrad)
    }

    @Test("a shared parameter counts once, and has both names in the state")
    func sharing() {
        let (a, b) = (Linear(2, 2, bias: false), Linear(2, 2, bias: false))
        b.weight = a.weight
        let net = Sequential(a, b, a)
        #expect(net.namedParameters().map(\.name) == ["0.weight"])
        #expect(net.stateDict().names == ["0.weight", "1.weight", "2.weight"])
        #expect(net.modules().count == 3)
    }

    @Test("modes reach every module")
    func modes() {
        let net = Net()
        #expect(net.modules().allSatisfy { $0.isTraining })
        net.eval()
        #expect(!net.modules().contains { $0.isTraining })
        net.train()
        #expect(net.modules().allSatisfy { $0.isTraining })
        var visited: [String] = []
        net.apply { visited.append("\(type(of: $0))") }
        #expect(visited == ["Conv2d", "BatchNorm2d", "Linear", "ReLU", "Linear", "Linear", "Net"])
    }

    @Test("frozen parameters get no gradient")
    func freezing() {
        let net = Sequential(Linear(3, 4), ReLU(), Linear(4, 2))
        net[0].requiresGrad_(false)
        net(Tensor.ones(1, 3)).sum().backward()
        #expect(net[0].parameters().allSatisfy { $0.grad == nil })
        #expect(net[2].parameters().allSatisfy { $0.grad != nil })
        net.zeroGrad(setToNil: false)
        #expect(net[2].parameters().allSatisfy { $0.grad!.equal(.zeros($0.shape)) })
        net.zeroGrad()
        #expect(net[2].parameters().allSatisfy { $0.grad == nil })
        net.requiresGrad_()
        #expect(net.parameters().allSatisfy { $0.requiresGrad })
    }

    @Test("conversion keeps the tensors' identity, and leaves integers")
    func conversion() throws {
        let net = Sequential(Linear(3, 2), BatchNorm1d(2))
        let before = net.parameters()
        net(Tensor.randn(4, 3)).sum().backward()
        net.to(.float64)
        #expect(zip(before, net.parameters()).allSatisfy { $0 === $1 })
        #expect(net.parameters().allSatisfy { $0.dtype == .float64 && $0.requiresGrad && $0.grad?.dtype == .float64 })
        #expect(net.stateDict()["1.num_batches_tracked"]?.dtype == .int64)
        #expect(net.stateDict()["1.running_var"]?.dtype == .float64)
        net(Tensor.randn([4, 3], dtype: .float64)).sum().backward()
        #expect(throws: TensorError.self) { try withTensorErrors { _ = net.to(.int64) } }
    }

    @Test("the description is PyTorch's dump")
    func description() {
        let net = Sequential(
            Conv2d(1, 16, kernelSize: 3, padding: 1), Sequential(ReLU(), MaxPool2d(2)), Linear(4, 2, bias: false))
        #expect(
            "\(net)" == """
                Sequential(
                  (0): Conv2d(1, 16, kernelSize=(3, 3), stride=(1, 1), padding=(1, 1))
                  (1): Sequential(
                    (0): ReLU()
                    (1): MaxPool2d(kernelSize=(2, 2), stride=(2, 2), padding=(0, 0), dilation=(1, 1), ceilMode=false)
                  )
                  (2): Linear(4, 2, bias=false)
                )
                """)
        let summary = Sequential(Linear(1000, 100), ReLU(), Linear(100, 2)).requiresGrad_(false).summary()
        #expect(
            summary == """
                name    type        parameters                        count
                ───────────────────────────────────────────────────────────
                (root)  Sequential                                        0
                0       Linear      weight [100, 1000], bias [100]  100,100
                2       Linear      weight [2, 100], bias [2]           202
                ───────────────────────────────────────────────────────────
                parameters 100,302, trainable 0, 401,208 bytes with buffers
                """)
    }

    @Test("a sequential chains, and is built in three ways")
    func sequential() {
        let pooling = true
        let net = Sequential {
            Linear(2, 3)
            if pooling { ReLU() }
            for _ in 0..<2 { Linear(3, 3) }
        }
        #expect(net.count == 4)
        #expect(net.map { "\(type(of: $0))" } == ["Linear", "ReLU", "Linear", "Linear"])
        let x = Tensor.randn(5, 2)
        #expect(net(x).equal(net[3](net[2](net[1](net[0](x))))))
        #expect(net[0..<2](x).equal(net[0](x).relu()))
        net.append(Identity())
        net[1] = Tanh()
        #expect(net.namedModules().map(\.name) == ["", "0", "1", "2", "3", "4"])
        #expect(Sequential([Linear(2, 2), ReLU()]).parameterCount == 6)
    }

    @Test("misuse says what is wrong")
    func misuse() throws {
        func message(_ body: () -> Void) -> String {
            do {
                try withTensorErrors(body)
                return ""
            } catch { return "\(error)" }
        }
        #expect(message { _ = Module()(Tensor.ones(1)) }.contains("forward"))
        let leaf = Tensor.ones(2).requiresGrad_()
        #expect(message { _ = Parameter(wrappedValue: leaf * 2) }.contains("detach"))
        #expect(message { _ = Conv2d(3, 4, kernelSize: 3, groups: 2) }.contains("groups"))
        #expect(message { _ = BatchNorm2d(3)(Tensor.ones(1, 3)) }.contains("BatchNorm2d: expected"))
        #expect(message { _ = LayerNorm(3)(Tensor.ones(1, 4)) }.contains("layerNorm: expected the last dims to be [3]"))
        #expect(message { _ = Dropout(p: 1.5) }.contains("Dropout"))
        #expect(message { _ = Linear(3, 2)(Tensor.ones(1, 4)) }.contains("linear"))
        #expect(
            message { _ = F.crossEntropy(.ones(2, 3), Tensor([0, 1, 2])) }.contains("crossEntropy: expected classes"))
        #expect(message { _ = F.crossEntropy(.ones(2, 3), Tensor([0, 3])) }.contains("3"))
        #expect(
            message { _ = F.mseLoss(.ones(2, 3), .ones(3, 2)) }.contains("mseLoss: expected a target of shape [2, 3]"))
        #expect(message { _ = F.binaryCrossEntropy(Tensor([1.5]), Tensor([1.0])) }.contains("from 0 to 1"))
        #expect(message { _ = F.embedding(Tensor([1.5]), .ones(2, 2)) }.contains("embedding: expected integer"))
        #expect(message { _ = F.maxPool2d(.ones(1, 2, 2), kernelSize: [1, 2, 3]) }.contains("a height and a width"))
    }
}
