import Testing

@testable import Tutorial

/// The numbers are PyTorch's for the same lines.
@Suite("The tutorial prints what PyTorch computes")
struct TutorialTests {
    @Test("making and computing")
    func computing() {
        #expect(Tutorial.making().hasSuffix("x.shape = [5, 3]\n"))
        let text = Tutorial.computing()
        #expect(text.contains("y =\ntensor([[1., 1., 1.],"))
        #expect(Tutorial.computing() == text)
    }

    @Test("the bridge shows one side's change on the other")
    func bridge() {
        #expect(Tutorial.bridgeOut() == "a = tensor([2., 2., 2., 2., 2.])\nb = [2.0, 2.0, 2.0, 2.0, 2.0]\n")
        #expect(
            Tutorial.bridgeIn() == "a = [2.0, 2.0, 2.0, 2.0, 2.0]\nb = tensor([2., 2., 2., 2., 2.], dtype=float64)\n")
    }

    @Test("gradients of a mean of squares")
    func gradients() {
        let text = Tutorial.gradients()
        for line in [
            "x =\ntensor([[1., 1.],\n        [1., 1.]], requiresGrad=true)",
            "y = x + 2 =\ntensor([[3., 3.],\n        [3., 3.]], gradFn=<AddBackward",
            "y.gradFn = AddBackward", "= tensor(9., gradFn=<MeanBackward", "z.item() = 9.0",
            "dz/dx =\ntensor([[1.5000, 1.5000],\n        [1.5000, 1.5000]])",
        ] { #expect(text.contains(line), "\(text)") }
    }

    @Test("only leaves keep their gradient")
    func leaves() {
        #expect(
            Tutorial.leaves() == """
                z.grad = nil
                y.grad = nil
                x.grad =
                tensor([[1.5000, 1.5000],
                        [1.5000, 1.5000]])

                """)
    }

    @Test("ten products in a row")
    func chain() {
        let text = Tutorial.chain()
        for line in [
            "s = tensor([[15.3600, 15.3600]], gradFn=<", "z = tensor(15.3600, gradFn=<",
            "x.grad =\ntensor([[37.1200, 37.1200],\n        [39.6800, 39.6800]])", "\ns.grad = nil",
            "first.grad = tensor([[512., 512.]])",
        ] { #expect(text.contains(line), "\(text)") }
    }

    @Test("the network learns the exclusive or")
    func network() {
        let text = Tutorial.network()
        #expect(text.contains("answers =\ntensor([[0],\n        [1],\n        [1],\n        [0]])"), "\(text)")
        #expect(text.contains("Linear"))
    }

    @Test("every section has something to show")
    func sections() {
        #expect(Tutorial.sections.count == 8)
        for section in Tutorial.sections { #expect(!section.run().isEmpty, "\(section.title)") }
    }
}
