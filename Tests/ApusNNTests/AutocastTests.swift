import Apus
import ApusNN
import TestSupport
import Testing

/// PyTorch's lists (`torch.amp`, "Autocast Op Reference"): what is computed in low precision, what in float32, and what
/// takes the widest dtype of its operands.
@Suite("Autocast's lists", .ownGenerator)
struct AutocastTests {
    static let low: [String: @Sendable (Tensor, Tensor) -> Tensor] = [
        "matmul": { $0.matmul($1) }, "mm": { $0.mm($1) }, "mv": { $0.mv($1[0]) },
        "bmm": { $0.unsqueeze(0).bmm($1.unsqueeze(0)) }, "addmm": { $0.addmm($0, $1) }, "linear": { F.linear($0, $1) },
        "conv2d": { F.conv2d($0.view(1, 1, 4, 4), $1.view(1, 1, 4, 4)) },
    ]

    static let wide: [String: @Sendable (Tensor) -> Tensor] = [
        "pow": { $0 ** 2 }, "rpow": { 2 ** $0 }, "acos": { $0.acos() }, "asin": { $0.asin() }, "cosh": { $0.cosh() },
        "erfinv": { $0.erfinv() }, "exp": { $0.exp() }, "expm1": { $0.expm1() }, "log": { $0.log() },
        "log10": { $0.log10() }, "log2": { $0.log2() }, "log1p": { $0.log1p() }, "reciprocal": { $0.reciprocal() },
        "rsqrt": { $0.rsqrt() }, "sinh": { $0.sinh() }, "tan": { $0.tan() }, "softplus": { $0.softplus() },
        "prod": { $0.prod() }, "sum": { $0.sum() }, "cumsum": { $0.cumsum(dim: 0) }, "cumprod": { $0.cumprod(dim: 0) },
        "softmax": { $0.softmax(dim: 0) }, "log_softmax": { $0.logSoftmax(dim: 0) }, "softmin": { $0.softmin(dim: 0) },
        "norm": { $0.norm() }, "logsumexp": { $0.logSumExp() }, "layer_norm": { F.layerNorm($0, normalizedShape: [4]) },
        "mse_loss": { F.mseLoss($0, $0) }, "l1_loss": { F.l1Loss($0, $0) },
        "smooth_l1_loss": { F.smoothL1Loss($0, $0) }, "kl_div": { F.klDiv($0, $0) },
        "nll_loss": { F.nllLoss($0, Tensor([0, 1, 2, 3])) },
        "cross_entropy": { F.crossEntropy($0, Tensor([0, 1, 2, 3])) },
        "binary_cross_entropy_with_logits": { F.binaryCrossEntropyWithLogits($0, $0) },
    ]

    static let unchanged: [String: @Sendable (Tensor) -> Tensor] = [
        "relu": { $0.relu() }, "tanh": { $0.tanh() }, "sigmoid": { $0.sigmoid() }, "mean": { $0.mean() },
        "mul": { $0 * 2 }, "amax": { $0.amax() }, "sqrt": { $0.sqrt() }, "gelu": { F.gelu($0) },
    ]

    static let promoted: [String: @Sendable (Tensor, Tensor) -> Tensor] = [
        "dot": { $0[0].dot($1[0]) }, "addcmul": { $0.addcmul($1, $1) }, "addcdiv": { $0.addcdiv($1, $1) },
        "atan2": { $0.atan2($1) }, "cat": { Tensor.cat([$0, $1]) }, "stack": { Tensor.stack([$0, $1]) },
        "add": { $0 + $1 },
    ]

    private let x = Tensor.rand(4, 4) * 0.8 + 0.1

    @Test("of float16 and bfloat16", arguments: [DType.float16, .bfloat16])
    func lists(_ dtype: DType) {
        let half = x.to(dtype)
        autocast(dtype) {
            for (name, function) in Self.low {
                #expect(function(x, x).dtype == dtype, "\(name)")
                #expect(function(half, x).dtype == dtype, "\(name) of mixed operands")
            }
            for (name, function) in Self.wide { #expect(function(half).dtype == .float32, "\(name)") }
            for (name, function) in Self.unchanged {
                #expect(function(half).dtype == dtype && function(x).dtype == .float32, "\(name)")
            }
            for (name, function) in Self.promoted {
                #expect(function(half, x).dtype == .float32 && function(half, half).dtype == dtype, "\(name)")
            }
            // Doubles are left alone.
            #expect(x.double().matmul(x.double()).dtype == .float64 && x.double().exp().dtype == .float64)
        }
    }

    @Test("gradients come back in the parameters' dtype; a checkpoint repeats the mode")
    func gradients() {
        let linear = Linear(4, 4)
        let y = autocast { checkpoint(x) { linear($0).relu() } }
        #expect(y.dtype == .bfloat16)
        y.sum().backward()
        #expect(linear.weight.grad?.dtype == .float32 && linear.bias?.grad?.dtype == .float32)
    }

    @Test("the scope follows a task over its threads")
    func tasks() async {
        await autocast {
            await Task.yield()
            #expect(isAutocastEnabled && x.matmul(x).dtype == .bfloat16)
        }
        #expect(!isAutocastEnabled)
    }
}
