import CApus

/// A number, a Bool, or a nested list of them, written out: what `Tensor([[1, 2], [3, 4]])` takes.
public struct TensorLiteral: ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral, Sendable
{
    private enum Content: Sendable {
        case number(Scalar)
        case list([TensorLiteral])
    }
    private let content: Content

    /// An integer.
    public init(integerLiteral value: Int64) { content = .number(Scalar(integer: value)) }
    /// A floating-point number.
    public init(floatLiteral value: Double) { content = .number(Scalar(value)) }
    /// A Bool.
    public init(booleanLiteral value: Bool) { content = .number(Scalar(value)) }
    /// A list; all its members must have the same shape.
    public init(arrayLiteral elements: TensorLiteral...) { content = .list(elements) }

    private init(_ value: Double) { content = .number(Scalar(value)) }

    /// Infinity; write `-.infinity` as `.negativeInfinity`.
    public static let infinity = TensorLiteral(Double.infinity)
    /// Minus infinity.
    public static let negativeInfinity = TensorLiteral(-Double.infinity)
    /// Not a number.
    public static let nan = TensorLiteral(Double.nan)
    /// π.
    public static let pi = TensorLiteral(Double.pi)

    /// The sizes, and the numbers in row-major order; nil when the lists are ragged.
    fileprivate func flattened() -> (shape: [Int], numbers: [Scalar])? {
        switch content {
        case .number(let number): return ([], [number])
        case .list(let members):
            var shape: [Int]?
            var numbers: [Scalar] = []
            for member in members {
                guard let part = member.flattened(), shape == nil || shape == part.shape else { return nil }
                shape = part.shape
                numbers += part.numbers
            }
            return ([members.count] + (shape ?? []), numbers)
        }
    }
}

extension Tensor {
    /// A tensor of the numbers written: `Tensor(5)`, `Tensor([1, 2, 3])`, `Tensor([[1.0, 2], [3, 4]])`.
    ///
    /// Without a dtype, integers give int64, Bools bool, and anything with a floating-point number the default dtype
    /// (float32). Variables keep their own type: `Tensor(doubles)` is float64.
    public convenience init(
        _ literal: TensorLiteral, dtype: DType? = nil, device: Device = .default, requiresGrad: Bool = false
    ) {
        guard let (shape, numbers) = literal.flattened() else {
            self.init(adopting: .failed(.shape, "Tensor: the lists have different lengths"), requiresGrad)
            return
        }
        self.init(adopting: Tensor.from(numbers, shape, dtype, device), requiresGrad)
    }

    /// A tensor of the numbers written, in the given shape: `Tensor([1, 2, 3, 4], shape: [2, 2])`.
    public convenience init(
        _ literal: TensorLiteral, shape: [Int], dtype: DType? = nil, device: Device = .default,
        requiresGrad: Bool = false
    ) {
        let made = Tensor(literal, dtype: dtype, device: device).reshape(shape)
        self.init(adopting: made, requiresGrad)
    }

    /// A 0-d tensor of a number, in the number's own dtype unless another is given.
    @_disfavoredOverload
    public convenience init<S: TensorScalar>(
        _ value: S, dtype: DType? = nil, device: Device = .default, requiresGrad: Bool = false
    ) {
        self.init(adopting: Tensor.filled([], value.scalar, dtype ?? S.dtype, device.code), requiresGrad)
    }

    /// A tensor that copies an array, in the elements' own dtype unless another is given. Without a shape it is 1-d.
    @_disfavoredOverload
    public convenience init<S: TensorScalar>(
        _ elements: [S], shape: [Int]? = nil, dtype: DType? = nil, device: Device = .default, requiresGrad: Bool = false
    ) {
        self.init(adopting: Tensor.copying(elements, shape ?? [elements.count], dtype, device), requiresGrad)
    }

    /// A matrix that copies an array of rows, which must have the same length.
    @_disfavoredOverload
    public convenience init<S: TensorScalar>(
        _ rows: [[S]], dtype: DType? = nil, device: Device = .default, requiresGrad: Bool = false
    ) {
        self.init(adopting: Tensor.nested(rows) { Tensor($0, dtype: dtype, device: .cpu) }.to(device), requiresGrad)
    }

    /// A 3-d tensor that copies nested arrays, which must not be ragged.
    @_disfavoredOverload
    public convenience init<S: TensorScalar>(
        _ planes: [[[S]]], dtype: DType? = nil, device: Device = .default, requiresGrad: Bool = false
    ) {
        self.init(adopting: Tensor.nested(planes) { Tensor($0, dtype: dtype, device: .cpu) }.to(device), requiresGrad)
    }

    /// A 4-d tensor that copies nested arrays, which must not be ragged.
    @_disfavoredOverload
    public convenience init<S: TensorScalar>(
        _ volumes: [[[[S]]]], dtype: DType? = nil, device: Device = .default, requiresGrad: Bool = false
    ) {
        self.init(adopting: Tensor.nested(volumes) { Tensor($0, dtype: dtype, device: .cpu) }.to(device), requiresGrad)
    }

    private convenience init(adopting made: Tensor, _ requiresGrad: Bool) {
        self.init(owning: Tensor.takeHandle(made))
        if requiresGrad { self.requiresGrad = true }
    }

    private static func copying<S: TensorScalar>(
        _ elements: [S], _ shape: [Int], _ dtype: DType?, _ device: Device
    ) -> Tensor {
        guard
            require(
                shape.allSatisfy { $0 >= 0 }
                    && shape.reduce(1) { $0.multipliedReportingOverflow(by: $1).partialValue }
                        == elements.count,
                .shape, "Tensor: \(elements.count) elements do not fill the shape \(shape)")
        else { return invalid() }
        let made = shape.withSizes { rank, sizes in
            elements.withUnsafeBytes { data in
                make { apus_tensor_from_data($0, S.dtype, rank, sizes, data.baseAddress, APUS_DEVICE_CPU) }
            }
        }
        // Converted first: not every device has the elements' own dtype, float64 above all.
        return made.to(dtype ?? S.dtype).to(device)
    }

    private static func nested<Part>(_ parts: [Part], _ make: (Part) -> Tensor) -> Tensor {
        guard !parts.isEmpty else { return make(parts as? Part ?? parts[0]) }
        return stack(parts.map(make))
    }

    private static func from(_ numbers: [Scalar], _ shape: [Int], _ dtype: DType?, _ device: Device) -> Tensor {
        var isFloat = false
        var isBool = !numbers.isEmpty
        for number in numbers {
            isFloat = isFloat || number.raw.kind == APUS_SCALAR_float
            isBool = isBool && number.raw.kind == APUS_SCALAR_bool
        }
        let dtype = dtype ?? (isFloat || numbers.isEmpty ? defaultDType : isBool ? .bool : .int64)
        if isFloat || numbers.isEmpty { return copying(numbers.map(\.double), shape, dtype, device) }
        return copying(numbers.map { $0.integer(Int64.self) }, shape, dtype, device)
    }
}

// Tensor takes no literals of single numbers: the compiler would then read the 2 in `x * 2` as a tensor.
extension Tensor: ExpressibleByArrayLiteral {
    /// A list written where a tensor is expected: `let x: Tensor = [[1, 2], [3, 4]]`.
    public convenience init(arrayLiteral elements: TensorLiteral...) {
        self.init(TensorLiteral(elements))
    }
}

extension TensorLiteral {
    fileprivate init(_ elements: [TensorLiteral]) { content = .list(elements) }
}
