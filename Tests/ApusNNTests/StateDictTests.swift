import Apus
import ApusNN
import TestSupport
import Testing

@Suite("State dicts")
struct StateDictTests {
    private func net(_ seed: UInt64) -> Sequential {
        let generator = Generator(seed: seed)
        return Sequential(
            Linear(3, 4, generator: generator), BatchNorm1d(4), ReLU(), Linear(4, 2, generator: generator))
    }

    @Test("what is saved is loaded, also through a file")
    func roundTrip() throws {
        let (a, b) = (net(1), net(2))
        _ = a(Tensor.randn(8, 3))
        let x = Tensor.randn(5, 3)
        a.eval()
        b.eval()
        #expect(!a(x).equal(b(x)))
        let folder = try TemporaryFolder()
        try SafeTensors.save(a.stateDict().map { ($0.name, $0.tensor) }, to: folder["net.safetensors"])
        try b.loadStateDict(StateDict(SafeTensors.load(folder["net.safetensors"]).tensors))
        #expect(a(x).equal(b(x)))
        #expect(
            a.stateDict().names == [
                "0.weight", "0.bias", "1.weight", "1.bias", "1.running_mean", "1.running_var", "1.num_batches_tracked",
                "3.weight", "3.bias",
            ])
        #expect(a.stateDict()["1.num_batches_tracked"]!.item(Int.self) == 1)
    }

    @Test("the state shares the module's memory, without history")
    func sharing() {
        let layer = Linear(2, 2)
        let state = layer.stateDict()
        noGrad { _ = layer.weight.fill_(7) }
        #expect(state["weight"]!.equal(.full([2, 2], 7.0)))
        #expect(!state["weight"]!.requiresGrad)
    }

    @Test("all differences are listed, and nothing is changed")
    func strictness() throws {
        let net = net(1)
        let before = net.parameters().map { $0.detach().clone() }
        var state = self.net(2).stateDict()
        state["0.bias"] = nil
        state["9.extra"] = .zeros(1)
        state["3.weight"] = .zeros(2, 5)
        let error = try #require(throws: StateDictMismatch.self) { try net.loadStateDict(state) }
        #expect(error.missing == ["0.bias"])
        #expect(error.unexpected == ["9.extra"])
        #expect(error.mismatched == [.init(name: "3.weight", expected: [2, 4], found: [2, 5])])
        #expect(
            "\(error)" == """
                loadStateDict: the state does not fit Sequential:
                  missing: 0.bias
                  unexpected: 9.extra
                  shape of 3.weight: expected [2, 4], found [2, 5]
                """)
        #expect(throws: StateDictMismatch.self) { try net.loadStateDict(state, strict: false) }
        #expect(zip(before, net.parameters()).allSatisfy { $0.equal($1.detach()) })

        state["3.weight"] = .ones(2, 4)
        let allowed = try net.loadStateDict(state, strict: false)
        #expect(allowed.missing == ["0.bias"])
        #expect(net.stateDict()["3.weight"]!.equal(.ones(2, 4)))
        #expect(net.stateDict()["0.bias"]!.equal(before[1]))
    }

    @Test("loading converts the dtype and keeps requiresGrad")
    func conversion() throws {
        let layer = Linear(2, 1)
        let weight = layer.weight
        try layer.loadStateDict(["weight": Tensor([[1, 2]]), "bias": Tensor([3.5], dtype: .float64)])
        #expect(layer.weight === weight)
        #expect(weight.dtype == .float32 && weight.requiresGrad)
        #expect(layer(Tensor([[1.0, 1.0]])).item() == 6.5)
    }

    @Test("a state dict is an ordered collection")
    func collection() {
        var state: StateDict = ["b": .zeros(1), "a": .ones(2), "b": .ones(3)]
        #expect(state.names == ["b", "a"])
        #expect(state["b"]!.shape == [3])
        state["b"] = nil
        state["c"] = .zeros(4)
        #expect(state.names == ["a", "c"])
        #expect(state["c"]!.shape == [4])
        #expect(state.withPrefix("x.").names == ["x.a", "x.c"])
        #expect(state.withPrefix("x.").withoutPrefix("x.").names == ["a", "c"])
        #expect("\(state)" == "a: float32 [2]\nc: float32 [4]")
    }
}

@Suite("Files of state dicts")
struct StateDictFileTests {
    @Test("a module's state comes back from each format", arguments: ["safetensors", "pt", "pth", "npz"])
    func roundTrip(format: String) throws {
        let folder = try TemporaryFolder()
        let (saved, loaded) = (Linear(3, 2), Linear(3, 2))
        try saved.stateDict().save(to: folder["x." + format])
        try loaded.loadStateDict(.load(folder["x." + format]))
        #expect("\(loaded.stateDict().tensors)" == "\(saved.stateDict().tensors)")
        #expect(throws: TensorFileError.self) { try saved.stateDict().save(to: folder["x.txt"]) }
    }
}
