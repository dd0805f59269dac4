// The in-place forms of operators of one tensor: each writes its result into the tensor and returns it. The dtype must be
// able to hold the result, so most are for floats.

extension Tensor {
    /// `neg`, in place.
    @discardableResult
    public func neg_() -> Tensor { unaryInPlace(.neg) }

    /// `abs`, in place.
    @discardableResult
    public func abs_() -> Tensor { unaryInPlace(.abs) }

    /// `square`, in place.
    @discardableResult
    public func square_() -> Tensor { unaryInPlace(.square) }

    /// `relu`, in place.
    @discardableResult
    public func relu_() -> Tensor { unaryInPlace(.relu) }

    /// `sqrt`, in place.
    @discardableResult
    public func sqrt_() -> Tensor { unaryInPlace(.sqrt) }

    /// `rsqrt`, in place.
    @discardableResult
    public func rsqrt_() -> Tensor { unaryInPlace(.rsqrt) }

    /// `reciprocal`, in place.
    @discardableResult
    public func reciprocal_() -> Tensor { unaryInPlace(.reciprocal) }

    /// `exp`, in place.
    @discardableResult
    public func exp_() -> Tensor { unaryInPlace(.exp) }

    /// `expm1`, in place.
    @discardableResult
    public func expm1_() -> Tensor { unaryInPlace(.expm1) }

    /// `log`, in place.
    @discardableResult
    public func log_() -> Tensor { unaryInPlace(.log) }

    /// `log1p`, in place.
    @discardableResult
    public func log1p_() -> Tensor { unaryInPlace(.log1p) }

    /// `sin`, in place.
    @discardableResult
    public func sin_() -> Tensor { unaryInPlace(.sin) }

    /// `cos`, in place.
    @discardableResult
    public func cos_() -> Tensor { unaryInPlace(.cos) }

    /// `tanh`, in place.
    @discardableResult
    public func tanh_() -> Tensor { unaryInPlace(.tanh) }

    /// `sigmoid`, in place.
    @discardableResult
    public func sigmoid_() -> Tensor { unaryInPlace(.sigmoid) }

    /// `silu`, in place.
    @discardableResult
    public func silu_() -> Tensor { unaryInPlace(.silu) }

    /// `gelu`, in place.
    @discardableResult
    public func gelu_() -> Tensor { unaryInPlace(.gelu) }

    /// `erf`, in place.
    @discardableResult
    public func erf_() -> Tensor { unaryInPlace(.erf) }

    /// `floor`, in place.
    @discardableResult
    public func floor_() -> Tensor { unaryInPlace(.floor) }

    /// `ceil`, in place.
    @discardableResult
    public func ceil_() -> Tensor { unaryInPlace(.ceil) }

    /// `round`, in place.
    @discardableResult
    public func round_() -> Tensor { unaryInPlace(.round) }

    /// `trunc`, in place.
    @discardableResult
    public func trunc_() -> Tensor { unaryInPlace(.trunc) }

    /// `sign`, in place.
    @discardableResult
    public func sign_() -> Tensor { unaryInPlace(.sign) }

}
