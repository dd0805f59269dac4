import Apus
import TestSupport
import Testing

// Reductions, scans and the softmax family against PyTorch's values and gradients.

func reduce(_ fixture: Fixture, _ x: Tensor) throws -> [Tensor] {
    let args = fixture.args
    let dims = try args.optionalInts("dim") ?? []
    let keepDim = args.has("keepdim") ? try args.bool("keepdim") : false
    let dtype = try args.optionalDType("dtype")
    switch fixture.op {
    case "sum": return [x.sum(dims, keepDim: keepDim, dtype: dtype)]
    case "mean": return [x.mean(dims, keepDim: keepDim, dtype: dtype)]
    case "prod": return [x.prod(dims, keepDim: keepDim, dtype: dtype)]
    case "amax": return [x.amax(dims, keepDim: keepDim)]
    case "amin": return [x.amin(dims, keepDim: keepDim)]
    case "any": return [x.any(dims, keepDim: keepDim)]
    case "all": return [x.all(dims, keepDim: keepDim)]
    case "count_nonzero": return [x.countNonzero(dims, keepDim: keepDim)]
    case "nansum": return [x.nanSum(dims, keepDim: keepDim, dtype: dtype)]
    case "logsumexp": return [x.logSumExp(dims, keepDim: keepDim)]
    case "var": return [x.var(dims, correction: try args.double("correction"), keepDim: keepDim)]
    case "std": return [x.std(dims, correction: try args.double("correction"), keepDim: keepDim)]
    case "var_mean":
        let (variance, mean) = x.varMean(dims, correction: try args.double("correction"), keepDim: keepDim)
        return [variance, mean]
    case "norm": return [x.norm(try args.double("p"), dims: dims, keepDim: keepDim)]
    case "argmax": return [x.argmax(dim: dims.first, keepDim: keepDim)]
    case "argmin": return [x.argmin(dim: dims.first, keepDim: keepDim)]
    case "max", "min":
        guard let dim = dims.first else { return [fixture.op == "max" ? x.max() : x.min()] }
        let (values, indices) =
            fixture.op == "max" ? x.max(dim: dim, keepDim: keepDim) : x.min(dim: dim, keepDim: keepDim)
        return [values, indices]
    case "cumsum": return [x.cumsum(dim: dims[0], dtype: dtype)]
    case "cumprod": return [x.cumprod(dim: dims[0], dtype: dtype)]
    case "softmax": return [x.softmax(dim: dims[0], dtype: dtype)]
    case "log_softmax": return [x.logSoftmax(dim: dims[0], dtype: dtype)]
    default: throw FixtureError("no method for \(fixture.op)")
    }
}

/// PyTorch keeps uint8 in `any` and `all` from the days before it had bool; here, as in the array API, they give bool.
private func keepsUInt8(_ fixture: Fixture) -> Bool {
    ["any", "all"].contains(fixture.op) && fixture.inputs[0]?.dtype == .uint8
}

@Test(arguments: Fixture.load("reduce") { !keepsUInt8($0) })
func reduction(_ fixture: Fixture) throws {
    try fixture.check { inputs in try reduce(fixture, inputs[0]!) }
}

func product(_ fixture: Fixture, _ inputs: [Tensor?]) throws -> Tensor {
    let args = fixture.args
    let tensors = inputs.compactMap { $0 }
    switch fixture.op {
    case "matmul":
        let a = try args.has("transposeA") && args.bool("transposeA") ? tensors[0].mT : tensors[0]
        let b = try args.has("transposeB") && args.bool("transposeB") ? tensors[1].mT : tensors[1]
        return a.matmul(b)
    case "mm": return tensors[0].mm(tensors[1])
    case "bmm": return tensors[0].bmm(tensors[1])
    case "mv": return tensors[0].mv(tensors[1])
    case "dot": return tensors[0].dot(tensors[1])
    case "outer": return tensors[0].outer(tensors[1])
    case "addmm", "baddbmm":
        let beta = try args.optionalDouble("beta") ?? 1
        let alpha = try args.optionalDouble("alpha") ?? 1
        return tensors[0].addmm(tensors[1], tensors[2], beta: beta, alpha: alpha)
    default: throw FixtureError("no method for \(fixture.op)")
    }
}

@Test(arguments: Fixture.load("linalg"))
func matrixProduct(_ fixture: Fixture) throws {
    try fixture.check { inputs in [try product(fixture, inputs)] }
}
