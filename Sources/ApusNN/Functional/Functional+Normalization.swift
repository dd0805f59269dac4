import Apus
import CApus

extension Functional {
    /// Batch normalisation (Ioffe & Szegedy, arXiv:1502.03167): y = (x − mean) / √(var + eps) · weight + bias for each
    /// channel, dim 1.
    ///
    /// - Parameters:
    ///   - x: `[N, C, …]`.
    ///   - runningMean: `[C]`; in training it moves towards the batch's mean.
    ///   - runningVar: `[C]`; in training it moves towards the batch's unbiased variance.
    ///   - weight: `[C]`.
    ///   - bias: `[C]`.
    ///   - training: Whether to use the batch's own mean and (biased) variance, rather than the running ones.
    ///   - momentum: How far the running values move, from 0 to 1.
    ///   - eps: What is added to the variance.
    /// - Returns: The shape of `x`.
    public static func batchNorm(
        _ x: Tensor, runningMean: Tensor? = nil, runningVar: Tensor? = nil, weight: Tensor? = nil, bias: Tensor? = nil,
        training: Bool = false, momentum: Double = 0.1, eps: Double = 1e-5
    ) -> Tensor {
        let x = Autocast.wide(x)
        var mean: OpaquePointer?
        var rstd: OpaquePointer?
        let y = Tensor.make {
            apus_batch_norm(
                $0, &mean, &rstd, x.handle, weight?.handle, bias?.handle, runningMean?.handle, runningVar?.handle,
                training, momentum, eps)
        }
        guard let mean, let rstd else { return y }
        let (meanTensor, rstdTensor) = (Tensor(owning: mean), Tensor(owning: rstd))
        guard Autograd.isRecording(x, weight, bias) else { return y }
        let saving = [x, meanTensor, rstdTensor] + (weight.map { [$0] } ?? [])
        Autograd.record("BatchNorm", inputs: [x, weight, bias], output: y, saving: saving) { context in
            let (g, x, weight) = (context.gradient, context.saved[0], context.saved.count > 3 ? context.saved[3] : nil)
            if isGradEnabled {
                // Over all dims but the channels, which come last when the input is turned.
                let dims = x.shape.indices.filter { $0 != 1 }
                let shape = x.shape.indices.map { $0 == 1 ? x.size(1) : 1 }
                let statistics =
                    training ? nil : (context.saved[1].reshape(shape), context.saved[2].reshape(shape))
                let gradients = normalizationGrad(
                    context, g, x, weight?.reshape(shape), over: dims, fixed: statistics, parameterDims: dims, eps: eps)
                return [
                    gradients.x, weight == nil ? nil : gradients.weight?.reshape(-1),
                    bias == nil ? nil : gradients.bias?.reshape(-1),
                ]
            }
            return fusedGradients(context) {
                apus_batch_norm_backward(
                    $0, $1, $2, g.handle, x.handle, weight?.handle, context.saved[1].handle, context.saved[2].handle,
                    training)
            }
        }
        return y
    }

