import Apus
import ApusData
import ApusNN
import ApusTraining
import ArgumentParser

/// The `apus predict` command.
struct Predict: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show test images with what a trained network takes them for.",
        discussion: """
            The test images are those the network was not trained on.

            Examples:

              apus predict apus-digits/model.safetensors
              apus predict apus-digits/model.safetensors --mistakes
              apus predict fashion/model.safetensors --data ~/fashion
            """)

    @Argument(help: "A model.safetensors that 'apus train' wrote.")
    var model: String

    @Option(help: "Images to show.")
    var count = 6

    @Flag(help: "Show images that the network gets wrong.")
    var mistakes = false

    @Flag(help: "Show how often each class was taken for each other.")
    var confusion = false

    @Option(help: "The folder with the images, for a model trained with --data.")
    var data: String?

    @OptionGroup var compute: ComputeOptions

    func validate() throws {
        guard (0...10_000).contains(count) else { throw ValidationError("--count: expected 0 to 10000, got \(count)") }
    }

    func run() throws {
        compute.apply()
        let file = try SafeTensors.load(model)
        let description = try ImageTask.Description(metadata: file.metadata, path: model)
        let task = try task(for: description)
        let network = description.network()
        try load(file, into: network)
        network.to(compute.chosenDevice).eval()
        show(task, network)
    }

    private func task(for description: ImageTask.Description) throws -> ImageTask {
        if description.isBuiltIn { return ImageTask.digits(seed: description.seed) }
        guard let data else {
            throw CommandError("\(model): was trained on images of a folder; name the folder with --data")
        }
        let task = try ImageTask.folder(data, seed: description.seed)
        guard task.description == description else {
            throw CommandError("\(data): holds other images than those \(model) was trained on")
        }
        return task
    }

    private func load(_ file: SafeTensors.Contents, into network: Module) throws {
        do {
            try network.loadStateDict(StateDict(file.tensors))
        } catch {
            throw CommandError("\(model): is not what its metadata says: \(oneLine(error))")
        }
    }

    private func show(_ task: ImageTask, _ network: Module) {
        var matrix = ConfusionMatrix(classes: task.description.classes)
        var pictures: [[String]] = []
        noGrad {
            for (images, labels) in DataLoader(task.test, batchSize: 256) {
                let confidences = F.softmax(network(images.to(compute.chosenDevice)), dim: 1)
                let (guesses, truths) = (predictions(confidences), classes(labels))
                matrix.add(predictions: guesses, targets: truths)
                for i in guesses.indices where pictures.count < count && !(mistakes && guesses[i] == truths[i]) {
                    pictures.append(
                        picture(
                            images[i], guess: guesses[i], truth: truths[i],
                            confidence: confidences[i, guesses[i]].item()))
                }
            }
        }
        print(grid(pictures), terminator: "")
        if confusion { print("\(matrix)\n") }
        print("test accuracy \(matrix.accuracy.percent) of \(task.test.count.grouped) images")
    }

    // MARK: - Pictures as text

    /// The lines of an image `[1, H, W]` with what is known about it beside.
    private func picture(_ image: Tensor, guess: Int, truth: Int, confidence: Double) -> [String] {
        var lines = blocks(image)
        let notes = [
            "", "a \(guess)", "\(confidence.percent) sure", guess == truth ? "✓" : "✗ it is a \(truth)",
        ]
        for (i, note) in notes.enumerated() where i < lines.count { lines[i] += "  " + note }
        return lines.map { $0.rightPadded(to: image.shape[2] > 16 ? 44 : 34) }
    }

    /// Two characters a pixel, darker for brighter ones; large images are halved.
    private func blocks(_ image: Tensor) -> [String] {
        let shades: [Character] = [" ", "░", "▒", "▓", "█"]
        let (height, width) = (image.shape[1], image.shape[2])
        let pixels = image.toArray(Float.self)
        let step = width > 16 ? 2 : 1
        return stride(from: 0, to: height - step + 1, by: step).map { y in
            stride(from: 0, to: width - step + 1, by: step).map { x in
                var sum: Float = 0
                for dy in 0..<step { for dx in 0..<step { sum += pixels[(y + dy) * width + x + dx] } }
                let shade = shades[Int((sum / Float(step * step) * 4).rounded())]
                return String([shade, shade])
            }.joined()
        }
    }

    /// Pictures side by side, as many as the terminal is wide.
    private func grid(_ pictures: [[String]]) -> String {
        guard let first = pictures.first else { return "" }
        let across = max(1, Terminal.columns / (first[0].count + 1))
        var text = ""
        for start in stride(from: 0, to: pictures.count, by: across) {
            let row = pictures[start..<min(start + across, pictures.count)]
            for y in first.indices {
                var line = row.map { $0[y] }.joined(separator: " ")
                while line.last == " " { line.removeLast() }
                text += line + "\n"
            }
            text += "\n"
        }
        return text
    }
}
