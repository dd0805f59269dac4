import Apus
import ApusNN
import ApusOptim
import TestSupport
import Testing

@Suite("Optimizers")
struct OptimizerTests {
    @Test("five steps are PyTorch's", arguments: Fixture.load("optim"))
    func fixture(_ fixture: Fixture) throws {
        let parameter = try fixture.inputs[0]!.tensor().requiresGrad_()
        let optimizer = try optimizer(fixture, [parameter])
        for (i, gradient) in fixture.inputs.dropFirst().enumerated() {
            parameter.grad = try gradient!.tensor()
            optimizer.step()
            try expectEqual(parameter, fixture.outputs[i], "\(fixture.name), step \(i + 1)")
        }
    }

    private func optimizer(_ fixture: Fixture, _ parameters: [Tensor]) throws -> Optimizer {
        let args = fixture.args
        let (lr, decay) = (try args.double("lr"), try args.double("weight_decay"))
        let maximize = try args.bool("maximize")
        if fixture.op == "sgd" {
            return SGD(
                parameters, lr: lr, momentum: try args.double("momentum"), dampening: try args.double("dampening"),
                weightDecay: decay, nesterov: try args.bool("nesterov"), maximize: maximize)
        }
        let betas = try args.doubles("betas")
        let (eps, amsgrad) = (try args.double("eps"), try args.bool("amsgrad"))
        if fixture.op == "adam" {
            return Adam(
                parameters, lr: lr, betas: (betas[0], betas[1]), eps: eps, weightDecay: decay, amsgrad: amsgrad,
                maximize: maximize)
        }
        return AdamW(
            parameters, lr: lr, betas: (betas[0], betas[1]), eps: eps, weightDecay: decay, amsgrad: amsgrad,
            maximize: maximize)
    }

    @Test("groups have options of their own")
    func groups() throws {
        let (a, b) = (Tensor.ones(2).requiresGrad_(), Tensor.ones(2).requiresGrad_())
        let optimizer = SGD([ParameterGroup([a], [.lr: 0.5]), ParameterGroup([b])], lr: 0.1, momentum: 0.9)
        #expect(optimizer.learningRates == [0.5, 0.1])
        #expect(optimizer.groups[0][.momentum] == 0.9)
        (a + b).sum().backward()
        optimizer.step()
        #expect(a.detach().equal(Tensor([0.5, 0.5])))
        #expect(b.detach().equal(Tensor([0.9, 0.9])))
        optimizer.learningRates = [0, 0]
        optimizer.step()
        #expect(a.detach().equal(Tensor([0.5, 0.5])))
        optimizer.zeroGrad(setToNil: false)
        #expect(a.grad!.equal(.zeros(2)))
        optimizer.zeroGrad()
        #expect(a.grad == nil)
    }

    @Test("parameters without a gradient stay, and count no step")
    func frozen() {
        let (a, b) = (Tensor.ones(2).requiresGrad_(), Tensor.ones(2).requiresGrad_())
        let optimizer = Adam([a, b], lr: 0.1)
        a.sum().backward()
        optimizer.step()
        #expect(b.detach().equal(.ones(2)))
        #expect(optimizer.stateDict().numbers["state.0.step"] == 1)
        #expect(optimizer.stateDict().numbers["state.1.step"] == nil)
        #expect(optimizer.stateDict().tensors.names == ["state.0.exp_avg", "state.0.exp_avg_sq"])
    }

    @Test("a parameter that was converted goes on with its state", arguments: [DType.float64, .bfloat16])
    func conversion(_ dtype: DType) throws {
        let layer = Linear(2, 1)
        let optimizer = Adam(layer.parameters(), lr: 0.1)
        layer(Tensor.ones(1, 2)).sum().backward()
        optimizer.step()
        layer.to(dtype)
        try withTensorErrors { optimizer.step() }
        #expect(optimizer.stateDict().tensors["state.0.exp_avg"]?.dtype == dtype)
    }

    enum Kind: CaseIterable { case sgd, adam, adamW }

