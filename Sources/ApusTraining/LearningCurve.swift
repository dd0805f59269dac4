import Apus

/// The picture of a training: loss and accuracy by epoch, as SVG.
///
/// Its colours read on white and on black; the background is left clear.
public struct LearningCurve {
    private let panels: [Panel]
    private let title: String

    private static let size = (width: 840.0, height: 360.0)
    private static let grey = "#808080"

    /// The picture of `records`, under `title`.
    public init(_ records: [EpochRecord], title: String = "Learning curve") {
        self.title = title
        func series(_ name: String, _ colour: String, _ value: (EpochRecord) -> Double?) -> Series {
            Series(
                name: name, colour: colour,
                points: records.compactMap { record in
                    guard let y = value(record), y.magnitude < 1e30 else { return nil }
                    return (Double(record.epoch), y)
                })
        }
        let (training, validation) = ("#3b82f6", "#f97316")
        panels = [
            Panel(
                title: "Loss", unit: "",
                series: [
                    series("training", training) { $0.trainLoss },
                    series("validation", validation) { $0.validationLoss },
                ]),
            Panel(
                title: "Accuracy", unit: "%",
                series: [
                    series("training", training) { $0.trainAccuracy * 100 },
                    series("validation", validation) { $0.validationAccuracy.map { $0 * 100 } },
                ]),
        ]
    }

    /// The picture as the text of an SVG file.
    public var svg: String {
        let (width, height) = Self.size
        var text = """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(Int(width)) \(Int(height))" width="\(Int(width))" \
            height="\(Int(height))" font-family="system-ui, sans-serif" font-size="12" fill="\(Self.grey)">
            <title>\(title.escapedForXML)</title>
            <text x="\(Int(width / 2))" y="24" text-anchor="middle" font-size="16">\(title.escapedForXML)</text>

            """
        let panelWidth = width / Double(panels.count)
        for (i, panel) in panels.enumerated() {
            let frame = Frame(left: Double(i) * panelWidth + 60, top: 70, width: panelWidth - 90, height: height - 125)
            text += panel.svg(in: frame, grey: Self.grey)
        }
        return text + "</svg>\n"
    }

    /// Writes the picture to `path`; the file appears whole or not at all.
    public func write(to path: String) throws { try AtomicFile.write(svg, to: path) }
}

private struct Series {
    var name: String
    var colour: String
    var points: [(x: Double, y: Double)]
}

private struct Frame {
    var left, top, width, height: Double
    var bottom: Double { top + height }
    var right: Double { left + width }
}

private struct Panel {
    var title: String
    var unit: String
    var series: [Series]

    func svg(in frame: Frame, grey: String) -> String {
        let points = series.flatMap(\.points)
        let xs = Scale(points.map(\.x), from: frame.left, to: frame.right, steps: 8, isWhole: true)
        let ys = Scale(points.map(\.y), from: frame.bottom, to: frame.top, steps: 5, isWhole: false)
        let (left, top) = (frame.left.fixed(1), (frame.top - 14).fixed(1))
        var text = "<g>\n<text x=\"\(left)\" y=\"\(top)\" font-size=\"14\">\(title)</text>\n"
        for tick in ys.ticks {
            let y = ys.place(tick).fixed(1)
            text += line(frame.left.fixed(1), y, frame.right.fixed(1), y, "\(grey)\" stroke-opacity=\"0.25")
            text += label(ys.text(tick) + unit, (frame.left - 8).fixed(1), (ys.place(tick) + 4).fixed(1), "end")
        }
        for tick in xs.ticks {
            let x = xs.place(tick).fixed(1)
            text += line(x, frame.bottom.fixed(1), x, (frame.bottom + 5).fixed(1), grey)
            text += label(xs.text(tick), x, (frame.bottom + 20).fixed(1), "middle")
        }
        text += line(frame.left.fixed(1), frame.bottom.fixed(1), frame.right.fixed(1), frame.bottom.fixed(1), grey)
        text += line(frame.left.fixed(1), frame.top.fixed(1), frame.left.fixed(1), frame.bottom.fixed(1), grey)
        text += label("epoch", ((frame.left + frame.right) / 2).fixed(1), (frame.bottom + 40).fixed(1), "middle")
        return text + curves(xs, ys) + legend(in: frame) + "</g>\n"
    }

