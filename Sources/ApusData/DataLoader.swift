import Apus

/// Hands out a data set in batches, epoch after epoch.
///
///     let loader = DataLoader(Digits(), batchSize: 64, shuffle: true, seed: 0)
///     for (images, labels) in loader { … }   // each `for` is one epoch
///
/// The order of an epoch follows from the seed and the epoch's number alone, so that a run can be repeated, or taken up
/// again in the middle by restoring `state`.
public final class DataLoader<Batch>: Sequence {
    /// Where a loader stands.
    public struct State: Hashable, Sendable {
        /// The epoch in progress, or the next one; from 0.
        public var epoch: Int
        /// Batches of it that were handed out.
        public var batch: Int

        /// The place after `batch` batches of `epoch`.
        public init(epoch: Int = 0, batch: Int = 0) {
            self.epoch = epoch
            self.batch = batch
        }
    }

    private let sampler: BatchSampler
    private let fetch: (_ indices: [Int], _ epoch: Int, _ batch: Int) -> Batch
    private var isRestored = false
    private var current = State()

    /// Where the loader stands. After setting it, the next loop goes on from there.
    public var state: State {
        get { current }
        set {
            precondition(
                newValue.epoch >= 0 && (0...count).contains(newValue.batch),
                "DataLoader: there is no batch \(newValue.batch) of epoch \(newValue.epoch); an epoch has \(count)")
            current = newValue
            isRestored = true
        }
    }

    /// A loader of batches that are put together as the data set does it.
    ///
    /// - Parameters:
    ///   - dataset: Where the samples come from.
    ///   - batchSize: Samples in a batch.
    ///   - shuffle: Whether each epoch has an order of its own, rather than the data set's.
    ///   - dropLast: Whether to leave out the samples that do not fill the last batch.
    ///   - seed: What the orders, and the generator given to `transform`, follow from.
    ///   - transform: Changes each batch, for example to augment it; the generator is the batch's own.
    public convenience init<Data: Dataset>(
        _ dataset: Data, batchSize: Int = 1, shuffle: Bool = false, dropLast: Bool = false, seed: UInt64 = 0,
        transform: ((Batch, Generator) -> Batch)? = nil
    ) where Data.Batch == Batch {
        self.init(
            sampler: Self.sampler(dataset.count, batchSize, shuffle, dropLast, seed), seed: seed,
            fetch: { dataset.batch($0) }, transform: transform)
    }

    /// A loader of batches that `collate` puts together.
    ///
    /// - Parameters:
    ///   - dataset: Where the samples come from.
    ///   - batchSize: Samples in a batch.
    ///   - shuffle: Whether each epoch has an order of its own, rather than the data set's.
    ///   - dropLast: Whether to leave out the samples that do not fill the last batch.
    ///   - seed: What the orders follow from.
    ///   - collate: Puts the samples of a batch together.
    public convenience init<Data: Dataset>(
        _ dataset: Data, batchSize: Int = 1, shuffle: Bool = false, dropLast: Bool = false, seed: UInt64 = 0,
        collate: @escaping ([Data.Element]) -> Batch
    ) {
        self.init(
            sampler: Self.sampler(dataset.count, batchSize, shuffle, dropLast, seed), seed: seed,
            fetch: { indices in collate(indices.map { dataset[$0] }) }, transform: nil)
    }

    /// A loader of the batches that `batchSampler` names.
    public convenience init<Data: Dataset>(_ dataset: Data, batchSampler: BatchSampler) where Data.Batch == Batch {
        self.init(sampler: batchSampler, seed: 0, fetch: { dataset.batch($0) }, transform: nil)
    }

    private init(
        sampler: BatchSampler, seed: UInt64, fetch: @escaping ([Int]) -> Batch,
        transform: ((Batch, Generator) -> Batch)?
    ) {
        self.sampler = sampler
        self.fetch = { indices, epoch, batch in
            guard let transform else { return fetch(indices) }
            return transform(fetch(indices), generator(seed: seed, epoch: epoch, batch: batch + 1))
        }
    }

    private static func sampler(
        _ count: Int, _ batchSize: Int, _ shuffle: Bool, _ dropLast: Bool, _ seed: UInt64
    ) -> BatchSampler {
        shuffle
            ? BatchSampler(RandomSampler(count: count, seed: seed), batchSize: batchSize, dropLast: dropLast)
            : BatchSampler(SequentialSampler(count: count), batchSize: batchSize, dropLast: dropLast)
    }

    /// How many batches an epoch has.
    public var count: Int { sampler.count }
    /// How many samples an epoch visits.
    public var sampleCount: Int { sampler.sampleCount }

    /// Starts an epoch: the next one, or after a restored `state` the rest of that one. An epoch that was left early
    /// counts as done.
    public func makeIterator() -> AnyIterator<Batch> {
        if !isRestored, current.batch > 0 { current = State(epoch: current.epoch + 1) }
        isRestored = false
        let epoch = current.epoch
        let batches = sampler.batches(epoch: epoch)
        return AnyIterator { [self] in
            // A newer loop has taken over.
            guard current.epoch == epoch else { return nil }
            guard current.batch < batches.count else {
                current = State(epoch: epoch + 1)
                return nil
            }
            defer { current.batch += 1 }
            return fetch(batches[current.batch], epoch, current.batch)
        }
    }
}
