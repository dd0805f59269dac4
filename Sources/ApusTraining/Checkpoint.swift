import Apus
import ApusData
import ApusNN
import ApusOptim

// A checkpoint is a safetensors file: the model's tensors under "model.", the optimizer's under "optimizer.", and in
// the metadata, under "trainer", what is not a tensor, as JSON. Doubles and 64-bit integers stand there as text, which
// keeps every bit.
private let modelPrefix = "model."
private let optimizerPrefix = "optimizer."
private let trainerKey = "trainer"

extension Trainer {
    /// Writes the model's state to `path`.
    public func saveModel(to path: String) throws {
        try SafeTensors.save(model.stateDict().map { ($0.name, $0.tensor) }, metadata: metadata, to: path)
    }

    /// Writes everything a later run needs to go on from here, bit for bit: the states of the model, the optimizer, the
    /// scheduler, the default random generator and the loader, and the records of the epochs.
    public func saveCheckpoint(to path: String) throws {
        let optimizerState = optimizer.stateDict()
        let tensors =
            Array(model.stateDict().withPrefix(modelPrefix))
            + Array(optimizerState.tensors.withPrefix(optimizerPrefix))
        var metadata = metadata
        metadata[trainerKey] = progress(optimizerState).json.text
        try SafeTensors.save(tensors.map { ($0.name, $0.tensor) }, metadata: metadata, to: path)
    }

    /// Takes up the training that `saveCheckpoint` wrote to `path`. The trainer needs the model, optimizer and
    /// scheduler of the one that wrote it; then `fit` goes on as if it had never stopped.
    ///
    /// - Returns: The text stored with the checkpoint.
    /// - Throws: `TensorFileError` where the file is damaged, is no checkpoint, or belongs to another model or
    ///   optimizer. The trainer is then as it was.
    @discardableResult
    public func resume(from path: String) throws -> [String: String] {
        let file = try SafeTensors.load(path)
        guard let text = file.metadata[trainerKey], let json = try? JSON.parse(text),
            let progress = TrainingProgress(json: json)
        else { throw TensorFileError(path: path, "is not a checkpoint: its metadata holds no state of a training") }
        let tensors = StateDict(file.tensors)
        let state = OptimizerState(
            tensors: tensors.withoutPrefix(optimizerPrefix), numbers: progress.optimizer)
        let old = (
            model: StateDict(model.stateDict().map { ($0.name, $0.tensor.clone()) }), optimizer: optimizer.stateDict()
        )
        do {
            try model.loadStateDict(tensors.withoutPrefix(modelPrefix))
            try optimizer.loadStateDict(state)
            try scheduler?.loadStateDict(progress.scheduler)
        } catch {
            try model.loadStateDict(old.model)
            try optimizer.loadStateDict(old.optimizer)
            throw TensorFileError(path: path, "belongs to another training: \(oneLine(error))")
        }
        records = progress.records
        loaderState = progress.loader
        Generator.default.state = progress.generator
        return file.metadata.filter { $0.key != trainerKey }
    }

    private func progress(_ optimizerState: OptimizerState) -> TrainingProgress {
        TrainingProgress(
            records: records, loader: loaderState, generator: Generator.default.state,
            optimizer: optimizerState.numbers, scheduler: scheduler?.stateDict() ?? [:])
    }
}

/// What a checkpoint holds besides tensors.
private struct TrainingProgress {
    var records: [EpochRecord]
    var loader: DataLoader<Example>.State
    var generator: Generator.State
    var optimizer: [String: Double]
    var scheduler: [String: Double]

    var json: JSON {
        func numbers(_ values: [String: Double]) -> JSON {
            .object(values.sorted { $0.key < $1.key }.map { ($0.key, .string("\($0.value)")) })
        }
        return .object([
            ("version", 1), ("records", .array(records.map(\.json))),
            ("loader", .array([.integer(loader.epoch), .integer(loader.batch)])),
            ("generator", .array([.string("\(generator.seed)"), .string("\(generator.position)")])),
            ("optimizer", numbers(optimizer)), ("scheduler", numbers(scheduler)),
        ])
    }
}

extension TrainingProgress {
    init?(json: JSON) {
        func numbers(_ name: String) -> [String: Double]? {
            guard let members = json[name]?.object else { return nil }
            let values = members.compactMap { member in
                member.value.string.flatMap(Double.init).map { (member.name, $0) }
            }
            return values.count == members.count ? Dictionary(values) { $1 } : nil
        }
        guard json["version"]?.integer == 1, let rows = json["records"]?.array,
            let loader = json["loader"]?.array?.compactMap(\.integer), loader.count == 2,
            loader.allSatisfy({ $0 >= 0 }),
            let generator = json["generator"]?.array?.compactMap({ $0.string.flatMap { UInt64($0) } }),
            generator.count == 2, let optimizer = numbers("optimizer"), let scheduler = numbers("scheduler")
        else { return nil }
        records = rows.compactMap(EpochRecord.init)
        guard records.count == rows.count else { return nil }
        self.loader = .init(epoch: Int(loader[0]), batch: Int(loader[1]))
        self.generator = .init(seed: generator[0], position: generator[1])
        self.optimizer = optimizer
        self.scheduler = scheduler
    }
}

/// An error's text without line breaks.
package func oneLine(_ error: any Error) -> String {
    "\(error)".split(whereSeparator: \.isNewline).map { $0.drop { $0 == " " } }.joined(separator: "; ")
}