    private func curves(_ xs: Scale, _ ys: Scale) -> String {
        series.filter { !$0.points.isEmpty }.map { series in
            let places = series.points.map { (xs.place($0.x).fixed(1), ys.place($0.y).fixed(1)) }
            // One point has no line, so the ends are marked.
            let last = places[places.count - 1]
            return """
                <polyline fill="none" stroke="\(series.colour)" stroke-width="2" stroke-linejoin="round" \
                points="\(places.map { "\($0.0),\($0.1)" }.joined(separator: " "))"/>
                <circle cx="\(last.0)" cy="\(last.1)" r="3" fill="\(series.colour)"/>

                """
        }.joined()
    }

    private func legend(in frame: Frame) -> String {
        var text = ""
        var x = frame.right
        let y = frame.top - 18
        for series in series.reversed() where !series.points.isEmpty {
            x -= Double(series.name.count) * 6.5
            text += label(series.name, x.fixed(1), (y + 4).fixed(1), "start")
            text += line(
                (x - 22).fixed(1), y.fixed(1), (x - 5).fixed(1), y.fixed(1), "\(series.colour)\" stroke-width=\"2")
            x -= 36
        }
        return text
    }

    private func line(_ x1: String, _ y1: String, _ x2: String, _ y2: String, _ stroke: String) -> String {
        "<line x1=\"\(x1)\" y1=\"\(y1)\" x2=\"\(x2)\" y2=\"\(y2)\" stroke=\"\(stroke)\"/>\n"
    }

    private func label(_ text: String, _ x: String, _ y: String, _ anchor: String) -> String {
        "<text x=\"\(x)\" y=\"\(y)\" text-anchor=\"\(anchor)\">\(text)</text>\n"
    }
}

/// Maps values to places on the picture, and picks round values to label.
private struct Scale {
    private let low, high, from, to: Double
    private let step: Double
    let ticks: [Double]

    init(_ values: [Double], from: Double, to: Double, steps: Int, isWhole: Bool) {
        let least = values.min() ?? 0
        let greatest = values.max() ?? 1
        let span = greatest > least ? greatest - least : max(abs(greatest), 1) * 0.1
        let step = Self.roundStep(span / Double(steps), isWhole: isWhole)
        // Epochs fill the width; other values end at a round one.
        low = isWhole ? least : (least / step).rounded(.down) * step
        high = isWhole ? max(greatest, least + 1) : max((greatest / step).rounded(.up) * step, low + step)
        self.from = from
        self.to = to
        self.step = step
        let first = Int((low / step).rounded(.up))
        let last = Int((high / step).rounded(.down))
        ticks = (first...max(first, last)).map { Double($0) * step }
    }

    /// 1, 2 or 5 times a power of ten, at least `step`.
    private static func roundStep(_ step: Double, isWhole: Bool) -> Double {
        var power = 1.0
        while power > step { power /= 10 }
        while power * 10 <= step { power *= 10 }
        let rounded = [1.0, 2, 5, 10].map { $0 * power }.first { $0 >= step } ?? step
        return isWhole ? max(1, rounded) : rounded
    }

    func place(_ value: Double) -> Double { from + (value - low) / (high - low) * (to - from) }

    func text(_ value: Double) -> String {
        var digits = 0
        var unit = 1.0
        while unit > step * 1.0001, digits < 12 {
            unit /= 10
            digits += 1
        }
        return value.fixed(digits)
    }
}

extension String {
    fileprivate var escapedForXML: String {
        map { character in
            switch character {
            case "&": "&amp;"
            case "<": "&lt;"
            case ">": "&gt;"
            default: String(character)
            }
        }.joined()
    }
}
