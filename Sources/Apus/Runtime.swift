import CApus

/// What the library is and runs on, and how many threads it uses.
public enum Runtime {
    /// The library's version, "major.minor.patch".
    public static var version: String { String(cString: apus_version()) }

    /// How many threads operators may use. Setting 0 restores the default, the number of processors. Results do not
    /// depend on it.
    public static var numThreads: Int {
        get { Int(apus_get_num_threads()) }
        set { apus_set_num_threads(Int32(clamping: newValue)) }
    }

    /// The processor's own name.
    public static var processor: String { String(cString: apus_cpu_name()) }

    /// The instruction set the kernels run with: "baseline", "avx2", "avx512" or "neon".
    public static var instructionSet: String { String(cString: apus_cpu_isa()) }

    /// The core that OpenBLAS picked its kernels for.
    public static var blasCore: String { String(cString: apus_blas_core()) }

    /// What tensors on a device take, in bytes and blocks.
    public struct MemoryStats: Hashable, Sendable {
        /// Bytes that live tensors hold.
        public let inUse: Int
        /// Bytes kept for reuse.
        public let cached: Int
        /// The most `inUse` has been.
        public let peak: Int
        /// Live blocks.
        public let count: Int
    }

    /// What tensors on the CPU take now.
    public static var memoryStats: MemoryStats {
        Device.cpu.memoryStats
    }

    /// Gives the CPU's memory that is kept for reuse back to the system.
    public static func emptyCache() { Device.cpu.emptyCache() }

    /// Whether an operator that an OpenCL device has no kernel for runs on the CPU, which is counted in `fallbacks`,
    /// rather than fail. On, unless `APUS_OPENCL_FALLBACK=error` is in the environment.
    public static var allowsFallback: Bool {
        get { !apus_opencl_fallback_strict() }
        set { apus_opencl_set_fallback_strict(!newValue) }
    }

    /// The operators that ran on the CPU instead of an OpenCL device since the start, and how often each.
    public static var fallbacks: [String: Int] {
        var result: [String: Int] = [:]
        var name: UnsafePointer<CChar>?
        var count: Int64 = 0
        while apus_opencl_fallback_entry(Int32(result.count), &name, &count) == .ok, let name {
            result[String(cString: name)] = Int(count)
        }
        return result
    }

    /// For debugging: whether the content of tensors is compared each time their version is read, so that writes that
    /// nobody counted are found: through a pointer, DLPack or wrapped memory, between forward and backward. Each look
    /// costs a pass over the memory. Off, unless `APUS_CHECK_WRITES=1` is in the environment.
    public static var checksWrites: Bool {
        get { apus_write_checks() }
        set { apus_set_write_checks(newValue) }
    }
}
