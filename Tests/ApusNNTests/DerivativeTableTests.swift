import ApusNN
import CApus
import Foundation
import TestSupport
import Testing

@testable import Apus

/// Documentation/derivatives.md, made from the derivative tables, the names that the sources record, and what the
/// samples do.
@Suite("The table of derivatives")
struct DerivativeTableTests {
    @Test("is the one in the documentation; APUS_WRITE_DOCUMENTATION=1 writes it")
    func table() throws {
        let file = Sources.root.appendingPathComponent("Documentation/derivatives.md")
        let text = try DerivativeTable().text
        if ProcessInfo.processInfo.environment["APUS_WRITE_DOCUMENTATION"] != nil {
            try text.write(to: file, atomically: true, encoding: .utf8)
        }
        let committed = try String(contentsOf: file, encoding: .utf8)
        let changed = zip(text.split(separator: "\n"), committed.split(separator: "\n")).first { $0 != $1 }
        #expect(text == committed, "first difference: \(changed.map { "\($0.0)\n\($0.1)" } ?? "the length")")
    }
}

private struct DerivativeTable {
    private(set) var text = """
        # Derivatives

        Every operator that autograd records, made from the sources by `Tests/ApusNNTests/DerivativeTableTests.swift`, which
        fails when this page is not what it would write; `APUS_WRITE_DOCUMENTATION=1 swift test --filter DerivativeTable`
        writes it anew.

        All of them are checked by central differences, in first and second order, for inputs of several shapes and layouts
        in float64, and in complex128 where the last column says so; their tangents are compared with those that two reverse
        passes give. Composite functions (a loss made of sums and products, say) are recorded as their parts.

        - *operands*: those with a derivative; in parentheses where it is zero wherever it exists.
        - *keeps*: what the graph holds until backward: operands a, b, c and the result y.
        - *second*: `linear` where the derivative does not depend on the operands, so that there is no second one; `rules`
          where the derivative is made of operators that have derivatives themselves, to any order.
        - *forward*: `same rule` where the rule of the first derivative serves for tangents as it stands, for an element of
          the result depends on one element of each operand; `transposed` where the tangent is computed by differentiating
          the gradient, which is linear in what it is given.
        - *complex*: the first and second derivative of complex numbers is PyTorch's. That of `abs` and `sign`, which are not
          holomorphic, is not the rule for real numbers: it keeps a, has a second derivative, and is transposed.


        """

    init() throws {
        let columns = ["operator", "operands", "keeps", "second", "forward", "complex"]
        add("Elementwise operators of one tensor", columns, unaryRows())
        add("Elementwise operators of two tensors", columns, binaryRows())
        add("Elementwise operators of three tensors", columns, ternaryRows())
        add("Reductions and scans", columns, reductionRows())
        try add(
            "Operators recorded by name", ["node", "operands", "second", "forward", "complex"], recordedRows())
        text += "## Without derivative\n\n" + without().map { "`\($0)`" }.joined(separator: ", ") + "\n"
    }

    private mutating func add(_ title: String, _ columns: [String], _ rows: [[String]]) {
        text += "## \(title)\n\n"
        for row in [columns, columns.map { _ in "---" }] + rows { text += "| " + row.joined(separator: " | ") + " |\n" }
        text += "\n"
    }

    // MARK: - Tables

    private let unaries = (0..<UInt32(APUS_UNARY_COUNT)).compactMap(UnaryOp.init(rawValue:))
    private let binaries = (0..<UInt32(APUS_BINARY_COUNT)).compactMap(BinaryOp.init(rawValue:))
    private let ternaries = (0..<UInt32(APUS_TERNARY_COUNT)).compactMap(TernaryOp.init(rawValue:))
    private let reductions = (0..<UInt32(APUS_REDUCE_COUNT)).compactMap(ReduceOp.init(rawValue:))

    private func name(_ text: UnsafePointer<CChar>?) -> String { text.map { String(cString: $0) } ?? "" }

    private func unaryRows() -> [[String]] {
        let x = makeTensor([2], dtype: .complex128)
        return unaries.compactMap { op in
            row(name(apus_unary_name(op)), [derivative(of: op)], takesComplex([x]) { unary(op, $0[0]) })
        }
    }

    private func binaryRows() -> [[String]] {
        let x = makeTensor([2], dtype: .complex128)
        return binaries.compactMap { op in
            let rules = derivative(of: op)
            return row(name(apus_binary_name(op)), [rules.a, rules.b], takesComplex([x]) { binary(op, $0[0], $0[0]) })
        }
    }

    private func ternaryRows() -> [[String]] {
        let (x, mask) = (makeTensor([2], dtype: .complex128), Tensor([true, false]))
        return ternaries.compactMap { op in
            let rules = derivative(of: op)
            let isComplex = takesComplex([x]) { ternary(op, op == .where ? mask : $0[0], $0[0], $0[0]) }
            return row(name(apus_ternary_name(op)), [rules.a, rules.b, rules.c], isComplex)
        }
    }

    private func row(_ name: String, _ rules: [Rule], _ isComplex: Bool) -> [String]? {
        let letters = zip(["a", "b", "c"], rules).compactMap { letter, rule -> String? in
            if rule.isNone { return nil }
            return isZero(rule) ? "(\(letter))" : letter
        }
        guard !letters.isEmpty else { return nil }
        var operands: Rule.Operands = []
        for rule in rules { operands.formUnion(rule.operands) }
        let all: [(String, Rule.Operands)] = [("a", .a), ("b", .b), ("c", .c), ("y", .y)]
        let kept = all.filter { operands.contains($0.1) }.map(\.0)
        return [
            "`\(name)`", letters.joined(separator: ", "), kept.joined(separator: ", "),
            operands.isEmpty ? "linear" : "rules", "same rule", isComplex ? "yes" : "",
        ]
    }

