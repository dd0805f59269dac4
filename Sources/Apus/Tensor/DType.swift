import CApus

/// The type of a tensor's elements: `.float32`, `.int64`, `.bool` and so on, as listed in the C core's dtype table.
@_exported import enum CApus.DType

extension DType: @retroactive CaseIterable, @retroactive CustomStringConvertible {
    /// Every dtype, in the order of the table.
    public static let allCases: [DType] = (0..<UInt32(APUS_DTYPE_COUNT)).compactMap { DType(rawValue: $0) }

    /// PyTorch's name: "float32" and so on.
    public var description: String { String(cString: apus_dtype_name(self)) }

    /// Bytes an element takes.
    public var size: Int { apus_dtype_size(self) }

    /// Whether this is float16, bfloat16, float32 or float64.
    public var isFloatingPoint: Bool { apus_dtype_is_floating_point(self) }

    /// Whether this is complex64 or complex128.
    public var isComplex: Bool { apus_dtype_is_complex(self) }

    /// Whether this is an integer type; bool is none.
    public var isInteger: Bool { !isFloatingPoint && !isComplex && self != .bool }

    /// Whether values may be negative.
    public var isSigned: Bool { apus_dtype_is_signed(self) }

    /// Whether gradients exist for this dtype: floats and complex.
    public var isDifferentiable: Bool { isFloatingPoint || isComplex }

    /// The dtype of a complex number's parts; a dtype that is not complex is its own.
    var realType: DType {
        switch self {
        case .complex64: .float32
        case .complex128: .float64
        default: self
        }
    }

    /// The dtype of an operation on both tensors; 0-d tensors and numbers weigh less than tensors with dims.
    public static func result(of a: Tensor, _ b: Tensor) -> DType {
        var dtype = DType.float32
        return check(apus_result_type(&dtype, a.handle, b.handle)) ? dtype : .float32
    }

    /// The smallest dtype that this and `other` can be converted to, by PyTorch's promotion rules.
    public func promoted(with other: DType) -> DType { apus_promote_types(self, other) }
}
