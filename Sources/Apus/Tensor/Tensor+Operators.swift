infix operator ** : ExponentiationPrecedence
infix operator **= : AssignmentPrecedence
infix operator .&& : LogicalConjunctionPrecedence
infix operator .|| : LogicalDisjunctionPrecedence

/// Binds tighter than multiplication, and to the right.
precedencegroup ExponentiationPrecedence {
    associativity: right
    higherThan: BitwiseShiftPrecedence
}

// Operators work element by element and broadcast. Dtypes are promoted as in PyTorch; a Swift number is weak, so that
// `x * 2` keeps the dtype of a float `x`. The assigning forms (`+=`) write in place, as PyTorch's do.

extension Tensor {
    // MARK: - Arithmetic

    /// Sum, element by element, with broadcasting.
    public static func + (a: Tensor, b: Tensor) -> Tensor { binary(.add, a, b) }
    /// Sum of a tensor and a number.
    public static func + <S: TensorScalar>(a: Tensor, b: S) -> Tensor { binary(.add, a, b.scalar) }
    /// Sum of a number and a tensor.
    public static func + <S: TensorScalar>(a: S, b: Tensor) -> Tensor { binary(.add, b, a.scalar, reversed: true) }

    /// Difference.
    public static func - (a: Tensor, b: Tensor) -> Tensor { binary(.sub, a, b) }
    /// Difference of a tensor and a number.
    public static func - <S: TensorScalar>(a: Tensor, b: S) -> Tensor { binary(.sub, a, b.scalar) }
    /// Difference of a number and a tensor.
    public static func - <S: TensorScalar>(a: S, b: Tensor) -> Tensor { binary(.sub, b, a.scalar, reversed: true) }

    /// Product, element by element; see `matmul` for the matrix product.
    public static func * (a: Tensor, b: Tensor) -> Tensor { binary(.mul, a, b) }
    /// Product of a tensor and a number.
    public static func * <S: TensorScalar>(a: Tensor, b: S) -> Tensor { binary(.mul, a, b.scalar) }
    /// Product of a number and a tensor.
    public static func * <S: TensorScalar>(a: S, b: Tensor) -> Tensor { binary(.mul, b, a.scalar, reversed: true) }

    /// Quotient; integers are divided as float32.
    public static func / (a: Tensor, b: Tensor) -> Tensor { binary(.div, a, b) }
    /// Quotient of a tensor and a number.
    public static func / <S: TensorScalar>(a: Tensor, b: S) -> Tensor { binary(.div, a, b.scalar) }
    /// Quotient of a number and a tensor.
    public static func / <S: TensorScalar>(a: S, b: Tensor) -> Tensor { binary(.div, b, a.scalar, reversed: true) }

    /// Remainder with the sign of the divisor, as in Python.
    public static func % (a: Tensor, b: Tensor) -> Tensor { binary(.remainder, a, b) }
    /// Remainder with the sign of the divisor of a tensor and a number.
    public static func % <S: TensorScalar>(a: Tensor, b: S) -> Tensor { binary(.remainder, a, b.scalar) }
    /// Remainder with the sign of the divisor of a number and a tensor.
    public static func % <S: TensorScalar>(a: S, b: Tensor) -> Tensor {
        binary(.remainder, b, a.scalar, reversed: true)
    }

    /// Power.
    public static func ** (a: Tensor, b: Tensor) -> Tensor { binary(.pow, a, b) }
    /// Power of a tensor and a number.
    public static func ** <S: TensorScalar>(a: Tensor, b: S) -> Tensor { binary(.pow, a, b.scalar) }
    /// Power of a number and a tensor.
    public static func ** <S: TensorScalar>(a: S, b: Tensor) -> Tensor { binary(.pow, b, a.scalar, reversed: true) }

    /// As `add_`: writes in place.
    public static func += (a: inout Tensor, b: Tensor) { _ = a.binaryInPlace(.add, b) }
    /// As `add_`: writes in place.
    public static func += <S: TensorScalar>(a: inout Tensor, b: S) { _ = a.binaryInPlace(.add, b.scalar) }

    /// As `sub_`: writes in place.
    public static func -= (a: inout Tensor, b: Tensor) { _ = a.binaryInPlace(.sub, b) }
    /// As `sub_`: writes in place.
    public static func -= <S: TensorScalar>(a: inout Tensor, b: S) { _ = a.binaryInPlace(.sub, b.scalar) }

    /// As `mul_`: writes in place.
    public static func *= (a: inout Tensor, b: Tensor) { _ = a.binaryInPlace(.mul, b) }
    /// As `mul_`: writes in place.
    public static func *= <S: TensorScalar>(a: inout Tensor, b: S) { _ = a.binaryInPlace(.mul, b.scalar) }

    /// As `div_`: writes in place.
    public static func /= (a: inout Tensor, b: Tensor) { _ = a.binaryInPlace(.div, b) }
    /// As `div_`: writes in place.
    public static func /= <S: TensorScalar>(a: inout Tensor, b: S) { _ = a.binaryInPlace(.div, b.scalar) }

    /// As `remainder_`: writes in place.
    public static func %= (a: inout Tensor, b: Tensor) { _ = a.binaryInPlace(.remainder, b) }
    /// As `remainder_`: writes in place.
    public static func %= <S: TensorScalar>(a: inout Tensor, b: S) { _ = a.binaryInPlace(.remainder, b.scalar) }

    /// As `pow_`: writes in place.
    public static func **= (a: inout Tensor, b: Tensor) { _ = a.binaryInPlace(.pow, b) }
    /// As `pow_`: writes in place.
    public static func **= <S: TensorScalar>(a: inout Tensor, b: S) { _ = a.binaryInPlace(.pow, b.scalar) }

