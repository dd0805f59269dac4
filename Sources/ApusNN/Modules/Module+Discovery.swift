import Apus

extension Module {
    /// A module's tensor with its name.
    public typealias NamedTensor = (name: String, tensor: Tensor)

    // MARK: - Modules

    /// The modules directly below this one, by name.
    public final func namedChildren() -> [(name: String, module: Module)] { contents().children }

    /// The modules directly below this one.
    public final func children() -> [Module] { contents().children.map(\.module) }

    /// This module, whose name is empty, and all below it, each once, parents before children.
    public final func namedModules() -> [(name: String, module: Module)] {
        var result: [(name: String, module: Module)] = []
        var seen: Set<ObjectIdentifier> = []
        walk { name, module, _ in
            if seen.insert(ObjectIdentifier(module)).inserted { result.append((name, module)) }
        }
        return result
    }

    /// This module and all below it, each once, parents before children.
    public final func modules() -> [Module] { namedModules().map(\.module) }

    // MARK: - Tensors

    /// The parameters of this module and all below it, each once, with their names. A parameter that two modules share
    /// has the name it has in the first.
    public final func namedParameters() -> [NamedTensor] { unique { $0.parameters } }

    /// The parameters of this module and all below it, each once.
    public final func parameters() -> [Tensor] { namedParameters().map(\.tensor) }

    /// The buffers of this module and all below it, each once, with their names.
    public final func namedBuffers() -> [NamedTensor] {
        unique { $0.buffers.map { (name: $0.name, tensor: $0.tensor) } }
    }

    /// The buffers of this module and all below it, each once.
    public final func buffers() -> [Tensor] { namedBuffers().map(\.tensor) }

    /// How many numbers the parameters hold.
    public final var parameterCount: Int { parameters().reduce(0) { $0 + $1.count } }

    private func unique(_ tensors: (ModuleContents) -> [NamedTensor]) -> [NamedTensor] {
        var result: [NamedTensor] = []
        var seen: Set<ObjectIdentifier> = []
        walk { prefix, _, contents in
            for (name, tensor) in tensors(contents) where seen.insert(ObjectIdentifier(tensor)).inserted {
                result.append((joined(prefix, name), tensor))
            }
        }
        return result
    }

    // MARK: - Reflection

    /// Calls `body` with this module and all below it, parents before children. Modules that are used in two places are
    /// visited twice; one that is its own ancestor (a reference back to the parent) is no child.
    final func walk(_ body: (_ name: String, _ module: Module, _ contents: ModuleContents) -> Void) {
        var path: Set<ObjectIdentifier> = []
        walk(name: "", path: &path, body)
    }

    private func walk(
        name: String, path: inout Set<ObjectIdentifier>, _ body: (String, Module, ModuleContents) -> Void
    ) {
        let contents = contents()
        body(name, self, contents)
        path.insert(ObjectIdentifier(self))
        for child in contents.children where !path.contains(ObjectIdentifier(child.module)) {
            child.module.walk(name: joined(name, child.name), path: &path, body)
        }
        path.remove(ObjectIdentifier(self))
    }

    /// What the stored properties hold, those of superclasses first.
    final func contents() -> ModuleContents {
        var contents = ModuleContents()
        let names = Self.stateNames
        var mirrors: [Mirror] = []
        var mirror: Mirror? = Mirror(reflecting: self)
        while let current = mirror, current.subjectType != Module.self {
            mirrors.append(current)
            mirror = current.superclassMirror
        }
        for mirror in mirrors.reversed() {
            for (label, value) in mirror.children {
                guard let label else { continue }
                contents.add(value, label: label, names: names)
            }
        }
        return contents
    }
}

/// What a module holds directly.
struct ModuleContents {
    var parameters: [(name: String, tensor: Tensor)] = []
    var buffers: [(name: String, tensor: Tensor, isPersistent: Bool)] = []
    var children: [(name: String, module: Module)] = []
    /// The properties behind parameters and buffers.
    var holders: [(name: String, holder: any TensorHolder)] = []

    mutating func add(_ value: Any, label: String, names: [String: String]) {
        if let holder = value as? any TensorHolder {
            guard let tensor = holder.tensor else { return }
            // The storage of `@Parameter var weight` is called "_weight".
            let property = String(label.dropFirst())
            let name = names[property] ?? property
            holders.append((name, holder))
            switch holder.role {
            case .parameter: parameters.append((name, tensor))
            case .buffer(let isPersistent): buffers.append((name, tensor, isPersistent))
            }
            return
        }
        let property = label.hasPrefix(lazyPrefix) ? String(label.dropFirst(lazyPrefix.count)) : label
        addModules(value, name: names[property] ?? property)
    }

    private mutating func addModules(_ value: Any, name: String) {
        if let module = value as? Module {
            children.append((name, module))
        } else if let modules = value as? [Module] {
            for (i, module) in modules.enumerated() { children.append((joined(name, "\(i)"), module)) }
        } else if let modules = value as? [String: Module] {
            for (key, module) in modules.sorted(by: { $0.key < $1.key }) {
                children.append((joined(name, key), module))
            }
        } else if let rows = value as? [[Module]] {
            for (i, row) in rows.enumerated() { addModules(row, name: joined(name, "\(i)")) }
        }
    }
}

/// What the compiler puts before the name of a lazy property.
private let lazyPrefix = "$__lazy_storage_$_"

/// Two parts of a name with a dot between them, unless one is empty.
func joined(_ prefix: String, _ name: String) -> String {
    prefix.isEmpty ? name : name.isEmpty ? prefix : prefix + "." + name
}
