import Apus

/// First values for parameters, PyTorch's torch.nn.init. All write in place, without recording, and return the tensor.
///
/// The fan of a weight `[out, in, k…]` is in · ∏k on the way in and out · ∏k on the way out.
public enum Init {
    /// What a layer is followed by, and so how large its weights should be.
    public enum Nonlinearity: Sendable, Hashable {
        /// Nothing, a convolution or a sigmoid: gain 1.
        case linear
        /// A hyperbolic tangent: gain 5/3.
        case tanh
        /// ReLU: gain √2.
        case relu
        /// Leaky ReLU: gain √(2 / (1 + slope²)).
        case leakyRelu(Double = 0.01)
        /// SELU: gain 3/4.
        case selu

        /// The factor by which weights should be larger than for a linear layer.
        public var gain: Double {
            switch self {
            case .linear: 1
            case .tanh: 5.0 / 3
            case .relu: 2.0.squareRoot()
            case .leakyRelu(let slope): (2 / (1 + slope * slope)).squareRoot()
            case .selu: 0.75
            }
        }
    }

    /// Which variance to keep: that of the activations or that of the gradients.
    public enum FanMode: Sendable, Hashable {
        /// That of the activations, on the way forward.
        case fanIn
        /// That of the gradients, on the way back.
        case fanOut
    }

    /// How many numbers go into an element of the layer's output, and into how many each of the input's goes.
    public static func fanInAndFanOut(_ weight: Tensor) -> (fanIn: Int, fanOut: Int) {
        guard require(weight.rank >= 2, .shape, "Init: expected a weight of 2 dims or more, got \(weight.shape)") else {
            return (1, 1)
        }
        let window = weight.shape.dropFirst(2).reduce(1, *)
        return (weight.size(1) * window, weight.size(0) * window)
    }

    /// Uniform values from [low, high).
    @discardableResult
    public static func uniform_(
        _ tensor: Tensor, _ low: Double = 0, _ high: Double = 1, generator: Generator = .default
    ) -> Tensor { noGrad { tensor.uniform_(low, high, generator: generator) } }

    /// Normal values.
    @discardableResult
    public static func normal_(
        _ tensor: Tensor, mean: Double = 0, std: Double = 1, generator: Generator = .default
    ) -> Tensor { noGrad { tensor.normal_(mean: mean, std: std, generator: generator) } }

    /// Normal values between `low` and `high`: others are drawn again.
    @discardableResult
    public static func truncNormal_(
        _ tensor: Tensor, mean: Double = 0, std: Double = 1, low: Double = -2, high: Double = 2,
        generator: Generator = .default
    ) -> Tensor {
        guard require(low < high, "Init.truncNormal_: expected low < high, got \(low) and \(high)") else {
            return tensor
        }
        // By the inverse of the distribution function, of uniform values between its values at the bounds.
        func edge(_ bound: Double) -> Double {
            Tensor((bound - mean) / std / 2.0.squareRoot(), dtype: .float64, device: .cpu).erf().item()
        }
        return noGrad {
            // In main memory: not every device computes in float64.
            let draws = Tensor.empty(tensor.shape, dtype: .float64, device: .cpu)
                .uniform_(edge(low), edge(high), generator: generator)
            let values = draws.erfinv() * (std * 2.0.squareRoot()) + mean
            return tensor.copy_(values.clamp(min: low, max: high))
        }
    }

    /// One value everywhere.
    @discardableResult
    public static func constant_(_ tensor: Tensor, _ value: Double) -> Tensor { noGrad { tensor.fill_(value) } }

    /// Zeros.
    @discardableResult
    public static func zeros_(_ tensor: Tensor) -> Tensor { constant_(tensor, 0) }

    /// Ones.
    @discardableResult
    public static func ones_(_ tensor: Tensor) -> Tensor { constant_(tensor, 1) }

    /// The identity of a matrix: ones on the diagonal, zeros elsewhere.
    @discardableResult
    public static func eye_(_ tensor: Tensor) -> Tensor {
        guard require(tensor.rank == 2, .shape, "Init.eye_: expected a matrix, got \(tensor.shape)") else {
            return tensor
        }
        return noGrad {
            tensor.copy_(Tensor.eye(tensor.size(0), tensor.size(1), dtype: tensor.dtype, device: tensor.device))
        }
    }

    /// Uniform within ±gain · √(6 / (fanIn + fanOut)) (Glorot & Bengio, AISTATS 2010).
    @discardableResult
    public static func xavierUniform_(_ tensor: Tensor, gain: Double = 1, generator: Generator = .default) -> Tensor {
        let fans = fanInAndFanOut(tensor)
        let bound = gain * (6 / Double(fans.fanIn + fans.fanOut)).squareRoot()
        return uniform_(tensor, -bound, bound, generator: generator)
    }

    /// Normal with deviation gain · √(2 / (fanIn + fanOut)) (Glorot & Bengio, AISTATS 2010).
    @discardableResult
    public static func xavierNormal_(_ tensor: Tensor, gain: Double = 1, generator: Generator = .default) -> Tensor {
        let fans = fanInAndFanOut(tensor)
        return normal_(
            tensor, std: gain * (2 / Double(fans.fanIn + fans.fanOut)).squareRoot(), generator: generator)
    }

    /// Uniform within ±gain · √(3 / fan) (He et al., arXiv:1502.01852).
    @discardableResult
    public static func kaimingUniform_(
        _ tensor: Tensor, mode: FanMode = .fanIn, nonlinearity: Nonlinearity = .leakyRelu(0),
        generator: Generator = .default
    ) -> Tensor {
        if tensor.count == 0 { return tensor }
        let bound = nonlinearity.gain * (3 / fan(tensor, mode)).squareRoot()
        return uniform_(tensor, -bound, bound, generator: generator)
    }

    /// Normal with deviation gain / √fan (He et al., arXiv:1502.01852).
    @discardableResult
    public static func kaimingNormal_(
        _ tensor: Tensor, mode: FanMode = .fanIn, nonlinearity: Nonlinearity = .leakyRelu(0),
        generator: Generator = .default
    ) -> Tensor {
        if tensor.count == 0 { return tensor }
        return normal_(tensor, std: nonlinearity.gain / fan(tensor, mode).squareRoot(), generator: generator)
    }

    private static func fan(_ tensor: Tensor, _ mode: FanMode) -> Double {
        let fans = fanInAndFanOut(tensor)
        return Double(mode == .fanIn ? fans.fanIn : fans.fanOut)
    }

    /// PyTorch's law for linear layers and convolutions: weight and bias uniform within ±1 / √fanIn, which is
    /// `kaimingUniform_` for a leaky ReLU of slope √5.
    static func linear_(weight: Tensor, bias: Tensor?, generator: Generator) {
        if weight.count == 0 { return }
        kaimingUniform_(weight, nonlinearity: .leakyRelu(5.0.squareRoot()), generator: generator)
        guard let bias else { return }
        let bound = 1 / fan(weight, .fanIn).squareRoot()
        uniform_(bias, -bound, bound, generator: generator)
    }
}
