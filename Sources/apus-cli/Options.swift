import Apus
import ArgumentParser

/// Options of every command that computes.
struct ComputeOptions: ParsableArguments {
    @Option(help: "Threads to compute with; all of the machine's if not given. Results do not depend on it.")
    var threads: Int?

    @Option(help: "Where to compute: cpu, gpu, opencl or opencl:1; 'apus info' lists the devices.")
    var device = "cpu"

    func validate() throws {
        if let threads, !(1...1024).contains(threads) {
            throw ValidationError("--threads: expected 1 to 1024, got \(threads)")
        }
        guard Device(device) != nil else {
            let known = Device.devices.map(\.description).joined(separator: ", ")
            throw ValidationError("--device: there is no '\(device)' here; this machine has \(known)")
        }
    }

    func apply() {
        if let threads { Runtime.numThreads = threads }
    }

    /// The device that was asked for; `validate` has found it.
    var chosenDevice: Device { Device(device) ?? .cpu }
}
