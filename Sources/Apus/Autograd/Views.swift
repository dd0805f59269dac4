import CApus
import Synchronization

// How views and in-place writes take part in the graph.
//
// A view records its base, the tensor that owns the memory. A recorded write into a view rewrites the history of the
// base: the base becomes the result of a `CopySlices`, which applies the written operation's derivative to the part of
// the gradient that the view covers. Every other view of the base notices by the storage's version that the base has
// changed, and works its own history out anew, as a strided view of the base.

extension Tensor {
    /// The node that gradients of this tensor go to, brought up to date if this is a view.
    @inline(__always)
    var gradientNode: Node? {
        guard let base, base.node != nil else { return node }
        return viewNode(base)
    }

    /// Makes a view by a C function, and its history by `backward`: from the gradient of the view to that of this tensor.
    @inline(__always)
    func view(
        _ name: StaticString, _ body: (UnsafeMutablePointer<OpaquePointer?>) -> Status,
        backward: @autoclosure () -> ((_ g: Tensor) -> Tensor)
    ) -> Tensor {
        let result = Tensor.make(body)
        result.becomeView(of: self)
        if requiresGrad { recordView(name, result, backward()) }
        return result
    }

    /// Records the base of a fresh handle over this tensor's memory.
    @inline(__always)
    func becomeView(of source: Tensor) {
        if let base = source.base, !source.flags.contains(.detached) {
            self.base = base
        } else {
            base = source
        }
        // A view of an ordinary tensor is one, wherever it is made.
        flags = source.flags.contains(.inference) ? flags.union(.inference) : flags.subtracting(.inference)
        viewVersion.store(apus_tensor_version(handle), ordering: .relaxed)
    }

    @inline(never)
    func recordView(_ name: StaticString, _ result: Tensor, _ backward: @escaping (Tensor) -> Tensor) {
        guard !result.isInvalid else { return }
        if flags.contains(.viewWithoutGrad) || !GradMode.isEnabled {
            result.flags.insert(.viewWithoutGrad)
            return
        }
        result.setHistory(ViewNode(name, input: self, backward: backward))
    }

    @inline(never)
    private func viewNode(_ base: Tensor) -> Node? {
        if flags.contains(.detached) || flags.contains(.viewWithoutGrad) { return node }
        if isUpToDate { return node }
        let isFresh = Tensor.viewLock.withLock { _ in
            if isUpToDate { return false }
            followBase(base)
            return true
        }
        // Outside the lock: tangents are computed by operators that may ask for this node themselves.
        if isFresh && DualLevel.isPossible { DualLevel.pushTangent(to: self) }
        return node
    }

    /// Several tasks may ask at once: whoever sees the version that `followBase` stored last sees the node it set before.
    private var isUpToDate: Bool { viewVersion.load(ordering: .acquiring) == apus_tensor_version(handle) }

    private static let viewLock = Mutex<Void>(())

    /// Makes this view's history "strided view of what the base is now". The tangent is the caller's to push.
    private func followBase(_ base: Tensor) {
        let window = StridedWindow(of: self, in: base)
        node = ViewNode("AsStrided", input: base) { window.embed($0) }
        outputIndex = 0
        viewVersion.store(apus_tensor_version(handle), ordering: .releasing)
    }

    /// Whether a recorded in-place operation may write into this tensor; reports why not.
    func mayRecordWrite(_ name: String) -> Bool {
        if base == nil || flags.contains(.detached) {
            return require(
                !(node is AccumulateGrad),
                "\(name): a leaf that requires grad cannot be changed in place while grad mode is on; use noGrad")
        }
        return require(
            !flags.contains(.viewWithoutGrad),
            "\(name): a view that was made in noGrad cannot be changed in place while grad mode is on")
            && require(
                !(base?.node is AccumulateGrad) && !(node is AccumulateGrad),
                "\(name): a view of a leaf that requires grad cannot be changed in place while grad mode is on; use noGrad"
            )
    }

    /// Makes `write`, the node of an operation that has just written into this tensor, its history. The first input of
    /// the node must be this tensor as it was before.
    func rebaseHistory(_ write: Node) {
        guard let base, !flags.contains(.detached) else {
            moveRetained(to: write)
            setHistory(write)
            return
        }
        let window = StridedWindow(of: self, in: base)
        let copy = CopySlices(write, base: base.edge, window: window)
        base.moveRetained(to: copy)
        base.setHistory(copy)
        followBase(base)
        if DualLevel.isPossible { DualLevel.pushTangent(to: self) }
    }

