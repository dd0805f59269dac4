import CApus
import Synchronization

/// A multi-dimensional array of one dtype on one device, with automatic differentiation.
///
/// A tensor is a reference: assigning it to another variable makes no copy, views (`x[0]`, `x.t()`) share the memory
/// they look at, and methods whose name ends in `_` write in place and return the tensor itself. Everything else
/// returns a new tensor.
///
/// Misuse (shapes that do not fit, an unsupported dtype) traps with a message that names the operator and the shapes;
/// inside `withTensorErrors` it becomes a thrown `TensorError` instead.
///
/// Tensors may be handed between tasks and read from several at once. Writing to memory that another task uses at the
/// same time is the program's to prevent.
public final class Tensor: @unchecked Sendable {
    // The fields are read at every operation, and never while being changed in place: checking for that at run time would
    // take a fifth of a small operation.

    /// The tensor in the C core; owned.
    @exclusivity(unchecked) package private(set) var handle: OpaquePointer

    /// Where gradients of this tensor go: the operation that made it, or, for a leaf that requires grad, its
    /// `AccumulateGrad`. Nil when nothing is recorded. Read it through `gradientNode`, which keeps views up to date.
    @exclusivity(unchecked) var node: Node?
    /// For a view: the tensor whose memory it looks at, itself never a view (but see `Flags.detached`).
    @exclusivity(unchecked) var base: Tensor?
    /// Holds `grad`, for leaves that require grad and for tensors told to retain it.
    @exclusivity(unchecked) var slot: GradientSlot?
    /// For a view: the storage's version when `node` was worked out.
    let viewVersion = Atomic<UInt64>(0)
    /// Which result of `node` this is.
    @exclusivity(unchecked) var outputIndex: Int32 = 0
    @exclusivity(unchecked) var flags: Flags = []

    struct Flags: OptionSet {
        let rawValue: UInt8
        /// Shares memory with `base`, but not its history.
        static let detached = Flags(rawValue: 1)
        /// A view of a tensor that requires grad, made while grad mode was off.
        static let viewWithoutGrad = Flags(rawValue: 2)
        /// Shares its handle with other tensors, which the core cannot tell.
        static let alias = Flags(rawValue: 4)
        /// Was made in `inferenceMode`.
        static let inference = Flags(rawValue: 8)
    }

    /// Takes over the caller's ownership of `handle`.
    @inline(__always)
    package init(owning handle: OpaquePointer) {
        self.handle = handle
        if InferenceMode.isPossible { markInference() }
    }

    @inline(never)
    private func markInference() {
        if InferenceMode.isActive { flags = .inference }
    }

    /// A tensor over what a C caller holds, and goes on holding.
    package convenience init(sharing handle: OpaquePointer) {
        self.init(owning: apus_tensor_retain(handle))
        markShared()
    }

    /// Says that somebody outside Swift may hold the handle, so that the tensor is never written to as if it were only
    /// held here.
    package func markShared() { flags.insert(.alias) }

    deinit {
        apus_tensor_release(handle)
    }

    /// Exchanges the memory of this tensor for that of `other`, whatever its shape, dtype and device. History and
    /// `grad` stay as they are.
    package func setHandle(of other: Tensor) {
        let old = handle
        handle = apus_tensor_retain(other.handle)
        apus_tensor_release(old)
    }
}

extension Tensor {
    /// Runs a C function that makes a tensor, and wraps what it made. A failure goes to `report`, and gives an invalid
    /// tensor in a `withTensorErrors` scope.
    @inline(__always)
    package static func make(_ body: (UnsafeMutablePointer<OpaquePointer?>) -> Status) -> Tensor {
        var out: OpaquePointer?
        let status = body(&out)
        guard status == .ok, let out else { return failed(status) }
        return Tensor(owning: out)
    }

    /// Runs a C function that writes into this tensor, given as its output. Returns whether it succeeded.
    @inline(__always)
    package func write(_ body: (UnsafeMutablePointer<OpaquePointer?>) -> Status) -> Bool {
        guard mayBeWritten("in-place operation") else { return false }
        var out: OpaquePointer? = handle
        return check(body(&out))
    }

    /// Reports a failed call of the core; returns an invalid tensor to go on with.
    @inline(never)
    package static func failed(_ status: Status) -> Tensor {
        report(status)
        return invalid()
    }

    /// Reports a mistake found in Swift; returns an invalid tensor to go on with.
    @inline(never)
    package static func failed(_ status: Status, _ message: String) -> Tensor {
        report(status, message)
        return invalid()
    }

    /// A tensor that every operator refuses.
    @inline(never)
    package static func invalid() -> Tensor {
        var out: OpaquePointer?
        guard apus_tensor_invalid(&out) == .ok, let out else { fatalError("out of memory") }
        return Tensor(owning: out)
    }

    /// Whether this tensor stands for the result of an operation that failed.
    package var isInvalid: Bool { apus_tensor_device(handle) == APUS_DEVICE_NONE }

    /// Another tensor over the same memory, without history.
    @inline(__always)
    func aliased() -> Tensor {
        let alias = Tensor(owning: apus_tensor_retain(handle))
        alias.flags = flags.intersection(.inference).union(.alias)
        return alias
    }
}