    /// Layer normalisation (Ba, Kiros & Hinton, arXiv:1607.06450): y = (x − mean) / √(var + eps) · weight + bias over the
    /// last dims.
    ///
    /// - Parameters:
    ///   - x: `[…, normalizedShape]`.
    ///   - normalizedShape: The sizes of the last dims.
    ///   - weight: `normalizedShape`.
    ///   - bias: `normalizedShape`.
    ///   - eps: What is added to the (biased) variance.
    /// - Returns: The shape of `x`.
    public static func layerNorm(
        _ x: Tensor, normalizedShape: [Int], weight: Tensor? = nil, bias: Tensor? = nil, eps: Double = 1e-5
    ) -> Tensor {
        let x = Autocast.wide(x)
        let count = normalizedShape.count
        guard
            require(
                Array(x.shape.suffix(count)) == normalizedShape, .shape,
                "layerNorm: expected the last dims to be \(normalizedShape), got \(x.shape)")
        else { return .invalid() }
        var mean: OpaquePointer?
        var rstd: OpaquePointer?
        let y = Tensor.make {
            apus_layer_norm($0, &mean, &rstd, x.handle, Int32(count), weight?.handle, bias?.handle, eps)
        }
        guard let mean, let rstd else { return y }
        let (meanTensor, rstdTensor) = (Tensor(owning: mean), Tensor(owning: rstd))
        guard Autograd.isRecording(x, weight, bias) else { return y }
        let saving = [x, meanTensor, rstdTensor] + (weight.map { [$0] } ?? [])
        Autograd.record("LayerNorm", inputs: [x, weight, bias], output: y, saving: saving) { context in
            let (g, x, weight) = (context.gradient, context.saved[0], context.saved.count > 3 ? context.saved[3] : nil)
            if isGradEnabled {
                let leading = x.rank - count
                let gradients = normalizationGrad(
                    context, g, x, weight, over: Array(leading..<x.rank), fixed: nil,
                    parameterDims: Array(0..<leading), eps: eps)
                return [
                    gradients.x, weight == nil ? nil : gradients.weight?.reshape(normalizedShape),
                    bias == nil ? nil : gradients.bias?.reshape(normalizedShape),
                ]
            }
            return fusedGradients(context) {
                apus_layer_norm_backward(
                    $0, $1, $2, g.handle, x.handle, Int32(count), weight?.handle, context.saved[1].handle,
                    context.saved[2].handle)
            }
        }
        return y
    }

    typealias Output = UnsafeMutablePointer<OpaquePointer?>

    /// The gradients of three inputs as far as they are needed, from one call of the core.
    static func fusedGradients(
        _ context: BackwardContext, _ body: (Output?, Output?, Output?) -> Status
    ) -> [Tensor?] {
        var gradients: (OpaquePointer?, OpaquePointer?, OpaquePointer?)
        let status = withUnsafeMutablePointer(to: &gradients.0) { dx in
            withUnsafeMutablePointer(to: &gradients.1) { dweight in
                withUnsafeMutablePointer(to: &gradients.2) { dbias in
                    body(
                        context.needs(0) ? dx : nil, context.needs(1) ? dweight : nil, context.needs(2) ? dbias : nil)
                }
            }
        }
        guard check(status) else { return [nil, nil, nil] }
        return [gradients.0, gradients.1, gradients.2].map { $0.map(Tensor.init(owning:)) }
    }

    /// The same gradients in tensor operations, so that they can be differentiated again.
    ///
    /// - Parameters:
    ///   - dims: Those that mean and variance go over.
    ///   - fixed: Mean and 1 / √(var + eps) where they are not the input's own.
    ///   - parameterDims: Those that weight and bias are broadcast over.
    private static func normalizationGrad(
        _ context: BackwardContext, _ g: Tensor, _ x: Tensor, _ weight: Tensor?, over dims: [Int],
        fixed: (mean: Tensor, rstd: Tensor)?, parameterDims: [Int], eps: Double
    ) -> (x: Tensor?, weight: Tensor?, bias: Tensor?) {
        let centred = x - (fixed?.mean ?? x.mean(dims, keepDim: true))
        let rstd = fixed?.rstd ?? (centred.square().mean(dims, keepDim: true) + eps).rsqrt()
        let normal = centred * rstd
        func sum(_ t: Tensor) -> Tensor { parameterDims.isEmpty ? t : t.sum(parameterDims, keepDim: true) }
        var dx: Tensor?
        if context.needs(0) {
            let scaled = weight.map { g * $0 } ?? g
            if fixed != nil {
                dx = scaled * rstd
            } else {
                let projection = normal * (scaled * normal).mean(dims, keepDim: true)
                dx = (scaled - scaled.mean(dims, keepDim: true) - projection) * rstd
            }
        }
        return (dx, context.needs(1) ? sum(g * normal) : nil, context.needs(2) ? sum(g) : nil)
    }
}
