import Apus
import CApus
import CApusTrain

/// What an operator or a constructor takes, read from the text that describes it; the grammar stands in apus/train.h.
///
/// The texts are part of this library, so one that cannot be read is a mistake in it, which the first test finds.
struct Signature {
    let name: String
    let parameters: [Parameter]
    let returnsMany: Bool
    /// NUL-terminated and never freed: callers keep the pointers.
    let cName: UnsafePointer<CChar>
    let cText: UnsafePointer<CChar>

    struct Parameter {
        let name: String
        let type: ParameterType
        /// Whether it may be left out.
        let isOptional: Bool
        let fallback: Fallback
    }

    /// A parameter's default.
    enum Fallback {
        case none
        case number(Scalar)
        case text(String)
        case integers([Int])
    }

    init(_ text: String) {
        let open = text.firstIndex(of: "(")!
        let close = text.lastIndex(of: ")")!
        name = String(text[..<open])
        parameters = Signature.split(text[text.index(after: open)..<close]).map(Parameter.init)
        returnsMany = text[close...].hasSuffix("-> tensors")
        cName = staticText(name)
        cText = staticText(text)
    }

    /// The parts between commas that do not stand in brackets.
    private static func split(_ text: Substring) -> [Substring] {
        var parts: [Substring] = []
        var start = text.startIndex
        var depth = 0
        for i in text.indices {
            switch text[i] {
            case "[": depth += 1
            case "]": depth -= 1
            case "," where depth == 0:
                parts.append(text[start..<i])
                start = text.index(after: i)
            default: break
            }
        }
        let last = text[start...]
        return (last.isEmpty ? parts : parts + [last]).map { $0.drop { $0 == " " } }
    }
}

extension Signature.Parameter {
    init(_ text: Substring) {
        let parts = text.split(separator: " ", maxSplits: 3)
        name = String(parts[0].dropLast())
        isOptional = parts[1].hasSuffix("?")
        type = ParameterType(rawValue: String(isOptional ? parts[1].dropLast() : parts[1]))!
        fallback = parts.count > 3 ? Signature.Fallback(parts[3]) : .none
    }

    /// Whether an argument must be given.
    var isRequired: Bool {
        if case .none = fallback { return !isOptional }
        return false
    }
}

extension Signature.Fallback {
    init(_ literal: Substring) {
        switch literal {
        case "None": self = .none
        case "True": self = .number(Scalar(true))
        case "False": self = .number(Scalar(false))
        default:
            if literal.first == "'" {
                self = .text(String(literal.dropFirst().dropLast()))
            } else if literal.first == "[" {
                self = .integers(literal.dropFirst().dropLast().split(separator: ", ").map { Int($0)! })
            } else if let integer = Int(literal) {
                self = .number(Scalar(integer: integer))
            } else {
                self = .number(Scalar(Double(literal)!))
            }
        }
    }
}

/// The types that parameters may have.
enum ParameterType: String {
    case tensor, tensors, number, operand, bool, int, float, ints, dtype, text, modules
    case optionalTensors = "tensor?s"

    /// Whether an argument of this kind is one of this type.
    func accepts(_ kind: Int) -> Bool {
        switch kind {
        case APUS_ARGUMENT_variable: self == .tensor || self == .operand
        case APUS_ARGUMENT_bool: self == .bool || self == .number || self == .operand
        case APUS_ARGUMENT_int:
            self == .int || self == .dtype || self == .float || self == .ints || self == .number || self == .operand
        case APUS_ARGUMENT_float: self == .float || self == .number || self == .operand
        case APUS_ARGUMENT_complex: self == .number || self == .operand
        case APUS_ARGUMENT_text: self == .text
        case APUS_ARGUMENT_ints: self == .ints
        case APUS_ARGUMENT_variables: self == .tensors || self == .optionalTensors
        case APUS_ARGUMENT_modules: self == .modules
        default: false
        }
    }
}

/// A copy that lives as long as the process.
func staticText(_ text: String) -> UnsafePointer<CChar> {
    let bytes = text.utf8CString
    let copy = UnsafeMutableBufferPointer<CChar>.allocate(capacity: bytes.count)
    _ = copy.initialize(from: bytes)
    return UnsafePointer(copy.baseAddress!)
}
