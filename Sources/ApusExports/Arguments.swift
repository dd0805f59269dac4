import Apus
import ApusNN
import CApus
import CApusTrain

/// The arguments of one call. `init` checks kinds and null pointers against the signature, so that reading is safe.
struct Arguments {
    private let signature: Signature
    private let given: UnsafeBufferPointer<apus_argument>

    @inline(__always)
    init(_ signature: Signature, _ count: Int32, _ arguments: UnsafePointer<apus_argument>?) throws {
        self.signature = signature
        let parameters = signature.parameters
        guard count >= 0, Int(count) <= parameters.count else {
            throw TensorError(
                .invalid_argument,
                "\(signature.name): expected at most \(parameters.count) arguments, got \(count)")
        }
        guard count == 0 || arguments != nil else {
            throw TensorError(.null_argument, "\(signature.name): arguments is null")
        }
        given = UnsafeBufferPointer(start: arguments, count: Int(count))
        for i in parameters.indices {
            let kind = i < given.count ? Int(given[i].kind) : APUS_ARGUMENT_none
            if kind == APUS_ARGUMENT_none {
                guard !parameters[i].isRequired else { throw missing(i) }
            } else {
                guard parameters[i].type.accepts(kind) else { throw mistyped(i, kind) }
                try checkPointers(i, kind)
            }
        }
    }

    private func checkPointers(_ i: Int, _ kind: Int) throws {
        let argument = given[i]
        switch kind {
        case APUS_ARGUMENT_variable, APUS_ARGUMENT_text, APUS_ARGUMENT_complex:
            // All pointers lie at the same place of the union.
            guard argument.value.text != nil else { throw null(i) }
        case APUS_ARGUMENT_ints, APUS_ARGUMENT_variables, APUS_ARGUMENT_modules:
            guard argument.count >= 0 else {
                throw TensorError(
                    .invalid_argument, "\(place(i)): a list cannot have \(argument.count) entries")
            }
            guard argument.count == 0 || argument.value.text != nil else { throw null(i) }
            guard kind != APUS_ARGUMENT_ints, signature.parameters[i].type != .optionalTensors else { return }
            // Entries of either list are handles.
            for entry in 0..<Int(argument.count) where argument.value.variables[entry] == nil { throw null(i) }
        default: break
        }
    }

    private func place(_ i: Int) -> String { "\(signature.name): \(signature.parameters[i].name)" }

    private func missing(_ i: Int) -> TensorError {
        TensorError(.invalid_argument, "\(place(i)) is missing; the operator is \(String(cString: signature.cText))")
    }

    private func mistyped(_ i: Int, _ kind: Int) -> TensorError {
        let names = ["none", "variable", "bool", "int", "float", "complex", "text", "ints", "floats", "variables"]
        let found = kind == APUS_ARGUMENT_modules ? "modules" : names.indices.contains(kind) ? names[kind] : "\(kind)"
        return TensorError(
            .invalid_argument, "\(place(i)): expected \(signature.parameters[i].type.rawValue), got \(found)")
    }

    private func null(_ i: Int) -> TensorError {
        TensorError(.null_argument, "\(place(i)) is null, or has a null entry")
    }

    // MARK: - Reading. `nil` stands for an argument that was left out and has no default.

    @inline(__always)
    private func argument(_ i: Int) -> apus_argument? {
        i < given.count && Int(given[i].kind) != APUS_ARGUMENT_none ? given[i] : nil
    }

    @inline(__always)
    func optionalTensor(_ i: Int) -> Tensor? { argument(i).map { object($0.value.variable) } }

    @inline(__always)
    func tensor(_ i: Int) -> Tensor { object(given[i].value.variable) }

    /// A tensor or a number.
    enum Operand {
        case tensor(Tensor)
        case number(Scalar)

        /// As a tensor; a number as one that is weak in promotion.
        var tensor: Tensor {
            switch self {
            case .tensor(let tensor): tensor
            case .number(let number): Tensor(weak: number)
            }
        }

        /// As a number; of a tensor its only element.
        var double: Double {
            switch self {
            case .tensor(let tensor): tensor.item()
            case .number(let number): number.double
            }
        }
    }

