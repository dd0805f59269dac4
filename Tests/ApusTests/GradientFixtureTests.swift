import Apus
import TestSupport
import Testing

// First and second gradients of the tables' operators, reductions, products and indexing against PyTorch's.

private let cases = Fixture.load("gradients") {
    !$0.name.contains(" of nn, ") && !["sort", "argsort", "topk", "one_hot"].contains($0.op)
}

private func run(_ fixture: Fixture, _ inputs: [Tensor?]) throws -> [Tensor] {
    let name = fixture.name
    if name.contains(" of unary, ") {
        guard let method = unaryMethods[fixture.op] else { throw FixtureError("no method for \(fixture.op)") }
        return [method(inputs[0]!)]
    }
    if name.contains(" of binary, ") { return [try applyBinary(fixture, inputs)] }
    if name.contains(" of ternary, ") { return try applyTernary(fixture, inputs) }
    if name.contains(" of reduce, ") { return try reduce(fixture, inputs[0]!) }
    if name.contains(" of linalg, ") { return [try product(fixture, inputs)] }
    return try pick(fixture, inputs)
}

@Test(arguments: cases)
func gradientsOfBothOrders(_ fixture: Fixture) throws {
    try fixture.checkOrders(tolerance: Tolerance(relative: 1e-7, absolute: 1e-8)) { try run(fixture, $0) }
}
