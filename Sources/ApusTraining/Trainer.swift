import Apus
import ApusData
import ApusNN
import ApusOptim

/// Trains a model on batches of inputs and classes, shows how it goes, and writes down where it stands.
///
///     let trainer = Trainer(model: model, optimizer: AdamW(model.parameters(), lr: 3e-3))
///     try trainer.fit(trainingLoader, validation: testLoader, epochs: 20)
///
/// With equal seeds a training has the same bits whatever the number of threads, and also when it was interrupted and
/// resumed from a checkpoint.
public final class Trainer {
    /// What a finished step came to.
    public struct Step {
        /// Which epoch, from 1.
        public var epoch: Int
        /// Which step of the epoch, from 1.
        public var step: Int
        /// The batch's mean loss.
        public var loss: Double
    }

    /// Loss and accuracy over a whole data set.
    public struct Evaluation: Hashable, Sendable {
        /// The mean loss of the samples.
        public var loss: Double
        /// The share of samples classified correctly.
        public var accuracy: Double
    }

    /// The model that is trained.
    public let model: Module
    /// What changes its parameters.
    public let optimizer: Optimizer
    /// The mean loss of a batch, by the model's output and the targets.
    public let loss: (_ output: Tensor, _ target: Tensor) -> Tensor
    /// Where it computes; batches are moved there.
    public let device: Device

    /// What changes the learning rate, and when; nil for the optimizer's own throughout.
    public var scheduler: LRScheduler?
    /// Whether the scheduler steps after each batch rather than after each epoch.
    public var schedulesBatches = false
    /// The largest norm that all gradients together may have; larger ones are scaled down. Nil for no bound.
    public var gradientClip: Double?
    /// Where to write a checkpoint after every epoch; nil for none. See `resume(from:)`.
    public var checkpointPath: String?
    /// Where to write the model's state whenever an epoch was the best so far by validation; nil for nowhere.
    public var bestPath: String?
    /// Text to store in the files that the trainer writes.
    public var metadata: [String: String] = [:]
    /// Whether to show progress on the standard output.
    public var isVerbose = true
    /// Called after each step.
    public var onStep: ((Step) throws -> Void)?
    /// Called after each epoch, when its files are written.
    public var onEpoch: ((EpochRecord) throws -> Void)?

    /// The epochs so far.
    public internal(set) var records: [EpochRecord] = []
    /// The learning rate of the latest step.
    private var rate = 0.0
    /// Where the training data's loader stood after the latest epoch.
    var loaderState = DataLoader<Example>.State()

    /// A trainer of `model` by `optimizer`.
    ///
    /// - Parameters:
    ///   - model: Takes a batch of inputs and gives scores `[N, C]`.
    ///   - optimizer: Over the model's parameters.
    ///   - device: Where to compute. The model is moved there, in place.
    ///   - loss: The mean loss of a batch; cross entropy if nothing else is given.
    public init(
        model: Module, optimizer: Optimizer, device: Device = .default,
        loss: @escaping (_ output: Tensor, _ target: Tensor) -> Tensor = { F.crossEntropy($0, $1) }
    ) {
        self.model = model.to(device)
        self.device = device
        self.optimizer = optimizer
        self.loss = loss
    }

    // MARK: - Training

    /// Trains until `epochs` epochs are done, counting those before a resume.
    ///
    /// - Throws: `TrainingError` when the loss is no longer a number; `TensorFileError` when a file cannot be written;
    ///   whatever the callbacks throw.
    public func fit(
        _ training: DataLoader<Example>, validation: DataLoader<Example>? = nil, epochs: Int
    ) throws {
        training.state = loaderState
        while records.count < epochs {
            let record = try runEpoch(training, validation: validation, epochs: epochs)
            let isBest = records.allSatisfy { record.isBetter(than: $0) }
            records.append(record)
            loaderState = training.state
            if isBest, let bestPath { try saveModel(to: bestPath) }
            if let checkpointPath { try saveCheckpoint(to: checkpointPath) }
            try onEpoch?(record)
        }
    }

