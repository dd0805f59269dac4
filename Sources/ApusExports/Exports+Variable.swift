// Documented in apus/train.h.
// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation

import Apus
import CApus
import CApusTrain

// MARK: - Variables: retained Tensors

/// Where a new reference is to be put.
public typealias Out = UnsafeMutablePointer<OpaquePointer?>

@c @implementation
public func apus_variable_new(_ out: Out?, _ value: OpaquePointer?, _ requiresGrad: Bool) -> Status {
    give(out, "apus_variable_new") {
        guard let value else { throw TensorError(.null_argument, "apus_variable_new: value is null") }
        let tensor = Tensor(sharing: value)
        guard !tensor.isInvalid else {
            throw TensorError(.device, "apus_variable_new: the tensor is the result of an operation that failed")
        }
        if requiresGrad { tensor.requiresGrad_() }
        return tensor
    }
}

@c @implementation
public func apus_variable_retain(_ v: OpaquePointer?) -> OpaquePointer? { retain(v, as: Tensor.self) }

@c @implementation
public func apus_variable_release(_ v: OpaquePointer?) { release(v, as: Tensor.self) }

@c @implementation
public func apus_variable_value(_ v: OpaquePointer?) -> OpaquePointer? { v.map { object($0, as: Tensor.self).handle } }

@c @implementation
public func apus_variable_requires_grad(_ v: OpaquePointer?) -> Bool {
    v.map { object($0, as: Tensor.self).requiresGrad } ?? false
}

@c @implementation
public func apus_variable_is_leaf(_ v: OpaquePointer?) -> Bool {
    v.map { object($0, as: Tensor.self).isLeaf } ?? false
}

@c @implementation
public func apus_variable_set_requires_grad(_ v: OpaquePointer?, _ requiresGrad: Bool) -> Status {
    guarded {
        let tensor: Tensor = try object(v, "apus_variable_set_requires_grad", "v")
        tensor.requiresGrad = requiresGrad
    }
}

@c @implementation
public func apus_variable_grad_fn(
    _ v: OpaquePointer?, _ buffer: UnsafeMutablePointer<CChar>?, _ capacity: Int, _ length: UnsafeMutablePointer<Int>?
) -> Status {
    text(buffer, capacity, length) {
        let tensor: Tensor = try object(v, "apus_variable_grad_fn", "v")
        return tensor.gradFn?.name ?? ""
    }
}

@c @implementation
public func apus_variable_grad(_ out: Out?, _ v: OpaquePointer?) -> Status {
    give(out, "apus_variable_grad") { try object(v, as: Tensor.self, "apus_variable_grad", "v").grad }
}

@c @implementation
public func apus_variable_set_grad(_ v: OpaquePointer?, _ grad: OpaquePointer?) -> Status {
    guarded {
        let tensor: Tensor = try object(v, "apus_variable_set_grad", "v")
        tensor.grad = grad.map { object($0) }
    }
}

@c @implementation
public func apus_variable_retain_grad(_ v: OpaquePointer?) -> Status {
    guarded { try object(v, as: Tensor.self, "apus_variable_retain_grad", "v").retainGrad() }
}

@c @implementation
public func apus_variable_detach(_ out: Out?, _ v: OpaquePointer?) -> Status {
    give(out, "apus_variable_detach") { try object(v, as: Tensor.self, "apus_variable_detach", "v").detach() }
}
