import Apus
import ApusNN
import TestSupport
import Testing

@Suite("Functions of neural networks equal PyTorch's")
struct FunctionalFixtureTests {
    @Test(arguments: Fixture.load("nn"))
    func fixture(_ fixture: Fixture) throws {
        guard let function = functions[fixture.op] else {
            throw FixtureError("there is no test for \(fixture.op)")
        }
        try fixture.check { try function($0, fixture.args) }
    }

    @Test("first and second gradients", arguments: Fixture.load("gradients") { $0.name.contains(" of nn, ") })
    func gradients(_ fixture: Fixture) throws {
        guard let function = functions[fixture.op] else {
            throw FixtureError("there is no test for \(fixture.op)")
        }
        try fixture.checkOrders { try function($0, fixture.args) }
    }
}

private typealias Function = @Sendable ([Tensor?], FixtureArguments) throws -> [Tensor]

private let functions: [String: Function] = [
    "linear": { x, _ in [F.linear(x[0]!, x[1]!, x[2])] },
    "conv2d": { x, args in
        [
            F.conv2d(
                x[0]!, x[1]!, x[2], stride: try args.ints("stride"), padding: try args.ints("padding"),
                dilation: try args.ints("dilation"), groups: try args.int("groups"))
        ]
    },
    "max_pool2d": { x, args in
        let (values, indices) = F.maxPool2dWithIndices(
            x[0]!, kernelSize: try args.ints("kernel_size"), stride: try args.optionalInts("stride"),
            padding: try args.ints("padding"), dilation: try args.ints("dilation"), ceilMode: try args.bool("ceil_mode")
        )
        return [values, indices]
    },
    "avg_pool2d": { x, args in
        [
            F.avgPool2d(
                x[0]!, kernelSize: try args.ints("kernel_size"), stride: try args.optionalInts("stride"),
                padding: try args.ints("padding"), ceilMode: try args.bool("ceil_mode"),
                countIncludePad: try args.bool("count_include_pad"),
                divisorOverride: try args.optionalInt("divisor_override"))
        ]
    },
    "adaptive_avg_pool2d": { x, args in [F.adaptiveAvgPool2d(x[0]!, outputSize: try args.ints("output_size"))] },
    "batch_norm": { x, args in
        let y = F.batchNorm(
            x[0]!, runningMean: x[1], runningVar: x[2], weight: x[3], bias: x[4], training: try args.bool("training"),
            momentum: try args.double("momentum"), eps: try args.double("eps"))
        return [y] + [x[1], x[2]].compactMap { $0 }
    },
    "layer_norm": { x, args in
        [
            F.layerNorm(
                x[0]!, normalizedShape: try args.ints("normalized_shape"), weight: x[1], bias: x[2],
                eps: try args.double("eps"))
        ]
    },
    "scaled_dot_product_attention": { x, args in
        [
            F.scaledDotProductAttention(
                x[0]!, x[1]!, x[2]!, attnMask: x[3], isCausal: try args.bool("is_causal"),
                scale: try args.optionalDouble("scale"), enableGQA: try args.bool("enable_gqa"))
        ]
    },
    "embedding": { x, args in [F.embedding(x[0]!, x[1]!, paddingIdx: try args.optionalInt("padding_idx"))] },
    "cross_entropy": { x, args in
        [
            F.crossEntropy(
                x[0]!, x[1]!, weight: x[2], ignoreIndex: try args.optionalInt("ignore_index") ?? -100,
                labelSmoothing: try args.optionalDouble("label_smoothing") ?? 0, reduction: try args.reduction())
        ]
    },
    "nll_loss": { x, args in
        [
            F.nllLoss(
                x[0]!, x[1]!, weight: x[2], ignoreIndex: try args.optionalInt("ignore_index") ?? -100,
                reduction: try args.reduction())
        ]
    },
    "mse_loss": { x, args in [F.mseLoss(x[0]!, x[1]!, reduction: try args.reduction())] },
    "l1_loss": { x, args in [F.l1Loss(x[0]!, x[1]!, reduction: try args.reduction())] },
    "smooth_l1_loss": { x, args in
        [F.smoothL1Loss(x[0]!, x[1]!, beta: try args.double("beta"), reduction: try args.reduction())]
    },
    "huber_loss": { x, args in
        [F.huberLoss(x[0]!, x[1]!, delta: try args.double("delta"), reduction: try args.reduction())]
    },
    "kl_div": { x, args in
        [F.klDiv(x[0]!, x[1]!, logTarget: try args.bool("log_target"), reduction: try args.reduction())]
    },
    "binary_cross_entropy": { x, args in
        [F.binaryCrossEntropy(x[0]!, x[1]!, weight: x[2], reduction: try args.reduction())]
    },
    "binary_cross_entropy_with_logits": { x, args in
        [
            F.binaryCrossEntropyWithLogits(
                x[0]!, x[1]!, weight: x[2], posWeight: x[3], reduction: try args.reduction())
        ]
    },
]

extension FixtureArguments {
    fileprivate func reduction() throws -> Reduction {
        let name = try string("reduction")
        guard let reduction = name == "batchmean" ? .batchMean : Reduction(rawValue: name) else {
            throw FixtureError("there is no reduction called \(name)")
        }
        return reduction
    }
}
