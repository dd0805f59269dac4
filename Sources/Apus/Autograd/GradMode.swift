import Synchronization

/// Whether operations are recorded for differentiation, in the current task.
enum GradMode {
    @TaskLocal private static var isOn = true
    /// How many scopes that set the mode there are in all tasks, so that recording costs one load where there are none.
    private static let scopes = Atomic<Int>(0)

    @inline(__always)
    static var isEnabled: Bool { scopes.load(ordering: .relaxed) == 0 || isOn }

    @inline(__always)
    static func with<Result>(_ isEnabled: Bool, _ body: () throws -> Result) rethrows -> Result {
        scopes.add(1, ordering: .relaxed)
        defer { scopes.subtract(1, ordering: .relaxed) }
        return try $isOn.withValue(isEnabled, operation: body)
    }

    static func with<Result>(
        _ isEnabled: Bool, isolation: isolated (any Actor)?, _ body: () async throws -> Result
    ) async rethrows -> Result {
        scopes.add(1, ordering: .relaxed)
        defer { scopes.subtract(1, ordering: .relaxed) }
        return try await $isOn.withValue(isEnabled, operation: body, isolation: isolation)
    }
}

/// Whether operations on tensors that require grad are recorded, in the current task.
public var isGradEnabled: Bool { GradMode.isEnabled }

/// Runs `body` without recording operations: results do not require grad, and in-place writes to parameters are
/// allowed. Follows the task, not the thread.
public func noGrad<Result>(_ body: () throws -> Result) rethrows -> Result {
    try GradMode.with(false, body)
}

/// As the synchronous form, for a `body` that suspends.
public func noGrad<Result>(
    isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Result
) async rethrows -> Result {
    try await GradMode.with(false, isolation: isolation, body)
}

/// Runs `body` with operations recorded, also inside `noGrad`.
public func enableGrad<Result>(_ body: () throws -> Result) rethrows -> Result {
    try GradMode.with(true, body)
}

/// As the synchronous form, for a `body` that suspends.
public func enableGrad<Result>(
    isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Result
) async rethrows -> Result {
    try await GradMode.with(true, isolation: isolation, body)
}

/// Runs `body` with operations recorded or not.
public func withGradMode<Result>(_ isEnabled: Bool, _ body: () throws -> Result) rethrows -> Result {
    try GradMode.with(isEnabled, body)
}
