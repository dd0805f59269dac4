// Documented in apus/train.h.
// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation

import Apus
import CApus
import CApusTrain

// MARK: - Differentiation

@c @implementation
public func apus_grad_enabled() -> Bool { ThreadMode.isRecording }

@c @implementation
public func apus_set_grad_enabled(_ enabled: Bool) -> Bool {
    let before = ThreadMode.isRecording
    ThreadMode.isRecording = enabled
    return before
}

@c @implementation
public func apus_backward(
    _ v: OpaquePointer?, _ gradient: OpaquePointer?, _ retainGraph: Bool, _ createGraph: Bool, _ count: Int32,
    _ inputs: UnsafePointer<OpaquePointer?>?
) -> Status {
    guarded {
        let tensor: Tensor = try object(v, "apus_backward", "v")
        let inputs = try tensors(count, inputs, "apus_backward", "inputs")
        tensor.backward(
            gradient: gradient.map { object($0) }, retainGraph: retainGraph || createGraph, createGraph: createGraph,
            inputs: inputs.isEmpty ? nil : inputs)
    }
}

@c @implementation
public func apus_grad(
    _ out: Out?, _ outputCount: Int32, _ outputs: UnsafePointer<OpaquePointer?>?,
    _ gradients: UnsafePointer<OpaquePointer?>?, _ inputCount: Int32, _ inputs: UnsafePointer<OpaquePointer?>?,
    _ retainGraph: Bool, _ createGraph: Bool, _ allowUnused: Bool
) -> Status {
    var result: [Tensor?] = []
    let status = guarded {
        let inputs = try tensors(inputCount, inputs, "apus_grad", "inputs")
        guard let out else { throw TensorError(.null_argument, "apus_grad: out is null") }
        for i in inputs.indices { out[i] = nil }
        let outputs = try tensors(outputCount, outputs, "apus_grad", "outputs")
        guard !outputs.isEmpty else { throw TensorError(.invalid_argument, "apus_grad: there are no outputs") }
        result = grad(
            outputs: outputs, inputs: inputs,
            gradOutputs: gradients == nil ? nil : try optionalTensors(outputCount, gradients, "apus_grad", "gradients"),
            retainGraph: retainGraph || createGraph, createGraph: createGraph, allowUnused: allowUnused)
    }
    guard status == .ok, let out else { return status }
    for (i, tensor) in result.enumerated() { out[i] = tensor.map { newReference($0) } }
    return status
}

// MARK: - Callbacks

@c @implementation
public func apus_variable_add_hook(
    _ out: Out?, _ v: OpaquePointer?, _ function: apus_hook_function?, _ payload: UnsafeMutableRawPointer?,
    _ deleter: apus_deleter?
) -> Status {
    let callback = Callback(function, payload, deleter)
    return give(out, "apus_variable_add_hook") {
        let tensor: Tensor = try object(v, "apus_variable_add_hook", "v")
        guard callback.function != nil else {
            throw TensorError(.null_argument, "apus_variable_add_hook: function is null")
        }
        return Hook(tensor.registerHook { callback.replacement(for: $0) })
    }
}

@c @implementation
public func apus_hook_remove(_ hook: OpaquePointer?) -> Status {
    guarded { try object(hook, as: Hook.self, "apus_hook_remove", "hook").remove() }
}

@c @implementation
public func apus_hook_release(_ hook: OpaquePointer?) { release(hook, as: Hook.self) }

@c @implementation
public func apus_record(
    _ name: UnsafePointer<CChar>?, _ inputCount: Int32, _ inputs: UnsafePointer<OpaquePointer?>?,
    _ outputCount: Int32, _ outputs: UnsafePointer<OpaquePointer?>?, _ savedCount: Int32,
    _ saved: UnsafePointer<OpaquePointer?>?, _ backward: apus_backward_function?, _ payload: UnsafeMutableRawPointer?,
    _ deleter: apus_deleter?
) -> Status {
    let callback = Callback(backward, payload, deleter)
    return guarded {
        let name = try string(name, "apus_record", "name")
        let inputs = try optionalTensors(inputCount, inputs, "apus_record", "inputs")
        let outputs = try tensors(outputCount, outputs, "apus_record", "outputs")
        let saved = try tensors(savedCount, saved, "apus_record", "saved")
        guard callback.function != nil else { throw TensorError(.null_argument, "apus_record: backward is null") }
        guard outputs.allSatisfy({ !$0.requiresGrad }) else {
            throw TensorError(.invalid_argument, "apus_record: an output of \(name) has a history already")
        }
        Autograd.record(text: name, inputs: inputs, outputs: outputs, saving: saved) { context in
            callback.gradients(context, inputs: inputs.count)
        }
    }
}

extension Callback<apus_hook_function?> {
    /// What a hook puts in a gradient's place.
    fileprivate func replacement(for gradient: Tensor) -> Tensor? {
        gradient.markShared()
        var replacement: OpaquePointer?
        let isDone = call { function, payload in
            function?(payload, borrowedReference(gradient), &replacement) ?? .null_argument
        }
        let tensor = consumed(replacement)
        return isDone ? tensor : nil
    }
}

extension Callback<apus_backward_function?> {
    /// The gradients of an operation's inputs.
    fileprivate func gradients(_ context: BackwardContext, inputs count: Int) -> [Tensor?] {
        let incoming = context.gradients.map { $0.map { borrowedReference($0) } }
        let saved = context.saved.map { OpaquePointer?(borrowedReference($0)) }
        var outgoing = [OpaquePointer?](repeating: nil, count: count)
        let isDone = call { function, payload in
            function?(
                payload, Int32(incoming.count), incoming, Int32(saved.count), saved, Int32(count), &outgoing)
                ?? .null_argument
        }
        // The pointers above are borrowed from the context.
        withExtendedLifetime(context) {}
        let tensors = outgoing.map { consumed($0) }
        return isDone ? tensors : tensors.map { _ in nil }
    }
}
