import Synchronization

/// A scope of forward-mode differentiation: tensors with a tangent go in, and the tangents of what is computed from them
/// are computed beside them, operation by operation.
///
///     let slope = withDualLevel { level in
///         let x = level.makeDual(Tensor([1.0, 2]), tangent: Tensor([1.0, 0]))
///         return level.unpackDual((x * x).sum()).tangent!
///     }
///
/// Elementwise operations use the rules of the derivative table as they stand; for the others, the derivative of their
/// gradient is taken, which is linear. What is computed stays in memory until the scope ends. Operations that are not
/// recorded, in `noGrad` for instance, have no tangents. `Documentation/derivatives.md` says which operation does what.
public final class DualLevel: @unchecked Sendable {
    @TaskLocal fileprivate static var current: DualLevel?
    /// How many scopes there are in all tasks, so that recording costs one load where there are none.
    private static let scopes = Atomic<Int>(0)

    /// A result of a node. The node is held, so that no other can take its place in the table.
    private struct Result {
        let node: Node
        let tangent: Tensor
    }

    private struct State {
        var tangents: [Key: Result] = [:]
        /// Whether tangents are wanted with history.
        var createGraph = false
    }

    private struct Key: Hashable {
        let node: ObjectIdentifier
        let output: Int32
    }

    private let state = Mutex(State())

    fileprivate init() {}

    /// A tensor of the values of `primal` that carries `tangent`, of the same shape and dtype. Where one of them requires
    /// grad, the tangents of what is computed can be differentiated.
    public func makeDual(_ primal: Tensor, tangent: Tensor) -> Tensor {
        let fits = tangent.hasShape(of: primal) && tangent.dtype == primal.dtype
        guard
            require(
                fits, .shape,
                "makeDual: a tangent \(tangent.dtype)\(tangent.shape) does not fit \(primal.dtype)\(primal.shape)")
        else { return .invalid() }
        if primal.requiresGrad || tangent.requiresGrad { state.withLock { $0.createGraph = true } }
        let point = primal.requiresGrad ? primal.view(primal.shape) : primal.detach().requiresGrad_()
        if let edge = point.edge { set(tangent, at: edge) }
        return point
    }

    /// The values and the tangent of a tensor; the tangent is nil for one that does not depend on any dual.
    public func unpackDual(_ tensor: Tensor) -> (primal: Tensor, tangent: Tensor?) {
        (tensor.detach(), tensor.edge.flatMap { tangent(at: $0) })
    }

    private func set(_ tangent: Tensor, at edge: Edge) {
        state.withLock {
            $0.tangents[Key(node: ObjectIdentifier(edge.node), output: edge.index)] = Result(
                node: edge.node, tangent: tangent)
        }
    }

    private func tangent(at edge: Edge) -> Tensor? {
        state.withLock { $0.tangents[Key(node: ObjectIdentifier(edge.node), output: edge.index)]?.tangent }
    }

    @inline(__always)
    static var isPossible: Bool { scopes.load(ordering: .relaxed) != 0 }

    /// Computes the tangent of a result that has just got its history.
    @inline(never)
    static func pushTangent(to result: Tensor) {
        guard let level = current, let node = result.node else { return }
        let tangents = (0..<node.edges.count).map { i in node.edges[i].flatMap { level.tangent(at: $0) } }
        guard tangents.contains(where: { $0 != nil }) else { return }
        let createGraph = level.state.withLock { $0.createGraph }
        let output = result.outputIndex
        let pushed = $current.withValue(nil) {
            withGradMode(createGraph) {
                node.push(tangents, to: result, output: Int(output), createGraph: createGraph)
            }
        }
        if let pushed { level.set(pushed, at: Edge(node: node, index: output)) }
    }

    fileprivate static func enter<Answer>(_ body: (DualLevel) throws -> Answer) rethrows -> Answer {
        _ = require(current == nil, "withDualLevel: levels cannot be nested; use Autograd.jvp")
        let level = DualLevel()
        scopes.add(1, ordering: .relaxed)
        defer {
            scopes.subtract(1, ordering: .relaxed)
            level.state.withLock { $0.tangents = [:] }
        }
        return try $current.withValue(level) { try enableGrad { try body(level) } }
    }
}

/// Runs `body` with a level of forward-mode differentiation, and recording on. Levels do not nest.
public func withDualLevel<Result>(_ body: (DualLevel) throws -> Result) rethrows -> Result {
    try DualLevel.enter(body)
}
