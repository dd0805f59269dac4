/// What may stand in the brackets of `x[…]`: an Int, a range, `.slice(…)`, `.ellipsis`, `.newAxis`, `.all`, a tensor of
/// indices or a bool mask, or an array of Ints.
public protocol TensorIndex {
    /// The index in the one form that subscripts work with.
    var tensorIndex: TensorIndexItem { get }
}

/// An index in the one form that subscripts work with.
public enum TensorIndexItem: TensorIndex {
    /// One place of a dim, which is dropped; negative from the end.
    case place(Int)
    /// Part of a dim; bounds as in Python.
    case slice(start: Int?, end: Int?, step: Int)
    /// As many whole dims as are left over.
    case dots
    /// A new dim of size 1.
    case newDim
    /// Integers that pick from a dim, or a bool mask over as many dims as it has; in main memory or where the tensor is.
    case tensor(Tensor)

    /// Itself.
    public var tensorIndex: TensorIndexItem { self }
}

extension Int: TensorIndex {
    /// One place of a dim.
    public var tensorIndex: TensorIndexItem { .place(self) }
}

extension Range<Int>: TensorIndex {
    /// Part of a dim. Swift traps on `1 ..< -1`: write `.slice(1, -1)`.
    public var tensorIndex: TensorIndexItem { .slice(start: lowerBound, end: upperBound, step: 1) }
}

extension ClosedRange<Int>: TensorIndex {
    /// Part of a dim, up to and including the upper bound.
    public var tensorIndex: TensorIndexItem {
        .slice(start: lowerBound, end: upperBound == -1 ? nil : upperBound + 1, step: 1)
    }
}

extension PartialRangeFrom<Int>: TensorIndex {
    /// A dim from a place on: `x[1...]`, `x[(-2)...]`.
    public var tensorIndex: TensorIndexItem { .slice(start: lowerBound, end: nil, step: 1) }
}

extension PartialRangeUpTo<Int>: TensorIndex {
    /// A dim up to but not including a place: `x[..<3]`, `x[..<(-1)]`.
    public var tensorIndex: TensorIndexItem { .slice(start: nil, end: upperBound, step: 1) }
}

extension PartialRangeThrough<Int>: TensorIndex {
    /// A dim up to and including a place: `x[...3]`.
    public var tensorIndex: TensorIndexItem {
        .slice(start: nil, end: upperBound == -1 ? nil : upperBound + 1, step: 1)
    }
}

extension Tensor: TensorIndex {
    /// Integers that pick from a dim, or a bool mask.
    public var tensorIndex: TensorIndexItem { .tensor(self) }
}

extension [Int]: TensorIndex {
    /// Integers that pick from a dim.
    public var tensorIndex: TensorIndexItem { .tensor(Tensor(self, device: .cpu)) }
}

extension TensorIndex where Self == TensorIndexItem {
    /// From `start` to before `end`, every `step`th, as in Python: `x[.slice(1, -1)]`.
    public static func slice(_ start: Int?, _ end: Int?, by step: Int = 1) -> TensorIndexItem {
        .slice(start: start, end: end, step: step)
    }

    /// From `start` on, every `step`th.
    public static func slice(from start: Int, by step: Int = 1) -> TensorIndexItem {
        .slice(start: start, end: nil, step: step)
    }

    /// Every `step`th: `x[.slice(by: 2)]`.
    public static func slice(by step: Int) -> TensorIndexItem { .slice(start: nil, end: nil, step: step) }

    /// A whole dim.
    public static var all: TensorIndexItem { .slice(start: nil, end: nil, step: 1) }
}

extension TensorIndex where Self == TensorIndexItem {
    /// As many whole dims as are left over.
    public static var ellipsis: TensorIndexItem { .dots }

    /// A new dim of size 1.
    public static var newAxis: TensorIndexItem { .newDim }
}
