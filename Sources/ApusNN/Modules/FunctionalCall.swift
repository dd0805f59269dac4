import Apus

/// Runs a module with other tensors in the place of some of its parameters and buffers, named as in `stateDict`.
///
/// The module is a function of its parameters then: `functionalCall(net, ["0.weight": w], x)` can be differentiated
/// with regard to `w`, whatever `w` was computed from. A tensor that the module uses in several places is replaced in
/// all of them. Afterwards the module is as it was; a module must not be used by another task meanwhile.
public func functionalCall(_ module: Module, _ tensors: [String: Tensor], _ x: Tensor) -> Tensor {
    module.withTensors(tensors) { module(x) } ?? .invalid()
}

/// The parameters and buffers of modules of one make, stacked along a new first dim, by name: what `vmap` over
/// ``functionalCall(_:_:_:)`` wants. The parameters are new leaves that require grad where the modules' do.
public func stackModuleState(_ modules: [Module]) -> (parameters: [String: Tensor], buffers: [String: Tensor]) {
    func stacked(_ lists: [[Module.NamedTensor]]) -> [String: Tensor] {
        guard let first = lists.first,
            require(
                lists.allSatisfy { $0.map(\.name) == first.map(\.name) },
                "stackModuleState: the modules have different parameters or buffers")
        else { return [:] }
        var result: [String: Tensor] = [:]
        for (i, (name, tensor)) in first.enumerated() {
            let stack = noGrad { Tensor.stack(lists.map { $0[i].tensor }) }
            result[name] = tensor.requiresGrad ? stack.requiresGrad_() : stack
        }
        return result
    }
    return (stacked(modules.map { $0.namedParameters() }), stacked(modules.map { $0.namedBuffers() }))
}

extension Module {
    /// Runs `body` with these tensors in the place of the module's; nil, after a report, where there is none of a name.
    fileprivate func withTensors(_ tensors: [String: Tensor], _ body: () -> Tensor) -> Tensor? {
        var originals: [(holder: any TensorHolder, tensor: Tensor)] = []
        var replacements: [ObjectIdentifier: Tensor] = [:]
        var unknown = Set(tensors.keys)
        walk { prefix, _, contents in
            for (name, holder) in contents.holders {
                guard let tensor = holder.tensor else { continue }
                originals.append((holder, tensor))
                guard let new = tensors[joined(prefix, name)] else { continue }
                replacements[ObjectIdentifier(tensor)] = new
                unknown.remove(joined(prefix, name))
            }
        }
        guard
            require(
                unknown.isEmpty,
                "functionalCall: the module has no \(unknown.sorted().map { "'\($0)'" }.joined(separator: ", "))")
        else { return nil }
        for (holder, tensor) in originals {
            if let new = replacements[ObjectIdentifier(tensor)] { holder.substitute(new) }
        }
        defer { for (holder, tensor) in originals { holder.substitute(tensor) } }
        return body()
    }
}
