import Apus

extension Module {
    /// PyTorch's dump: the type with `extraDescription`, and the children below, indented.
    final var structure: String {
        let children = namedChildren()
        let head = "\(type(of: self))("
        guard !children.isEmpty else { return head + extraDescription + ")" }
        var lines = extraDescription.isEmpty ? [] : ["  " + extraDescription]
        for (name, child) in children {
            let text = child.description.split(separator: "\n", omittingEmptySubsequences: false)
            lines.append("  (\(name)): " + text.joined(separator: "\n  "))
        }
        return head + "\n" + lines.joined(separator: "\n") + "\n)"
    }

    /// A table of all modules that hold parameters themselves, with shapes and counts, and the totals.
    public final func summary() -> String {
        var rows: [[String]] = []
        walk { name, module, contents in
            guard !contents.parameters.isEmpty || module === self else { return }
            let shapes = contents.parameters.map { "\($0.name) \($0.tensor.shape)" }.joined(separator: ", ")
            let count = contents.parameters.reduce(0) { $0 + $1.tensor.count }
            rows.append([name.isEmpty ? "(root)" : name, "\(type(of: module))", shapes, grouped(count)])
        }
        let trainable = parameters().filter(\.requiresGrad).reduce(0) { $0 + $1.count }
        let bytes = (parameters() + buffers()).reduce(0) { $0 + $1.count * $1.elementSize }
        let totals =
            "parameters \(grouped(parameterCount)), trainable \(grouped(trainable)), \(grouped(bytes)) bytes with buffers"
        return table(header: ["name", "type", "parameters", "count"], rows) + "\n" + totals
    }
}

/// Columns padded to their widest cell; the last one is aligned to the right.
private func table(header: [String], _ rows: [[String]]) -> String {
    let widths = header.indices.map { column in ([header] + rows).map { $0[column].count }.max() ?? 0 }
    func line(_ cells: [String]) -> String {
        cells.indices.map { column in
            let space = String(repeating: " ", count: widths[column] - cells[column].count)
            return column == cells.count - 1 ? space + cells[column] : cells[column] + space
        }.joined(separator: "  ")
    }
    let rule = String(repeating: "─", count: widths.reduce(0, +) + 2 * (widths.count - 1))
    return ([line(header), rule] + rows.map(line) + [rule]).joined(separator: "\n")
}

/// "1,234,567".
private func grouped(_ number: Int) -> String {
    let digits = Array("\(number)")
    return String(
        digits.enumerated().flatMap { i, digit in
            i > 0 && (digits.count - i) % 3 == 0 ? [",", digit] : [digit]
        })
}