    private func runEpoch(
        _ training: DataLoader<Example>, validation: DataLoader<Example>?, epochs: Int
    ) throws -> EpochRecord {
        let epoch = records.count + 1
        let start = monotonicSeconds()
        var bar =
            isVerbose
            ? ProgressBar(
                label: "epoch \("\(epoch)".leftPadded(to: "\(epochs)".count))/\(epochs)", total: training.count,
                later: training.count * (epochs - epoch))
            : nil
        model.train()
        var (mean, accuracy) = (Mean(), Accuracy())
        var step = 0
        for batch in training {
            step += 1
            guard let (loss, output) = trainStep(batch) else {
                bar?.clear()
                throw TrainingError(
                    "the loss is no longer a number in epoch \(epoch), step \(step); try a lower learning rate or gradientClip"
                )
            }
            let count = batch.target.shape[0]
            mean.add(loss, count: count)
            accuracy.add(scores: output, targets: batch.target)
            bar?.advance(samples: count) { "loss \(mean.value.fixed(4))  accuracy \(accuracy.value.percent)" }
            try onStep?(Step(epoch: epoch, step: step, loss: loss))
        }
        if !schedulesBatches { scheduler?.step() }
        let evaluation = validation.map { evaluate($0) }
        let record = EpochRecord(
            epoch: epoch, trainLoss: mean.value, trainAccuracy: accuracy.value, validationLoss: evaluation?.loss,
            validationAccuracy: evaluation?.accuracy, learningRate: rate, seconds: monotonicSeconds() - start)
        bar?.finish(record.summary)
        return record
    }

    /// One step; nil, with the parameters as they were, where the loss is not a number.
    private func trainStep(_ batch: Example) -> (loss: Double, output: Tensor)? {
        optimizer.zeroGrad()
        let output = model(batch.input.to(device))
        let loss = loss(output, batch.target.to(device))
        let value = loss.item()
        guard value.isFinite else { return nil }
        loss.backward()
        if let gradientClip { _ = clipGradNorm_(model.parameters(), maxNorm: gradientClip) }
        rate = optimizer.learningRates.first ?? 0
        optimizer.step()
        if schedulesBatches { scheduler?.step() }
        return (value, output.detach())
    }

    // MARK: - Evaluation

    /// Loss and accuracy over a data set, with the model in evaluation mode. Its mode is restored after.
    public func evaluate(_ loader: DataLoader<Example>) -> Evaluation {
        let wasTraining = model.isTraining
        model.eval()
        defer { model.train(wasTraining) }
        var (mean, accuracy) = (Mean(), Accuracy())
        noGrad {
            for batch in loader {
                let output = model(batch.input.to(device))
                mean.add(loss(output, batch.target.to(device)).item(), count: batch.target.shape[0])
                accuracy.add(scores: output, targets: batch.target)
            }
        }
        return Evaluation(loss: mean.value, accuracy: accuracy.value)
    }
}

/// Why a training cannot go on.
public struct TrainingError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The reason, and what to do.
    public var description: String

    /// An error for this reason.
    public init(_ description: String) { self.description = description }
}

extension EpochRecord {
    /// Whether this epoch's model is the better one: by validation accuracy, then by loss.
    func isBetter(than other: EpochRecord) -> Bool {
        let (mine, theirs) = (validationAccuracy ?? 0, other.validationAccuracy ?? 0)
        guard mine == theirs else { return mine > theirs }
        return (validationLoss ?? trainLoss) < (other.validationLoss ?? other.trainLoss)
    }

    /// The epoch as a line of a log.
    var summary: String {
        func pair(_ training: String, _ validation: String?) -> String {
            training + (validation.map { ", test \($0)" } ?? "")
        }
        let loss = pair(trainLoss.fixed(4), validationLoss?.fixed(4))
        return
            "\(seconds.fixed(2)) s  loss \(loss)  accuracy \(pair(trainAccuracy.percent, validationAccuracy?.percent))"
    }
}
