// Documented in apus/train.h.
// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation

import Apus
import CApus
import CApusTrain

// MARK: - States

@c @implementation
public func apus_state_new(_ out: Out?) -> Status { give(out, "apus_state_new") { State() } }

@c @implementation
public func apus_state_retain(_ state: OpaquePointer?) -> OpaquePointer? { retain(state, as: State.self) }

@c @implementation
public func apus_state_release(_ state: OpaquePointer?) { release(state, as: State.self) }

@c @implementation
public func apus_state_count(_ state: OpaquePointer?) -> Int32 {
    state.map { Int32(clamping: object($0, as: State.self).tensors.count) } ?? 0
}

@c @implementation
public func apus_state_name(_ state: OpaquePointer?, _ i: Int32) -> UnsafePointer<CChar>? {
    state.flatMap { entry(object($0, as: State.self).tensors, i)?.name.cText }
}

@c @implementation
public func apus_state_variable(_ state: OpaquePointer?, _ i: Int32) -> OpaquePointer? {
    state.flatMap { entry(object($0, as: State.self).tensors, i) }.map { borrowedReference($0.value) }
}

@c @implementation
public func apus_state_set(_ state: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ v: OpaquePointer?) -> Status {
    guarded {
        let state: State = try object(state, "apus_state_set", "state")
        try state.set(string(name, "apus_state_set", "name"), object(v, "apus_state_set", "v"))
    }
}

@c @implementation
public func apus_state_number_count(_ state: OpaquePointer?) -> Int32 {
    state.map { Int32(clamping: object($0, as: State.self).numbers.count) } ?? 0
}

@c @implementation
public func apus_state_number_name(_ state: OpaquePointer?, _ i: Int32) -> UnsafePointer<CChar>? {
    state.flatMap { entry(object($0, as: State.self).numbers, i)?.name.cText }
}

@c @implementation
public func apus_state_number(_ state: OpaquePointer?, _ i: Int32) -> Double {
    state.flatMap { entry(object($0, as: State.self).numbers, i)?.value } ?? .nan
}

@c @implementation
public func apus_state_set_number(_ state: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ value: Double) -> Status {
    guarded {
        let state: State = try object(state, "apus_state_set_number", "state")
        try state.set(string(name, "apus_state_set_number", "name"), value)
    }
}

@c @implementation
public func apus_state_save(_ state: OpaquePointer?, _ path: UnsafePointer<CChar>?) -> Status {
    guarded {
        let state: State = try object(state, "apus_state_save", "state")
        try state.save(to: string(path, "apus_state_save", "path"))
    }
}

@c @implementation
public func apus_state_load(_ out: Out?, _ path: UnsafePointer<CChar>?) -> Status {
    give(out, "apus_state_load") { try State(path: string(path, "apus_state_load", "path")) }
}
