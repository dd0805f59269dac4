import Apus
import ApusTraining
import ArgumentParser

/// The `apus info` command.
struct Info: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show the version and what the machine offers.",
        discussion: """
            In the environment, APUS_CPU_ISA=avx2 (or baseline) forces a lower
            instruction set, and OPENBLAS_CORETYPE another BLAS core.
            """)

    /// The OpenCL devices, or that there are none.
    private var devices: [(String, String)] {
        let devices = Device.devices.dropFirst().map { ($0.description, $0.summary ?? "") }
        return devices.isEmpty ? [("OpenCL", "no devices; they appear once a driver for them is installed")] : devices
    }

    func run() {
        let rows: [(String, String)] =
            [
                ("version", Runtime.version),
                ("processor", Runtime.processor),
                ("instruction set", Runtime.instructionSet),
                ("BLAS core", Runtime.blasCore),
                ("threads", "\(Runtime.numThreads)"),
                ("memory", "\((Double(Machine.memory) / 1_073_741_824).fixed(1)) GiB"),
            ] + devices
        let width = rows.map(\.0.count).max() ?? 0
        for (name, value) in rows { print("\(name.rightPadded(to: width))  \(value)") }
    }
}
