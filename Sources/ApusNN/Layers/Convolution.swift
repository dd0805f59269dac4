import Apus

/// A 2-d convolution: each output channel is the sum of the input channels, each slid over by a window of weights.
///
///     let conv = Conv2d(3, 16, kernelSize: 3, padding: 1)
///     let y = conv(Tensor.randn(8, 3, 32, 32))   // [8, 16, 32, 32]
///
/// Shape: `[N, C, H, W]` or `[C, H, W]` → `[N, O, H', W']` with
/// H' = ⌊(H + 2·padding − dilation·(kernelSize − 1) − 1) / stride⌋ + 1.
///
/// Weight and bias start uniform within ±1 / √(C / groups · kH · kW).
public final class Conv2d: Module {
    /// The input's channels, C.
    public let inChannels: Int
    /// The output's channels, O.
    public let outChannels: Int
    private let kernelSize: any Size2D
    private let stride: any Size2D
    private let padding: any Size2D
    private let dilation: any Size2D
    private let groups: Int
    /// `[O, C / groups, kH, kW]`.
    @Parameter public var weight: Tensor
    /// `[O]`.
    @Parameter public var bias: Tensor?

    /// A convolution.
    ///
    /// - Parameters:
    ///   - inChannels: The input's channels.
    ///   - outChannels: The output's channels.
    ///   - kernelSize: The window.
    ///   - stride: Between windows.
    ///   - padding: Zeros on each side.
    ///   - dilation: Between the elements of a window.
    ///   - groups: Into how many independent parts channels are divided.
    ///   - bias: Whether to add a bias.
    ///   - dtype: Of the parameters.
    ///   - generator: What the first values are drawn from.
    public init(
        _ inChannels: Int, _ outChannels: Int, kernelSize: any Size2D, stride: any Size2D = 1,
        padding: any Size2D = 0, dilation: any Size2D = 1, groups: Int = 1, bias: Bool = true, dtype: DType? = nil,
        generator: Generator = .default
    ) {
        _ = require(
            groups > 0 && inChannels % groups == 0 && outChannels % groups == 0,
            "Conv2d: expected channels that \(groups) groups divide, got \(inChannels) and \(outChannels)")
        self.inChannels = inChannels
        self.outChannels = outChannels
        self.kernelSize = kernelSize
        self.stride = stride
        self.padding = padding
        self.dilation = dilation
        self.groups = groups
        let (height, width) = kernelSize.heightAndWidth
        weight = .empty([outChannels, inChannels / max(1, groups), height, width], dtype: dtype)
        self.bias = bias ? .empty([outChannels], dtype: dtype) : nil
        super.init()
        Init.linear_(weight: weight, bias: self.bias, generator: generator)
    }

    public override func forward(_ x: Tensor) -> Tensor {
        F.conv2d(x, weight, bias, stride: stride, padding: padding, dilation: dilation, groups: groups)
    }

    public override var extraDescription: String {
        var text = "\(inChannels), \(outChannels), kernelSize=\(kernelSize.text), stride=\(stride.text)"
        if padding.heightAndWidth != (0, 0) { text += ", padding=\(padding.text)" }
        if dilation.heightAndWidth != (1, 1) { text += ", dilation=\(dilation.text)" }
        if groups != 1 { text += ", groups=\(groups)" }
        if bias == nil { text += ", bias=false" }
        return text
    }
}
