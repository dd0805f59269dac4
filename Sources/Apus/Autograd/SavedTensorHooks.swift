import CApus
import Synchronization

// What happens to the tensors that operations keep for backward: by default nothing, and here whatever a program wants.

/// Runs `body`, in which every tensor that an operation saves for backward goes through `pack`, and what that returned
/// through `unpack` when backward needs the tensor.
///
/// Use it to keep activations elsewhere (see ``saveOnCPU(_:)``), compressed, or not at all (see
/// ``checkpoint(_:preservesRandomState:_:)``). `pack` gets the tensor without history and must not change it; `unpack`
/// must return one of the same shape and dtype. What they compute is not recorded. The innermost hooks apply, in the
/// current task.
public func withSavedTensorHooks<Packed, Result>(
    pack: @escaping (Tensor) -> Packed, unpack: @escaping (Packed) -> Tensor, _ body: () throws -> Result
) rethrows -> Result {
    if let message = SavedTensorHooks.current?.refusal {
        _ = require(false, "withSavedTensorHooks: \(message)")
    }
    return try SavedTensorHooks(pack: { pack($0) }, unpack: { unpack($0 as! Packed) }).apply(body)
}

/// Runs `body`, in which saved-tensor hooks are refused with `message`: for code that would go wrong under them.
public func disableSavedTensorHooks<Result>(_ message: String, _ body: () throws -> Result) rethrows -> Result {
    try SavedTensorHooks(refusal: message).apply(body)
}

/// Runs `body`, in which tensors saved for backward wait in the CPU's memory and return to their device when needed.
public func saveOnCPU<Result>(_ body: () throws -> Result) rethrows -> Result {
    try withSavedTensorHooks(
        pack: { (tensor: $0.to(.cpu), device: $0.device) }, unpack: { $0.tensor.to($0.device) }, body)
}

/// What `withSavedTensorHooks` installs for a task.
final class SavedTensorHooks: @unchecked Sendable {
    @TaskLocal static var current: SavedTensorHooks?
    /// How many scopes there are in all tasks, so that saving a tensor costs one load where there are none.
    private static let scopes = Atomic<Int>(0)

    let pack: (Tensor) -> Any
    let unpack: (Any) -> Tensor
    /// Why hooks inside are refused; such a scope has none itself.
    let refusal: String?

    init(pack: @escaping (Tensor) -> Any, unpack: @escaping (Any) -> Tensor) {
        self.pack = pack
        self.unpack = unpack
        refusal = nil
    }

    init(refusal: String) {
        pack = { $0 }
        unpack = { $0 as! Tensor }
        self.refusal = refusal
    }

    func apply<Result>(_ body: () throws -> Result) rethrows -> Result {
        SavedTensorHooks.scopes.add(1, ordering: .relaxed)
        defer { SavedTensorHooks.scopes.subtract(1, ordering: .relaxed) }
        return try SavedTensorHooks.$current.withValue(self, operation: body)
    }

    @inline(__always)
    static func packed(_ handle: OpaquePointer) -> PackedTensor? {
        scopes.load(ordering: .relaxed) == 0 ? nil : packedInScope(handle)
    }

    @inline(never)
    private static func packedInScope(_ handle: OpaquePointer) -> PackedTensor? {
        guard let hooks = current, hooks.refusal == nil else { return nil }
        let tensor = Tensor(owning: apus_tensor_retain(handle))
        tensor.flags = .alias
        return PackedTensor(value: withoutHooks { hooks.pack(tensor) }, hooks: hooks)
    }

    fileprivate static func withoutHooks<Result>(_ body: () -> Result) -> Result {
        $current.withValue(nil) { noGrad(body) }
    }
}

/// A saved tensor in the form that its hooks gave it.
final class PackedTensor {
    private let value: Any
    private let hooks: SavedTensorHooks

    init(value: Any, hooks: SavedTensorHooks) {
        self.value = value
        self.hooks = hooks
    }

    func unpack() -> Tensor { SavedTensorHooks.withoutHooks { hooks.unpack(value) }.aliased() }
}
