import Apus
import CApus

extension Functional {
    /// 2-d convolution (cross-correlation, as everywhere in deep learning):
    /// y[n, o, i, j] = bias[o] + Σ x[n, c, i·stride + a·dilation − padding, …] · weight[o, c, a, b].
    ///
    /// - Parameters:
    ///   - x: `[N, C, H, W]` or `[C, H, W]`.
    ///   - weight: `[O, C / groups, kH, kW]`.
    ///   - bias: `[O]`.
    ///   - stride: Between windows.
    ///   - padding: Zeros on each side.
    ///   - dilation: Between the elements of a window.
    ///   - groups: Into how many independent parts channels are divided.
    /// - Returns: `[N, O, H', W']` with H' = ⌊(H + 2·padding − dilation·(kH − 1) − 1) / stride⌋ + 1.
    public static func conv2d(
        _ x: Tensor, _ weight: Tensor, _ bias: Tensor? = nil, stride: any Size2D = 1, padding: any Size2D = 0,
        dilation: any Size2D = 1, groups: Int = 1
    ) -> Tensor {
        conv2d(
            Autocast.low(x), Autocast.low(weight), Autocast.low(bias),
            apus_conv2d_options(
                size: MemoryLayout<apus_conv2d_options>.size, stride: stride.pair, padding: padding.pair,
                dilation: dilation.pair, groups: Int64(groups)))
    }

    private static func conv2d(
        _ x: Tensor, _ weight: Tensor, _ bias: Tensor?, _ options: apus_conv2d_options
    ) -> Tensor {
        let y = withUnsafePointer(to: options) { options in
            Tensor.make { apus_conv2d($0, x.handle, weight.handle, bias?.handle, options) }
        }
        guard Autograd.isRecording(x, weight, bias) else { return y }
        let (inputShape, weightShape) = (x.shape, weight.shape)
        Autograd.record("Conv2d", inputs: [x, weight, bias], output: y, saving: [x, weight]) { context in
            let (g, x, weight) = (context.gradient, context.saved[0], context.saved[1])
            return [
                context.needs(0) ? conv2dInputGrad(g, weight, inputShape, options) : nil,
                context.needs(1) ? conv2dWeightGrad(g, x, weightShape, options) : nil,
                context.needs(2) ? g.sum([-1, -2] + (g.rank == 4 ? [0] : [])) : nil,
            ]
        }
        return y
    }

    // A convolution is linear in the input and in the weight, and so are its two gradients: the derivatives of each of
    // the three are the other two.

    private static func conv2dInputGrad(
        _ g: Tensor, _ weight: Tensor, _ shape: [Int], _ options: apus_conv2d_options
    ) -> Tensor {
        let dx = withUnsafePointer(to: options) { options in
            Tensor.make { out in
                shape.withSizes { apus_conv2d_input_grad(out, $0, $1, g.handle, weight.handle, options) }
            }
        }
        guard Autograd.isRecording(g, weight) else { return dx }
        let weightShape = weight.shape
        Autograd.record("Conv2dInputGrad", inputs: [g, weight], output: dx, saving: [g, weight]) { context in
            let (v, g, weight) = (context.gradient, context.saved[0], context.saved[1])
            return [
                context.needs(0) ? conv2d(v, weight, nil, options) : nil,
                context.needs(1) ? conv2dWeightGrad(g, v, weightShape, options) : nil,
            ]
        }
        return dx
    }

    private static func conv2dWeightGrad(
        _ g: Tensor, _ x: Tensor, _ shape: [Int], _ options: apus_conv2d_options
    ) -> Tensor {
        let dw = withUnsafePointer(to: options) { options in
            Tensor.make { out in
                shape.withSizes { apus_conv2d_weight_grad(out, $1, g.handle, x.handle, options) }
            }
        }
        guard Autograd.isRecording(g, x) else { return dw }
        let inputShape = x.shape
        Autograd.record("Conv2dWeightGrad", inputs: [g, x], output: dw, saving: [g, x]) { context in
            let (v, g, x) = (context.gradient, context.saved[0], context.saved[1])
            return [
                context.needs(0) ? conv2d(x, v, nil, options) : nil,
                context.needs(1) ? conv2dInputGrad(g, v, inputShape, options) : nil,
            ]
        }
        return dw
    }
}
