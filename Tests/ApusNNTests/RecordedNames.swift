import Apus
import CApus
import Foundation

/// What tests read from the sources.
enum Sources {
    /// The repository.
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// The names that operators are recorded under, read from the sources; and the rows of the ternary table. (The
    /// unary and binary tables have drivers of their own, in ApusTests.)
    static func recordedNames() throws -> Set<String> {
        let call =
            #/(?:Autograd\.record|recordView|ranked|[^A-Za-z.]view|ViewNode|FunctionNode)\(\s*(?:\w+ \? )?"([A-Z]\w*)"(?: : "([A-Z]\w*)")?/#
        let reduction = #/case \.\w+: "([A-Z]\w*)"/#
        var names: Set<String> = []
        for module in ["Apus", "ApusNN"] {
            let folder = root.appendingPathComponent("Sources/\(module)")
            let files = try FileManager.default.subpathsOfDirectory(atPath: folder.path).filter {
                $0.hasSuffix(".swift")
            }
            for file in files {
                let text = try String(contentsOf: folder.appendingPathComponent(file), encoding: .utf8)
                for match in text.matches(of: call) {
                    names.insert(String(match.1))
                    if let other = match.2 { names.insert(String(other)) }
                }
                guard file.hasSuffix("Tensor+Reductions.swift") else { continue }
                names.formUnion(text.matches(of: reduction).map { String($0.1) })
            }
        }
        for number in 0..<UInt32(APUS_TERNARY_COUNT) {
            guard let op = TernaryOp(rawValue: number) else { continue }
            let words = String(cString: apus_ternary_name(op)).split(separator: "_")
            names.insert(words.map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined())
        }
        // Without derivatives, and sums of the core that only `norm` uses.
        return names.subtracting(["Any", "All", "CountNonzero", "SumAbs", "SumSquares"])
    }
}
