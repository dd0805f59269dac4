import Apus
import ApusNN
import ApusOptim

/// The tutorial: each section does a few things and returns what it has to show. The tests compare the numbers.
enum Tutorial {
    /// A heading and what stands under it.
    struct Section: Sendable {
        var title: String
        var run: @Sendable () -> String
    }

    /// All sections, in order.
    static let sections = [
        Section(title: "4. Making tensors", run: making),
        Section(title: "5. Computing with tensors", run: computing),
        Section(title: "6. The bridge: from tensor to array", run: bridgeOut),
        Section(title: "6. The bridge: from array to tensor", run: bridgeIn),
        Section(title: "7.1 Gradients", run: gradients),
        Section(title: "7.2 Many layers: who has a gradient", run: leaves),
        Section(title: "7.3 Crazier dependencies", run: chain),
        Section(title: "8. A neural network", run: network),
    ]

    /// A random 5×3 matrix.
    static func making() -> String {
        manualSeed(0)
        let x = Tensor.rand(5, 3)
        return show("x", x) + "x.shape = \(x.shape)\n"
    }

    /// Sums and products of matrices.
    static func computing() -> String {
        manualSeed(0)
        let x = Tensor.rand(5, 3)
        let y = Tensor.ones(5, 3)
        let z = x + y  // element by element; the shapes must fit
        let q = x.mm(y.t())  // matrix product with the transpose
        return show("y", y) + show("z = x + y", z) + show("q = x.mm(y.t())", q)
    }

    /// A tensor and an array over the same memory; the tensor came first.
    static func bridgeOut() -> String {
        let a = Tensor.ones(5)
        let b = try! a.hostArray(of: Float.self)
        a.add_(1)
        return "a = \(a)\nb = \(b)\n"
    }

    /// A tensor and an array over the same memory; the array came first.
    static func bridgeIn() -> String {
        let a = HostArray<Double>(repeating: 1, count: 5)
        let b = Tensor(sharing: a)
        for i in a.indices { a[i] += 1 }
        return "a = \(a)\nb = \(b)\n"
    }

    /// What is computed from x is recorded, so that the gradient can be found.
    static func gradients() -> String {
        let x = Tensor.ones(2, 2).requiresGrad_()
        let y = x + 2
        let z = ((x + 2) * (x + 2)).mean()
        z.backward()
        return show("x", x) + show("y = x + 2", y) + "y.gradFn = \(y.gradFn?.name ?? "nil")\n"
            + show("z = mean((x + 2) * (x + 2))", z) + "z.item() = \(z.item())\n" + show("dz/dx", x.grad)
    }

    /// Only leaves, which nothing was computed for, keep their gradient.
    static func leaves() -> String {
        let x = Tensor.ones(2, 2).requiresGrad_()
        let y = x + 2
        let z = (y * y).mean()
        z.backward()
        return show("z.grad", z.grad) + show("y.grad", y.grad) + show("x.grad", x.grad)
    }

    /// Ten products in a row: the graph is whatever the loop did.
    static func chain() -> String {
        let first = Tensor([[0.01, 0.02]]).requiresGrad_()
        let x = Tensor.ones(2, 2).requiresGrad_()
        var s = first
        for _ in 0..<10 { s = s.mm(x) }  // each step adds a node
        let z = s.mean()
        z.backward()
        return show("s", s) + show("z", z) + show("x.grad", x.grad) + show("s.grad", s.grad)
            + show("first.grad", first.grad)
    }

    /// A small network learns the exclusive or.
    static func network() -> String {
        manualSeed(1)
        let model = Sequential([Linear(2, 8), Tanh(), Linear(8, 1)])
        let optimizer = Adam(model.parameters(), lr: 0.05)
        let inputs = Tensor([[0, 0], [0, 1], [1, 0], [1, 1]], dtype: .float32)
        let targets = Tensor([[0], [1], [1], [0]], dtype: .float32)
        for _ in 0..<300 {
            optimizer.zeroGrad()
            F.binaryCrossEntropyWithLogits(model(inputs), targets).backward()
            optimizer.step()
        }
        let answers = noGrad { (model(inputs) .> 0).to(.int64) }
        return "\(model)\n" + show("inputs", inputs) + show("answers", answers)
    }

    /// A tensor under its name, one of several lines on lines of its own.
    private static func show(_ name: String, _ tensor: Tensor?) -> String {
        let text = tensor.map { "\($0)" } ?? "nil"
        return "\(name) =\(text.contains("\n") ? "\n" : " ")\(text)\n"
    }
}
