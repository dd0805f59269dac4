import Apus
import ApusNN

/// What changes parameters by their gradients. Subclasses say how, in `update`.
///
///     let optimizer = SGD(net.parameters(), lr: 0.1, momentum: 0.9)
///     for (x, target) in loader {
///         optimizer.zeroGrad()
///         F.crossEntropy(net(x), target).backward()
///         optimizer.step()
///     }
///
/// An optimizer of your own lists its options in `init` and overrides `update`; saving, groups and schedules then work.
open class Optimizer {
    /// The parameters in groups, with the options of each.
    public private(set) final var groups: [ParameterGroup] = []
    private var states: [[ParameterState]] = []
    private let defaults: [OptimizerOption: Double]

    /// What an optimizer remembers of one parameter.
    public final class ParameterState {
        /// Steps that this parameter took.
        public var step = 0
        private var tensors: [(name: String, tensor: Tensor)] = []

        /// The names of the tensors, in the order in which they were made.
        public var names: [String] { tensors.map(\.name) }

        /// The tensor called `name`; nil where there is none.
        public subscript(name: String) -> Tensor? {
            get { tensors.first { $0.name == name }?.tensor }
            set {
                tensors.removeAll { $0.name == name }
                if let newValue { tensors.append((name, newValue)) }
            }
        }

        /// The tensor called `name`, which begins as zeros like `parameter` and follows its dtype and device.
        public func zeros(_ name: String, like parameter: Tensor) -> Tensor {
            if let place = tensors.firstIndex(where: { $0.name == name }) {
                let tensor = tensors[place].tensor
                if tensor.dtype == parameter.dtype && tensor.device == parameter.device { return tensor }
                tensors[place].tensor = tensor.to(dtype: parameter.dtype, device: parameter.device)
                return tensors[place].tensor
            }
            let tensor = Tensor.zeros(parameter.shape, dtype: parameter.dtype, device: parameter.device)
            tensors.append((name, tensor))
            return tensor
        }
    }

    /// An optimizer of these groups.
    ///
    /// - Parameters:
    ///   - groups: The parameters; each tensor must be a leaf and in one group only.
    ///   - defaults: All options that there are, with the values for groups that do not set them.
    public init(_ groups: [ParameterGroup], defaults: [OptimizerOption: Double]) {
        self.defaults = defaults
        for group in groups { addGroup(group) }
    }

    /// Adds parameters, for example those of layers that are no longer frozen.
    public final func addGroup(_ group: ParameterGroup) {
        var group = group
        for option in group.optionNames where defaults[option] == nil {
            report(.invalid_argument, "\(type(of: self)): there is no option '\(option)'")
        }
        group.fill(with: defaults)
        var known = Set(parameters.map(ObjectIdentifier.init))
        for parameter in group.parameters {
            _ = require(parameter.isLeaf, "\(type(of: self)): expected leaf tensors, got the result of an operation")
            _ = require(
                known.insert(ObjectIdentifier(parameter)).inserted, "\(type(of: self)): a parameter appears twice")
        }
        groups.append(group)
        states.append(group.parameters.map { _ in ParameterState() })
    }

    /// The parameters of all groups.
    public final var parameters: [Tensor] { groups.flatMap(\.parameters) }

    /// The learning rate of each group.
    public final var learningRates: [Double] {
        get { groups.map(\.lr) }
        set {
            guard
                require(
                    newValue.count == groups.count,
                    "learningRates: expected \(groups.count), one a group, got \(newValue.count)")
            else { return }
            for (i, rate) in newValue.enumerated() { groups[i].lr = rate }
        }
    }

    /// Changes an option of a group.
    public final func set(_ option: OptimizerOption, to value: Double, group: Int) {
        guard require(defaults[option] != nil, "\(type(of: self)): there is no option '\(option)'") else { return }
        groups[group][option] = value
    }

    /// Removes the gradients of all parameters or, unless `setToNil`, fills them with zeros.
    public final func zeroGrad(setToNil: Bool = true) {
        for group in groups {
            for parameter in group.parameters { parameter.clearGrad(setToNil: setToNil) }
        }
    }

