import CApus

/// A Swift number or Bool that tensors can hold, be made from and be combined with.
///
/// In an operator with a tensor a scalar is weak: its kind (Bool, integer, floating-point) takes part in type
/// promotion, its size does not. An Int added to a float16 tensor gives float16.
public protocol TensorScalar: Sendable {
    /// The dtype whose elements are stored as this type is.
    static var dtype: DType { get }
    /// The value in the form that operators take.
    var scalar: Scalar { get }
    /// The value of a scalar, converted; integers saturate, and NaN becomes 0 in them.
    init(_ scalar: Scalar)
}

/// A number on its way into or out of a tensor.
public struct Scalar: Sendable {
    package var raw: apus_scalar

    package init(raw: apus_scalar) { self.raw = raw }

    /// A Bool.
    public init(_ value: Bool) {
        raw = apus_scalar(
            kind: APUS_SCALAR_bool, is_unsigned: false, integer: value ? 1 : 0, real: 0, imaginary: 0)
    }

    /// An integer that fits 64 bits, signed or unsigned.
    @inline(__always)
    public init<I: FixedWidthInteger>(integer value: I) {
        raw = apus_scalar(
            kind: APUS_SCALAR_int, is_unsigned: value > Int64.max, integer: Int64(truncatingIfNeeded: value), real: 0,
            imaginary: 0)
    }

    /// A floating-point number.
    @inline(__always)
    public init(_ value: Double) {
        raw = apus_scalar(kind: APUS_SCALAR_float, is_unsigned: false, integer: 0, real: value, imaginary: 0)
    }

    /// The value as a Double; the real part of a complex number.
    public var double: Double {
        switch raw.kind {
        case APUS_SCALAR_float, APUS_SCALAR_complex: raw.real
        default: raw.is_unsigned ? Double(UInt64(bitPattern: raw.integer)) : Double(raw.integer)
        }
    }

    /// The value as an integer, rounded toward zero and saturated to the type's range; NaN gives 0.
    public func integer<I: FixedWidthInteger>(_: I.Type) -> I {
        switch raw.kind {
        case APUS_SCALAR_float, APUS_SCALAR_complex:
            if let exact = I(exactly: raw.real.rounded(.towardZero)) { return exact }
            return raw.real.isNaN ? 0 : raw.real < 0 ? I.min : I.max
        default:
            return raw.is_unsigned ? I(clamping: UInt64(bitPattern: raw.integer)) : I(clamping: raw.integer)
        }
    }
}

extension TensorScalar where Self: FixedWidthInteger {
    /// The value in the form that operators take.
    public var scalar: Scalar { Scalar(integer: self) }
    /// The value of a scalar, rounded toward zero and saturated.
    public init(_ scalar: Scalar) { self = scalar.integer(Self.self) }
}

extension TensorScalar where Self: BinaryFloatingPoint {
    /// The value in the form that operators take.
    public var scalar: Scalar { Scalar(Double(self)) }
    /// The value of a scalar, rounded.
    public init(_ scalar: Scalar) { self = Self(scalar.double) }
}

extension Bool: TensorScalar {
    /// `.bool`.
    public static var dtype: DType { .bool }
    /// The value in the form that operators take.
    public var scalar: Scalar { Scalar(self) }
    /// Whether the scalar is not zero.
    public init(_ scalar: Scalar) { self = scalar.double != 0 }
}

extension UInt8: TensorScalar {
    /// `.uint8`.
    public static var dtype: DType { .uint8 }
}
extension UInt16: TensorScalar {
    /// `.uint16`.
    public static var dtype: DType { .uint16 }
}
extension UInt32: TensorScalar {
    /// `.uint32`.
    public static var dtype: DType { .uint32 }
}
extension UInt64: TensorScalar {
    /// `.uint64`.
    public static var dtype: DType { .uint64 }
}
extension UInt: TensorScalar {
    /// `.uint64`.
    public static var dtype: DType { .uint64 }
}
extension Int8: TensorScalar {
    /// `.int8`.
    public static var dtype: DType { .int8 }
}
extension Int16: TensorScalar {
    /// `.int16`.
    public static var dtype: DType { .int16 }
}
extension Int32: TensorScalar {
    /// `.int32`.
    public static var dtype: DType { .int32 }
}
extension Int64: TensorScalar {
    /// `.int64`.
    public static var dtype: DType { .int64 }
}
extension Int: TensorScalar {
    /// `.int64`.
    public static var dtype: DType { .int64 }
}
extension Float: TensorScalar {
    /// `.float32`.
    public static var dtype: DType { .float32 }
}
extension Double: TensorScalar {
    /// `.float64`.
    public static var dtype: DType { .float64 }
}
#if !(os(macOS) && arch(x86_64))
    extension Float16: TensorScalar {
        /// `.float16`.
        public static var dtype: DType { .float16 }
    }
#endif
