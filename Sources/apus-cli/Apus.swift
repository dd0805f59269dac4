import Apus
import ArgumentParser

/// The `apus` command.
@main
struct ApusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apus",
        abstract: "Train and try out neural networks.",
        discussion: """
            A first network takes one command; it trains on real handwritten digits
            that come with Apus:

              apus train digits
              apus predict apus-digits/model.safetensors

            'apus help train digits' explains every option.
            """,
        version: "apus \(Runtime.version)",
        subcommands: [Train.self, Predict.self, Info.self])
}

/// The `apus train` command, one subcommand a task.
struct Train: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Train a network and save it.",
        discussion: """
            Examples:

              apus train digits                    the digits that come with Apus
              apus train digits --data ~/fashion   MNIST or Fashion-MNIST files
            """,
        subcommands: [TrainDigits.self])
}

/// An error as one line that says what to do next.
struct CommandError: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) { self.description = description }
}
