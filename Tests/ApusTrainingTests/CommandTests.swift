import Apus
import ApusData
import Foundation
import TestSupport
import Testing

/// The `apus` program that was built with the tests, run as a user runs it.
private enum Command {
    struct Result {
        var status: Int32
        var output: String
        var errors: String
    }

    static var program: URL {
        URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath().deletingLastPathComponent()
            .appendingPathComponent("apus")
    }

    static func run(_ arguments: String...) throws -> Result {
        let folder = try TemporaryFolder()
        let process = Process()
        process.executableURL = program
        process.arguments = arguments
        process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
        let files = try ["out", "err"].map { name in
            try FileHandle(forWritingTo: URL(fileURLWithPath: folder.write([], to: name)))
        }
        (process.standardOutput, process.standardError) = (files[0], files[1])
        try process.run()
        process.waitUntilExit()
        return Result(
            status: process.terminationStatus, output: try folder.text("out"), errors: try folder.text("err"))
    }

    /// Runs until the output holds `text`, then ends the program at once.
    static func run(_ arguments: [String], untilOutputHolds text: String) throws {
        let process = Process()
        process.executableURL = program
        process.arguments = arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        var output = ""
        while !output.contains(text) {
            let data = pipe.fileHandleForReading.availableData
            if data.isEmpty { break }
            output += String(decoding: data, as: UTF8.self)
        }
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }
}

@Suite("The apus command", .serialized)
struct CommandTests {
    private let written = ["checkpoint.safetensors", "learning-curve.svg", "metrics.csv", "model.safetensors"]

    @Test("says its version, and what the machine offers")
    func info() throws {
        let version = try Command.run("--version")
        #expect(version.status == 0)
        #expect(version.output.hasPrefix("apus "))
        let info = try Command.run("info")
        #expect(info.status == 0)
        for row in ["version", "processor", "instruction set", "BLAS core", "threads", "memory"] {
            #expect(info.output.contains(row))
        }
        #expect(info.output.contains(Device.devices.count == 1 ? "no devices" : "opencl:0"))
    }

    @Test("teaches by examples")
    func help() throws {
        #expect(try Command.run("--help").output.contains("apus train digits"))
        #expect(try Command.run("train", "digits", "--help").output.contains("apus train digits --resume"))
        #expect(try Command.run("predict", "--help").output.contains("--mistakes"))
    }