    /// `retainGrad` follows the tensor to its new value.
    private func moveRetained(to new: Node) {
        guard let slot, let extras = node?.extras else { return }
        guard let place = extras.retained.firstIndex(where: { $0.slot === slot }) else { return }
        extras.retained.remove(at: place)
        new.ensureExtras().retained.append((0, slot))
    }
}

/// Where a strided view lies in a tensor over the same storage.
struct StridedWindow: Sendable {
    private let shape: [Int]
    private let strides: [Int]
    private let offset: Int
    private let baseShape: [Int]
    private let baseStrides: [Int]
    private let baseOffset: Int

    init(of view: Tensor, in base: Tensor) {
        shape = view.shape
        strides = view.strides
        offset = view.offset
        baseShape = base.shape
        baseStrides = base.strides
        baseOffset = base.offset
    }

    /// A copy of `x`, which has the base's shape, with the base's strides; and the window in it, as a view.
    func open(_ x: Tensor) -> (copy: Tensor, window: Tensor) {
        let room = Tensor.zeros([extent], dtype: x.dtype, device: x.device)
        let copy = room.asStrided(baseShape, strides: baseStrides, offset: 0)
        copy.copy_(x)
        return (copy, room.asStrided(shape, strides: strides, offset: offset - baseOffset))
    }

    /// A tensor of the base's shape that is `x` in the window and 0 elsewhere. Elements that the window shows several
    /// times are added up.
    func embed(_ x: Tensor) -> Tensor {
        let places = Tensor.arange(extent, device: x.device).asStrided(
            shape, strides: strides, offset: offset - baseOffset)
        let room = Tensor.zeros([extent], dtype: x.dtype, device: x.device)
            .indexAdd(dim: 0, index: places.reshape(-1), source: x.reshape(-1))
        return room.asStrided(baseShape, strides: baseStrides, offset: 0)
    }

    /// The elements of a tensor of the base's shape that the window shows.
    func read(_ x: Tensor) -> Tensor { open(x).window }

    /// Elements from the base's first to just after the last that base or window reach.
    private var extent: Int {
        func end(_ shape: [Int], _ strides: [Int]) -> Int {
            shape.contains(0) ? 0 : 1 + zip(shape, strides).reduce(0) { $0 + ($1.0 - 1) * $1.1 }
        }
        return max(end(baseShape, baseStrides), offset - baseOffset + end(shape, strides))
    }
}

/// A recorded view.
final class ViewNode: Node, @unchecked Sendable {
    private let label: StaticString
    private let function: (Tensor) -> Tensor

    init(_ label: StaticString, input: Tensor, backward: @escaping (Tensor) -> Tensor) {
        self.label = label
        function = backward
        super.init(inputs: 1)
        edges[0] = input.edge
    }

    override var name: String { "\(label)Backward" }

    override func apply(_ gradients: inout Slots<Tensor>, _ results: inout Slots<Tensor>, createGraph: Bool) {
        guard let g = gradients.take(0) else { return }
        results[0] = function(g)
    }
}

/// The history of a tensor after an operation wrote into a view of it.
final class CopySlices: Node, @unchecked Sendable {
    private var write: Node?
    private let window: StridedWindow

    /// Takes over the edges of `write` but the first, in whose place comes that of the base.
    init(_ write: Node, base: Edge?, window: StridedWindow) {
        self.write = write
        self.window = window
        super.init(inputs: write.edges.count)
        edges = write.edges
        edges[0] = base
    }

    override var name: String { "CopySlices" }

    override func apply(_ gradients: inout Slots<Tensor>, _ results: inout Slots<Tensor>, createGraph: Bool) {
        guard let write, let g = gradients.take(0) else { return }
        let (copy, slice) = window.open(g)
        var inner = Slots<Tensor>(slice.clone())
        write.apply(&inner, &results, createGraph: createGraph)
        let below = results.take(0)
        guard needs(0) else { return }
        if let below { slice.copy_(below) } else { slice.zero_() }
        results[0] = copy
    }

    override var isReleased: Bool { write?.isReleased ?? true }

    override func releaseSaved() { write?.releaseSaved() }

    override func takeInner() -> Node? { write.take() }
}
