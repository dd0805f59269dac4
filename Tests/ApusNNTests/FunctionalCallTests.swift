import Apus
import ApusNN
import TestSupport
import Testing

private final class Tied: Module {
    let first: Linear
    let second: Linear

    override init() {
        first = Linear(3, 3, bias: false)
        second = Linear(3, 3, bias: false)
        second.weight = first.weight
    }

    override func forward(_ x: Tensor) -> Tensor { second(first(x)) }
}

@Suite("Modules as functions of their parameters", .ownGenerator)
struct FunctionalCallTests {
    @Test("other tensors take part in the graph, and the module stays as it was")
    func call() {
        let net = Sequential(Linear(3, 2), Tanh())
        let before = net.parameters()
        let x = Tensor.randn(4, 3)
        let scale = Tensor([2.0], requiresGrad: true)
        let weight = before[0].detach() * scale
        let y = functionalCall(net, ["0.weight": weight], x)
        #expect(y.equal(x.linear(weight, bias: before[1]).tanh()))
        y.sum().backward()
        #expect(scale.grad != nil && before[0].grad == nil && before[1].grad != nil)
        #expect(zip(net.parameters(), before).allSatisfy { $0 === $1 })
        let error = #expect(throws: TensorError.self) {
            try withTensorErrors { _ = functionalCall(net, ["weight": weight], x) }
        }
        #expect(error?.message == "functionalCall: the module has no 'weight'")
    }

    @Test("the stacked state of several modules, run as one by vmap")
    func ensemble() {
        let nets = (0..<3).map { _ in Linear(3, 2) }
        let (parameters, buffers) = stackModuleState(nets)
        #expect(parameters.keys.sorted() == ["bias", "weight"] && buffers.isEmpty)
        #expect(parameters["weight"]!.shape == [3, 2, 3] && parameters["weight"]!.requiresGrad)
        let x = Tensor.randn(4, 3)
        let outputs = vmap([parameters["weight"]!, parameters["bias"]!]) {
            [functionalCall(nets[0], ["weight": $0[0], "bias": $0[1]], x)]
        }[0]
        for (i, net) in nets.enumerated() { #expect(outputs[i].equal(net(x))) }
        outputs.sum().backward()
        #expect(parameters["bias"]!.grad!.equal(Tensor.full([3, 2], 4.0, dtype: .float32)))
        let error = #expect(throws: TensorError.self) {
            try withTensorErrors { _ = stackModuleState([nets[0], Linear(3, 2, bias: false)]) }
        }
        #expect(error?.message.contains("different parameters") == true)
    }

    @Test("a shared tensor is replaced everywhere; Hessians of a loss by its parameters")
    func tied() {
        let net = Tied()
        let x = Tensor.randn(2, 3)
        let weight = Tensor.eye(3) * 2
        #expect(functionalCall(net, ["first.weight": weight], x).equal(x * 4))
        let linear = Linear(2, 1, bias: false)
        let point = Tensor([[1.0, 2.0]])
        let hessian = Autograd.hessian(at: linear.weight) {
            functionalCall(linear, ["weight": $0], point).square().sum()
        }
        #expect(hessian.reshape(-1).toArray(Float.self) == [2, 4, 4, 8])
    }
}
