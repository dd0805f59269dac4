import Apus

/// What a `@Parameter` or `@Buffer` property may be: `Tensor` or `Tensor?`.
public protocol TensorProperty {}
extension Tensor: TensorProperty {}
extension Optional: TensorProperty where Wrapped == Tensor {}

/// Marks a stored property of a module as one of its parameters: a tensor that training changes.
///
///     final class Scale: Module {
///         @Parameter var weight: Tensor
///         @Parameter var bias: Tensor?
///
///         init(_ count: Int, bias: Bool = true) {
///             weight = .ones(count)
///             self.bias = bias ? .zeros(count) : nil
///         }
///
///         override func forward(_ x: Tensor) -> Tensor {
///             let y = x * weight
///             return bias.map { y + $0 } ?? y
///         }
///     }
///
/// A floating-point tensor put here requires grad from then on; freeze it with `requiresGrad_(false)` afterwards. It
/// must be a leaf: one that was computed from tensors that require grad is an error (use `detach()`). Two modules share
/// a parameter when the same tensor is put into both.
@propertyWrapper
public final class Parameter<Value: TensorProperty> {
    private var value: Value

    /// The tensor, or nil.
    public var wrappedValue: Value {
        get { value }
        set {
            value = newValue
            makeTrainable()
        }
    }

    /// A parameter that starts as this tensor.
    public init(wrappedValue: Value) {
        value = wrappedValue
        makeTrainable()
    }

    private func makeTrainable() {
        guard let tensor, tensor.dtype.isDifferentiable else { return }
        guard require(tensor.isLeaf, "Parameter: expected a leaf, got the result of an operation; use detach()") else {
            return
        }
        tensor.requiresGrad_()
    }
}

/// Marks a stored property of a module as a buffer: a tensor that belongs to the module's state, moves with it and is
/// saved with it, but is no parameter, for example a running mean.
@propertyWrapper
public final class Buffer<Value: TensorProperty> {
    /// The tensor, or nil.
    public var wrappedValue: Value
    /// Whether `stateDict` contains it.
    public let isPersistent: Bool

    /// A buffer that starts as this tensor.
    public init(wrappedValue: Value, persistent: Bool = true) {
        self.wrappedValue = wrappedValue
        isPersistent = persistent
    }
}

/// What reflection looks for in a module.
protocol TensorHolder: AnyObject {
    var tensor: Tensor? { get }
    var role: TensorRole { get }
    /// Puts another tensor in the place of the one that is there, as it is.
    func substitute(_ tensor: Tensor)
}

enum TensorRole {
    case parameter
    case buffer(isPersistent: Bool)
}

extension Parameter: TensorHolder {
    var tensor: Tensor? { value as? Tensor }
    var role: TensorRole { .parameter }
    func substitute(_ tensor: Tensor) { value = tensor as! Value }
}

extension Buffer: TensorHolder {
    var tensor: Tensor? { wrappedValue as? Tensor }
    var role: TensorRole { .buffer(isPersistent: isPersistent) }
    func substitute(_ tensor: Tensor) { wrappedValue = tensor as! Value }
}
