/// A picture of how tensors were computed: the graph that `backward` walks, as text in DOT (for Graphviz) or SVG.
///
///     let x = Tensor.ones(2, 2, requiresGrad: true)
///     let z = ((x + 2) * (x + 2)).mean()
///     try AutogradGraph(of: z, names: ["x": x, "z": z]).svg.write(toFile: "graph.svg", …)
///
/// Arrows lead from what was computed to what it was computed from, as the gradients flow. A picture is a copy: it
/// keeps no tensor alive.
public struct AutogradGraph: Sendable {
    /// One box.
    public struct Box: Sendable {
        /// What is written in it: an operation's name, or a tensor's name and shape.
        public let label: String
        /// Whether it is a tensor rather than an operation.
        public let isTensor: Bool
        /// How many steps it lies below the results at most.
        public fileprivate(set) var depth = 0
    }

    /// An arrow between boxes, by their places in `boxes`.
    public struct Arrow: Hashable, Sendable {
        /// Where gradients come from.
        public let from: Int
        /// Where they go.
        public let to: Int
    }

    /// Operations and named or leaf tensors; results come before what they were computed from.
    public private(set) var boxes: [Box] = []
    /// The arrows.
    public private(set) var arrows: [Arrow] = []

    /// The graph behind `tensors`; those in `names` are labelled.
    public init(of tensors: Tensor..., names: KeyValuePairs<String, Tensor> = [:]) {
        var labels: [ObjectIdentifier: [(output: Int, label: String)]] = [:]
        for (name, tensor) in names {
            guard let node = tensor.gradientNode else { continue }
            labels[ObjectIdentifier(node), default: []].append((Int(tensor.outputIndex), "\(name) \(tensor.shape)"))
        }
        let nodes = Self.reachable(from: tensors.compactMap(\.gradientNode))
        var places: [ObjectIdentifier: Int] = [:]
        for node in nodes {
            let own = labels[ObjectIdentifier(node)] ?? []
            let isLeaf = node is AccumulateGrad
            if !isLeaf {
                for label in own {
                    boxes.append(Box(label: label.label, isTensor: true))
                    arrows.append(Arrow(from: boxes.count - 1, to: boxes.count - 1 + own.count))
                }
            }
            places[ObjectIdentifier(node)] = boxes.count
            boxes.append(Box(label: isLeaf ? own.first?.label ?? "leaf" : node.name, isTensor: isLeaf))
            if own.count > 1 && !isLeaf { fixArrows(own.count) }
        }
        for node in nodes {
            guard let from = places[ObjectIdentifier(node)] else { continue }
            for (next, _) in node.nextFunctions {
                guard let next, let to = places[ObjectIdentifier(next)] else { continue }
                arrows.append(Arrow(from: from, to: to))
            }
        }
        for arrow in arrows.sorted(by: { $0.from < $1.from }) {
            boxes[arrow.to].depth = max(boxes[arrow.to].depth, boxes[arrow.from].depth + 1)
        }
        // The name of a tensor on the way stands just above the operation that made it.
        for arrow in arrows where boxes[arrow.from].isTensor {
            boxes[arrow.from].depth = max(0, boxes[arrow.to].depth - 1)
        }
    }

    /// The labels of a node of several named results all point to its box, which has just been appended.
    private mutating func fixArrows(_ count: Int) {
        for i in arrows.count - count..<arrows.count { arrows[i] = Arrow(from: arrows[i].from, to: boxes.count - 1) }
    }

    /// Every node behind `roots`, those recorded last first, leaves at the end.
    private static func reachable(from roots: [Node]) -> [Node] {
        var seen: [ObjectIdentifier: Node] = [:]
        var pending = roots
        while let node = pending.popLast() {
            guard seen.updateValue(node, forKey: ObjectIdentifier(node)) == nil else { continue }
            pending += node.nextFunctions.compactMap(\.node)
        }
        // Leaves have the greatest number of all; one more makes it 0.
        return seen.values.sorted { $0.sequence &+ 1 > $1.sequence &+ 1 }
    }

