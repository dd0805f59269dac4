// Documented in apus/train.h.
// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation

import Apus
import ApusNN
import CApus
import CApusTrain

// MARK: - Modules

@c @implementation
public func apus_module_kind_count() -> Int32 { Int32(ModuleKinds.all.count) }

@c @implementation
public func apus_module_signature(_ kind: Int32) -> UnsafePointer<CChar>? {
    entry(ModuleKinds.all, kind)?.signature.cText
}

@c @implementation
public func apus_module_new(
    _ out: Out?, _ kind: UnsafePointer<CChar>?, _ count: Int32, _ arguments: UnsafePointer<apus_argument>?
) -> Status {
    give(out, "apus_module_new") { try make(ModuleKinds.all, "apus_module_new", kind, (), count, arguments) }
}

@c @implementation
public func apus_module_retain(_ module: OpaquePointer?) -> OpaquePointer? { retain(module, as: Module.self) }

@c @implementation
public func apus_module_release(_ module: OpaquePointer?) { release(module, as: Module.self) }

@c @implementation
public func apus_module_forward(_ out: Out?, _ module: OpaquePointer?, _ x: OpaquePointer?) -> Status {
    give(out, "apus_module_forward") {
        let module: Module = try object(module, "apus_module_forward", "module")
        return module(try object(x, "apus_module_forward", "x"))
    }
}

@c @implementation
public func apus_module_parameters(_ out: Out?, _ module: OpaquePointer?) -> Status {
    give(out, "apus_module_parameters") {
        State(try object(module, as: Module.self, "apus_module_parameters", "module").namedParameters())
    }
}

@c @implementation
public func apus_module_buffers(_ out: Out?, _ module: OpaquePointer?) -> Status {
    give(out, "apus_module_buffers") {
        State(try object(module, as: Module.self, "apus_module_buffers", "module").namedBuffers())
    }
}

@c @implementation
public func apus_module_state(_ out: Out?, _ module: OpaquePointer?) -> Status {
    give(out, "apus_module_state") {
        State(try object(module, as: Module.self, "apus_module_state", "module").stateDict())
    }
}

@c @implementation
public func apus_module_load_state(_ module: OpaquePointer?, _ state: OpaquePointer?, _ strict: Bool) -> Status {
    guarded {
        let module: Module = try object(module, "apus_module_load_state", "module")
        let state: State = try object(state, "apus_module_load_state", "state")
        try module.loadStateDict(state.stateDict, strict: strict)
    }
}

@c @implementation
public func apus_module_train(_ module: OpaquePointer?, _ training: Bool) -> Status {
    guarded { _ = try object(module, as: Module.self, "apus_module_train", "module").train(training) }
}

@c @implementation
public func apus_module_is_training(_ module: OpaquePointer?) -> Bool {
    module.map { object($0, as: Module.self).isTraining } ?? false
}

@c @implementation
public func apus_module_zero_grad(_ module: OpaquePointer?) -> Status {
    guarded { try object(module, as: Module.self, "apus_module_zero_grad", "module").zeroGrad() }
}

@c @implementation
public func apus_module_set_requires_grad(_ module: OpaquePointer?, _ requiresGrad: Bool) -> Status {
    guarded {
        _ = try object(module, as: Module.self, "apus_module_set_requires_grad", "module").requiresGrad_(requiresGrad)
    }
}

@c @implementation
public func apus_module_to(_ module: OpaquePointer?, _ dtype: DType) -> Status {
    // A C caller may pass any number for the enum.
    let code = withUnsafeBytes(of: dtype) { $0.loadUnaligned(as: UInt32.self) }
    return guarded {
        let module: Module = try object(module, "apus_module_to", "module")
        guard code < APUS_DTYPE_COUNT else { throw TensorError(.dtype, "apus_module_to: \(code) is no dtype") }
        module.to(dtype)
    }
}

@c @implementation
public func apus_module_describe(
    _ module: OpaquePointer?, _ buffer: UnsafeMutablePointer<CChar>?, _ capacity: Int,
    _ length: UnsafeMutablePointer<Int>?
) -> Status {
    text(buffer, capacity, length) {
        try object(module, as: Module.self, "apus_module_describe", "module").description
    }
}
