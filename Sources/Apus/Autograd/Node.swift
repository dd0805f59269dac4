import CApus
import Synchronization

/// Where a gradient goes: one result of a node.
struct Edge {
    let node: Node
    let index: Int32
}

/// One recorded operation: a step of the graph that `backward` walks.
///
/// `z.gradFn!.name` is, for instance, "MulBackward", and `nextFunctions` leads on to the operations that made its
/// inputs.
public class Node: @unchecked Sendable {
    /// Grows with every operation recorded. A node's inputs always have smaller numbers, leaves the greatest of all.
    let sequence: UInt64
    /// Where the gradient of each input goes; nil for an input that requires none.
    @exclusivity(unchecked) var edges: Slots<Edge>
    /// How many results there are.
    let outputCount: Int
    /// Hooks, for the few nodes that have any.
    @exclusivity(unchecked) var extras: NodeExtras?

    private static let counter = Atomic<UInt64>(0)

    /// A node whose edges are set afterwards.
    init(inputs: Int, outputCount: Int = 1) {
        edges = Slots(count: inputs)
        self.outputCount = outputCount
        sequence = Node.counter.add(1, ordering: .relaxed).newValue
        if Anomaly.isPossible { Anomaly.noteOrigin(self) }
    }

    /// A leaf's node: it comes first of all nodes that are ready.
    init(leaf: Void) {
        edges = Slots(count: 0)
        outputCount = 1
        sequence = .max
    }

    deinit {
        releaseEdges()
    }

    /// The operation's name, e.g. "MulBackward".
    public var name: String { "Node" }

    /// The operations that made the inputs, each with the number of its result; nil for an input that requires no
    /// gradient.
    public var nextFunctions: [(node: Node?, index: Int)] {
        (0..<edges.count).map { (edges[$0]?.node, Int(edges[$0]?.index ?? 0)) }
    }

    /// Turns the gradients of the results into those of the inputs. A nil gradient stands for zero, on both sides.
    /// With `createGraph`, saved tensors come with their history.
    func apply(_ gradients: inout Slots<Tensor>, _ results: inout Slots<Tensor>, createGraph: Bool) {}

    /// The tangent of result `output`, which is `result`, from those of the inputs, nil for zero; with history where
    /// `createGraph`.
    ///
    /// The gradients of the inputs are linear in that of the result, and the coefficients are the derivatives wanted:
    /// so this differentiates `apply` with regard to what it gets.
    func push(_ tangents: [Tensor?], to result: Tensor, output: Int, createGraph: Bool) -> Tensor? {
        let seed = result.detach().zerosLike().requiresGrad_()
        var seeds = Slots<Tensor>(count: outputCount)
        seeds[output] = seed
        var results = Slots<Tensor>(count: edges.count)
        enableGrad { apply(&seeds, &results, createGraph: createGraph) }
        let pairs = zip(results.array, tangents).compactMap { gradient, tangent in
            gradient.flatMap { gradient in tangent.map { (gradient, $0) } }
        }
        let used = pairs.filter { $0.0.requiresGrad }
        guard !used.isEmpty else { return nil }
        return grad(
            outputs: used.map(\.0), inputs: [seed], gradOutputs: used.map(\.1), createGraph: createGraph,
            allowUnused: true)[0]
    }

    /// Drops saved tensors, so that the graph can be walked no more. Returns whether there were any.
    func releaseSaved() {}

    /// Whether saved tensors were dropped.
    var isReleased: Bool { false }

    /// Gives away a node that this one holds apart from its edges; called when this node goes.
    func takeInner() -> Node? { nil }

    /// Whether a gradient of the given input is wanted.
    @inline(__always)
    final func needs(_ input: Int) -> Bool { edges[input] != nil }

    /// Lets the edges go without recursion, however long the chain behind them is.
    private func releaseEdges() {
        var pending: [Node] = []
        collectUnique(into: &pending)
        while let node = pending.popLast() { node.collectUnique(into: &pending) }
    }

    /// Empties the edges; nodes that nobody else holds are moved to `pending`.
    @inline(__always)
    private func collectUnique(into pending: inout [Node]) {
        for i in 0..<edges.count {
            guard var next = edges.take(i)?.node, next.sequence != .max else { continue }
            if isKnownUniquelyReferenced(&next) { pending.append(next) }
        }
        if var inner = takeInner(), isKnownUniquelyReferenced(&inner) { pending.append(inner) }
    }
}

/// A place in the graph: a result of an operation, to which gradients flow. It keeps the graph behind it, not the tensor.
public struct GradientEdge {
    /// The operation; for a leaf, what adds to its `grad`.
    public let node: Node
    /// Which of its results.
    public let outputNumber: Int

    /// Where gradients of `tensor` go, which must require grad; nil, after a report, if it does not.
    public init?(_ tensor: Tensor) {
        guard require(tensor.requiresGrad, "GradientEdge: the tensor does not require grad"), let edge = tensor.edge
        else { return nil }
        node = edge.node
        outputNumber = Int(edge.index)
    }

    var edge: Edge { Edge(node: node, index: Int32(clamping: outputNumber)) }
}

/// Holds a tensor's `grad`.
final class GradientSlot: Sendable {
    private let gradient = Mutex<Tensor?>(nil)

    var value: Tensor? {
        get { gradient.withLock { $0 } }
        set { gradient.withLock { $0 = newValue } }
    }

    /// Adds a gradient. A fresh one that nobody else holds is kept as it is; into an existing one it is added in place,
    /// unless the addition is itself to be recorded.
    func accumulate(_ new: inout Tensor, createGraph: Bool) {
        gradient.withLock { current in
            guard let existing = current else {
                // Asked before the call, which holds the tensor too.
                let isUnique = isKnownUniquelyReferenced(&new)
                current = createGraph ? new : new.ownedGradient(isUnique: isUnique)
                return
            }
            if createGraph {
                current = existing + new
            } else {
                _ = existing.write { apus_binary($0, .add, existing.handle, new.handle) }
            }
        }
    }
}

extension Tensor {
    /// This gradient, or a copy where its memory may be shared with anything else.
    fileprivate func ownedGradient(isUnique: Bool) -> Tensor {
        if isUnique && base == nil && !flags.contains(.alias) && isContiguous { return self }
        return Tensor.make { apus_tensor_to($0, handle, dtype, apus_tensor_device(handle)) }
    }
}

/// The end of the graph at a leaf: adds what arrives to the leaf's `grad`.
final class AccumulateGrad: Node, @unchecked Sendable {
    let slot: GradientSlot

    init(slot: GradientSlot) {
        self.slot = slot
        super.init(leaf: ())
    }

    override var name: String { "AccumulateGrad" }

    override func apply(_ gradients: inout Slots<Tensor>, _ results: inout Slots<Tensor>, createGraph: Bool) {
        guard var gradient = gradients.take(0), !gradient.isInvalid else { return }
        slot.accumulate(&gradient, createGraph: createGraph)
        guard let extras, let total = slot.value else { return }
        for hook in extras.postHooks { hook.call(total) }
    }
}