    @inline(__always)
    func operand(_ i: Int) -> Operand {
        if let argument = argument(i), Int(argument.kind) == APUS_ARGUMENT_variable {
            return .tensor(object(argument.value.variable))
        }
        return .number(number(i))
    }

    func optionalOperand(_ i: Int) -> Operand? { argument(i) == nil ? nil : operand(i) }

    func optionalNumber(_ i: Int) -> Scalar? {
        guard let argument = argument(i) else {
            if case .number(let number) = signature.parameters[i].fallback { return number }
            return nil
        }
        switch Int(argument.kind) {
        case APUS_ARGUMENT_bool: return Scalar(argument.value.integer != 0)
        case APUS_ARGUMENT_float: return Scalar(argument.value.real)
        case APUS_ARGUMENT_complex:
            return Scalar(
                raw: apus_scalar(
                    kind: APUS_SCALAR_complex, is_unsigned: false, integer: 0, real: argument.value.reals[0],
                    imaginary: argument.value.reals[1]))
        default: return Scalar(integer: argument.value.integer)
        }
    }

    func number(_ i: Int) -> Scalar { optionalNumber(i) ?? Scalar(0) }
    func bool(_ i: Int) -> Bool { number(i).double != 0 }
    func int(_ i: Int) -> Int { number(i).integer(Int.self) }
    func optionalInt(_ i: Int) -> Int? { optionalNumber(i)?.integer(Int.self) }
    func float(_ i: Int) -> Double { number(i).double }
    func optionalFloat(_ i: Int) -> Double? { optionalNumber(i)?.double }

    func optionalInts(_ i: Int) -> [Int]? {
        guard let argument = argument(i) else {
            if case .integers(let integers) = signature.parameters[i].fallback { return integers }
            return optionalInt(i).map { [$0] }
        }
        guard Int(argument.kind) == APUS_ARGUMENT_ints else { return [Int(argument.value.integer)] }
        return UnsafeBufferPointer(start: argument.value.integers, count: Int(argument.count)).map { Int($0) }
    }

    /// Whether a list was given, rather than one integer.
    func isList(_ i: Int) -> Bool { argument(i).map { Int($0.kind) == APUS_ARGUMENT_ints } ?? false }

    func ints(_ i: Int) -> [Int] { optionalInts(i) ?? [] }

    func optionalTensors(_ i: Int) -> [Tensor?] {
        guard let argument = argument(i) else { return [] }
        return UnsafeBufferPointer(start: argument.value.variables, count: Int(argument.count)).map { handle in
            handle.map { object($0) }
        }
    }

    func tensors(_ i: Int) -> [Tensor] { optionalTensors(i).compactMap { $0 } }

    func modules(_ i: Int) -> [Module] {
        guard let argument = argument(i) else { return [] }
        return UnsafeBufferPointer(start: argument.value.modules, count: Int(argument.count)).compactMap { handle in
            handle.map { object($0) }
        }
    }

    func text(_ i: Int) -> String {
        if let argument = argument(i) { return String(cString: argument.value.text) }
        if case .text(let text) = signature.parameters[i].fallback { return text }
        return ""
    }

    func optionalDType(_ i: Int) throws -> DType? {
        guard let code = optionalInt(i) else { return nil }
        guard let code = UInt32(exactly: code), code < APUS_DTYPE_COUNT, let dtype = DType(rawValue: code) else {
            throw TensorError(.dtype, "\(place(i)): \(code) is no dtype")
        }
        return dtype
    }

    /// One of a family of texts.
    func choice<Choice: RawRepresentable & CaseIterable>(_ i: Int, _: Choice.Type) throws -> Choice
    where Choice.RawValue == String {
        let text = text(i)
        // PyTorch writes batchmean.
        if let choice = Choice.allCases.first(where: { $0.rawValue.lowercased() == text.lowercased() }) {
            return choice
        }
        let all = Choice.allCases.map { "'\($0.rawValue.lowercased())'" }.joined(separator: ", ")
        throw TensorError(.invalid_argument, "\(place(i)): expected one of \(all), got '\(text)'")
    }
}
