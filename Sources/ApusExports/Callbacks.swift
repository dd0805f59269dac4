import Apus
import CApus
import CApusTrain

/// A C caller's function with what belongs to it, which is deleted with this.
final class Callback<Function> {
    let function: Function
    let payload: UnsafeMutableRawPointer?
    private let deleter: apus_deleter?

    init(_ function: Function, _ payload: UnsafeMutableRawPointer?, _ deleter: apus_deleter?) {
        self.function = function
        self.payload = payload
        self.deleter = deleter
    }

    deinit { deleter?(payload) }

    /// Calls out. What the function calls in turn records operations exactly where the walk that it belongs to does.
    /// Returns whether it succeeded; a failure is reported with the text that it left.
    func call(_ body: (Function, UnsafeMutableRawPointer?) -> Status) -> Bool {
        let before = ThreadMode.isRecording
        ThreadMode.isRecording = isGradEnabled
        let status = body(function, payload)
        ThreadMode.isRecording = before
        return check(status)
    }
}

/// A registered hook.
final class Hook {
    private let handle: HookHandle

    init(_ handle: HookHandle) { self.handle = handle }

    func remove() { handle.remove() }
}

/// Takes over a reference that a callback left in an out-parameter.
func consumed(_ handle: OpaquePointer?) -> Tensor? {
    handle.map { Unmanaged<Tensor>.fromOpaque(UnsafeRawPointer($0)).takeRetainedValue() }
}
