// Numbers as text, without Foundation: it would triple the time a small program takes to start.

extension Double {
    /// The number with `digits` digits after the point, e.g. "3.142".
    package func fixed(_ digits: Int) -> String {
        guard isFinite else { return isNaN ? "nan" : self < 0 ? "-inf" : "inf" }
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let scaled = (magnitude * scale).rounded()
        guard scaled < 9e15 else { return "\(self)" }
        let whole = String(Int(scaled))
        let padded = String(repeating: "0", count: max(0, digits + 1 - whole.count)) + whole
        let sign = self < 0 && scaled > 0 ? "-" : ""
        guard digits > 0 else { return sign + padded }
        return "\(sign)\(padded.dropLast(digits)).\(padded.suffix(digits))"
    }

    /// A share of one as a percentage, e.g. "98.61%".
    package var percent: String { (self * 100).fixed(2) + "%" }

    /// Seconds as a clock shows them: "00:07", "1:02:03".
    package var clock: String {
        guard isFinite, self < 360_000 else { return "--:--" }
        let seconds = Int(rounded())
        let (minutes, hours) = (seconds / 60 % 60, seconds / 3600)
        let tail = "\(minutes.padded(2)):\((seconds % 60).padded(2))"
        return hours > 0 ? "\(hours):\(tail)" : tail
    }
}

extension Int {
    /// The number with zeros in front, so that it has `digits` digits.
    fileprivate func padded(_ digits: Int) -> String { "\(self)".leftPadded(to: digits, with: "0") }

    /// The number with commas, e.g. "12,345".
    package var grouped: String {
        var text = ""
        for (i, digit) in "\(magnitude)".reversed().enumerated() {
            if i > 0, i % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return (self < 0 ? "-" : "") + String(text.reversed())
    }
}

extension String {
    /// The text with `filler` in front, so that it has `width` characters.
    package func leftPadded(to width: Int, with filler: Character = " ") -> String {
        String(repeating: filler, count: Swift.max(0, width - count)) + self
    }

    /// The text with spaces behind, so that it has `width` characters.
    package func rightPadded(to width: Int) -> String {
        self + String(repeating: " ", count: Swift.max(0, width - count))
    }
}
