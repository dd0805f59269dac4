#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What the program's standard output is connected to.
package enum Terminal {
    /// Whether a person looks at the output, rather than a file or a pipe.
    package static var isInteractive: Bool { isatty(STDOUT_FILENO) == 1 && !isDumb }

    private static var isDumb: Bool { getenv("TERM").map { String(cString: $0) == "dumb" } ?? true }

    /// Characters a line holds.
    package static var columns: Int {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }

    /// Prints at once, also where the output is buffered.
    package static func write(_ text: String) {
        print(text, terminator: "")
        fflush(nil)
    }
}

/// The computer the program runs on.
package enum Machine {
    /// Bytes of main memory.
    package static var memory: Int { sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE)) }
}

/// Seconds on a clock that never goes back.
package func monotonicSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}
