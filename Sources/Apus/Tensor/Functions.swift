// Mathematical functions in the form of mathematics: `exp(x)` is `x.exp()`.

/// `x.abs()`.
public func abs(_ x: Tensor) -> Tensor { x.abs() }
/// `x.sign()`.
public func sign(_ x: Tensor) -> Tensor { x.sign() }
/// `x.square()`.
public func square(_ x: Tensor) -> Tensor { x.square() }
/// `x.sqrt()`.
public func sqrt(_ x: Tensor) -> Tensor { x.sqrt() }
/// `x.rsqrt()`.
public func rsqrt(_ x: Tensor) -> Tensor { x.rsqrt() }
/// `x.reciprocal()`.
public func reciprocal(_ x: Tensor) -> Tensor { x.reciprocal() }
/// `x.exp()`.
public func exp(_ x: Tensor) -> Tensor { x.exp() }
/// `x.exp2()`.
public func exp2(_ x: Tensor) -> Tensor { x.exp2() }
/// `x.expm1()`.
public func expm1(_ x: Tensor) -> Tensor { x.expm1() }
/// `x.log()`.
public func log(_ x: Tensor) -> Tensor { x.log() }
/// `x.log2()`.
public func log2(_ x: Tensor) -> Tensor { x.log2() }
/// `x.log10()`.
public func log10(_ x: Tensor) -> Tensor { x.log10() }
/// `x.log1p()`.
public func log1p(_ x: Tensor) -> Tensor { x.log1p() }
/// `x.sin()`.
public func sin(_ x: Tensor) -> Tensor { x.sin() }
/// `x.cos()`.
public func cos(_ x: Tensor) -> Tensor { x.cos() }
/// `x.tan()`.
public func tan(_ x: Tensor) -> Tensor { x.tan() }
/// `x.asin()`.
public func asin(_ x: Tensor) -> Tensor { x.asin() }
/// `x.acos()`.
public func acos(_ x: Tensor) -> Tensor { x.acos() }
/// `x.atan()`.
public func atan(_ x: Tensor) -> Tensor { x.atan() }
/// `x.sinh()`.
public func sinh(_ x: Tensor) -> Tensor { x.sinh() }
/// `x.cosh()`.
public func cosh(_ x: Tensor) -> Tensor { x.cosh() }
/// `x.tanh()`.
public func tanh(_ x: Tensor) -> Tensor { x.tanh() }
/// `x.asinh()`.
public func asinh(_ x: Tensor) -> Tensor { x.asinh() }
/// `x.acosh()`.
public func acosh(_ x: Tensor) -> Tensor { x.acosh() }
/// `x.atanh()`.
public func atanh(_ x: Tensor) -> Tensor { x.atanh() }
/// `x.sigmoid()`.
public func sigmoid(_ x: Tensor) -> Tensor { x.sigmoid() }
/// `x.relu()`.
public func relu(_ x: Tensor) -> Tensor { x.relu() }
/// `x.erf()`.
public func erf(_ x: Tensor) -> Tensor { x.erf() }
/// `x.erfc()`.
public func erfc(_ x: Tensor) -> Tensor { x.erfc() }
/// `x.lgamma()`.
public func lgamma(_ x: Tensor) -> Tensor { x.lgamma() }
/// `x.digamma()`.
public func digamma(_ x: Tensor) -> Tensor { x.digamma() }
/// `x.floor()`.
public func floor(_ x: Tensor) -> Tensor { x.floor() }
/// `x.ceil()`.
public func ceil(_ x: Tensor) -> Tensor { x.ceil() }
/// `x.round()`.
public func round(_ x: Tensor) -> Tensor { x.round() }
/// `x.trunc()`.
public func trunc(_ x: Tensor) -> Tensor { x.trunc() }
/// `a.pow(b)`.
public func pow(_ a: Tensor, _ b: Tensor) -> Tensor { a.pow(b) }
/// `a.atan2(b)`.
public func atan2(_ a: Tensor, _ b: Tensor) -> Tensor { a.atan2(b) }
/// `a.hypot(b)`.
public func hypot(_ a: Tensor, _ b: Tensor) -> Tensor { a.hypot(b) }
/// `a.maximum(b)`.
public func maximum(_ a: Tensor, _ b: Tensor) -> Tensor { a.maximum(b) }
/// `a.minimum(b)`.
public func minimum(_ a: Tensor, _ b: Tensor) -> Tensor { a.minimum(b) }
/// `a.matmul(b)`.
public func matmul(_ a: Tensor, _ b: Tensor) -> Tensor { a.matmul(b) }
/// `a.pow(b)`.
public func pow<S: TensorScalar>(_ a: Tensor, _ b: S) -> Tensor { a.pow(b) }
