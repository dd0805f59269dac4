import Apus
import Testing

/// Gives each test a default generator of its own, so that tests that run at the same time do not draw from one another's
/// stream.
public struct OwnGenerator: SuiteTrait, TestTrait, TestScoping {
    /// Also for the tests inside a suite.
    public var isRecursive: Bool { true }

    /// Runs the test inside a fresh generator's scope.
    public func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        try await Generator().asDefault { try await function() }
    }
}

extension Trait where Self == OwnGenerator {
    /// A default generator of the test's own.
    public static var ownGenerator: Self { Self() }
}
