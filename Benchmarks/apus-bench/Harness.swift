import Apus

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// One thing to measure. `setUp` makes the operands and returns what is timed.
struct Workload: Sendable {
    let id: String
    var gflop: Double?
    var gigabytes: Double?
    let setUp: @Sendable () -> () -> Void
}

/// What the command line asks for.
struct Options {
    var only = ""
    var threads = 2
    var seconds = 0.5
    var device = Device.cpu
    var list = false

    init(_ arguments: [String]) {
        var rest = arguments.makeIterator()
        while let argument = rest.next() {
            switch argument {
            case "--only": only = rest.next() ?? ""
            case "--threads": threads = rest.next().flatMap(Int.init) ?? threads
            case "--seconds": seconds = rest.next().flatMap(Double.init) ?? seconds
            case "--device":
                guard let named = rest.next().flatMap(Device.init) else { Options.explain(exitCode: 2) }
                device = named
            case "--list": list = true
            default: Options.explain(exitCode: argument == "--help" || argument == "-h" ? 0 : 2)
            }
        }
    }

    private static func explain(exitCode: Int32) -> Never {
        print(
            """
            usage: apus-bench [--only PREFIX] [--threads N] [--seconds S] [--device NAME] [--list]

            Prints one JSON line a workload: id, median_ms of one call, iterations, threads, and gflops or gb_s where
            these say something. scripts/bench runs it beside PyTorch and NumPy.

              --only PREFIX   the workloads whose id starts with this, e.g. gemm
              --threads N     threads an operator may use (2)
              --seconds S     time for each workload (0.5)
              --device NAME   where tensors are, e.g. opencl:0 (cpu)
              --list          print the ids and stop
            """)
        exit(exitCode)
    }
}

private func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}

/// The median milliseconds of one call, and how many calls were made. A sample lasts at least 50 µs.
private func measure(_ call: () -> Void, seconds: Double, device: Device) -> (milliseconds: Double, iterations: Int) {
    func run() {
        call()
        device.synchronize()
    }
    run()
    run()
    var start = now()
    run()
    let calls = max(1, Int(5e-5 / max(now() - start, 1e-9)))
    var samples: [Double] = []
    let end = now() + seconds
    while now() < end || samples.count < 5 {
        start = now()
        for _ in 0..<calls { call() }
        device.synchronize()
        samples.append((now() - start) / Double(calls))
    }
    samples.sort()
    let middle = samples.count / 2
    let median = samples.count % 2 == 1 ? samples[middle] : (samples[middle - 1] + samples[middle]) / 2
    return (median * 1e3, samples.count * calls)
}

/// Measures the workloads that the options choose and prints a line for each.
func report(_ workloads: [Workload], options: Options) {
    let chosen = workloads.filter { options.only.isEmpty || $0.id.hasPrefix(options.only) }
    if options.list {
        for workload in chosen { print(workload.id) }
        return
    }
    for workload in chosen {
        let (milliseconds, iterations) = measure(
            workload.setUp(), seconds: options.seconds, device: options.device)
        var line = "{\"id\": \"\(workload.id)\", \"peer\": \"apus\", \"median_ms\": \(milliseconds)"
        line += ", \"iterations\": \(iterations), \"threads\": \(options.threads)"
        if let gflop = workload.gflop { line += ", \"gflops\": \(gflop / milliseconds * 1e3)" }
        if let gigabytes = workload.gigabytes { line += ", \"gb_s\": \(gigabytes / milliseconds * 1e3)" }
        print(line + "}")
    }
}
