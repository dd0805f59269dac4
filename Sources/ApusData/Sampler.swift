import Apus

/// An order in which to visit samples.
public protocol Sampler {
    /// How many samples an epoch visits.
    var count: Int { get }
    /// The samples of an epoch, counted from 0. The same epoch has the same order whenever it is asked for.
    func order(epoch: Int) -> [Int]
}

/// Samples from first to last.
public struct SequentialSampler: Sampler {
    /// How many samples an epoch visits.
    public let count: Int

    /// The numbers from 0 to `count - 1`.
    public init(count: Int) { self.count = count }

    /// 0, 1, 2, …, whatever the epoch.
    public func order(epoch: Int) -> [Int] { Array(0..<count) }
}

/// Each sample once, in an order that depends on a seed and the epoch alone.
public struct RandomSampler: Sampler {
    /// How many samples an epoch visits.
    public let count: Int
    /// What the orders follow from.
    public let seed: UInt64

    /// The numbers from 0 to `count - 1`, shuffled anew for each epoch.
    public init(count: Int, seed: UInt64) {
        self.count = count
        self.seed = seed
    }

    /// A random order of 0 to `count - 1`.
    public func order(epoch: Int) -> [Int] { permutation(of: count, seed: seed, epoch: epoch) }
}

/// The order of another sampler, cut into batches.
public struct BatchSampler {
    private let sampler: any Sampler
    /// Samples in a batch.
    public let batchSize: Int
    /// Whether samples that do not fill a batch are left out.
    public let dropLast: Bool

    /// Batches of `batchSize` samples in the order of `sampler`; the last may be smaller unless `dropLast`.
    public init(_ sampler: some Sampler, batchSize: Int, dropLast: Bool = false) {
        precondition(batchSize > 0, "BatchSampler: expected a batch size of at least 1, got \(batchSize)")
        self.sampler = sampler
        self.batchSize = batchSize
        self.dropLast = dropLast
    }

    /// How many samples an epoch visits.
    public var sampleCount: Int { dropLast ? sampler.count / batchSize * batchSize : sampler.count }
    /// How many batches an epoch has.
    public var count: Int { (sampleCount + batchSize - 1) / batchSize }

    /// The batches of an epoch.
    public func batches(epoch: Int) -> [[Int]] {
        let order = sampler.order(epoch: epoch)
        return stride(from: 0, to: sampleCount, by: batchSize).map { start in
            Array(order[start..<min(start + batchSize, sampleCount)])
        }
    }
}

/// A generator for one purpose within one epoch. Philox is counter-based, so each epoch and each batch simply owns a
/// stretch of the seed's stream: 2^40 blocks an epoch, of which 2^20 a batch; batch 0 stands for the epoch itself.
func generator(seed: UInt64, epoch: Int, batch: Int = 0) -> Generator {
    let generator = Generator(seed: seed)
    generator.state.position = UInt64(epoch) << 40 + UInt64(batch) << 20
    return generator
}

/// A random order of 0 to `count - 1`.
func permutation(of count: Int, seed: UInt64, epoch: Int = 0) -> [Int] {
    Tensor.randperm(count, device: .cpu, generator: generator(seed: seed, epoch: epoch)).toArray(Int.self)
}
