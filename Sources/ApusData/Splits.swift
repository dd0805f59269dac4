import Apus

/// Divides a data set at random into parts of the given sizes, which must add up to its count. Equal seeds give equal
/// parts.
public func randomSplit<Base: Dataset>(_ dataset: Base, counts: [Int], seed: UInt64) -> [Subset<Base>] {
    precondition(
        counts.allSatisfy { $0 >= 0 } && counts.reduce(0, +) == dataset.count,
        "randomSplit: expected sizes that add up to \(dataset.count), got \(counts)")
    var rest = permutation(of: dataset.count, seed: seed)[...]
    return counts.map { count in
        defer { rest = rest.dropFirst(count) }
        return Subset(dataset, indices: Array(rest.prefix(count)))
    }
}

/// Divides samples in two so that each class is divided in the same proportion.
///
/// - Parameters:
///   - labels: The class of each sample.
///   - fraction: The first part's share of each class, from 0 to 1, rounded to the nearest count.
///   - seed: Equal seeds give equal parts.
/// - Returns: The numbers of the samples of both parts, ascending.
public func stratifiedSplit(labels: [Int], fraction: Double, seed: UInt64) -> (first: [Int], second: [Int]) {
    precondition(fraction >= 0 && fraction <= 1, "stratifiedSplit: expected a fraction from 0 to 1, got \(fraction)")
    var members: [Int: [Int]] = [:]
    for i in permutation(of: labels.count, seed: seed) { members[labels[i], default: []].append(i) }
    var (first, second): ([Int], [Int]) = ([], [])
    for (_, indices) in members {
        let count = Int((Double(indices.count) * fraction).rounded())
        first += indices.prefix(count)
        second += indices.dropFirst(count)
    }
    return (first.sorted(), second.sorted())
}

/// Divides a data set in two so that each class is divided in the same proportion; see
/// `stratifiedSplit(labels:fraction:seed:)`.
public func stratifiedSplit<Base: Dataset>(
    _ dataset: Base, labels: [Int], fraction: Double, seed: UInt64
) -> (first: Subset<Base>, second: Subset<Base>) {
    precondition(
        labels.count == dataset.count,
        "stratifiedSplit: expected a label for each of \(dataset.count) samples, got \(labels.count)")
    let (first, second) = stratifiedSplit(labels: labels, fraction: fraction, seed: seed)
    return (Subset(dataset, indices: first), Subset(dataset, indices: second))
}
