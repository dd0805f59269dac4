import Apus
import ApusNN
import CApus
import CApusTrain

/// An operator that C callers reach by name: a line of a table.
struct Operator {
    let signature: Signature
    let body: Body

    enum Body {
        case one((Arguments) throws -> Tensor)
        case many((Arguments) throws -> [Tensor])
    }

    init(_ signature: String, _ body: @escaping (Arguments) throws -> Tensor) {
        self.signature = Signature(signature + " -> tensor")
        self.body = .one(body)
    }

    init(many signature: String, _ body: @escaping (Arguments) throws -> [Tensor]) {
        self.signature = Signature(signature + " -> tensors")
        self.body = .many(body)
    }
}

/// All operators. A line written by hand stands in for one of the same name that follows from the core's tables: it
/// adds PyTorch's defaults.
enum Operators {
    static nonisolated(unsafe) let all: [Operator] = {
        var known: Set<String> = []
        let families = [
            arithmetic, elementwise, shapes, pieces, copies, picking, products, reductions, convolutions,
            normalizations, attention,
            losses, gradients,
        ]
        return families.joined().filter { known.insert($0.signature.name).inserted }
    }()

    static let numbers = Dictionary(uniqueKeysWithValues: all.enumerated().map { ($1.signature.name, Int32($0)) })
}