    private func make(_ kind: Kind, _ model: Module) -> Optimizer {
        switch kind {
        case .sgd: SGD(model.parameters(), lr: 0.1, momentum: 0.9, weightDecay: 0.01)
        case .adam: Adam(model.parameters(), lr: 0.01, amsgrad: true)
        case .adamW: AdamW(model.parameters(), lr: 0.01)
        }
    }

    private func model(_ seed: UInt64) -> Sequential {
        let generator = Generator(seed: seed)
        return Sequential(Linear(3, 5, generator: generator), Tanh(), Linear(5, 2, generator: generator))
    }

    @Test("a restored run continues bit for bit, also through a file", arguments: Kind.allCases)
    func resume(_ kind: Kind) throws {
        let x = Tensor.randn([8, 3], generator: Generator(seed: 9))
        func train(_ model: Module, _ optimizer: Optimizer, _ steps: Int) {
            for _ in 0..<steps {
                optimizer.zeroGrad()
                model(x).square().mean().backward()
                optimizer.step()
            }
        }
        let whole = model(1)
        let wholeOptimizer = make(kind, whole)
        train(whole, wholeOptimizer, 7)

        let first = model(1)
        let firstOptimizer = make(kind, first)
        train(first, firstOptimizer, 3)
        firstOptimizer.set(.lr, to: 0.01, group: 0)
        wholeOptimizer.set(.lr, to: 0.01, group: 0)
        let (state, modelState) = (firstOptimizer.stateDict(), first.stateDict())
        let folder = try TemporaryFolder()
        try SafeTensors.save(state.tensors.map { ($0.name, $0.tensor) }, to: folder["state.safetensors"])

        let second = model(2)
        let secondOptimizer = make(kind, second)
        try second.loadStateDict(modelState)
        let tensors = StateDict(try SafeTensors.load(folder["state.safetensors"]).tensors)
        try secondOptimizer.loadStateDict(OptimizerState(tensors: tensors, numbers: state.numbers))
        #expect(secondOptimizer.learningRates == [0.01])
        // The whole run took its first 7 steps at the first rate; repeat that here.
        let reference = model(1)
        let referenceOptimizer = make(kind, reference)
        train(reference, referenceOptimizer, 3)
        referenceOptimizer.set(.lr, to: 0.01, group: 0)
        train(reference, referenceOptimizer, 4)
        train(second, secondOptimizer, 4)
        for (a, b) in zip(reference.parameters(), second.parameters()) { #expect(a.equal(b)) }
    }

    @Test("a state of something else is refused, and nothing is changed")
    func refusals() throws {
        let model = model(1)
        let (adam, sgd) = (make(.adam, model), make(.sgd, model))
        model(Tensor.ones(1, 3)).sum().backward()
        adam.step()
        let before = adam.stateDict()
        func message(_ optimizer: Optimizer, _ state: OptimizerState) -> String {
            do {
                try optimizer.loadStateDict(state)
                return ""
            } catch { return "\(error)" }
        }
        #expect(message(sgd, before).contains("missing in the state"))
        var state = before
        state.numbers["groups.1.lr"] = 1
        #expect(message(adam, state) == "loadStateDict: groups.1.lr: this Adam has nothing of that name")
        state = before
        state.tensors["state.0.exp_avg"] = .zeros(2)
        #expect(message(adam, state).contains("state.0.exp_avg: expected float32 [5, 3], found float32 [2]"))
        state = before
        state.numbers["state.0.step"] = 0.5
        #expect(message(adam, state).contains("expected a count"))
        #expect(adam.stateDict().numbers == before.numbers)
    }

    @Test("misuse says what is wrong")
    func misuse() {
        func message(_ body: () -> Void) -> String {
            do {
                try withTensorErrors(body)
                return ""
            } catch { return "\(error)" }
        }
        let leaf = Tensor.ones(1).requiresGrad_()
        #expect(message { _ = SGD([leaf, leaf]) }.contains("appears twice"))
        #expect(message { _ = SGD([leaf * 2]) }.contains("leaf"))
        #expect(message { _ = SGD([ParameterGroup([leaf], [.beta1: 1])]) }.contains("no option 'beta1'"))
        leaf.grad = .ones(1)
        #expect(message { SGD([leaf], nesterov: true).step() }.contains("nesterov"))
    }
}
