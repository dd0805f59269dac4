import Apus
import CApus

extension Functional {
    /// The greatest element of each window. NaN wins.
    ///
    /// - Parameters:
    ///   - x: `[N, C, H, W]` or `[C, H, W]`.
    ///   - kernelSize: The window.
    ///   - stride: Between windows; nil for the window's own size.
    ///   - padding: On each side, as −∞; at most half the window.
    ///   - dilation: Between the elements of a window.
    ///   - ceilMode: Whether to round the output size up.
    /// - Returns: `[N, C, H', W']` with H' = ⌊(H + 2·padding − dilation·(kH − 1) − 1) / stride⌋ + 1.
    public static func maxPool2d(
        _ x: Tensor, kernelSize: any Size2D, stride: (any Size2D)? = nil, padding: any Size2D = 0,
        dilation: any Size2D = 1, ceilMode: Bool = false
    ) -> Tensor {
        maxPool2dWithIndices(
            x, kernelSize: kernelSize, stride: stride, padding: padding, dilation: dilation, ceilMode: ceilMode
        ).values
    }

    /// As `maxPool2d`, with the place of each value in its H×W plane (int64).
    public static func maxPool2dWithIndices(
        _ x: Tensor, kernelSize: any Size2D, stride: (any Size2D)? = nil, padding: any Size2D = 0,
        dilation: any Size2D = 1, ceilMode: Bool = false
    ) -> (values: Tensor, indices: Tensor) {
        let options = apus_pool2d_options(
            size: MemoryLayout<apus_pool2d_options>.size, kernel: kernelSize.pair, stride: (stride ?? kernelSize).pair,
            padding: padding.pair,
            dilation: dilation.pair, ceil_mode: ceilMode, count_include_pad: true)
        var indices: OpaquePointer?
        let values = withUnsafePointer(to: options) { options in
            Tensor.make { apus_max_pool2d($0, &indices, x.handle, options) }
        }
        guard let indices else { return (values, .invalid()) }
        let places = Tensor(owning: indices)
        guard Autograd.isRecording(x) else { return (values, places) }
        let shape = x.shape
        Autograd.record("MaxPool2d", inputs: [x], output: values, saving: [places]) { context in
            [maxPool2dGrad(context.gradient, context.saved[0], shape)]
        }
        return (values, places)
    }

    private static func maxPool2dGrad(_ g: Tensor, _ indices: Tensor, _ shape: [Int]) -> Tensor {
        let dx = Tensor.make { out in
            shape.withSizes { apus_max_pool2d_backward(out, g.handle, indices.handle, $0, $1) }
        }
        guard Autograd.isRecording(g) else { return dx }
        Autograd.record("MaxPool2dGrad", inputs: [g], output: dx, saving: [indices]) { context in
            let (v, indices) = (context.gradient, context.saved[0])
            return [
                v.flatten(startDim: -2).gather(dim: -1, index: indices.flatten(startDim: -2)).reshape(indices.shape)
            ]
        }
        return dx
    }

    /// The mean of each window.
    ///
    /// - Parameters:
    ///   - x: `[N, C, H, W]` or `[C, H, W]`.
    ///   - kernelSize: The window.
    ///   - stride: Between windows; nil for the window's own size.
    ///   - padding: Zeros on each side; at most half the window.
    ///   - ceilMode: Whether to round the output size up.
    ///   - countIncludePad: Whether padding counts in the mean.
    ///   - divisorOverride: What to divide the sums by instead of the number of elements.
    /// - Returns: `[N, C, H', W']` with H' = ⌊(H + 2·padding − kH) / stride⌋ + 1.
    public static func avgPool2d(
        _ x: Tensor, kernelSize: any Size2D, stride: (any Size2D)? = nil, padding: any Size2D = 0,
        ceilMode: Bool = false, countIncludePad: Bool = true, divisorOverride: Int? = nil
    ) -> Tensor {
        let options = apus_pool2d_options(
            size: MemoryLayout<apus_pool2d_options>.size, kernel: kernelSize.pair, stride: (stride ?? kernelSize).pair,
            padding: padding.pair, dilation: (1, 1),
            ceil_mode: ceilMode, count_include_pad: countIncludePad && divisorOverride == nil)
        let means = avgPool2d(x, options)
        guard let divisorOverride, !means.isInvalid else { return means }
        guard require(divisorOverride != 0, "avgPool2d: divisorOverride may not be 0") else { return .invalid() }
        return means * (windowCounts(x, means, options) / divisorOverride)
    }