    private func isZero(_ rule: Rule) -> Bool {
        guard case .g(let rule) = rule else { return false }
        return rule(Tensor([1.0])).item() == 0
    }

    private func reductionRows() -> [[String]] {
        let x = makeTensor([2, 2], dtype: .complex128)
        let reduced = reductions.compactMap { op -> [String]? in
            let isComplex = takesComplex([x]) { reduce(op, $0[0], [0], false) }
            let keeps: String
            switch derivative(of: op) {
            case .none: return nil
            case .g: keeps = ""
            case .ga: keeps = "a"
            case .gay: keeps = "a, y"
            }
            return cells(name(apus_reduce_name(op)), keeps, isComplex)
        }
        let scans = [(ScanOp.sum, "cumsum"), (.prod, "cumprod")].map { op, name -> [String] in
            let isComplex = takesComplex([x]) { op == .sum ? $0[0].cumsum(dim: 0) : $0[0].cumprod(dim: 0) }
            if case .g = derivative(of: op) { return cells(name, "", isComplex) }
            return cells(name, "a, y", isComplex)
        }
        return reduced + scans
    }

    private func cells(_ name: String, _ keeps: String, _ isComplex: Bool) -> [String] {
        ["`\(name)`", "a", keeps, keeps.isEmpty ? "linear" : "rules", "transposed", isComplex ? "yes" : ""]
    }

    /// What is recorded by a closure, from the samples in whose graphs it appears.
    private func recordedRows() throws -> [[String]] {
        let tables = Set(
            ternaries.map { nodeName(apus_ternary_name($0)) } + reductions.map { reductionNode($0) }
                + ["CumsumBackward", "CumprodBackward"])
        var inputCounts: [String: Int] = [:]
        var complex: Set<String> = []
        let curved = NameSet()
        for check in derivativeCases {
            for dtype in [DType.float64, .complex128] {
                let inputs = check.inputs(check.shapes[0], dtype: dtype).map { $0.requiresGrad_() }
                guard let output = try? withTensorErrors({ check.body(inputs) }) else { continue }
                note(output, dtype, &inputCounts, &complex, curved)
                _ = walk(output, inputs, [output.detach().onesLike()])
                // Operations of backward passes alone, as the gradient of a convolution, are seen here.
                for gradient in walk(output, inputs, [output.detach().onesLike().requiresGrad_()])
                where gradient.requiresGrad {
                    note(gradient, dtype, &inputCounts, &complex, curved)
                    _ = walk(gradient, inputs, [gradient.detach().onesLike()])
                }
            }
        }
        return try Sources.recordedNames().map { $0 + "Backward" }.filter { !tables.contains($0) }.sorted().map {
            name in
            [
                "`\(name)`", "\(inputCounts[name] ?? 0)", curved.names.contains(name) ? "rules" : "linear",
                "transposed", complex.contains(name) ? "yes" : "",
            ]
        }
    }

    private func walk(_ output: Tensor, _ inputs: [Tensor], _ seeds: [Tensor]) -> [Tensor] {
        grad(outputs: [output], inputs: inputs, gradOutputs: seeds, createGraph: true, allowUnused: true)
            .compactMap { $0 }
    }

    private final class NameSet { var names: Set<String> = [] }

    /// Notes the nodes behind a tensor, and has them say in the next walk whether their derivatives depend on operands.
    private func note(
        _ tensor: Tensor, _ dtype: DType, _ inputCounts: inout [String: Int], _ complex: inout Set<String>,
        _ curved: NameSet
    ) {
        for node in nodes(behind: tensor) {
            let name = node.name
            inputCounts[name] = max(inputCounts[name] ?? 0, (0..<node.edges.count).count { node.needs($0) })
            if dtype.isComplex { complex.insert(name) }
            // A gradient with history, from one without, depends on the operands.
            node.registerHook { gradients, incoming in
                let isCurved =
                    !incoming.contains { $0?.requiresGrad == true } && gradients.contains { $0?.requiresGrad == true }
                if isCurved { curved.names.insert(name) }
                return nil
            }
        }
    }

    private func reductionNode(_ op: ReduceOp) -> String {
        let y = reduce(op, makeTensor([2], dtype: .float64, requiresGrad: true), [], false)
        return y.gradFn?.name ?? ""
    }

    private func nodes(behind tensor: Tensor) -> [Node] {
        var seen: [ObjectIdentifier: Node] = [:]
        var pending = [tensor.gradFn].compactMap { $0 }
        while let node = pending.popLast() {
            guard seen.updateValue(node, forKey: ObjectIdentifier(node)) == nil else { continue }
            pending += node.nextFunctions.compactMap(\.node)
        }
        return Array(seen.values)
    }

    private func without() -> [String] {
        unaries.filter { derivative(of: $0).isNone }.map { name(apus_unary_name($0)) }
            + binaries.filter { derivative(of: $0).a.isNone && derivative(of: $0).b.isNone }
            .map { name(apus_binary_name($0)) }
            + reductions.filter { if case .none = derivative(of: $0) { true } else { false } }
            .map { name(apus_reduce_name($0)) }
    }
}
