import Apus

/// Named tensors in order: what a module's parameters and buffers are saved to and loaded from.
///
///     try net.stateDict().save(to: "net.safetensors")
///     try net.loadStateDict(.load("resnet18.pth"))
public struct StateDict: RandomAccessCollection, ExpressibleByDictionaryLiteral, CustomStringConvertible {
    /// A name and its tensor.
    public typealias Element = (name: String, tensor: Tensor)

    private var elements: [Element] = []
    private var positions: [String: Int] = [:]

    /// No tensors.
    public init() {}

    /// These tensors in this order; of two with the same name the later one counts, in the place of the first.
    public init(_ elements: some Sequence<Element>) {
        for (name, tensor) in elements { self[name] = tensor }
    }

    /// These tensors in this order; of two with the same name the later one counts, in the place of the first.
    public init(dictionaryLiteral elements: (String, Tensor)...) {
        for (name, tensor) in elements { self[name] = tensor }
    }

    /// Reads the tensors of a file in any of `TensorArchive`'s formats: safetensors, PyTorch's .pt and .pth, .npz, GGUF.
    ///
    /// - Throws: `TensorFileError` that names the file and the byte.
    public static func load(_ path: String) throws -> StateDict { StateDict(try TensorArchive(path).tensors()) }

    /// Writes the tensors in the format that the name's end says: .safetensors, .pt, .pth (which PyTorch reads) or .npz.
    ///
    /// - Throws: `TensorFileError` for other names, and where the system refuses to write.
    public func save(to path: String) throws {
        let tensors = elements.map { ($0.name, $0.tensor) }
        switch path.split(separator: ".", omittingEmptySubsequences: false).last {
        case "safetensors": try SafeTensors.save(tensors, to: path)
        case "pt", "pth": try TorchFile.save(tensors, to: path)
        case "npz": try NumPyFile.saveNpz(tensors, to: path)
        default:
            throw TensorFileError(
                path: path, "cannot write: the name ends in none of .safetensors, .pt, .pth and .npz")
        }
    }

    /// The names, in order.
    public var names: [String] { elements.map(\.name) }
    /// The tensors, in order.
    public var tensors: [Tensor] { elements.map(\.tensor) }
    /// The first position, 0.
    public var startIndex: Int { 0 }
    /// How many tensors there are.
    public var endIndex: Int { elements.count }

    /// The name and tensor at a position.
    public subscript(position: Int) -> Element { elements[position] }

    /// The tensor of that name; nil where there is none. A new name goes to the end; setting nil removes.
    public subscript(name: String) -> Tensor? {
        get { positions[name].map { elements[$0].tensor } }
        set {
            switch (positions[name], newValue) {
            case (let position?, let tensor?): elements[position].tensor = tensor
            case (let position?, nil):
                elements.remove(at: position)
                positions = Dictionary(uniqueKeysWithValues: elements.enumerated().map { ($1.name, $0) })
            case (nil, let tensor?):
                positions[name] = elements.count
                elements.append((name, tensor))
            case (nil, nil): break
            }
        }
    }

    /// The tensors whose name begins with `prefix`, which is taken off.
    public func withoutPrefix(_ prefix: String) -> StateDict {
        StateDict(
            elements.filter { $0.name.hasPrefix(prefix) }
                .map { (name: String($0.name.dropFirst(prefix.count)), tensor: $0.tensor) })
    }

    /// The same tensors with `prefix` put before each name.
    public func withPrefix(_ prefix: String) -> StateDict {
        StateDict(elements.map { (name: prefix + $0.name, tensor: $0.tensor) })
    }

    /// A line for each tensor: name, dtype and shape.
    public var description: String {
        elements.map { "\($0.name): \($0.tensor.dtype) \($0.tensor.shape)" }.joined(separator: "\n")
    }
}

/// In what a state dict and a module differ.
public struct StateDictMismatch: Error, Hashable, Sendable, CustomStringConvertible {
    /// A tensor whose shape is not that of the module's.
    public struct Shape: Hashable, Sendable {
        /// The tensor's name.
        public var name: String
        /// The shape in the module.
        public var expected: [Int]
        /// The shape in the state dict.
        public var found: [Int]

        /// A difference in shape.
        public init(name: String, expected: [Int], found: [Int]) {
            self.name = name
            self.expected = expected
            self.found = found
        }
    }

    /// The module's type.
    public var module: String
    /// Names that the module has and the state dict lacks.
    public var missing: [String] = []
    /// Names that the state dict has and the module lacks.
    public var unexpected: [String] = []
    /// Tensors of other shapes.
    public var mismatched: [Shape] = []

    /// Whether there is no difference.
    public var isEmpty: Bool { missing.isEmpty && unexpected.isEmpty && mismatched.isEmpty }

    /// All differences, by kind.
    public var description: String {
        var lines = ["loadStateDict: the state does not fit \(module):"]
        if !missing.isEmpty { lines.append("  missing: " + missing.joined(separator: ", ")) }
        if !unexpected.isEmpty { lines.append("  unexpected: " + unexpected.joined(separator: ", ")) }
        for shape in mismatched {
            lines.append("  shape of \(shape.name): expected \(shape.expected), found \(shape.found)")
        }
        return lines.joined(separator: "\n")
    }
}

extension Module {
    /// The parameters and persistent buffers of this module and all below it. They share the module's memory: a later
    /// training step is seen in them.
    public final func stateDict() -> StateDict {
        StateDict(state().map { (name: $0.name, tensor: $0.tensor.detach()) })
    }

    /// Copies the tensors of a state dict into the module's, converting dtype and device.
    ///
    /// - Parameters:
    ///   - state: Tensors by name, of the module's shapes.
    ///   - strict: Whether every name must be in both the module and `state`.
    /// - Returns: The names that were missing or unexpected, where that was allowed.
    /// - Throws: `StateDictMismatch` with all missing and unexpected names and different shapes; the module is then as it
    ///   was.
    @discardableResult
    public final func loadStateDict(_ state: StateDict, strict: Bool = true) throws -> StateDictMismatch {
        let own = self.state()
        let ownNames = Set(own.map(\.name))
        var mismatch = StateDictMismatch(module: "\(type(of: self))")
        mismatch.unexpected = state.names.filter { !ownNames.contains($0) }
        var pairs: [(target: Tensor, source: Tensor)] = []
        for (name, tensor) in own {
            guard let source = state[name] else {
                mismatch.missing.append(name)
                continue
            }
            if source.shape == tensor.shape {
                pairs.append((tensor, source))
            } else {
                mismatch.mismatched.append(.init(name: name, expected: tensor.shape, found: source.shape))
            }
        }
        guard mismatch.mismatched.isEmpty, !strict || mismatch.isEmpty else { throw mismatch }
        // All conversions come before the first write, so that one that fails leaves the module as it was.
        try withTensorErrors {
            noGrad { for i in pairs.indices { pairs[i].source = pairs[i].source.detach().to(pairs[i].target.dtype) } }
        }
        try withTensorErrors {
            noGrad { for (target, source) in pairs { target.detach().copy_(source) } }
        }
        return mismatch
    }

    /// What the state dict holds, each module's parameters before its buffers. Shared tensors appear under each name.
    private func state() -> [NamedTensor] {
        var result: [NamedTensor] = []
        walk { prefix, _, contents in
            result += contents.parameters.map { (joined(prefix, $0.name), $0.tensor) }
            result += contents.buffers.filter(\.isPersistent).map { (joined(prefix, $0.name), $0.tensor) }
        }
        return result
    }
}
