import CApus
import Synchronization

/// Runs `body` in mixed precision: products and convolutions of float32 tensors are computed in `dtype`, and functions
/// that need the range or precision of float32 (powers, exponentials, logarithms, softmax, sums, norms, losses) in
/// float32, as PyTorch's lists for GPUs have it. Everything else follows the usual promotion. Batch normalisation, which
/// PyTorch leaves in low precision, is computed in float32 too.
///
/// Parameters stay float32 and get float32 gradients. With float16 use a `GradScaler`; bfloat16 needs none. The scope
/// follows the task; inside, `autocast(isEnabled: false)` switches it off.
public func autocast<Result>(
    _ dtype: DType = .bfloat16, isEnabled: Bool = true, _ body: () throws -> Result
) rethrows -> Result {
    let isLow = dtype == .bfloat16 || dtype == .float16
    guard require(isLow || !isEnabled, .dtype, "autocast: expected bfloat16 or float16, got \(dtype)") else {
        return try body()
    }
    return try Autocast.with(isEnabled ? dtype : nil, body)
}

/// As the synchronous form, for a `body` that suspends.
public func autocast<Result>(
    _ dtype: DType = .bfloat16, isEnabled: Bool = true, isolation: isolated (any Actor)? = #isolation,
    _ body: () async throws -> Result
) async rethrows -> Result {
    let isLow = dtype == .bfloat16 || dtype == .float16
    guard require(isLow || !isEnabled, .dtype, "autocast: expected bfloat16 or float16, got \(dtype)") else {
        return try await body()
    }
    return try await Autocast.with(isEnabled ? dtype : nil, isolation: isolation, body)
}

/// Whether `autocast` is in force in the current task.
public var isAutocastEnabled: Bool { Autocast.dtype != nil }

/// The state of `autocast`, and what operators ask it.
package enum Autocast {
    @TaskLocal private static var current: DType?
    /// How many scopes there are in all tasks, so that operators pay one load where there are none.
    private static let scopes = Atomic<Int>(0)

    @inline(__always)
    package static var isPossible: Bool { scopes.load(ordering: .relaxed) != 0 }

    /// The low precision in force; nil where there is none.
    package static var dtype: DType? { isPossible ? current : nil }

    static func with<Result>(_ dtype: DType?, _ body: () throws -> Result) rethrows -> Result {
        scopes.add(1, ordering: .relaxed)
        defer { scopes.subtract(1, ordering: .relaxed) }
        return try $current.withValue(dtype, operation: body)
    }

    static func with<Result>(
        _ dtype: DType?, isolation: isolated (any Actor)?, _ body: () async throws -> Result
    ) async rethrows -> Result {
        scopes.add(1, ordering: .relaxed)
        defer { scopes.subtract(1, ordering: .relaxed) }
        return try await $current.withValue(dtype, operation: body, isolation: isolation)
    }

    /// An operand of a product or convolution.
    @inline(__always)
    package static func low(_ x: Tensor) -> Tensor {
        guard let dtype, x.dtype.isFloatingPoint, x.dtype != .float64, x.dtype != dtype else { return x }
        return x.to(dtype)
    }

    /// As above, for an operand that may be absent.
    @inline(__always)
    package static func low(_ x: Tensor?) -> Tensor? { x.map { low($0) } }

    /// Whether a function is computed in float32.
    package static func isWide(_ op: UnaryOp) -> Bool {
        switch op {
        case .acos, .asin, .cosh, .erfinv, .exp, .expm1, .log, .log10, .log1p, .log2, .reciprocal, .rsqrt, .sinh, .tan,
            .softplus:
            true
        default: false
        }
    }

    /// An operand of a function that is computed in float32.
    @inline(__always)
    package static func wide(_ x: Tensor) -> Tensor {
        guard dtype != nil, x.dtype == .float16 || x.dtype == .bfloat16 else { return x }
        return x.to(.float32)
    }
}
