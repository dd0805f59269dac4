import ApusData
import ApusNN
import ApusOptim
import TestSupport
import Testing

@testable import Apus
@testable import ApusTraining

/// Tests that change the number of threads run one after the other.
@Suite("The trainer", .serialized, .ownGenerator)
struct TrainerTests {
    /// A small training on a part of the digits, the same each time it is made.
    private struct Setup {
        let network: Sequential
        let trainer: Trainer
        let training: DataLoader<Example>
        let validation: DataLoader<Example>

        init(seed: UInt64 = 1, hidden: Int = 32, rate: Double = 0.02) {
            manualSeed(seed)
            network = Sequential(
                Conv2d(1, 4, kernelSize: 3, padding: 1), BatchNorm2d(4), ReLU(), MaxPool2d(kernelSize: 2), Flatten(),
                Dropout(0.2), Linear(64, hidden), ReLU(), Linear(hidden, 10))
            let digits = Digits()
            training = DataLoader(Subset(digits, indices: Array(0..<300)), batchSize: 32, shuffle: true, seed: seed)
            validation = DataLoader(Subset(digits, indices: Array(300..<400)), batchSize: 50)
            let optimizer = AdamW(network.parameters(), lr: rate)
            trainer = Trainer(model: network, optimizer: optimizer)
            trainer.scheduler = OneCycleLR(optimizer, maxLR: rate, totalSteps: 4 * training.count)
            trainer.schedulesBatches = true
            trainer.isVerbose = false
        }

        func fit(epochs: Int) throws { try trainer.fit(training, validation: validation, epochs: epochs) }

        /// Every bit of the network's state.
        var bits: [[UInt8]] { get throws { try TrainerTests.bits(of: network) } }

        /// The records without the times, which differ from run to run.
        var losses: [[Double?]] {
            trainer.records.map {
                [$0.trainLoss, $0.trainAccuracy, $0.validationLoss, $0.validationAccuracy, $0.learningRate]
            }
        }
    }

    private static func bits(of model: Module) throws -> [[UInt8]] {
        try model.stateDict().map { try $0.tensor.cpu().contiguous().withUnsafeBytes { Array($0) } }
    }

    @Test("learns, and reports each epoch")
    func learning() throws {
        let setup = Setup()
        var (steps, epochs) = (0, 0)
        setup.trainer.onStep = { _ in steps += 1 }
        setup.trainer.onEpoch = { _ in epochs += 1 }
        setup.trainer.gradientClip = 1
        try setup.fit(epochs: 4)
        let records = setup.trainer.records
        #expect(records.map(\.epoch) == [1, 2, 3, 4])
        #expect((steps, epochs) == (40, 4))
        #expect(records[3].trainLoss < records[0].trainLoss / 2)
        #expect(try #require(records[3].validationAccuracy) > 0.6)
        #expect(setup.trainer.evaluate(setup.validation).accuracy == records[3].validationAccuracy)
        #expect(setup.network.isTraining)
    }

    @Test("gives the same bits with one thread and with two")
    func threads() throws {
        let before = Runtime.numThreads
        defer { Runtime.numThreads = before }
        let runs = try [1, 2].map { threads in
            Runtime.numThreads = threads
            let setup = Setup()
            try setup.fit(epochs: 2)
            return try setup.bits
        }
        #expect(runs[0] == runs[1])
    }

    @Test("has on an OpenCL device the losses that it has on the CPU", .enabled(if: Device.devices.count > 1))
    func devices() throws {
        let losses = try [.cpu, Device.devices[1]].map { device in
            try withDefaultDevice(device) {
                // At higher rates rounding grows to what two processors' instruction sets differ by too.
                let setup = Setup(rate: 1e-3)
                try setup.fit(epochs: 2)
                return setup.losses
            }
        }
        for (expected, actual) in zip(losses[0].joined(), losses[1].joined()) {
            guard let expected, let actual else { continue }
            #expect(abs(actual - expected) <= 1e-4 * expected)
        }
    }

