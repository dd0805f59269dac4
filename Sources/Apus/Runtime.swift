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

    /// What tensors on the CPU take, in bytes and blocks.
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
        var stats = apus_memory_stats()
        _ = check(apus_cpu_memory_stats(&stats))
        return MemoryStats(
            inUse: Int(stats.in_use), cached: Int(stats.cached), peak: Int(stats.peak), count: Int(stats.count))
    }

    /// Gives memory that is kept for reuse back to the system.
    public static func emptyCache() { apus_cpu_empty_cache() }

    /// For debugging: whether the content of tensors is compared each time their version is read, so that writes that
    /// nobody counted are found: through a pointer, DLPack or wrapped memory, between forward and backward. Each look
    /// costs a pass over the memory. Off, unless `APUS_CHECK_WRITES=1` is in the environment.
    public static var checksWrites: Bool {
        get { apus_write_checks() }
        set { apus_set_write_checks(newValue) }
    }
}