    @Test("trains, writes four files, and reads the test images with the model")
    func training() throws {
        let folder = try TemporaryFolder()
        let output = folder["out/new"]
        let run = try Command.run("train", "digits", "--epochs", "3", "--output", output, "--threads", "1")
        #expect(run.status == 0, "\(run.errors)")
        #expect(
            run.output.contains("1,438 training and 359 test images") || run.output.contains("1,437 training and 360"))
        #expect(run.output.contains("epoch 3/3"))
        #expect(run.output.contains("test accuracy"))
        for name in ["model.safetensors", "metrics.csv", "learning-curve.svg"] {
            #expect(run.output.contains("\(output)/\(name)"))
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: output).sorted() == written)
        let metrics = try folder.text("out/new/metrics.csv").split(separator: "\n")
        #expect(metrics.count == 4)
        #expect(try folder.text("out/new/learning-curve.svg").contains("UCI handwritten digits"))

        let predict = try Command.run("predict", output + "/model.safetensors", "--count", "3", "--confusion")
        #expect(predict.status == 0, "\(predict.errors)")
        #expect(predict.output.components(separatedBy: " sure").count == 4)
        #expect(predict.output.contains("█"))
        let accuracy = try #require(run.output.firstMatch(of: /test accuracy (\d+\.\d+%)/)?.1)
        #expect(predict.output.contains("test accuracy \(accuracy) of"))
    }

    @Test("goes on after being killed, to the same bits, whatever the number of threads")
    func resume() throws {
        let folder = try TemporaryFolder()
        let options = ["train", "digits", "--epochs", "4", "--seed", "3", "--batch-size", "128"]
        try Command.run(options + ["--output", folder["a"], "--threads", "2"], untilOutputHolds: "epoch 2/4")
        let refused = try Command.run("train", "digits", "--epochs", "5", "--output", folder["a"], "--resume")
        #expect(refused.status != 0)
        #expect(refused.errors.contains("checkpoint.safetensors"))
        let resumed = try Command.run(
            "train", "digits", "--epochs", "4", "--seed", "3", "--batch-size", "128", "--output", folder["a"],
            "--resume")
        #expect(resumed.status == 0, "\(resumed.errors)")
        #expect(resumed.output.contains("resuming after epoch"))
        let whole = try Command.run(
            "train", "digits", "--epochs", "4", "--seed", "3", "--batch-size", "128", "--output", folder["b"],
            "--threads",
            "1")
        #expect(whole.status == 0, "\(whole.errors)")
        #expect(try folder.read("a/model.safetensors") == folder.read("b/model.safetensors"))
    }

    @Test("trains on a folder of IDX files")
    func folder() throws {
        let folder = try TemporaryFolder()
        let digits = Digits()
        let pixels = digits.images.toArray(UInt8.self).map { UInt8(min(255, Int($0) * 16)) }
        let labels = digits.labels.toArray(UInt8.self)
        for (part, range) in [("train", 0..<600), ("t10k", 600..<700)] {
            let images = idx(8, [range.count, 8, 8], Array(pixels[range.lowerBound * 64..<range.upperBound * 64]))
            try folder.write(images, to: "\(part)-images-idx3-ubyte")
            try folder.write(idx(8, [range.count], Array(labels[range])), to: "\(part)-labels-idx1-ubyte")
        }
        let run = try Command.run("train", "digits", "--data", folder.path, "--epochs", "2", "--output", folder["out"])
        #expect(run.status == 0, "\(run.errors)")
        #expect(run.output.contains("600 training and 100 test images of 8×8 pixels, 10 classes"))
        let model = folder["out/model.safetensors"]
        #expect(try Command.run("predict", model).errors.contains("--data"))
        #expect(try Command.run("predict", model, "--data", folder.path).output.contains("of 100 images"))

        try folder.write(Array(folder.read("train-images-idx3-ubyte").dropLast()), to: "train-images-idx3-ubyte")
        let damaged = try Command.run("train", "digits", "--data", folder.path, "--output", folder["none"])
        #expect(damaged.status != 0)
        #expect(damaged.errors.contains("train-images-idx3-ubyte: byte 4: "))
        #expect(try !folder.names.contains("none"))
    }

    /// An IDX file of bytes.
    private func idx(_ type: UInt8, _ shape: [Int], _ data: [UInt8]) -> [UInt8] {
        [0, 0, type, UInt8(shape.count)] + shape.flatMap { size in [24, 16, 8, 0].map { UInt8(size >> $0 & 255) } }
            + data
    }

    @Test(
        "mistakes end in one line that says what is wrong",
        arguments: [
            (["train", "digits", "--device", "opencl:99"], "this machine has cpu"),
            (["train", "digits", "--threads", "0"], "--threads"),
            (["train", "digits", "--epochs", "0"], "--epochs"), (["train", "digits", "--lr", "-1"], "--lr"),
            (["train", "digits", "--batch-size", "1"], "--batch-size"), (["train", "letters"], "letters"),
            (["train", "digits", "--output", "/dev/null/x"], "/dev/null"),
            (["train", "digits", "--resume", "--output", "/nowhere"], "/nowhere/checkpoint.safetensors"),
            (["train", "digits", "--data", "/nowhere"], "/nowhere"),
            (["predict", "/nowhere"], "/nowhere: cannot open"),
            (["predict", "/dev/null"], "/dev/null"), (["predict"], "<model>"),
        ])
    func mistakes(arguments: [String], text: String) throws {
        let folder = try TemporaryFolder()
        let process = Process()
        process.executableURL = Command.program
        process.arguments = arguments
        process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
        let pipe = Pipe()
        process.standardError = pipe
        try process.run()
        let errors = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus != 0)
        let first = errors.split(separator: "\n").first ?? ""
        #expect(first.hasPrefix("Error: ") && first.contains(text), "\(errors)")
        #expect(try folder.names == [])
    }

    @Test("a damaged model is refused with the file and the byte")
    func damagedModel() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write([9, 0, 0, 0, 0, 0, 0, 0, 0x7b], to: "m.safetensors")
        let run = try Command.run("predict", path)
        #expect(run.status != 0)
        #expect(run.errors == "Error: \(path): byte 9: the header is cut short: expected 9 bytes, found 1\n")
        try SafeTensors.save([("a", Tensor.ones([1]))], to: path)
        #expect(try Command.run("predict", path).errors.contains("is not a model that 'apus train' wrote"))
    }
}
