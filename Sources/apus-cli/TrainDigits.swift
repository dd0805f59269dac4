import Apus
import ApusData
import ApusNN
import ApusOptim
import ApusTraining
import ArgumentParser

/// The `apus train digits` command.
struct TrainDigits: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "digits",
        abstract: "Train a convolutional network to read handwritten digits.",
        discussion: """
            Without --data it trains on the 1,797 digits that come with Apus (UCI
            Machine Learning Repository, CC BY 4.0). Four fifths of each digit are for
            training, the rest for the test accuracy. The model is the one after the
            last epoch, not the one that happened to score best.

            Examples:

              apus train digits                    20 epochs, in about ten seconds
              apus train digits --seed 7           another split, other first weights
              apus train digits --resume           go on after an interruption
              apus train digits --data ~/fashion   MNIST or Fashion-MNIST files,
                                                   compressed or not

            Files written to the output folder, each whole or not at all:

              model.safetensors        the network's weights; try 'apus predict' on it
              checkpoint.safetensors   all that --resume needs, after every epoch
              metrics.csv              loss and accuracy of every epoch
              learning-curve.svg       the same as a picture
            """)

    @Option(help: "How often to go through the training images. [default: 20; with --data 4]")
    var epochs: Int?

    @Option(help: "Images a step.")
    var batchSize = 64

    @Option(help: "The highest learning rate; it rises to it and falls to zero.")
    var lr = 0.003

    @Option(help: "What the split, the first weights and the order of images follow from.")
    var seed: UInt64 = 0

    @Option(help: "The folder to write to; it is made if it does not exist.")
    var output = "apus-digits"

    @Flag(help: "Go on from the output folder's checkpoint, with the same options as before.")
    var resume = false

    @Option(help: "A folder with train-images-idx3-ubyte and the other three MNIST files.")
    var data: String?

    @OptionGroup var compute: ComputeOptions

    private var epochCount: Int { epochs ?? (data == nil ? 20 : 4) }
    private var modelPath: String { output + "/model.safetensors" }
    private var checkpointPath: String { output + "/checkpoint.safetensors" }
    private var metricsPath: String { output + "/metrics.csv" }
    private var curvePath: String { output + "/learning-curve.svg" }

    func validate() throws {
        guard (1...100_000).contains(epochCount) else {
            throw ValidationError("--epochs: expected 1 to 100000, got \(epochCount)")
        }
        guard (2...65_536).contains(batchSize) else {
            throw ValidationError("--batch-size: expected 2 to 65536, got \(batchSize)")
        }
        guard lr > 0, lr <= 10 else { throw ValidationError("--lr: expected a number above 0, up to 10, got \(lr)") }
    }

    func run() throws {
        compute.apply()
        try checkResumable()
        let task = try data.map { try ImageTask.folder($0, seed: seed) } ?? ImageTask.digits(seed: seed)
        try Directory.createWritable(output)
        manualSeed(seed)
        let network = task.description.network()
        let loader = trainingLoader(task)
        let trainer = trainer(of: network, for: task, steps: loader.count * epochCount)
        if resume { try takeUp(trainer) }
        introduce(task, network, done: trainer.records.count)
        try train(trainer, loader, test: DataLoader(task.test, batchSize: 256))
    }

    private func trainingLoader(_ task: ImageTask) -> DataLoader<Example> {
        // A last batch of one image would leave batch norm without a variance.
        DataLoader(
            task.training, batchSize: batchSize, shuffle: true, dropLast: task.training.count % batchSize == 1,
            seed: seed,
            transform: shiftSome)
    }

    private func trainer(of network: Module, for task: ImageTask, steps: Int) -> Trainer {
        let optimizer = AdamW(network.parameters(), lr: lr, weightDecay: 0.01)
        let trainer = Trainer(model: network, optimizer: optimizer, device: compute.chosenDevice)
        trainer.scheduler = OneCycleLR(optimizer, maxLR: lr, totalSteps: max(2, steps))
        trainer.schedulesBatches = true
        trainer.checkpointPath = checkpointPath
        trainer.metadata = task.description.metadata.merging(runOptions) { $1 }
        trainer.onEpoch = { [unowned trainer] _ in try writeReports(trainer.records) }
        return trainer
    }

    private func writeReports(_ records: [EpochRecord]) throws {
        let title = data.map { "Images of \($0)" } ?? "UCI handwritten digits"
        try writeCSV(records, to: metricsPath)
        try LearningCurve(records, title: title).write(to: curvePath)
    }

    /// What must not change between a run and its resumption.
    private var runOptions: [String: String] {
        ["epochs": "\(epochCount)", "batch-size": "\(batchSize)", "lr": "\(lr)"]
    }

    private func checkResumable() throws {
        guard !resume || Directory.exists(checkpointPath) else {
            throw CommandError(
                "\(checkpointPath): no such file, so there is nothing to resume; run without --resume first")
        }
    }

    private func takeUp(_ trainer: Trainer) throws {
        let stored = try trainer.resume(from: checkpointPath)
        for (name, value) in trainer.metadata.sorted(by: { $0.key < $1.key }) where stored[name] != value {
            throw CommandError(
                "\(checkpointPath): was written with \(name) \(stored[name] ?? "unknown"), not \(value); "
                    + "resume with the options of the first run, or start anew without --resume")
        }
    }

    private func introduce(_ task: ImageTask, _ network: Module, done: Int) {
        let parameters = network.parameterCount
        print(
            "\(task.training.count.grouped) training and \(task.test.count.grouped) test images of "
                + "\(task.description.height)×\(task.description.width) pixels, \(task.description.classes) classes; "
                + "\(parameters.grouped) parameters, seed \(seed)")
        if done > 0 { print("resuming after epoch \(done)") }
    }

    private func train(_ trainer: Trainer, _ loader: DataLoader<Example>, test: DataLoader<Example>) throws {
        let start = monotonicSeconds()
        try trainer.fit(loader, validation: test, epochs: epochCount)
        // A run that was killed between its last checkpoint and its reports gets them here.
        try writeReports(trainer.records)
        let evaluation = trainer.evaluate(test)
        trainer.metadata["test accuracy"] = "\(evaluation.accuracy)"
        try trainer.saveModel(to: modelPath)
        print("\ntest accuracy \(evaluation.accuracy.percent)  in \((monotonicSeconds() - start).fixed(1)) s\n")
        for (name, path) in [("model", modelPath), ("metrics", metricsPath), ("learning curve", curvePath)] {
            print("\(name.rightPadded(to: 15)) \(path)")
        }
        let dataOption = data.map { " --data \($0)" } ?? ""
        print("\nSee it read: apus predict \(modelPath)\(dataOption)")
    }
}
