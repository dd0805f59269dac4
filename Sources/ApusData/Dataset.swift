import Apus

/// A sample, or a batch of samples stacked along a first dim: what goes into a network and what should come out.
public typealias Example = (input: Tensor, target: Tensor)

/// A collection of samples that can be fetched by number, alone or several at once.
///
/// A data set of input and target tensors needs `count` and a subscript; `batch` may be given too where fetching many
/// at once is cheaper than one by one.
public protocol Dataset<Element, Batch> {
    /// A sample.
    associatedtype Element
    /// Several samples put together.
    associatedtype Batch

    /// How many samples there are.
    var count: Int { get }
    /// The sample at `index`, from 0 to `count - 1`.
    subscript(index: Int) -> Element { get }
    /// Puts samples together.
    func collate(_ samples: [Element]) -> Batch
    /// The samples at `indices`, put together.
    func batch(_ indices: [Int]) -> Batch
}

extension Dataset {
    /// The samples at `indices`, fetched one by one and put together.
    public func batch(_ indices: [Int]) -> Batch { collate(indices.map { self[$0] }) }
}

extension Dataset where Element == Example {
    /// Stacks inputs and targets along a new first dim.
    public func collate(_ samples: [Example]) -> Example {
        (Tensor.stack(samples.map(\.input)), Tensor.stack(samples.map(\.target)))
    }
}

/// Inputs and targets held in two tensors whose first dims number the samples.
public struct TensorDataset: Dataset {
    /// All inputs, `[N, …]`.
    public let inputs: Tensor
    /// All targets, `[N, …]`.
    public let targets: Tensor

    /// A data set of the rows of `inputs` and `targets`; both need the same number of them.
    public init(_ inputs: Tensor, _ targets: Tensor) {
        precondition(
            inputs.rank > 0 && targets.rank > 0 && inputs.shape[0] == targets.shape[0],
            "TensorDataset: expected as many inputs as targets, got shapes \(inputs.shape) and \(targets.shape)")
        self.inputs = inputs
        self.targets = targets
    }

    /// How many samples there are.
    public var count: Int { inputs.shape[0] }
    /// The sample at `index`: views of the tensors' rows.
    public subscript(index: Int) -> Example { (inputs[index], targets[index]) }
    /// The samples at `indices`, copied together.
    public func batch(_ indices: [Int]) -> Example {
        let rows = Tensor(indices, device: inputs.device)
        return (inputs.indexSelect(dim: 0, index: rows), targets.indexSelect(dim: 0, index: rows.to(targets.device)))
    }
}

/// Some of the samples of another data set.
public struct Subset<Base: Dataset>: Dataset {
    /// The data set the samples come from.
    public let base: Base
    /// Which of its samples, in which order.
    public let indices: [Int]

    /// The samples of `base` at `indices`.
    public init(_ base: Base, indices: [Int]) {
        precondition(
            indices.allSatisfy { $0 >= 0 && $0 < base.count },
            "Subset: expected indices from 0 to \(base.count - 1), got \(indices.min() ?? 0) to \(indices.max() ?? 0)")
        self.base = base
        self.indices = indices
    }

    /// How many samples there are.
    public var count: Int { indices.count }
    /// The sample at `index` of the subset.
    public subscript(index: Int) -> Base.Element { base[indices[index]] }
    /// Puts samples together as the base does.
    public func collate(_ samples: [Base.Element]) -> Base.Batch { base.collate(samples) }
    /// The samples at `indices` of the subset, put together as the base does.
    public func batch(_ indices: [Int]) -> Base.Batch { base.batch(indices.map { self.indices[$0] }) }
}

/// Data sets of one kind, one after the other.
public struct ConcatDataset<Base: Dataset>: Dataset {
    /// The data sets, in order.
    public let datasets: [Base]
    /// Where each begins, and where the last ends.
    private let starts: [Int]

    /// The samples of all `datasets`; there must be at least one.
    public init(_ datasets: [Base]) {
        precondition(!datasets.isEmpty, "ConcatDataset: expected at least one data set")
        self.datasets = datasets
        var starts = [0]
        for dataset in datasets { starts.append(starts[starts.count - 1] + dataset.count) }
        self.starts = starts
    }

    /// How many samples there are.
    public var count: Int { starts[datasets.count] }
    /// The sample at `index`, counted through all data sets.
    public subscript(index: Int) -> Base.Element {
        precondition(index >= 0 && index < count, "ConcatDataset: index \(index) is out of range for \(count) samples")
        var (low, high) = (0, datasets.count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if starts[middle] <= index { low = middle } else { high = middle }
        }
        return datasets[low][index - starts[low]]
    }
    /// Puts samples together as the first data set does.
    public func collate(_ samples: [Base.Element]) -> Base.Batch { datasets[0].collate(samples) }
}