    private static func avgPool2d(_ x: Tensor, _ options: apus_pool2d_options) -> Tensor {
        let y = withUnsafePointer(to: options) { options in
            Tensor.make { apus_avg_pool2d($0, x.handle, options) }
        }
        guard Autograd.isRecording(x) else { return y }
        let shape = x.shape
        Autograd.record("AvgPool2d", inputs: [x], output: y) { [avgPool2dGrad($0.gradient, shape, options)] }
        return y
    }

    private static func avgPool2dGrad(_ g: Tensor, _ shape: [Int], _ options: apus_pool2d_options) -> Tensor {
        let dx = withUnsafePointer(to: options) { options in
            Tensor.make { out in shape.withSizes { apus_avg_pool2d_backward(out, g.handle, $0, $1, options) } }
        }
        guard Autograd.isRecording(g) else { return dx }
        Autograd.record("AvgPool2dGrad", inputs: [g], output: dx) { [avgPool2d($0.gradient, options)] }
        return dx
    }

    /// How many elements of the image each window holds: `[H', W']`.
    private static func windowCounts(_ x: Tensor, _ y: Tensor, _ options: apus_pool2d_options) -> Tensor {
        func counts(_ dim: Int, _ kernel: Int64, _ stride: Int64, _ padding: Int64) -> Tensor {
            let size = Int64(x.size(dim))
            let counts = (0..<Int64(y.size(dim))).map { i in
                let start = i * stride - padding
                return Double(min(start + kernel, size) - max(start, 0))
            }
            return Tensor(counts, dtype: x.dtype, device: x.device)
        }
        let rows = counts(-2, options.kernel.0, options.stride.0, options.padding.0)
        return rows.unsqueeze(1) * counts(-1, options.kernel.1, options.stride.1, options.padding.1)
    }

    /// Means over windows that together cover the image: element i of `n` is the mean over ⌊i·H/n⌋ … ⌈(i+1)·H/n⌉ − 1.
    ///
    /// - Parameters:
    ///   - x: `[N, C, H, W]` or `[C, H, W]`.
    ///   - outputSize: The height and width of the result.
    /// - Returns: `[N, C, outputSize]`.
    public static func adaptiveAvgPool2d(_ x: Tensor, outputSize: any Size2D) -> Tensor {
        let (height, width) = outputSize.heightAndWidth
        guard
            require(
                x.rank == 3 || x.rank == 4, .shape,
                "adaptiveAvgPool2d: expected [N, C, H, W] or [C, H, W], got \(x.shape)"),
            require(
                height >= 0 && width >= 0, "adaptiveAvgPool2d: expected sizes of at least 0, got \([height, width])"),
            require(
                max(height, width) <= sizeLimit, .overflow,
                "adaptiveAvgPool2d: expected sizes of at most \(sizeLimit), got \([height, width])")
        else { return .invalid() }
        if height == 1 && width == 1 { return x.mean([-2, -1], keepDim: true) }
        // The mean of windows is linear, and apart for rows and columns.
        return means(x.size(-2), height, like: x).matmul(x).matmul(means(x.size(-1), width, like: x).t())
    }

    /// The matrices of means have this many rows at most.
    private static let sizeLimit = 1 << 16

    /// The matrix `[count, size]` that takes a column to the means of its windows.
    private static func means(_ size: Int, _ count: Int, like x: Tensor) -> Tensor {
        var matrix = [Double](repeating: 0, count: count * size)
        for i in 0..<count {
            let window = (i * size / count)..<((i + 1) * size + count - 1) / count
            for j in window { matrix[i * size + j] = 1 / Double(window.count) }
        }
        return Tensor(matrix, dtype: x.dtype, device: x.device).reshape(count, size)
    }
}
