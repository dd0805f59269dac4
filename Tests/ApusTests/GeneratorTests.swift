import Apus
import TestSupport
import Testing

@Suite("Generators", .ownGenerator)
struct GeneratorTests {
    @Test("a generator made default serves its task alone")
    func scopes() async {
        manualSeed(1)
        let before = Generator.default.state
        let first = Generator(seed: 5).asDefault { Tensor.rand(3).toArray(Float.self) }
        let (second, state) = await Generator().asDefault {
            manualSeed(5)
            await Task.yield()
            return (Tensor.rand(3).toArray(Float.self), Generator.default.state)
        }
        #expect(first == second)
        #expect(state.seed == 5 && state.position > 0)
        #expect(Generator.default.state == before)
    }

    @Test("a state can be taken and put back")
    func state() {
        manualSeed(3)
        _ = Tensor.randn(7)
        let state = Generator.default.state
        let first = Tensor.randn(9).toArray(Float.self)
        Generator.default.state = state
        #expect(Tensor.randn(9).toArray(Float.self) == first)
    }
}