    @Test("resumes to the same bits")
    func resume() throws {
        let folder = try TemporaryFolder()
        let whole = Setup()
        try whole.fit(epochs: 4)

        let first = Setup()
        first.trainer.checkpointPath = folder["c.safetensors"]
        first.trainer.metadata = ["note": "half"]
        try first.fit(epochs: 2)
        let second = Setup(seed: 99)
        let other = Setup()  // draws from the default generator, whose state the checkpoint restores
        try other.fit(epochs: 1)
        #expect(try second.trainer.resume(from: folder["c.safetensors"]) == ["note": "half"])
        // The order of images follows from the loader's seed.
        try second.trainer.fit(first.training, validation: second.validation, epochs: 4)
        #expect(second.losses == whole.losses)
        #expect(try second.bits == whole.bits)
        #expect(try folder.names == ["c.safetensors"])
    }

    @Test("checkpoints that are damaged or belong to another training change nothing")
    func badCheckpoints() throws {
        let folder = try TemporaryFolder()
        let path = folder["c.safetensors"]
        let good = Setup()
        try good.fit(epochs: 1)
        try good.trainer.saveCheckpoint(to: path)
        try good.trainer.saveModel(to: folder["model.safetensors"])
        let bytes = try folder.read("c.safetensors")
        try folder.write(Array(bytes.dropLast()), to: "short.safetensors")

        let other = Setup(seed: 2, hidden: 33)
        let before = try other.bits
        for name in ["c.safetensors", "model.safetensors", "short.safetensors", "none.safetensors"] {
            let error = #expect(throws: TensorFileError.self) { try other.trainer.resume(from: folder[name]) }
            #expect(error?.path == folder[name])
            #expect(error?.description.contains("\n") == false)
        }
        #expect(try other.bits == before)
        #expect(other.trainer.records.isEmpty)

        let sgd = Trainer(model: Setup(seed: 3).network, optimizer: SGD(Setup(seed: 3).network.parameters(), lr: 1))
        let state = try Self.bits(of: sgd.model)
        #expect(throws: TensorFileError.self) { try sgd.resume(from: path) }
        #expect(try Self.bits(of: sgd.model) == state)
    }

    @Test("keeps the best model, and leaves nothing where it cannot write")
    func best() throws {
        let folder = try TemporaryFolder()
        let setup = Setup()
        setup.trainer.bestPath = folder["best.safetensors"]
        var kept: [[UInt8]] = []
        setup.trainer.onEpoch = { _ in kept.append(try folder.read("best.safetensors")) }
        try setup.fit(epochs: 4)
        let accuracies = setup.trainer.records.compactMap(\.validationAccuracy)
        for i in 1..<4 where accuracies[i] < accuracies[..<i].max()! { #expect(kept[i] == kept[i - 1]) }
        let fresh = Setup(seed: 5)
        let best = try SafeTensors.load(folder["best.safetensors"])
        try fresh.network.loadStateDict(StateDict(best.tensors))
        #expect(fresh.trainer.evaluate(setup.validation).accuracy == accuracies.max())

        let unwritable = Setup()
        unwritable.trainer.checkpointPath = folder["missing/c.safetensors"]
        #expect(throws: TensorFileError.self) { try unwritable.fit(epochs: 1) }
        #expect(try folder.names == ["best.safetensors"])
    }

    @Test("stops when the loss is no longer a number")
    func divergence() throws {
        let setup = Setup()
        let trainer = Trainer(
            model: setup.network, optimizer: setup.trainer.optimizer,
            loss: { output, target in F.crossEntropy(output, target) * Double.nan })
        trainer.isVerbose = false
        let error = #expect(throws: TrainingError.self) { try trainer.fit(setup.training, epochs: 1) }
        #expect(error?.description.contains("epoch 1, step 1") == true)
    }
}
