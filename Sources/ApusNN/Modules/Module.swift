import Apus

/// A part of a neural network: layers, activations, losses and whole networks are modules, and modules hold modules.
///
///     final class Net: Module {
///         let conv1 = Conv2d(1, 16, kernelSize: 3, padding: 1)
///         let norm = BatchNorm2d(16)
///         let fc = Linear(16 * 14 * 14, 10)
///
///         override func forward(_ x: Tensor) -> Tensor {
///             let y = F.maxPool2d(norm(conv1(x)).relu(), kernelSize: 2)
///             return fc(y.flatten(1))
///         }
///     }
///
///     let net = Net()
///     let scores = net(images)
///     print(net)
///
/// The stored properties are found by reflection, in the order of their declaration: modules, optional modules, arrays
/// and dictionaries of modules are children, `@Parameter` and `@Buffer` properties are tensors of the module itself.
/// Their names are those of the properties, joined by dots (`conv1.weight`, `layers.0.bias`), as in PyTorch. Reflection
/// happens in `parameters()`, `stateDict()` and the like, never in a forward pass.
open class Module: CustomStringConvertible {
    /// Whether the module is in training mode, which is where it begins. `Dropout` and the batch norms heed it.
    public private(set) final var isTraining = true

    /// A module in training mode.
    public init() {}

    /// Computes the module's output. A module with another number of inputs has a method of its own instead.
    open func forward(_ x: Tensor) -> Tensor {
        .failed(.unsupported, "\(type(of: self)): forward(_:) with one tensor is not implemented")
    }

    /// The module's output: calls `forward`.
    public final func callAsFunction(_ x: Tensor) -> Tensor { forward(x) }

    /// Names in the state dict that differ from those of the stored properties, by property. An empty name leaves a
    /// level out: the children of that property are named as if they were the module's own.
    ///
    ///     override class var stateNames: [String: String] { ["runningMean": "running_mean"] }
    open class var stateNames: [String: String] { [:] }

    /// What stands between the parentheses in the module's description, for instance "16, 10, bias=true".
    open var extraDescription: String { "" }

    /// The module's structure, an indented line for each module.
    open var description: String { structure }

    // MARK: - Modes

    /// Puts this module and all below it into training or evaluation mode.
    @discardableResult
    public final func train(_ mode: Bool = true) -> Self {
        for module in modules() { module.isTraining = mode }
        return self
    }

    /// Puts this module and all below it into evaluation mode.
    @discardableResult
    public final func eval() -> Self { train(false) }

    /// Freezes all parameters, or makes them trainable again. Frozen ones get no gradient, and optimizers leave them.
    @discardableResult
    public final func requiresGrad_(_ flag: Bool = true) -> Self {
        for parameter in parameters() where parameter.dtype.isDifferentiable { parameter.requiresGrad_(flag) }
        return self
    }

    /// Removes the gradients of all parameters or, unless `setToNil`, fills them with zeros.
    public final func zeroGrad(setToNil: Bool = true) {
        for parameter in parameters() { parameter.clearGrad(setToNil: setToNil) }
    }

    /// Calls `body` with each module below this one and then with this one.
    @discardableResult
    public final func apply(_ body: (Module) throws -> Void) rethrows -> Self {
        for child in children() { try child.apply(body) }
        try body(self)
        return self
    }

    // MARK: - Conversion

    /// Converts all floating-point parameters, buffers and gradients, in place: the tensors stay the same objects, so an
    /// optimizer made before goes on with them.
    @discardableResult
    public final func to(_ dtype: DType) -> Self {
        guard require(dtype.isFloatingPoint, .dtype, "Module.to: expected a floating-point dtype, got \(dtype)") else {
            return self
        }
        return replaceTensors { $0.dtype.isFloatingPoint ? $0.to(dtype) : $0 }
    }

    /// Moves all parameters, buffers and gradients to a device, in place.
    @discardableResult
    public final func to(_ device: Device) -> Self { replaceTensors { $0.to(device) } }

    private func replaceTensors(_ convert: (Tensor) -> Tensor) -> Self {
        noGrad {
            var seen: Set<ObjectIdentifier> = []
            for tensor in parameters() + buffers() where seen.insert(ObjectIdentifier(tensor)).inserted {
                tensor.setHandle(of: convert(tensor.detach()))
                if let grad = tensor.grad { tensor.grad = convert(grad) }
            }
        }
        return self
    }
}

extension Tensor {
    /// Removes this tensor's gradient, or fills it with zeros.
    package func clearGrad(setToNil: Bool) {
        guard !setToNil, let grad else { return self.grad = nil }
        noGrad { _ = grad.detach().zero_() }
    }
}
