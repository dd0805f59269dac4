import CApus

/// A tensor kept for the backward pass: its handle, and its storage's version at that time; or what hooks made of it.
///
/// Only the handle is kept, never the Swift object: the object would hold the history, and an operation that saves its
/// own result would then keep itself alive. `unpack` ties the history on again where it is needed.
struct SavedTensor: ~Copyable {
    private let kept: Kept

    @inline(__always)
    init(_ tensor: Tensor) {
        tensor.checkMayBeSaved()
        kept = Kept(tensor.handle)
    }

    @inline(__always)
    init(_ handle: OpaquePointer) {
        kept = Kept(handle)
    }

    deinit { kept.release() }

    /// The tensor, with the history given. Reports one whose memory was written to since it was saved.
    @inline(__always)
    func unpack(for node: Node, history: Edge?) -> Tensor {
        kept.unpack(for: node, history: history)
    }
}

/// Any number of saved tensors, each with its source.
struct SavedTensors: ~Copyable {
    /// Whose history a saved tensor has.
    enum Source {
        case input(Int)
        case output(Int)
        case other
    }

    private var entries: [(kept: Kept, source: Source)]

    init(_ tensors: [Tensor], sources: [Source]) {
        for tensor in tensors { tensor.checkMayBeSaved() }
        entries = zip(tensors, sources).map { (Kept($0.handle), $1) }
    }

    deinit {
        for entry in entries { entry.kept.release() }
    }

    var isEmpty: Bool { entries.isEmpty }

    mutating func removeAll() {
        for entry in entries { entry.kept.release() }
        entries = []
    }

    /// The tensors, with their history where `createGraph`.
    func unpack(for node: Node, createGraph: Bool) -> [Tensor] {
        entries.map { kept, source in
            let history: Edge? =
                switch source {
                case .input(let index): node.edges[index]
                case .output(let index): Edge(node: node, index: Int32(index))
                case .other: nil
                }
            return kept.unpack(for: node, history: createGraph ? history : nil)
        }
    }
}

/// A retained handle with its version, or a packed tensor. Whoever makes it releases it, once.
private struct Kept {
    private let handle: OpaquePointer?
    private let version: UInt64
    private let packed: PackedTensor?

    @inline(__always)
    init(_ tensor: OpaquePointer) {
        packed = SavedTensorHooks.packed(tensor)
        handle = packed == nil ? apus_tensor_retain(tensor) : nil
        version = apus_tensor_version(tensor)
    }

    @inline(__always)
    func release() {
        if let handle { apus_tensor_release(handle) }
    }

    @inline(__always)
    func unpack(for node: Node, history: Edge?) -> Tensor {
        let tensor: Tensor
        if let handle {
            tensor = Tensor(owning: apus_tensor_retain(handle))
            if apus_tensor_version(handle) != version { return staleTensor(tensor, version, node) }
            tensor.flags = .alias
        } else {
            tensor = packed!.unpack()
        }
        if let history {
            tensor.node = history.node
            tensor.outputIndex = history.index
        }
        return tensor
    }
}

@inline(never)
private func staleTensor(_ tensor: Tensor, _ version: UInt64, _ node: Node) -> Tensor {
    .failed(
        .invalid_argument,
        "backward: a tensor of shape \(tensor.shape) that \(node.name) needs was modified in place: it is at version "
            + "\(tensor.version), expected version \(version)" + Anomaly.origin(of: node))
}
