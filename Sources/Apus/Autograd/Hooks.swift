// What users attach to the graph, and how it is called.

/// What users attach to a node.
final class NodeExtras {
    /// Called with the gradient of a result; may replace it.
    var hooks: [(output: Int, id: Int, call: (Tensor) -> Tensor?)] = []
    /// Called with the gradients of all results before the node runs; may replace them.
    var preHooks: [(id: Int, call: ([Tensor?]) -> [Tensor?]?)] = []
    /// Called with the gradients of inputs and results after the node ran; may replace those of the inputs.
    var nodeHooks: [(id: Int, call: (_ inputs: [Tensor?], _ outputs: [Tensor?]) -> [Tensor?]?)] = []
    /// Called after a leaf's gradient was accumulated.
    var postHooks: [(id: Int, call: (Tensor) -> Void)] = []
    /// Hooks over several tensors that one of this node's results belongs to.
    var groups: [(output: Int, place: Int, id: Int, hook: MultiGradHook)] = []
    /// Where the gradient of a result is to be kept.
    var retained: [(output: Int, slot: GradientSlot)] = []
    /// What users noted.
    var metadata: [String: Any] = [:]
    /// Who called the operation, where anomalies are looked for.
    var callers: [String]?
    private var lastID = 0

    func nextID() -> Int {
        lastID += 1
        return lastID
    }

    func remove(_ id: Int) {
        hooks.removeAll { $0.id == id }
        preHooks.removeAll { $0.id == id }
        nodeHooks.removeAll { $0.id == id }
        postHooks.removeAll { $0.id == id }
        groups.removeAll { $0.id == id }
    }
}

/// A registered hook, to be removed.
public struct HookHandle {
    private struct Place {
        weak var node: Node?
        let id: Int
    }

    private var places: [Place] = []

    init() {}

    init(node: Node, id: Int) { places = [Place(node: node, id: id)] }

    mutating func add(_ node: Node, _ id: Int) { places.append(Place(node: node, id: id)) }

    /// Ends the hook. A second call does nothing.
    public func remove() {
        for place in places { place.node?.extras?.remove(place.id) }
    }
}

extension Node {
    func ensureExtras() -> NodeExtras {
        if let extras { return extras }
        let new = NodeExtras()
        extras = new
        return new
    }

    /// Anything a program wants to note about the operation.
    public final var metadata: [String: Any] {
        get { extras?.metadata ?? [:] }
        set { ensureExtras().metadata = newValue }
    }

    /// Calls `hook` before this operation's derivative runs, with the gradients of its results, nil for zero; what it
    /// returns, if anything, replaces them.
    @discardableResult
    public final func registerPrehook(_ hook: @escaping (_ gradients: [Tensor?]) -> [Tensor?]?) -> HookHandle {
        let extras = ensureExtras()
        let id = extras.nextID()
        extras.preHooks.append((id, hook))
        return HookHandle(node: self, id: id)
    }

    /// Calls `hook` after this operation's derivative ran, with the gradients of its inputs and of its results; what it
    /// returns, if anything, replaces those of the inputs.
    @discardableResult
    public final func registerHook(
        _ hook: @escaping (_ inputGradients: [Tensor?], _ outputGradients: [Tensor?]) -> [Tensor?]?
    ) -> HookHandle {
        let extras = ensureExtras()
        let id = extras.nextID()
        extras.nodeHooks.append((id, hook))
        return HookHandle(node: self, id: id)
    }
}

extension Tensor {
    /// Calls `hook` with this tensor's gradient, whenever one has been computed; what it returns, if anything, replaces
    /// the gradient. For leaves it is called once a `backward`, before the gradient is added to `grad`.
    ///
    /// Returns a handle by which to remove the hook.
    @discardableResult
    public func registerHook(_ hook: @escaping (Tensor) -> Tensor?) -> HookHandle {
        guard require(requiresGrad, "registerHook: the tensor does not require grad"), let node = gradientNode else {
            return HookHandle()
        }
        let extras = node.ensureExtras()
        let id = extras.nextID()
        extras.hooks.append((Int(outputIndex), id, hook))
        return HookHandle(node: node, id: id)
    }

    /// Calls `hook` with a leaf's `grad` each time `backward` has added to it.
    @discardableResult
    public func registerPostAccumulateGradHook(_ hook: @escaping (Tensor) -> Void) -> HookHandle {
        guard let node = gradientNode, node is AccumulateGrad else {
            _ = require(false, "registerPostAccumulateGradHook: the tensor is not a leaf that requires grad")
            return HookHandle()
        }
        let extras = node.ensureExtras()
        let id = extras.nextID()
        extras.postHooks.append((id, hook))
        return HookHandle(node: node, id: id)
    }
}

/// When a hook over several tensors is called.
public enum MultiGradMode: Sendable {
    /// Once a backward pass, when all of the tensors that it reaches have their gradients.
    case all
    /// Once a backward pass, with the first gradient.
    case any
}

/// Calls `hook` once in each backward pass with the gradients of `tensors`, nil for those that have none (yet).
///
/// All tensors must require grad. Returns a handle by which to remove the hook.
@discardableResult
public func registerMultiGradHook(
    _ tensors: [Tensor], mode: MultiGradMode = .all, _ hook: @escaping ([Tensor?]) -> Void
) -> HookHandle {
    let shared = MultiGradHook(count: tensors.count, mode: mode, call: hook)
    var handle = HookHandle()
    for (place, tensor) in tensors.enumerated() {
        guard
            require(tensor.requiresGrad, "registerMultiGradHook: tensor \(place) does not require grad"),
            let node = tensor.gradientNode
        else { break }
        let extras = node.ensureExtras()
        let id = extras.nextID()
        extras.groups.append((Int(tensor.outputIndex), place, id, shared))
        handle.add(node, id)
    }
    return handle
}

/// A hook over several tensors, and what has arrived for it in the present backward pass.
final class MultiGradHook {
    private let mode: MultiGradMode
    private let call: ([Tensor?]) -> Void
    private var gradients: [Tensor?]
    private var awaited = 0
    private var isDone = false

    init(count: Int, mode: MultiGradMode, call: @escaping ([Tensor?]) -> Void) {
        self.mode = mode
        self.call = call
        gradients = Array(repeating: nil, count: count)
    }

    /// A new pass begins.
    func reset() {
        for i in gradients.indices { gradients[i] = nil }
        awaited = 0
        isDone = false
    }

    /// One more of the tensors is reached by the pass.
    func expect() { awaited += 1 }

    /// One of the tensors' turn has come, with its gradient if there is one.
    func arrive(_ gradient: Tensor?, at place: Int) {
        gradients[place] = gradient
        awaited -= 1
        let isDue = mode == .all ? awaited == 0 : gradient != nil
        guard isDue, !isDone else { return }
        isDone = true
        call(gradients)
    }
}
