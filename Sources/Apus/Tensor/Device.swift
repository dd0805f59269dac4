import CApus

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

/// A C array of characters up to its NUL.
private func text<Characters>(_ characters: inout Characters) -> String {
    withUnsafeBytes(of: &characters) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
}
