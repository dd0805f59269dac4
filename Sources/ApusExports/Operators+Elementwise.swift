import Apus
import CApus
import CApusTrain

extension Operators {
    /// The core's tables, each operator in both forms: with a new result, and in place.
    static var elementwise: [Operator] { unaries + binaries + ternaries }

    private static var unaries: [Operator] {
        (0..<UInt32(APUS_UNARY_COUNT)).compactMap(UnaryOp.init(rawValue:)).flatMap { op in
            let name = String(cString: apus_unary_name(op))
            return [
                Operator("\(name)(input: tensor)") { unary(op, $0.tensor(0)) },
                Operator("\(name)_(input: tensor)") { $0.tensor(0).unaryInPlace(op) },
            ]
        }
    }

    private static var binaries: [Operator] {
        (0..<UInt32(APUS_BINARY_COUNT)).compactMap(BinaryOp.init(rawValue:)).flatMap { op in
            let name = String(cString: apus_binary_name(op))
            return [
                Operator("\(name)(input: operand, other: operand)") { try binary(op, $0.operand(0), $0.operand(1)) },
                Operator("\(name)_(input: tensor, other: operand)") { inPlace(op, $0.tensor(0), $0.operand(1)) },
            ]
        }
    }

    private static var ternaries: [Operator] {
        (0..<UInt32(APUS_TERNARY_COUNT)).compactMap(TernaryOp.init(rawValue:)).flatMap { op in
            let name = String(cString: apus_ternary_name(op))
            return [
                Operator("\(name)(x: operand, y: operand, z: operand, value: number = 1)") {
                    ternary(op, $0.operand(0).tensor, $0.operand(1).tensor, $0.operand(2).tensor, scale: $0.number(3))
                },
                Operator("\(name)_(x: tensor, y: operand, z: operand, value: number = 1)") {
                    $0.tensor(0).ternaryInPlace(op, $0.operand(1).tensor, $0.operand(2).tensor, scale: $0.number(3))
                },
            ]
        }
    }

    private static func binary(_ op: BinaryOp, _ a: Arguments.Operand, _ b: Arguments.Operand) throws -> Tensor {
        switch (a, b) {
        case (.tensor(let a), .tensor(let b)): return Apus.binary(op, a, b)
        case (.tensor(let a), .number(let b)): return Apus.binary(op, a, b)
        case (.number(let a), .tensor(let b)): return Apus.binary(op, b, a, reversed: true)
        case (.number, .number):
            throw TensorError(
                .invalid_argument, "\(String(cString: apus_binary_name(op))): at least one operand must be a tensor")
        }
    }

    private static func inPlace(_ op: BinaryOp, _ a: Tensor, _ b: Arguments.Operand) -> Tensor {
        switch b {
        case .tensor(let b): a.binaryInPlace(op, b)
        case .number(let b): a.binaryInPlace(op, b)
        }
    }

    // MARK: - Lines with PyTorch's names and defaults

    static var arithmetic: [Operator] { scaled + shaped + selecting }

    /// a ± alpha · b.
    private static var scaled: [Operator] {
        [(BinaryOp.add, 1.0), (.sub, -1)].flatMap { op, sign in
            let name = String(cString: apus_binary_name(op))
            return [
                Operator("\(name)(input: operand, other: operand, alpha: number = 1)") {
                    let alpha = $0.float(2)
                    if alpha == 1 { return try binary(op, $0.operand(0), $0.operand(1)) }
                    return $0.operand(0).tensor.add($0.operand(1).tensor, alpha: sign * alpha)
                },
                Operator("\(name)_(input: tensor, other: operand, alpha: number = 1)") {
                    let alpha = $0.float(2)
                    if alpha == 1 { return inPlace(op, $0.tensor(0), $0.operand(1)) }
                    return $0.tensor(0).add_($0.operand(1).tensor, alpha: sign * alpha)
                },
            ]
        }
    }

    /// Activations with a shape of their own.
    private static var shaped: [Operator] {
        [
            Operator("leaky_relu(input: tensor, negative_slope: float = 0.01)") { $0.tensor(0).leakyRelu($0.float(1)) },
            Operator("elu(input: tensor, alpha: float = 1.0)") { $0.tensor(0).elu($0.float(1)) },
            Operator("celu(input: tensor, alpha: float = 1.0)") { $0.tensor(0).celu($0.float(1)) },
            Operator("hardshrink(input: tensor, lambd: float = 0.5)") { $0.tensor(0).hardshrink($0.float(1)) },
            Operator("softshrink(input: tensor, lambd: float = 0.5)") { $0.tensor(0).softshrink($0.float(1)) },
        ]
    }

    /// Operators of three that take numbers and may leave some out.
    private static var selecting: [Operator] {
        [
            Operator("where(condition: tensor, input: operand, other: operand)") {
                ternary(.where, $0.tensor(0), $0.operand(1).tensor, $0.operand(2).tensor)
            },
            Operator("clamp(input: tensor, min: operand? = None, max: operand? = None)") { clamp($0) },
            Operator("clamp_(input: tensor, min: number? = None, max: number? = None)") {
                $0.tensor(0).clamp_(min: $0.optionalFloat(1), max: $0.optionalFloat(2))
            },
            Operator("lerp(input: tensor, end: tensor, weight: operand)") {
                ternary(.lerp, $0.tensor(0), $0.tensor(1), $0.operand(2).tensor)
            },
            Operator("addcmul(input: tensor, tensor1: tensor, tensor2: tensor, value: number = 1)") {
                ternary(.addcmul, $0.tensor(0), $0.tensor(1), $0.tensor(2), scale: $0.number(3))
            },
            Operator("addcdiv(input: tensor, tensor1: tensor, tensor2: tensor, value: number = 1)") {
                ternary(.addcdiv, $0.tensor(0), $0.tensor(1), $0.tensor(2), scale: $0.number(3))
            },
        ]
    }

    private static func clamp(_ arguments: Arguments) -> Tensor {
        let x = arguments.tensor(0)
        switch (arguments.optionalOperand(1), arguments.optionalOperand(2)) {
        case (.tensor(let min)?, .tensor(let max)?): return x.clamp(min: min, max: max)
        case (.tensor(let min)?, nil): return x.clamp(min: min)
        case (nil, .tensor(let max)?): return x.clamp(max: max)
        case (.tensor(let min)?, .number(let max)?): return x.clamp(min: min).clamp(max: max.double)
        case (.number(let min)?, .tensor(let max)?): return x.clamp(min: min.double).clamp(max: max)
        case (let min, let max): return x.clamp(min: min?.double, max: max?.double)
        }
    }
}