    /// Changes every parameter that has a gradient.
    public final func step() {
        noGrad {
            for (group, states) in zip(groups, states) {
                for (parameter, state) in zip(group.parameters, states) {
                    guard let gradient = parameter.grad else { continue }
                    state.step += 1
                    update(parameter, gradient: gradient, state: state, group: group)
                }
            }
        }
    }

    /// Changes one parameter in place. Grad mode is off; `state.step` counts from 1.
    open func update(_ parameter: Tensor, gradient: Tensor, state: ParameterState, group: ParameterGroup) {
        report(.unsupported, "\(type(of: self)): update is not implemented")
    }

    // MARK: - State

    /// All that a later run needs to go on from here, bit for bit: the options, step counts and tensors. The tensors
    /// share memory with the optimizer's.
    public final func stateDict() -> OptimizerState {
        var state = OptimizerState()
        for (i, group) in groups.enumerated() {
            for option in group.optionNames { state.numbers["groups.\(i).\(option)"] = group[option] }
        }
        for (i, own) in states.joined().enumerated() where own.step > 0 {
            state.numbers["state.\(i).step"] = Double(own.step)
            for name in own.names { state.tensors["state.\(i).\(name)"] = own[name] }
        }
        return state
    }

    /// Takes up a state that `stateDict` gave, for an optimizer of the same kind over parameters of the same shapes in
    /// the same groups. Tensors are copied.
    ///
    /// - Throws: `OptimizerStateError` where the state belongs to another optimizer. Nothing is changed then.
    public final func loadStateDict(_ state: OptimizerState) throws {
        var newGroups = groups
        var numbers = state.numbers
        for i in groups.indices {
            for option in groups[i].optionNames {
                newGroups[i][option] = try take("groups.\(i).\(option)", from: &numbers)
            }
        }
        var tensors = state.tensors
        var newStates: [ParameterState] = []
        for (i, parameter) in parameters.enumerated() {
            let new = ParameterState()
            if let step = numbers.removeValue(forKey: "state.\(i).step") {
                guard step >= 1, let count = Int(exactly: step) else {
                    throw OptimizerStateError("state.\(i).step: expected a count, found \(step)")
                }
                new.step = count
            }
            for (name, tensor) in state.tensors.withoutPrefix("state.\(i).") {
                let fullName = "state.\(i).\(name)"
                guard tensor.shape == parameter.shape, tensor.dtype == parameter.dtype else {
                    throw OptimizerStateError(
                        "\(fullName): expected \(parameter.dtype) \(parameter.shape), found \(tensor.dtype) "
                            + "\(tensor.shape)")
                }
                new[name] = try withTensorErrors { tensor.detach().to(parameter.device).clone() }
                tensors[fullName] = nil
            }
            newStates.append(new)
        }
        if let name = (numbers.keys.sorted() + tensors.names).first {
            throw OptimizerStateError("\(name): this \(type(of: self)) has nothing of that name")
        }
        groups = newGroups
        var rest = newStates[...]
        states = groups.map { group in
            defer { rest = rest.dropFirst(group.parameters.count) }
            return Array(rest.prefix(group.parameters.count))
        }
    }

    private func take(_ name: String, from numbers: inout [String: Double]) throws -> Double {
        guard let value = numbers.removeValue(forKey: name) else {
            throw OptimizerStateError("\(name): missing in the state; it belongs to another optimizer")
        }
        return value
    }
}

/// The state of an optimizer: named tensors and named numbers, to be written to a file.
///
/// Options are called `groups.0.lr`; what belongs to a parameter is counted through all groups: `state.3.exp_avg`,
/// `state.3.step`.
public struct OptimizerState {
    /// Momentum and the like.
    public var tensors = StateDict()
    /// Options and step counts.
    public var numbers: [String: Double] = [:]

    /// A state of nothing.
    public init() {}

    /// A state of these tensors and numbers.
    public init(tensors: StateDict, numbers: [String: Double]) {
        self.tensors = tensors
        self.numbers = numbers
    }
}

/// Why a state does not fit an optimizer or schedule.
public struct OptimizerStateError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The entry, what was expected and what was found.
    public let description: String

    /// An error for this reason.
    public init(_ reason: String) { description = "loadStateDict: " + reason }
}

extension Double {
    /// 1 or 0.
    init(_ flag: Bool) { self = flag ? 1 : 0 }
}
