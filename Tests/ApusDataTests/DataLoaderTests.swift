import Apus
import Testing

@testable import ApusData

/// Samples 0 … count - 1, each its own number and its square.
private func numbers(_ count: Int) -> TensorDataset {
    let numbers = Tensor.arange(count)
    return TensorDataset(numbers, numbers * numbers)
}

extension Tensor {
    fileprivate var integers: [Int] { toArray(Int64.self).map(Int.init) }
}

@Suite("Data sets")
struct DatasetTests {
    @Test("subsets and concatenations pick the right samples, alone and together")
    func combinations() {
        let base = numbers(10)
        let subset = Subset(base, indices: [7, 2, 5])
        #expect(subset.count == 3)
        #expect(subset[1].target.item() == 4)
        #expect(subset.batch([0, 2]).input.integers == [7, 5])
        let both = ConcatDataset([subset, Subset(base, indices: []), Subset(base, indices: [9])])
        #expect(both.count == 4)
        #expect((0..<4).map { both[$0].input.integers[0] } == [7, 2, 5, 9])
        #expect(both.batch([3, 0]).target.integers == [81, 49])
    }

    @Test("a random split gives every sample once, and the same with the same seed")
    func randomSplits() {
        let parts = randomSplit(numbers(10), counts: [7, 0, 3], seed: 4)
        #expect(parts.map(\.count) == [7, 0, 3])
        #expect(parts.flatMap(\.indices).sorted() == Array(0..<10))
        #expect(randomSplit(numbers(10), counts: [7, 0, 3], seed: 4).map(\.indices) == parts.map(\.indices))
        #expect(randomSplit(numbers(10), counts: [7, 0, 3], seed: 5).map(\.indices) != parts.map(\.indices))
    }

    @Test("a stratified split divides every class alike")
    func stratified() {
        let labels = (0..<100).map { $0 % 10 < 7 ? 0 : $0 % 10 < 9 ? 1 : 2 }
        let (first, second) = stratifiedSplit(labels: labels, fraction: 0.8, seed: 1)
        #expect((first + second).sorted() == Array(0..<100))
        #expect((0...2).map { c in first.count { labels[$0] == c } } == [56, 16, 8])
        #expect(stratifiedSplit(labels: labels, fraction: 0.8, seed: 1).first == first)
        #expect(stratifiedSplit(labels: labels, fraction: 0.8, seed: 2).first != first)
    }

    @Test("a batch sampler cuts an order into pieces")
    func batches() {
        #expect(BatchSampler(SequentialSampler(count: 5), batchSize: 2).batches(epoch: 3) == [[0, 1], [2, 3], [4]])
        #expect(
            BatchSampler(SequentialSampler(count: 5), batchSize: 2, dropLast: true).batches(epoch: 0) == [
                [0, 1], [2, 3],
            ])
        #expect(BatchSampler(SequentialSampler(count: 0), batchSize: 2).batches(epoch: 0) == [])
    }
}

@Suite("Data loaders")
struct DataLoaderTests {
    private func order(_ loader: DataLoader<Example>) -> [[Int]] { loader.map(\.input.integers) }

    @Test("batches come in order, the last one smaller or dropped")
    func sequential() {
        let loader = DataLoader(numbers(7), batchSize: 3)
        #expect(order(loader) == [[0, 1, 2], [3, 4, 5], [6]])
        #expect(loader.count == 3)
        let dropping = DataLoader(numbers(7), batchSize: 3, dropLast: true)
        #expect(order(dropping) == [[0, 1, 2], [3, 4, 5]])
        #expect(dropping.sampleCount == 6)
    }

    @Test("every epoch is shuffled anew, by seed and epoch alone")
    func shuffling() {
        let loader = DataLoader(numbers(50), batchSize: 8, shuffle: true, seed: 3)
        let epochs = (0..<3).map { _ in order(loader) }
        for epoch in epochs { #expect(epoch.joined().sorted() == Array(0..<50)) }
        #expect(Set(epochs).count == 3)
        let again = DataLoader(numbers(50), batchSize: 8, shuffle: true, seed: 3)
        #expect((0..<3).map { _ in order(again) } == epochs)
        #expect(order(DataLoader(numbers(50), batchSize: 8, shuffle: true, seed: 4)) != epochs[0])
        again.state = .init(epoch: 1)
        #expect(order(again) == epochs[1])
    }

    @Test("a restored loader goes on in the middle of an epoch")
    func resume() {
        let whole = DataLoader(numbers(20), batchSize: 3, shuffle: true, seed: 9)
        let expected = order(whole) + order(whole)
        let first = DataLoader(numbers(20), batchSize: 3, shuffle: true, seed: 9)
        var seen: [[Int]] = []
        for batch in first {
            seen.append(batch.input.integers)
            if seen.count == 4 { break }
        }
        #expect(first.state == .init(epoch: 0, batch: 4))
        let second = DataLoader(numbers(20), batchSize: 3, shuffle: true, seed: 9)
        second.state = first.state
        #expect(seen + order(second) + order(second) == expected)
    }

    @Test("an epoch left early is not taken up by the next loop")
    func breaking() {
        let loader = DataLoader(numbers(6), batchSize: 2)
        for _ in loader { break }
        #expect(order(loader) == [[0, 1], [2, 3], [4, 5]])
        #expect(loader.state == .init(epoch: 2))
    }

    @Test("transforms draw from the batch's own generator, whenever it comes")
    func transforms() {
        func loader() -> DataLoader<Example> {
            DataLoader(numbers(6), batchSize: 2, seed: 5) { batch, generator in
                (batch.input + Tensor.randint(0, 1000, shape: [2], generator: generator), batch.target)
            }
        }
        let whole = loader()
        let epochs = [order(whole), order(whole)]
        #expect(epochs[0] != epochs[1])
        let rest = loader()
        rest.state = .init(epoch: 1, batch: 2)
        #expect(order(rest) == [epochs[1][2]])
    }

    @Test("samples of any kind can be put together by hand")
    func collating() {
        let loader = DataLoader(numbers(5), batchSize: 2) { samples in samples.map { $0.target.integers[0] } }
        #expect(Array(loader) == [[0, 1], [4, 9], [16]])
    }
}
