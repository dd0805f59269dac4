import Apus

/// The greatest element of each window.
///
///     MaxPool2d(2)   // [N, C, H, W] → [N, C, H / 2, W / 2]
///
/// Shape: `[N, C, H, W]` or `[C, H, W]` → H' = ⌊(H + 2·padding − dilation·(kernelSize − 1) − 1) / stride⌋ + 1.
public final class MaxPool2d: Module {
    private let kernelSize: any Size2D
    private let stride: any Size2D
    private let padding: any Size2D
    private let dilation: any Size2D
    private let ceilMode: Bool

    /// A pooling layer.
    ///
    /// - Parameters:
    ///   - kernelSize: The window.
    ///   - stride: Between windows; nil for the window's own size.
    ///   - padding: On each side, as −∞; at most half the window.
    ///   - dilation: Between the elements of a window.
    ///   - ceilMode: Whether to round the output size up.
    public init(
        kernelSize: any Size2D, stride: (any Size2D)? = nil, padding: any Size2D = 0, dilation: any Size2D = 1,
        ceilMode: Bool = false
    ) {
        self.kernelSize = kernelSize
        self.stride = stride ?? kernelSize
        self.padding = padding
        self.dilation = dilation
        self.ceilMode = ceilMode
    }

    /// A pooling layer of this window.
    public convenience init(_ kernelSize: any Size2D, stride: (any Size2D)? = nil, padding: any Size2D = 0) {
        self.init(kernelSize: kernelSize, stride: stride, padding: padding)
    }

    public override func forward(_ x: Tensor) -> Tensor {
        F.maxPool2d(
            x, kernelSize: kernelSize, stride: stride, padding: padding, dilation: dilation, ceilMode: ceilMode)
    }

    public override var extraDescription: String {
        "kernelSize=\(kernelSize.text), stride=\(stride.text), padding=\(padding.text), dilation=\(dilation.text), "
            + "ceilMode=\(ceilMode)"
    }
}

/// The mean of each window.
///
///     AvgPool2d(2)   // [N, C, H, W] → [N, C, H / 2, W / 2]
///
/// Shape: `[N, C, H, W]` or `[C, H, W]` → H' = ⌊(H + 2·padding − kernelSize) / stride⌋ + 1.
public final class AvgPool2d: Module {
    private let kernelSize: any Size2D
    private let stride: any Size2D
    private let padding: any Size2D
    private let ceilMode: Bool
    private let countIncludePad: Bool
    private let divisorOverride: Int?

    /// A pooling layer.
    ///
    /// - Parameters:
    ///   - kernelSize: The window.
    ///   - stride: Between windows; nil for the window's own size.
    ///   - padding: Zeros on each side; at most half the window.
    ///   - ceilMode: Whether to round the output size up.
    ///   - countIncludePad: Whether padding counts in the mean.
    ///   - divisorOverride: What to divide the sums by instead of the number of elements.
    public init(
        kernelSize: any Size2D, stride: (any Size2D)? = nil, padding: any Size2D = 0, ceilMode: Bool = false,
        countIncludePad: Bool = true, divisorOverride: Int? = nil
    ) {
        self.kernelSize = kernelSize
        self.stride = stride ?? kernelSize
        self.padding = padding
        self.ceilMode = ceilMode
        self.countIncludePad = countIncludePad
        self.divisorOverride = divisorOverride
    }

    /// A pooling layer of this window.
    public convenience init(_ kernelSize: any Size2D, stride: (any Size2D)? = nil, padding: any Size2D = 0) {
        self.init(kernelSize: kernelSize, stride: stride, padding: padding)
    }

    public override func forward(_ x: Tensor) -> Tensor {
        F.avgPool2d(
            x, kernelSize: kernelSize, stride: stride, padding: padding, ceilMode: ceilMode,
            countIncludePad: countIncludePad, divisorOverride: divisorOverride)
    }

    public override var extraDescription: String {
        "kernelSize=\(kernelSize.text), stride=\(stride.text), padding=\(padding.text)"
    }
}

/// Means over windows that together cover the image, so that the result has a given size whatever the input's.
///
///     AdaptiveAvgPool2d(1)   // [N, C, H, W] → [N, C, 1, 1]
///
/// Shape: `[N, C, H, W]` or `[C, H, W]` → `[N, C, outputSize]`.
public final class AdaptiveAvgPool2d: Module {
    private let outputSize: any Size2D

    /// A pooling layer with this result's height and width.
    public init(_ outputSize: any Size2D) { self.outputSize = outputSize }

    public override func forward(_ x: Tensor) -> Tensor { F.adaptiveAvgPool2d(x, outputSize: outputSize) }

    public override var extraDescription: String { "outputSize=\(outputSize.text)" }
}
