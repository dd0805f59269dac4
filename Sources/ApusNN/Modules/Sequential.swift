import Apus

/// Modules one after the other: each gets the output of the one before.
///
///     let mlp = Sequential(Linear(784, 512), ReLU(), Linear(512, 10))
///
///     let cnn = Sequential {
///         Conv2d(1, 16, kernelSize: 3)
///         ReLU()
///         if pooling { MaxPool2d(kernelSize: 2) }
///         Flatten()
///     }
///
/// Parameters are named by position: `0.weight`, `2.bias`.
public final class Sequential: Module, Sequence {
    private var layers: [Module]

    /// The modules of an array.
    public init(_ modules: [Module]) { layers = modules }

    /// The given modules.
    public convenience init(_ modules: Module...) { self.init(modules) }

    /// The modules listed in the closure, which may use `if`, `switch` and `for`.
    public convenience init(@ModuleBuilder _ modules: () -> [Module]) { self.init(modules()) }

    public override class var stateNames: [String: String] { ["layers": ""] }

    public override func forward(_ x: Tensor) -> Tensor {
        var x = x
        for layer in layers { x = layer(x) }
        return x
    }

    /// Adds a module at the end.
    public func append(_ module: Module) { layers.append(module) }

    /// How many modules there are.
    public var count: Int { layers.count }

    /// Goes over the modules in order.
    public func makeIterator() -> IndexingIterator<[Module]> { layers.makeIterator() }

    /// The module at a position.
    public subscript(position: Int) -> Module {
        get { layers[position] }
        set { layers[position] = newValue }
    }

    /// The modules of a range, shared with this one.
    public subscript(range: Range<Int>) -> Sequential { Sequential(Array(layers[range])) }
}

/// Puts the modules of a `Sequential { … }` together.
@resultBuilder
public enum ModuleBuilder {
    /// One module.
    public static func buildExpression(_ module: Module) -> [Module] { [module] }
    /// Several modules.
    public static func buildExpression(_ modules: [Module]) -> [Module] { modules }
    /// The parts in order.
    public static func buildBlock(_ parts: [Module]...) -> [Module] { parts.flatMap { $0 } }
    /// An `if` without `else`.
    public static func buildOptional(_ part: [Module]?) -> [Module] { part ?? [] }
    /// The `if` branch.
    public static func buildEither(first part: [Module]) -> [Module] { part }
    /// The `else` branch.
    public static func buildEither(second part: [Module]) -> [Module] { part }
    /// A `for` loop.
    public static func buildArray(_ parts: [[Module]]) -> [Module] { parts.flatMap { $0 } }
}
