/// A line on the terminal that shows how far a job is.
///
///     epoch  3/20 ━━━━━━━━━━━━────────────  12/23  ETA 00:04  21,340/s  loss 0.1234  accuracy 97.50%
///
/// Away from a terminal it writes nothing until `finish`, so that logs hold one plain line a bar.
public struct ProgressBar {
    private let label: String
    private let total: Int
    private let later: Int
    private let isInteractive: Bool
    private let columns: Int
    private let clock: () -> Double
    private let write: (String) -> Void
    private let start: Double
    private var lastDrawn = -Double.infinity
    private var samples = 0

    /// Steps done.
    public private(set) var done = 0

    /// The least time between two drawings, in seconds.
    private static let interval = 0.05
    private static let widths = (least: 8, most: 24)

    /// A bar of `total` steps, called `label`.
    ///
    /// - Parameters:
    ///   - later: Steps that come after this bar, which the remaining time includes.
    ///   - isInteractive: Whether to draw over the line again and again.
    ///   - columns: What a line of the terminal holds.
    ///   - clock: The time in seconds.
    ///   - write: Takes the text.
    public init(
        label: String, total: Int, later: Int = 0, isInteractive: Bool, columns: Int = 80,
        clock: @escaping () -> Double, write: @escaping (String) -> Void
    ) {
        self.label = label
        self.total = total
        self.later = later
        self.isInteractive = isInteractive
        self.columns = columns
        self.clock = clock
        self.write = write
        start = clock()
    }

    /// A bar on the program's standard output.
    public init(label: String, total: Int, later: Int = 0) {
        self.init(
            label: label, total: total, later: later, isInteractive: Terminal.isInteractive, columns: Terminal.columns,
            clock: monotonicSeconds, write: Terminal.write)
    }

    /// Seconds since the bar was made.
    public var elapsed: Double { clock() - start }

    /// Samples seen a second.
    public var rate: Double { elapsed > 0 ? Double(samples) / elapsed : 0 }

    /// Seconds until this bar and what comes later are done, at the pace so far.
    public var remaining: Double {
        done > 0 ? elapsed / Double(done) * Double(total - done + later) : .infinity
    }

    /// Counts one step of `samples` samples. `details` is asked for text to show only when the line is drawn.
    public mutating func advance(samples: Int, details: () -> String) {
        done += 1
        self.samples += samples
        let now = clock()
        guard isInteractive, now - lastDrawn >= Self.interval || done == total else { return }
        lastDrawn = now
        draw(details())
    }

    /// Ends the bar with a line of text in its place.
    public func finish(_ summary: String) {
        write((isInteractive ? "\r\u{1b}[K" : "") + "\(label)  \(summary)\n")
    }

    /// Takes the line away.
    public func clear() {
        if isInteractive { write("\r\u{1b}[K") }
    }

    private func draw(_ details: String) {
        let count = "\(done)".leftPadded(to: "\(total)".count) + "/\(total)"
        let rest = " \(count)  ETA \(remaining.clock)  \(Int(rate).grouped)/s  \(details)"
        // The bar gives way where the line is short.
        let room = columns - 2 - label.count - rest.count
        let width = max(Self.widths.least, min(Self.widths.most, room))
        let filled = total > 0 ? min(width, width * done / total) : width
        let bar = String(repeating: "━", count: filled) + String(repeating: "─", count: width - filled)
        let line = "\(label) \(bar)\(rest)"
        // One column stays free: a full line would make some terminals scroll.
        write("\r\(line.prefix(max(1, columns - 1)))\u{1b}[K")
    }
}
