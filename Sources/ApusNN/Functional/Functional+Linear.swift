import Apus

extension Functional {
    /// y[…, o] = Σᵢ x[…, i] · weight[o, i] + bias[o].
    ///
    /// - Parameters:
    ///   - x: `[…, in]`.
    ///   - weight: `[out, in]`.
    ///   - bias: `[out]`.
    /// - Returns: `[…, out]`.
    public static func linear(_ x: Tensor, _ weight: Tensor, _ bias: Tensor? = nil) -> Tensor {
        x.linear(weight, bias: bias)
    }
}
