import Synchronization

/// Runs `body` as in ``noGrad(_:)``, and marks the tensors made in it as inference tensors: autograd will never hear of
/// them. Elsewhere they may be read, also beside tensors that require grad, but neither saved for backward, nor changed
/// in place, nor told to require grad; a `clone` made outside may. Follows the task, not the thread.
///
/// With `isEnabled: false`, ends the mode inside another such scope; recording is on there.
public func inferenceMode<Result>(isEnabled: Bool = true, _ body: () throws -> Result) rethrows -> Result {
    InferenceMode.scopes.add(1, ordering: .relaxed)
    defer { InferenceMode.scopes.subtract(1, ordering: .relaxed) }
    return try InferenceMode.$isEnabled.withValue(isEnabled) { try withGradMode(!isEnabled, body) }
}

/// As the synchronous form, for a `body` that suspends.
public func inferenceMode<Result>(
    isEnabled: Bool = true, isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Result
) async rethrows -> Result {
    InferenceMode.scopes.add(1, ordering: .relaxed)
    defer { InferenceMode.scopes.subtract(1, ordering: .relaxed) }
    return try await InferenceMode.$isEnabled.withValue(
        isEnabled,
        operation: {
            try await GradMode.with(!isEnabled, isolation: isolation, body)
        }, isolation: isolation)
}

/// Whether `inferenceMode` is in force in the current task.
public var isInferenceModeEnabled: Bool { InferenceMode.isActive }

/// The state of `inferenceMode`.
package enum InferenceMode {
    @TaskLocal fileprivate static var isEnabled = false
    /// How many scopes there are in all tasks, so that making a tensor costs one load where there are none.
    fileprivate static let scopes = Atomic<Int>(0)

    @inline(__always)
    package static var isPossible: Bool { scopes.load(ordering: .relaxed) != 0 }

    package static var isActive: Bool { isPossible && isEnabled }
}

extension Tensor {
    /// Whether the tensor was made in `inferenceMode`.
    public var isInference: Bool { flags.contains(.inference) }

    /// Whether the memory may be written to here; reports an inference tensor outside its mode.
    @inline(__always)
    func mayBeWritten(_ name: @autoclosure () -> String) -> Bool {
        !flags.contains(.inference) || mayInferenceTensorChange(name())
    }

    @inline(never)
    private func mayInferenceTensorChange(_ name: String) -> Bool {
        require(
            InferenceMode.isActive,
            "\(name): an inference tensor cannot be changed in place outside inferenceMode; make a clone of it first")
    }

    /// Reports an inference tensor on its way into the graph.
    @inline(__always)
    func checkMayBeSaved() {
        if flags.contains(.inference) { refuseSaving() }
    }

    @inline(never)
    private func refuseSaving() {
        report(
            .invalid_argument,
            "an inference tensor of shape \(shape) cannot be saved for backward; use a clone of it made outside "
                + "inferenceMode")
    }
}
