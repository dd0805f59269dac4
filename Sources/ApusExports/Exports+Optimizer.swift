// Documented in apus/train.h.
// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation

import Apus
import ApusNN
import ApusOptim
import CApus
import CApusTrain

// MARK: - Optimizers

@c @implementation
public func apus_optimizer_kind_count() -> Int32 { Int32(OptimizerKinds.all.count) }

@c @implementation
public func apus_optimizer_signature(_ kind: Int32) -> UnsafePointer<CChar>? {
    entry(OptimizerKinds.all, kind)?.signature.cText
}

@c @implementation
public func apus_optimizer_new(
    _ out: Out?, _ kind: UnsafePointer<CChar>?, _ parameterCount: Int32, _ parameters: UnsafePointer<OpaquePointer?>?,
    _ count: Int32, _ arguments: UnsafePointer<apus_argument>?
) -> Status {
    give(out, "apus_optimizer_new") {
        let parameters = try tensors(parameterCount, parameters, "apus_optimizer_new", "parameters")
        return try make(OptimizerKinds.all, "apus_optimizer_new", kind, parameters, count, arguments)
    }
}

@c @implementation
public func apus_optimizer_retain(_ optimizer: OpaquePointer?) -> OpaquePointer? {
    retain(optimizer, as: Optimizer.self)
}

@c @implementation
public func apus_optimizer_release(_ optimizer: OpaquePointer?) { release(optimizer, as: Optimizer.self) }

@c @implementation
public func apus_optimizer_add_group(
    _ optimizer: OpaquePointer?, _ parameterCount: Int32, _ parameters: UnsafePointer<OpaquePointer?>?
) -> Status {
    guarded {
        let optimizer: Optimizer = try object(optimizer, "apus_optimizer_add_group", "optimizer")
        let parameters = try tensors(parameterCount, parameters, "apus_optimizer_add_group", "parameters")
        // Checked by an optimizer of its own first, so that one that fails changes nothing.
        let known = optimizer.parameters
        guard parameters.allSatisfy({ new in !known.contains { $0 === new } }) else {
            throw TensorError(.invalid_argument, "apus_optimizer_add_group: a parameter is in another group already")
        }
        try withTensorErrors { _ = SGD(parameters) }
        optimizer.addGroup(ParameterGroup(parameters))
    }
}

@c @implementation
public func apus_optimizer_group_count(_ optimizer: OpaquePointer?) -> Int32 {
    optimizer.map { Int32(clamping: object($0, as: Optimizer.self).groups.count) } ?? 0
}

@c @implementation
public func apus_optimizer_get(
    _ optimizer: OpaquePointer?, _ group: Int32, _ option: UnsafePointer<CChar>?, _ out: UnsafeMutablePointer<Double>?
) -> Status {
    guarded {
        let optimizer: Optimizer = try object(optimizer, "apus_optimizer_get", "optimizer")
        let option = OptimizerOption(try string(option, "apus_optimizer_get", "option"))
        guard let out else { throw TensorError(.null_argument, "apus_optimizer_get: out is null") }
        let own = try groups(of: optimizer, group, "apus_optimizer_get").first.map { optimizer.groups[$0] }
        guard let own, own.optionNames.contains(option) else {
            throw TensorError(.invalid_argument, "apus_optimizer_get: there is no option '\(option)'")
        }
        out.pointee = own[option]
    }
}

@c @implementation
public func apus_optimizer_set(
    _ optimizer: OpaquePointer?, _ group: Int32, _ option: UnsafePointer<CChar>?, _ value: Double
) -> Status {
    guarded {
        let optimizer: Optimizer = try object(optimizer, "apus_optimizer_set", "optimizer")
        let option = OptimizerOption(try string(option, "apus_optimizer_set", "option"))
        let places =
            group == -1 ? Array(optimizer.groups.indices) : try groups(of: optimizer, group, "apus_optimizer_set")
        for place in places { optimizer.set(option, to: value, group: place) }
    }
}

/// The group a caller names.
private func groups(of optimizer: Optimizer, _ group: Int32, _ name: StaticString) throws -> [Int] {
    guard optimizer.groups.indices.contains(Int(group)) else {
        throw TensorError(.index, "\(name): there is no group \(group); there are \(optimizer.groups.count)")
    }
    return [Int(group)]
}

@c @implementation
public func apus_optimizer_step(_ optimizer: OpaquePointer?) -> Status {
    guarded { try object(optimizer, as: Optimizer.self, "apus_optimizer_step", "optimizer").step() }
}

@c @implementation
public func apus_optimizer_zero_grad(_ optimizer: OpaquePointer?) -> Status {
    guarded { try object(optimizer, as: Optimizer.self, "apus_optimizer_zero_grad", "optimizer").zeroGrad() }
}

@c @implementation
public func apus_optimizer_state(_ out: Out?, _ optimizer: OpaquePointer?) -> Status {
    give(out, "apus_optimizer_state") {
        let state = try object(optimizer, as: Optimizer.self, "apus_optimizer_state", "optimizer").stateDict()
        return State(state.tensors, numbers: state.numbers)
    }
}

@c @implementation
public func apus_optimizer_load_state(_ optimizer: OpaquePointer?, _ state: OpaquePointer?) -> Status {
    guarded {
        let optimizer: Optimizer = try object(optimizer, "apus_optimizer_load_state", "optimizer")
        let state: State = try object(state, "apus_optimizer_load_state", "state")
        try optimizer.loadStateDict(OptimizerState(tensors: state.stateDict, numbers: state.numbersByName))
    }
}

// MARK: - Schedulers

@c @implementation
public func apus_scheduler_kind_count() -> Int32 { Int32(SchedulerKinds.all.count) }

@c @implementation
public func apus_scheduler_signature(_ kind: Int32) -> UnsafePointer<CChar>? {
    entry(SchedulerKinds.all, kind)?.signature.cText
}

@c @implementation
public func apus_scheduler_new(
    _ out: Out?, _ kind: UnsafePointer<CChar>?, _ optimizer: OpaquePointer?, _ count: Int32,
    _ arguments: UnsafePointer<apus_argument>?
) -> Status {
    give(out, "apus_scheduler_new") {
        let optimizer: Optimizer = try object(optimizer, "apus_scheduler_new", "optimizer")
        return try make(SchedulerKinds.all, "apus_scheduler_new", kind, optimizer, count, arguments)
    }
}

@c @implementation
public func apus_scheduler_retain(_ scheduler: OpaquePointer?) -> OpaquePointer? {
    retain(scheduler, as: LRScheduler.self)
}

@c @implementation
public func apus_scheduler_release(_ scheduler: OpaquePointer?) { release(scheduler, as: LRScheduler.self) }

@c @implementation
public func apus_scheduler_step(_ scheduler: OpaquePointer?) -> Status {
    guarded { try object(scheduler, as: LRScheduler.self, "apus_scheduler_step", "scheduler").step() }
}

@c @implementation
public func apus_scheduler_state(_ out: Out?, _ scheduler: OpaquePointer?) -> Status {
    give(out, "apus_scheduler_state") {
        let scheduler: LRScheduler = try object(scheduler, "apus_scheduler_state", "scheduler")
        return State(StateDict(), numbers: scheduler.stateDict())
    }
}

@c @implementation
public func apus_scheduler_load_state(_ scheduler: OpaquePointer?, _ state: OpaquePointer?) -> Status {
    guarded {
        let scheduler: LRScheduler = try object(scheduler, "apus_scheduler_load_state", "scheduler")
        try scheduler.loadStateDict(object(state, as: State.self, "apus_scheduler_load_state", "state").numbersByName)
    }
}
