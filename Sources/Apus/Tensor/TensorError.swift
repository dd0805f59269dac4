import CApus
import Synchronization

/// What went wrong in a tensor operation; thrown by `withTensorErrors`.
public struct TensorError: Error, Hashable, CustomStringConvertible {
    /// The kind of failure: `.shape`, `.dtype`, `.index`, `.outOfMemory` and so on, as in the C core.
    public typealias Status = CApus.Status

    /// The kind of failure.
    public let status: Status
    /// One line that names the operator, the shapes and the dtypes.
    public let message: String

    /// An error of the given kind.
    public init(_ status: Status, _ message: String) {
        self.status = status
        self.message = message
    }

    /// The message.
    public var description: String { message }
}

/// Runs `body`; the first tensor operation in it that fails becomes a thrown `TensorError` instead of a trap.
///
/// The failing operation and those that depend on it return an invalid tensor, which every operator refuses, so that
/// nothing is computed from it; the error is thrown when `body` ends. The scope follows the task: it covers what `body`
/// calls and the child tasks it starts.
public func withTensorErrors<Result>(_ body: () throws -> Result) throws -> Result {
    let scope = ErrorScope()
    let result = try ErrorScope.$current.withValue(scope) { try body() }
    try scope.rethrow()
    return result
}

/// As the synchronous form, for a `body` that suspends.
public func withTensorErrors<Result>(
    isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Result
) async throws -> Result {
    let scope = ErrorScope()
    let result = try await ErrorScope.$current.withValue(scope, operation: body, isolation: isolation)
    try scope.rethrow()
    return result
}

/// Collects the first failure inside a `withTensorErrors`.
private final class ErrorScope: Sendable {
    @TaskLocal static var current: ErrorScope?

    private let first = Mutex<TensorError?>(nil)

    func record(_ error: TensorError) {
        first.withLock { if $0 == nil { $0 = error } }
    }

    func rethrow() throws {
        if let error = first.withLock({ $0 }) { throw error }
    }
}

/// The one way a tensor operation fails: recorded in the surrounding `withTensorErrors`, else a trap.
@inline(never)
package func report(_ status: Status, _ message: String) {
    guard let scope = ErrorScope.current else { fatalError(message) }
    scope.record(TensorError(status, message))
}

/// Reports a failed call of the C core with its message.
@inline(never)
package func report(_ status: Status) {
    report(status, String(cString: apus_last_error()))
}

/// Whether a call of the C core succeeded; reports it if not.
@inline(__always)
package func check(_ status: Status) -> Bool {
    if status == .ok { return true }
    report(status)
    return false
}

/// Whether a condition that callers must meet holds; reports it if not.
@inline(__always)
package func require(_ condition: Bool, _ status: Status, _ message: @autoclosure () -> String) -> Bool {
    if condition { return true }
    report(status, message())
    return false
}

/// Whether an argument is one that is allowed; reports it if not.
@inline(__always)
package func require(_ condition: Bool, _ message: @autoclosure () -> String) -> Bool {
    require(condition, .invalid_argument, message())
}
