import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Runs `body` with a watch on backward passes: an operation whose derivative gives NaN is reported by its name, with the
/// functions that called it in the forward pass.
///
/// Both passes belong inside. Each operation then notes its callers as it is recorded, and each gradient is read, so use
/// it to find a fault and not to train.
/// - Parameters:
///   - checkNaN: Whether NaN is an error. Without it only the messages of other errors tell the callers.
///   - body: What to watch, in the current task.
public func detectAnomaly<Result>(checkNaN: Bool = true, _ body: () throws -> Result) rethrows -> Result {
    Anomaly.scopes.add(1, ordering: .relaxed)
    defer { Anomaly.scopes.subtract(1, ordering: .relaxed) }
    return try Anomaly.$mode.withValue(checkNaN ? .checkNaN : .noteCallers, operation: body)
}

/// Puts the watch of ``detectAnomaly(checkNaN:_:)`` on everything, in all tasks, or takes it off.
public func setDetectAnomaly(_ isEnabled: Bool, checkNaN: Bool = true) {
    let mode: Anomaly.Mode = !isEnabled ? .off : checkNaN ? .checkNaN : .noteCallers
    let old = Anomaly.everywhere.exchange(mode, ordering: .relaxed)
    if (old == .off) == isEnabled { Anomaly.scopes.add(isEnabled ? 1 : -1, ordering: .relaxed) }
}

/// Whether anomalies are looked for in the current task.
public var isAnomalyDetectionEnabled: Bool { Anomaly.isPossible && Anomaly.current != .off }

enum Anomaly {
    enum Mode: UInt8, AtomicRepresentable {
        case off
        case noteCallers
        case checkNaN
    }

    /// What `detectAnomaly` says in this task, if it says anything.
    @TaskLocal static var mode: Mode?
    /// What `setDetectAnomaly` says.
    static let everywhere = Atomic<Mode>(.off)
    static var current: Mode { mode ?? everywhere.load(ordering: .relaxed) }
    /// How many scopes there are in all tasks, so that recording costs one load where there are none.
    static let scopes = Atomic<Int>(0)

    @inline(__always)
    static var isPossible: Bool { scopes.load(ordering: .relaxed) != 0 }

    /// Notes who called the operation that `node` records.
    @inline(never)
    static func noteOrigin(_ node: Node) {
        guard current != .off else { return }
        node.ensureExtras().callers = callers()
    }

    /// Text for the end of a message about `node`.
    static func origin(of node: Node) -> String {
        guard let callers = node.extras?.callers else { return "" }
        return callers.isEmpty ? "" : "\nthe operation was called by\n  " + callers.joined(separator: "\n  ")
    }

    /// Whether the gradients that `node` computed are numbers; reports them if not.
    @inline(never)
    static func check(_ node: Node, _ results: Slots<Tensor>) -> Bool {
        guard current == .checkNaN else { return true }
        for i in 0..<results.count {
            guard let gradient = results[i], !gradient.isInvalid else { continue }
            let hasNaN = withoutWatch { gradient.detach().isnan().any().item(Bool.self) }
            guard
                require(!hasNaN, "backward: \(node.name) gave NaN as the gradient of its input \(i)" + origin(of: node))
            else { return false }
        }
        return true
    }

    private static func withoutWatch<Result>(_ body: () -> Result) -> Result { $mode.withValue(.off) { noGrad(body) } }

    /// The functions on the stack outside this module, as far as the program has symbols for them.
    private static func callers() -> [String] {
        #if canImport(Glibc) || canImport(Darwin)
            var addresses = [UnsafeMutableRawPointer?](repeating: nil, count: 64)
            let count = backtraceAddresses(&addresses, Int32(addresses.count))
            let names = addresses.prefix(Int(count)).compactMap { address -> String? in
                var info = SymbolInfo()
                guard let address, findSymbol(address, &info) != 0, let symbol = info.name else { return nil }
                return demangled(symbol)
            }
            return Array(names.drop { $0.contains("Apus.") }.prefix(12))
        #else
            return []
        #endif
    }
}

#if canImport(Glibc) || canImport(Darwin)
    @_silgen_name("backtrace")
    private func backtraceAddresses(_ buffer: UnsafeMutablePointer<UnsafeMutableRawPointer?>, _ size: Int32) -> Int32

    /// Dl_info of <dlfcn.h>, which the module of the C library hides.
    private struct SymbolInfo {
        var file: UnsafePointer<CChar>?
        var base: UnsafeRawPointer?
        var name: UnsafePointer<CChar>?
        var address: UnsafeRawPointer?
    }

    @_silgen_name("dladdr")
    private func findSymbol(_ address: UnsafeRawPointer, _ info: UnsafeMutablePointer<SymbolInfo>) -> Int32

    @_silgen_name("swift_demangle")
    private func swiftDemangle(
        _ name: UnsafePointer<CChar>, _ length: Int, _ buffer: UnsafeMutablePointer<CChar>?,
        _ size: UnsafeMutablePointer<Int>?, _ flags: UInt32
    ) -> UnsafeMutablePointer<CChar>?

    private func demangled(_ symbol: UnsafePointer<CChar>) -> String {
        guard let text = swiftDemangle(symbol, strlen(symbol), nil, nil, 0) else { return String(cString: symbol) }
        defer { free(text) }
        return String(cString: text)
    }
#endif
