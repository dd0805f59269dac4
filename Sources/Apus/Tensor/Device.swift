import CApus
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Where a tensor's memory lies and its operators run.
public enum Device: Hashable, Sendable, CustomStringConvertible {
    /// The processor.
    case cpu
    /// An OpenCL device, by its index.
    case openCL(Int)

    /// "cpu", "opencl:0" and so on.
    public var description: String {
        switch self {
        case .cpu: "cpu"
        case .openCL(let index): "opencl:\(index)"
        }
    }

    /// The device as the C core writes it.
    package var code: apus_device {
        switch self {
        case .cpu: APUS_DEVICE_CPU
        case .openCL(let index): APUS_DEVICE_OPENCL + apus_device(clamping: index)
        }
    }

    package init(code: apus_device) {
        self = code >= APUS_DEVICE_OPENCL ? .openCL(Int(code - APUS_DEVICE_OPENCL)) : .cpu
    }

    /// The device of that name: "cpu", "gpu" (`Device.gpu`), "opencl" (the same, else the first OpenCL device) or
    /// "opencl:1"; nil where there is no such name or device.
    public init?(_ name: String) {
        let opencl = "opencl"
        switch name {
        case "cpu": self = .cpu
        case "gpu":
            guard let gpu = Device.gpu else { return nil }
            self = gpu
        case opencl:
            guard let device = Device.gpu ?? Device.devices.dropFirst().first else { return nil }
            self = device
        default:
            guard name.hasPrefix(opencl + ":"), let index = Int(name.dropFirst(opencl.count + 1)),
                Device.devices.contains(.openCL(index))
            else { return nil }
            self = .openCL(index)
        }
    }
}

extension Device {
    /// Every device of this machine: the CPU, then the OpenCL devices in the order of their indices.
    public static var devices: [Device] {
        [.cpu] + (0..<Int(apus_opencl_device_count())).map(Device.openCL)
    }

    /// The OpenCL device that `APUS_OPENCL_DEVICE` names, else the first that is no CPU; nil where there is none.
    public static var gpu: Device? {
        var device = APUS_DEVICE_CPU
        return apus_opencl_default_device(&device) == .ok ? Device(code: device) : nil
    }

    /// Where tensors are made that are given no device, and trainers compute: that of the innermost `withDefaultDevice`
    /// around the call, else the device set here, else the one that `APUS_DEVICE` in the environment names, else the CPU.
    /// Setting it is process-wide, for what is made from then on.
    ///
    /// What has memory already stays where it is: tensors that share or copy the bytes of an array, files that are read,
    /// data sets. Those operators alone that take no tensor follow it; all others compute where their inputs are.
    public static var `default`: Device {
        get { DefaultDevice.current }
        set { DefaultDevice.code.store(newValue.code, ordering: .relaxed) }
    }

    /// Waits until everything that was asked of the device is done. The CPU is always done.
    public func synchronize() { _ = check(apus_synchronize(code)) }

    /// What tensors on the device take now. On an OpenCL device whole blocks count.
    public var memoryStats: Runtime.MemoryStats {
        var stats = apus_memory_stats()
        switch self {
        case .cpu: _ = check(apus_cpu_memory_stats(&stats))
        case .openCL(let index): _ = check(apus_opencl_memory_stats(&stats, Int32(clamping: index)))
        }
        return Runtime.MemoryStats(
            inUse: Int(stats.in_use), cached: Int(stats.cached), peak: Int(stats.peak), count: Int(stats.count))
    }

    /// Gives the device's memory that is kept for reuse back to the system.
    public func emptyCache() {
        switch self {
        case .cpu: apus_cpu_empty_cache()
        case .openCL(let index): _ = check(apus_opencl_empty_cache(Int32(clamping: index)))
        }
    }

    /// What an OpenCL device is, in one line: its name, driver, memory, kernels and what it computes in. nil for the CPU
    /// and for a device that is not there.
    public var summary: String? {
        guard case .openCL(let index) = self else { return nil }
        var info = apus_opencl_info()
        guard apus_opencl_device_info(&info, Int32(clamping: index)) == .ok else { return nil }
        let gibibytes = (info.memory + (1 << 29)) >> 30
        return "\(text(&info.name)) (driver \(text(&info.driver))), \(gibibytes) GiB, \(info.compute_units) units, "
            + (info.kernel_class == APUS_OPENCL_CLASS_cpu ? "CPU kernels" : "GPU kernels")
            + (info.has_float64 ? "" : ", no float64")
    }
}

/// Runs `body` with another `Device.default`. Follows the task, not the thread.
///
///     let model = withDefaultDevice(.openCL(0)) { Sequential(Linear(784, 128), ReLU(), Linear(128, 10)) }
public func withDefaultDevice<Result>(_ device: Device, _ body: () throws -> Result) rethrows -> Result {
    DefaultDevice.scopes.add(1, ordering: .relaxed)
    defer { DefaultDevice.scopes.subtract(1, ordering: .relaxed) }
    return try DefaultDevice.$scoped.withValue(device, operation: body)
}

/// As the synchronous form, for a `body` that suspends.
public func withDefaultDevice<Result>(
    _ device: Device, isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Result
) async rethrows -> Result {
    DefaultDevice.scopes.add(1, ordering: .relaxed)
    defer { DefaultDevice.scopes.subtract(1, ordering: .relaxed) }
    return try await DefaultDevice.$scoped.withValue(device, operation: body, isolation: isolation)
}

/// The state of `Device.default`.
private enum DefaultDevice {
    static let code = Atomic(fromEnvironment().code)
    @TaskLocal static var scoped: Device?
    /// How many scopes there are in all tasks, so that making a tensor costs two loads where there are none.
    static let scopes = Atomic<Int>(0)

    static var current: Device {
        let scoped = scopes.load(ordering: .relaxed) == 0 ? nil : scoped
        return scoped ?? Device(code: code.load(ordering: .relaxed))
    }

    private static func fromEnvironment() -> Device {
        let variable = "APUS_DEVICE"
        guard let name = getenv(variable).map({ String(cString: $0) }), !name.isEmpty else { return .cpu }
        let device = Device(name)
        _ = require(device != nil, .device, "\(variable): there is no device '\(name)'; there are \(Device.devices)")
        return device ?? .cpu
    }
}

/// A C array of characters up to its NUL.
private func text<Characters>(_ characters: inout Characters) -> String {
    withUnsafeBytes(of: &characters) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
}
