import CApus

/// The derivative of an operation with regard to one operand, given the gradient g of its result.
///
/// Which case a rule is says what it reads, and so what the graph keeps: the operands a, b, c and the result y.
enum Rule {
    /// The operation is not differentiable in this operand: nothing is recorded.
    case none
    case g((_ g: Tensor) -> Tensor)
    case ga((_ g: Tensor, _ a: Tensor) -> Tensor)
    case gb((_ g: Tensor, _ b: Tensor) -> Tensor)
    case gc((_ g: Tensor, _ c: Tensor) -> Tensor)
    case gy((_ g: Tensor, _ y: Tensor) -> Tensor)
    case gab((_ g: Tensor, _ a: Tensor, _ b: Tensor) -> Tensor)
    case gay((_ g: Tensor, _ a: Tensor, _ y: Tensor) -> Tensor)
    case gby((_ g: Tensor, _ b: Tensor, _ y: Tensor) -> Tensor)
    case gbc((_ g: Tensor, _ b: Tensor, _ c: Tensor) -> Tensor)
    case gabc((_ g: Tensor, _ a: Tensor, _ b: Tensor, _ c: Tensor) -> Tensor)
    case gaby((_ g: Tensor, _ a: Tensor, _ b: Tensor, _ y: Tensor) -> Tensor)

    /// Zero wherever the derivative exists, as for rounding.
    static var zero: Rule { .g { $0.zerosLike() } }

    struct Operands: OptionSet {
        let rawValue: UInt8
        /// There is no rule.
        static let absent = Operands(rawValue: 128)
        static let a = Operands(rawValue: 1)
        static let b = Operands(rawValue: 2)
        static let c = Operands(rawValue: 4)
        static let y = Operands(rawValue: 8)
    }

    /// What the rule reads.
    @inline(__always)
    var operands: Operands {
        switch self {
        case .none: .absent
        case .g: []
        case .ga: .a
        case .gb: .b
        case .gc: .c
        case .gy: .y
        case .gab: [.a, .b]
        case .gay: [.a, .y]
        case .gby: [.b, .y]
        case .gbc: [.b, .c]
        case .gabc: [.a, .b, .c]
        case .gaby: [.a, .b, .y]
        }
    }

    var isNone: Bool { operands == .absent }
}

/// What the rules of the tables read, by operator and operand: looked up at every recorded operation, where making the
/// rules would cost as much as the rest of the recording.
struct RuleReads: @unchecked Sendable {
    private let operands: UnsafeMutablePointer<Rule.Operands>

    /// One entry an operand; `rules` gives those of an operator.
    private init(count: Int, arity: Int, rules: (UInt32) -> [Rule]) {
        operands = .allocate(capacity: count * arity)
        for number in 0..<count {
            let all = rules(UInt32(number))
            for i in 0..<arity {
                (operands + number * arity + i).initialize(to: i < all.count ? all[i].operands : .absent)
            }
        }
    }

    private static let unary = RuleReads(count: Int(APUS_UNARY_COUNT), arity: 1) { number in
        UnaryOp(rawValue: number).map { [derivative(of: $0)] } ?? []
    }
    private static let binary = RuleReads(count: Int(APUS_BINARY_COUNT), arity: 2) { number in
        guard let rules = BinaryOp(rawValue: number).map({ derivative(of: $0) }) else { return [] }
        return [rules.a, rules.b]
    }
    private static let ternary = RuleReads(count: Int(APUS_TERNARY_COUNT), arity: 3) { number in
        guard let rules = TernaryOp(rawValue: number).map({ derivative(of: $0) }) else { return [] }
        return [rules.a, rules.b, rules.c]
    }

    @inline(__always)
    static func of(_ op: UnaryOp) -> Rule.Operands { unary.operands[Int(op.rawValue)] }
    @inline(__always)
    static func of(_ op: BinaryOp, _ operand: Int) -> Rule.Operands { binary.operands[Int(op.rawValue) * 2 + operand] }
    @inline(__always)
    static func of(_ op: TernaryOp, _ operand: Int) -> Rule.Operands {
        ternary.operands[Int(op.rawValue) * 3 + operand]
    }
}