    /// The negative of each element.
    public static prefix func - (x: Tensor) -> Tensor { unary(.neg, x) }

    /// The tensor itself.
    public static prefix func + (x: Tensor) -> Tensor { x }

    // MARK: - Comparison; the result is bool

    /// Where a is equal to b.
    public static func .== (a: Tensor, b: Tensor) -> Tensor { binary(.eq, a, b) }
    /// As above, with a number.
    public static func .== <S: TensorScalar>(a: Tensor, b: S) -> Tensor { binary(.eq, a, b.scalar) }
    /// As above, with a number.
    public static func .== <S: TensorScalar>(a: S, b: Tensor) -> Tensor { binary(.eq, b, a.scalar, reversed: true) }

    /// Where a is different from b.
    public static func .!= (a: Tensor, b: Tensor) -> Tensor { binary(.ne, a, b) }
    /// As above, with a number.
    public static func .!= <S: TensorScalar>(a: Tensor, b: S) -> Tensor { binary(.ne, a, b.scalar) }
    /// As above, with a number.
    public static func .!= <S: TensorScalar>(a: S, b: Tensor) -> Tensor { binary(.ne, b, a.scalar, reversed: true) }

    /// Where a is less than b.
    public static func .< (a: Tensor, b: Tensor) -> Tensor { binary(.lt, a, b) }
    /// As above, with a number.
    public static func .< <S: TensorScalar>(a: Tensor, b: S) -> Tensor { binary(.lt, a, b.scalar) }
    /// As above, with a number.
    public static func .< <S: TensorScalar>(a: S, b: Tensor) -> Tensor { binary(.lt, b, a.scalar, reversed: true) }

    /// Where a is less or equal than b.
    public static func .<= (a: Tensor, b: Tensor) -> Tensor { binary(.le, a, b) }
    /// As above, with a number.
    public static func .<= <S: TensorScalar>(a: Tensor, b: S) -> Tensor { binary(.le, a, b.scalar) }
    /// As above, with a number.
    public static func .<= <S: TensorScalar>(a: S, b: Tensor) -> Tensor { binary(.le, b, a.scalar, reversed: true) }

    /// Where a is greater than b.
    public static func .> (a: Tensor, b: Tensor) -> Tensor { binary(.gt, a, b) }
    /// As above, with a number.
    public static func .> <S: TensorScalar>(a: Tensor, b: S) -> Tensor { binary(.gt, a, b.scalar) }
    /// As above, with a number.
    public static func .> <S: TensorScalar>(a: S, b: Tensor) -> Tensor { binary(.gt, b, a.scalar, reversed: true) }

    /// Where a is greater or equal than b.
    public static func .>= (a: Tensor, b: Tensor) -> Tensor { binary(.ge, a, b) }
    /// As above, with a number.
    public static func .>= <S: TensorScalar>(a: Tensor, b: S) -> Tensor { binary(.ge, a, b.scalar) }
    /// As above, with a number.
    public static func .>= <S: TensorScalar>(a: S, b: Tensor) -> Tensor { binary(.ge, b, a.scalar, reversed: true) }

    // MARK: - Logic, each side taken as zero or not; the result is bool

    /// Where both are true.
    public static func .&& (a: Tensor, b: Tensor) -> Tensor { binary(.logical_and, a, b) }
    /// Where either is true.
    public static func .|| (a: Tensor, b: Tensor) -> Tensor { binary(.logical_or, a, b) }
    /// Where the element is zero.
    public static prefix func .! (x: Tensor) -> Tensor { unary(.logical_not, x) }
    /// Where the element is zero; the same as `.!`.
    public static prefix func ! (x: Tensor) -> Tensor { unary(.logical_not, x) }

    // MARK: - Bits; integers and bool

    /// Bits set in both.
    public static func & (a: Tensor, b: Tensor) -> Tensor { binary(.bitwise_and, a, b) }
    /// Bits set in both.
    public static func & <S: TensorScalar>(a: Tensor, b: S) -> Tensor { binary(.bitwise_and, a, b.scalar) }

    /// Bits set in either.
    public static func | (a: Tensor, b: Tensor) -> Tensor { binary(.bitwise_or, a, b) }
    /// Bits set in either.
    public static func | <S: TensorScalar>(a: Tensor, b: S) -> Tensor { binary(.bitwise_or, a, b.scalar) }

    /// Bits set in one alone.
    public static func ^ (a: Tensor, b: Tensor) -> Tensor { binary(.bitwise_xor, a, b) }
    /// Bits set in one alone.
    public static func ^ <S: TensorScalar>(a: Tensor, b: S) -> Tensor { binary(.bitwise_xor, a, b.scalar) }

    /// Bits moved up.
    public static func << (a: Tensor, b: Tensor) -> Tensor { binary(.bitwise_left_shift, a, b) }
    /// Bits moved up.
    public static func << <S: TensorScalar>(a: Tensor, b: S) -> Tensor { binary(.bitwise_left_shift, a, b.scalar) }

    /// Bits moved down; the sign is kept.
    public static func >> (a: Tensor, b: Tensor) -> Tensor { binary(.bitwise_right_shift, a, b) }
    /// Bits moved down; the sign is kept.
    public static func >> <S: TensorScalar>(a: Tensor, b: S) -> Tensor { binary(.bitwise_right_shift, a, b.scalar) }

    /// Every bit turned over; for bool the same as `.!`.
    public static prefix func ~ (x: Tensor) -> Tensor { unary(.bitwise_not, x) }
}
