import Foundation
import Testing

/// The names and tests that Documentation/autograd.md lists are there.
@Suite("The page on autograd")
struct AutogradDocumentationTests {
    @Test func names() throws {
        let file = Sources.root.appendingPathComponent("Documentation/autograd.md")
        let page = try String(contentsOf: file, encoding: .utf8)
        let rows = page.split(separator: "\n").filter { $0.hasPrefix("| ") }.dropFirst(2)
            .map { $0.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) } }
        #expect(rows.count > 80)
        let sources = try text(under: "Sources")
        let tests = try text(under: "Tests")
        for row in rows {
            // `Type.member(labels:)`: the last name before the parenthesis is declared somewhere.
            if let quoted = row[1].firstMatch(of: #/`([^`(]+)/#) {
                let name = quoted.1.split(separator: ".").last!
                let isDeclared = ["func", "var", "let", "class", "protocol", "struct"].contains {
                    sources.contains("\($0) \(name)")
                }
                #expect(isDeclared || name == "init", "\(row[0]): there is no \(quoted.1)")
            }
            for test in row[2].matches(of: #/`(\w+)`/#) {
                #expect(tests.contains("func \(test.1)("), "\(row[0]): there is no test \(test.1)")
            }
        }
    }

    private func text(under folder: String) throws -> String {
        let root = Sources.root.appendingPathComponent(folder)
        return try FileManager.default.subpathsOfDirectory(atPath: root.path).filter { $0.hasSuffix(".swift") }
            .map { try String(contentsOf: root.appendingPathComponent($0), encoding: .utf8) }.joined()
    }
}
