@testable import Apus
import CApus
import TestSupport

extension FixtureScalar {
    /// The number as operators take it.
    var number: Scalar {
        switch self {
        case .bool(let value): Scalar(value)
        case .int(let value): Scalar(integer: value)
        case .unsigned(let value): Scalar(integer: value)
        case .float(let value): Scalar(value)
        case .complex(let real, let imaginary):
            Scalar(
                raw: apus_scalar(
                    kind: APUS_SCALAR_complex, is_unsigned: false, integer: 0, real: real, imaginary: imaginary))
        }
    }

    /// A weak 0-d tensor.
    var tensor: Tensor { Tensor(weak: number) }
    /// The value as a Double.
    var double: Double { number.double }

    /// Some number of a kind that PyTorch calls "bool", "int", "float" or "complex".
    static func one(ofKind kind: String) throws -> FixtureScalar {
        switch kind {
        case "bool": .bool(true)
        case "int": .int(1)
        case "float": .float(1)
        case "complex": .complex(1, 0)
        default: throw FixtureError("there is no kind of number called \(kind)")
        }
    }
}
