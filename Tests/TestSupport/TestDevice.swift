import Apus
import Foundation

/// Where reference cases are computed: the device whose name is in the environment as APUS_TEST_DEVICE, else the CPU.
public let testDevice: Device = {
    let name = ProcessInfo.processInfo.environment["APUS_TEST_DEVICE"] ?? "cpu"
    guard let device = Device(name) else { fatalError("APUS_TEST_DEVICE: there is no device '\(name)'") }
    return device
}()