    /// The graph in the language of Graphviz: `dot -Tpng graph.dot`.
    public var dot: String {
        var lines = ["digraph autograd {", "  node [fontname=\"sans-serif\", fontsize=12];"]
        for (i, box) in boxes.enumerated() {
            let style = box.isTensor ? "shape=box, style=filled, fillcolor=\"#cfe8ff\"" : "shape=ellipse"
            lines.append("  n\(i) [label=\"\(escaped(box.label))\", \(style)];")
        }
        lines += arrows.map { "  n\($0.from) -> n\($0.to);" }
        return (lines + ["}", ""]).joined(separator: "\n")
    }

    /// The graph as a picture that browsers and editors show.
    public var svg: String {
        let layout = Layout(boxes, arrows)
        var lines = [
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(layout.width) \(layout.height)\" "
                + "width=\"\(layout.width)\" height=\"\(layout.height)\" font-family=\"sans-serif\" font-size=\"13\">",
            "<defs><marker id=\"arrow\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" "
                + "orient=\"auto\"><path d=\"M0,0 L8,4 L0,8 z\" fill=\"#555\"/></marker></defs>",
            "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>",
        ]
        for arrow in arrows {
            let (from, to) = (layout.centres[arrow.from], layout.centres[arrow.to])
            lines.append(
                "<line x1=\"\(from.x)\" y1=\"\(from.y + Layout.boxHeight / 2)\" x2=\"\(to.x)\" "
                    + "y2=\"\(to.y - Layout.boxHeight / 2)\" stroke=\"#555\" marker-end=\"url(#arrow)\"/>")
        }
        for (box, centre) in zip(boxes, layout.centres) {
            let width = Layout.width(of: box)
            lines.append(
                "<rect x=\"\(centre.x - width / 2)\" y=\"\(centre.y - Layout.boxHeight / 2)\" width=\"\(width)\" "
                    + "height=\"\(Layout.boxHeight)\" rx=\"\(box.isTensor ? 3 : Layout.boxHeight / 2)\" "
                    + "fill=\"\(box.isTensor ? "#cfe8ff" : "#f4f4f4")\" stroke=\"#555\"/>")
            lines.append(
                "<text x=\"\(centre.x)\" y=\"\(centre.y + 5)\" text-anchor=\"middle\">\(escaped(box.label))</text>")
        }
        return (lines + ["</svg>", ""]).joined(separator: "\n")
    }

    private func escaped(_ text: String) -> String {
        text.reduce(into: "") { result, character in
            switch character {
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "&": result += "&amp;"
            case "\"": result += "&quot;"
            default: result.append(character)
            }
        }
    }

    /// Boxes in rows by depth, each row centred and ordered by what points to it, so that few arrows cross.
    private struct Layout {
        static let boxHeight = 30
        private static let gap = 24
        private static let rowHeight = 64

        private(set) var centres: [(x: Int, y: Int)]
        let width, height: Int

        static func width(of box: Box) -> Int { box.label.count * 8 + 24 }

        init(_ boxes: [Box], _ arrows: [Arrow]) {
            let depth = boxes.map(\.depth).max() ?? 0
            var rows = (0...depth).map { row in boxes.indices.filter { boxes[$0].depth == row } }
            let widths = rows.map { row in row.reduce(Self.gap) { $0 + Self.width(of: boxes[$1]) + Self.gap } }
            width = widths.max() ?? 0
            height = rows.count * Self.rowHeight
            centres = Array(repeating: (0, 0), count: boxes.count)
            var sources: [Int: [Int]] = [:]
            for arrow in arrows { sources[arrow.to, default: []].append(arrow.from) }
            for row in rows.indices {
                let wanted = Dictionary(
                    uniqueKeysWithValues: rows[row].map { box in
                        let above = sources[box] ?? []
                        return (box, above.reduce(0) { $0 + centres[$1].x } / max(above.count, 1))
                    })
                rows[row].sort { (wanted[$0]!, $0) < (wanted[$1]!, $1) }
                var x = (width - widths[row]) / 2 + Self.gap
                for box in rows[row] {
                    let boxWidth = Self.width(of: boxes[box])
                    centres[box] = (x + boxWidth / 2, row * Self.rowHeight + Self.rowHeight / 2)
                    x += boxWidth + Self.gap
                }
            }
        }
    }
}
