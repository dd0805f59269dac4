import Apus
import CApus
import CApusTrain

// Where C calls in. Every exported function runs its work through `guarded`, `give` or `text`: whatever fails inside
// becomes a status with its text in the core's `apus_last_error`, never a trap.

/// Runs `body` for a C caller.
@inline(__always)
func guarded(_ body: () throws -> Void) -> Status {
    do {
        try withTensorErrors {
            let isRecording = ThreadMode.isRecording
            if isRecording == isGradEnabled { return try body() }
            try withGradMode(isRecording, body)
        }
        return .ok
    } catch {
        return failure(error)
    }
}

/// The status of an error, whose text becomes the thread's last one.
@inline(never)
func failure(_ error: any Error) -> Status {
    if let error = error as? TensorError { return apus_fail(error.status, error.message) }
    let lines = "\(error)".split(whereSeparator: \.isNewline).map { $0.drop { $0 == " " } }
    return apus_fail(.invalid_argument, lines.joined(separator: "; "))
}

/// Runs `body` and hands what it returns to the caller, as a new reference.
@inline(__always)
func give<Object: AnyObject>(
    _ out: UnsafeMutablePointer<OpaquePointer?>?, _ name: StaticString, _ body: () throws -> Object?
) -> Status {
    guard let out else { return failure(TensorError(.null_argument, "\(name): out is null")) }
    out.pointee = nil
    var object: Object?
    let status = guarded { object = try body() }
    if status == .ok, let object { out.pointee = newReference(object) }
    return status
}

/// Runs `body` and writes the text it returns, NUL-terminated and cut to `capacity` bytes at a character's boundary.
func text(
    _ buffer: UnsafeMutablePointer<CChar>?, _ capacity: Int, _ length: UnsafeMutablePointer<Int>?,
    _ body: () throws -> String
) -> Status {
    guarded {
        let text = try body()
        length?.pointee = text.utf8.count
        guard let buffer, capacity > 0 else { return }
        var end = 0
        for character in text {
            let bytes = character.utf8.count
            if end + bytes >= capacity { break }
            for byte in character.utf8 {
                buffer[end] = CChar(bitPattern: byte)
                end += 1
            }
        }
        buffer[end] = 0
    }
}

// MARK: - Handles: retained Swift objects

/// A reference for the caller to own.
@inline(__always)
func newReference(_ object: some AnyObject) -> OpaquePointer {
    OpaquePointer(Unmanaged.passRetained(object).toOpaque())
}

/// A reference that lives as long as the object does.
@inline(__always)
func borrowedReference(_ object: some AnyObject) -> OpaquePointer {
    OpaquePointer(Unmanaged.passUnretained(object).toOpaque())
}

/// The object behind a handle.
@inline(__always)
func object<Object: AnyObject>(_ handle: OpaquePointer, as _: Object.Type = Object.self) -> Object {
    Unmanaged<Object>.fromOpaque(UnsafeRawPointer(handle)).takeUnretainedValue()
}

/// The object behind a handle that must not be NULL.
@inline(__always)
func object<Object: AnyObject>(
    _ handle: OpaquePointer?, as type: Object.Type = Object.self, _ name: StaticString, _ argument: StaticString
) throws -> Object {
    guard let handle else { throw TensorError(.null_argument, "\(name): \(argument) is null") }
    return object(handle)
}

func retain<Object: AnyObject>(_ handle: OpaquePointer?, as _: Object.Type) -> OpaquePointer? {
    guard let handle else { return nil }
    _ = Unmanaged<Object>.fromOpaque(UnsafeRawPointer(handle)).retain()
    return handle
}

/// Drops the caller's reference. What goes with it may run a caller's deleter, so this too is guarded.
func release<Object: AnyObject>(_ handle: OpaquePointer?, as _: Object.Type) {
    guard let handle else { return }
    Unmanaged<Object>.fromOpaque(UnsafeRawPointer(handle)).release()
}

/// The text a caller gave, which must not be NULL.
func string(_ text: UnsafePointer<CChar>?, _ name: StaticString, _ argument: StaticString) throws -> String {
    guard let text else { throw TensorError(.null_argument, "\(name): \(argument) is null") }
    return String(cString: text)
}

/// The tensors of an array of handles; `nil` entries are an error.
func tensors(
    _ count: Int32, _ handles: UnsafePointer<OpaquePointer?>?, _ name: StaticString, _ argument: StaticString
) throws -> [Tensor] {
    try optionalTensors(count, handles, name, argument).enumerated().map { i, tensor in
        guard let tensor else { throw TensorError(.null_argument, "\(name): \(argument)[\(i)] is null") }
        return tensor
    }
}

/// The tensors of an array of handles.
func optionalTensors(
    _ count: Int32, _ handles: UnsafePointer<OpaquePointer?>?, _ name: StaticString, _ argument: StaticString
) throws -> [Tensor?] {
    guard count >= 0 else { throw TensorError(.invalid_argument, "\(name): \(argument) has \(count) entries") }
    guard count > 0 else { return [] }
    guard let handles else { throw TensorError(.null_argument, "\(name): \(argument) is null") }
    return UnsafeBufferPointer(start: handles, count: Int(count)).map { $0.map { object($0) } }
}
