import CApus

/// A stream of random numbers (Philox4x32-10), determined by its seed.
///
/// Draws depend on the seed and the draws before alone: not on threads, strides or the device. A generator may be
/// shared; calls take turns.
public final class Generator: @unchecked Sendable {
    /// The generator in the C core; nil for the process's default one.
    package let handle: OpaquePointer?

    /// The generator that random functions use when none is given: the process's, or the innermost of
    /// ``asDefault(_:)`` around the call.
    public static var `default`: Generator { scoped ?? process }

    private static let process = Generator(handle: nil)
    @TaskLocal private static var scoped: Generator?

    /// Runs `body` with this generator as the default one of the current task, which no other task draws from.
    ///
    /// As `torch.random.fork_rng`: what `body` draws, and `manualSeed` inside it, leave the process's generator as it
    /// was.
    public func asDefault<Result>(_ body: () throws -> Result) rethrows -> Result {
        try Generator.$scoped.withValue(self, operation: body)
    }

    /// As the other `asDefault(_:)`, for asynchronous work.
    public func asDefault<Result>(
        isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Result
    ) async rethrows -> Result {
        try await Generator.$scoped.withValue(self, operation: body)
    }

    /// A generator of its own stream.
    public init(seed: UInt64 = 0) {
        var out: OpaquePointer?
        handle = check(apus_generator_new(&out, seed)) ? out : nil
    }

    private init(handle: OpaquePointer?) { self.handle = handle }

    deinit {
        if let handle { apus_generator_release(handle) }
    }

    /// The seed and how many blocks have been drawn. Setting it continues, or repeats, from there.
    public struct State: Hashable, Sendable, Codable {
        /// What the stream was started with.
        public var seed: UInt64
        /// How many blocks of four 32-bit numbers have been drawn.
        public var position: UInt64

        /// A state from its parts.
        public init(seed: UInt64, position: UInt64) {
            self.seed = seed
            self.position = position
        }
    }

    /// Where in its stream the generator is.
    public var state: State {
        get {
            var state = State(seed: 0, position: 0)
            apus_generator_get_state(handle, &state.seed, &state.position)
            return state
        }
        set { apus_generator_set_state(handle, newValue.seed, newValue.position) }
    }

    /// What the stream was started with.
    public var seed: UInt64 { state.seed }

    /// Starts the stream of a seed.
    @discardableResult
    public func manualSeed(_ seed: UInt64) -> Generator {
        apus_generator_seed(handle, seed)
        return self
    }
}

/// Starts the stream of a seed in the default generator.
@discardableResult
public func manualSeed(_ seed: UInt64) -> Generator { Generator.default.manualSeed(seed) }
