import Apus

/// The mean of values that each stand for a number of samples.
public struct Mean: Hashable, Sendable {
    private var sum = 0.0
    /// The samples so far.
    public private(set) var count = 0

    /// A mean of nothing yet.
    public init() {}

    /// Adds the mean of `count` samples.
    public mutating func add(_ value: Double, count: Int = 1) {
        sum += value * Double(count)
        self.count += count
    }

    /// The mean of all samples; NaN if there are none.
    public var value: Double { sum / Double(count) }
}

/// The share of samples whose highest score is that of the right class.
public struct Accuracy: Hashable, Sendable {
    /// Samples classified correctly.
    public private(set) var correct = 0
    /// All samples.
    public private(set) var count = 0

    /// An accuracy over nothing yet.
    public init() {}

    /// Adds samples by their scores `[N, C]` and classes `[N]`.
    public mutating func add(scores: Tensor, targets: Tensor) {
        add(predictions: predictions(scores), targets: classes(targets))
    }

    /// Adds samples by the class predicted for each and the right one.
    public mutating func add(predictions: [Int], targets: [Int]) {
        correct += zip(predictions, targets).count { $0 == $1 }
        count += targets.count
    }

    /// From 0 to 1; NaN if there are no samples.
    public var value: Double { Double(correct) / Double(count) }
}

/// How often each class was taken for each other.
public struct ConfusionMatrix: Hashable, Sendable, CustomStringConvertible {
    /// `counts[target][prediction]`.
    public private(set) var counts: [[Int]]

    /// A matrix of `classes` classes without samples.
    public init(classes: Int) { counts = Array(repeating: Array(repeating: 0, count: classes), count: classes) }

    /// Adds samples by their scores `[N, C]` and classes `[N]`.
    public mutating func add(scores: Tensor, targets: Tensor) {
        add(predictions: predictions(scores), targets: classes(targets))
    }

    /// Adds samples by the class predicted for each and the right one.
    public mutating func add(predictions: [Int], targets: [Int]) {
        for (prediction, target) in zip(predictions, targets) { counts[target][prediction] += 1 }
    }

    /// The share of all samples that were classified correctly; NaN if there are none.
    public var accuracy: Double {
        Double(counts.indices.reduce(0) { $0 + counts[$1][$1] }) / Double(counts.joined().reduce(0, +))
    }

    /// The share of a class's samples that were recognised; NaN if it has none.
    public func recall(of target: Int) -> Double {
        Double(counts[target][target]) / Double(counts[target].reduce(0, +))
    }

    /// The share of right ones among samples taken for a class; NaN if there are none.
    public func precision(of prediction: Int) -> Double {
        Double(counts[prediction][prediction]) / Double(counts.reduce(0) { $0 + $1[prediction] })
    }

    /// A table: a row a target, a column a prediction.
    public var description: String {
        let width = max(counts.joined().max().map { "\($0)".count } ?? 1, "\(counts.count - 1)".count) + 1
        func row(_ head: String, _ cells: [Int]) -> String {
            head + cells.map { "\($0)".leftPadded(to: width) }.joined()
        }
        let head = row(String(repeating: " ", count: width) + " │", Array(counts.indices))
        let rule = String(repeating: "─", count: width + 1) + "┼" + String(repeating: "─", count: width * counts.count)
        let rows = counts.enumerated().map { row("\($0)".leftPadded(to: width) + " │", $1) }
        return ([head, rule] + rows).joined(separator: "\n")
    }
}

/// The class with the highest score in each row.
package func predictions(_ scores: Tensor) -> [Int] { classes(scores.argmax(dim: -1)) }

/// Classes as an array.
package func classes(_ targets: Tensor) -> [Int] { targets.toArray(Int.self) }
