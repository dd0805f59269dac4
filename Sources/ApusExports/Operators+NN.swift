import Apus
import ApusNN

extension Operators {
    /// Convolution, pooling, embedding, dropout, and activations with options.
    static var convolutions: [Operator] {
        [
            Operator(
                "conv2d(input: tensor, weight: tensor, bias: tensor? = None, stride: ints = 1, padding: ints = 0, "
                    + "dilation: ints = 1, groups: int = 1)"
            ) {
                F.conv2d(
                    $0.tensor(0), $0.tensor(1), $0.optionalTensor(2), stride: $0.ints(3), padding: $0.ints(4),
                    dilation: $0.ints(5), groups: $0.int(6))
            },
            Operator(
                "max_pool2d(input: tensor, kernel_size: ints, stride: ints? = None, padding: ints = 0, "
                    + "dilation: ints = 1, ceil_mode: bool = False)"
            ) {
                F.maxPool2d(
                    $0.tensor(0), kernelSize: $0.ints(1), stride: $0.optionalInts(2), padding: $0.ints(3),
                    dilation: $0.ints(4), ceilMode: $0.bool(5))
            },
            Operator(
                many: "max_pool2d_with_indices(input: tensor, kernel_size: ints, stride: ints? = None, "
                    + "padding: ints = 0, dilation: ints = 1, ceil_mode: bool = False)"
            ) {
                let (values, indices) = F.maxPool2dWithIndices(
                    $0.tensor(0), kernelSize: $0.ints(1), stride: $0.optionalInts(2), padding: $0.ints(3),
                    dilation: $0.ints(4), ceilMode: $0.bool(5))
                return [values, indices]
            },
            Operator(
                "avg_pool2d(input: tensor, kernel_size: ints, stride: ints? = None, padding: ints = 0, "
                    + "ceil_mode: bool = False, count_include_pad: bool = True, divisor_override: int? = None)"
            ) {
                F.avgPool2d(
                    $0.tensor(0), kernelSize: $0.ints(1), stride: $0.optionalInts(2), padding: $0.ints(3),
                    ceilMode: $0.bool(4), countIncludePad: $0.bool(5), divisorOverride: $0.optionalInt(6))
            },
            Operator("adaptive_avg_pool2d(input: tensor, output_size: ints)") {
                F.adaptiveAvgPool2d($0.tensor(0), outputSize: $0.ints(1))
            },
            Operator("embedding(input: tensor, weight: tensor, padding_idx: int? = None)") {
                F.embedding($0.tensor(0), $0.tensor(1), paddingIdx: $0.optionalInt(2))
            },
            Operator("one_hot(input: tensor, num_classes: int? = None)") {
                F.oneHot($0.tensor(0), numClasses: $0.optionalInt(1))
            },
            Operator("dropout(input: tensor, p: float = 0.5, training: bool = True)") {
                F.dropout($0.tensor(0), p: $0.float(1), training: $0.bool(2))
            },
            Operator("gelu(input: tensor, approximate: text = 'none')") {
                F.gelu($0.tensor(0), approximate: try $0.choice(1, GELUApproximation.self))
            },
            Operator("softplus(input: tensor, beta: float = 1.0, threshold: float = 20.0)") {
                F.softplus($0.tensor(0), beta: $0.float(1), threshold: $0.float(2))
            },
        ]
    }

    static var normalizations: [Operator] {
        [
            Operator(
                "batch_norm(input: tensor, running_mean: tensor? = None, running_var: tensor? = None, "
                    + "weight: tensor? = None, bias: tensor? = None, training: bool = False, momentum: float = 0.1, "
                    + "eps: float = 1e-05)"
            ) {
                F.batchNorm(
                    $0.tensor(0), runningMean: $0.optionalTensor(1), runningVar: $0.optionalTensor(2),
                    weight: $0.optionalTensor(3), bias: $0.optionalTensor(4), training: $0.bool(5),
                    momentum: $0.float(6), eps: $0.float(7))
            },
            Operator(
                "layer_norm(input: tensor, normalized_shape: ints, weight: tensor? = None, bias: tensor? = None, "
                    + "eps: float = 1e-05)"
            ) {
                F.layerNorm(
                    $0.tensor(0), normalizedShape: $0.ints(1), weight: $0.optionalTensor(2), bias: $0.optionalTensor(3),
                    eps: $0.float(4))
            },
        ]
    }

    static var attention: [Operator] {
        [
            Operator(
                "scaled_dot_product_attention(query: tensor, key: tensor, value: tensor, attn_mask: tensor? = None, "
                    + "dropout_p: float = 0.0, is_causal: bool = False, scale: number? = None, enable_gqa: bool = False)"
            ) {
                F.scaledDotProductAttention(
                    $0.tensor(0), $0.tensor(1), $0.tensor(2), attnMask: $0.optionalTensor(3), dropoutP: $0.float(4),
                    isCausal: $0.bool(5), scale: $0.optionalFloat(6), enableGQA: $0.bool(7))
            }
        ]
    }

    /// Losses. `reduction` is 'none', 'mean', 'sum' or 'batchmean'.
    static var losses: [Operator] {
        [
            Operator("mse_loss(input: tensor, target: tensor, reduction: text = 'mean')") {
                F.mseLoss($0.tensor(0), $0.tensor(1), reduction: try $0.choice(2, Reduction.self))
            },
            Operator("l1_loss(input: tensor, target: tensor, reduction: text = 'mean')") {
                F.l1Loss($0.tensor(0), $0.tensor(1), reduction: try $0.choice(2, Reduction.self))
            },
            Operator("smooth_l1_loss(input: tensor, target: tensor, beta: float = 1.0, reduction: text = 'mean')") {
                F.smoothL1Loss(
                    $0.tensor(0), $0.tensor(1), beta: $0.float(2), reduction: try $0.choice(3, Reduction.self))
            },
            Operator("huber_loss(input: tensor, target: tensor, delta: float = 1.0, reduction: text = 'mean')") {
                F.huberLoss(
                    $0.tensor(0), $0.tensor(1), delta: $0.float(2), reduction: try $0.choice(3, Reduction.self))
            },
            Operator(
                "binary_cross_entropy(input: tensor, target: tensor, weight: tensor? = None, reduction: text = 'mean')"
            ) {
                F.binaryCrossEntropy(
                    $0.tensor(0), $0.tensor(1), weight: $0.optionalTensor(2),
                    reduction: try $0.choice(3, Reduction.self))
            },
            Operator(
                "binary_cross_entropy_with_logits(input: tensor, target: tensor, weight: tensor? = None, "
                    + "pos_weight: tensor? = None, reduction: text = 'mean')"
            ) {
                F.binaryCrossEntropyWithLogits(
                    $0.tensor(0), $0.tensor(1), weight: $0.optionalTensor(2), posWeight: $0.optionalTensor(3),
                    reduction: try $0.choice(4, Reduction.self))
            },
            Operator("kl_div(input: tensor, target: tensor, log_target: bool = False, reduction: text = 'mean')") {
                F.klDiv(
                    $0.tensor(0), $0.tensor(1), logTarget: $0.bool(2), reduction: try $0.choice(3, Reduction.self))
            },
            Operator(
                "cross_entropy(input: tensor, target: tensor, weight: tensor? = None, ignore_index: int = -100, "
                    + "label_smoothing: float = 0.0, reduction: text = 'mean')"
            ) {
                F.crossEntropy(
                    $0.tensor(0), $0.tensor(1), weight: $0.optionalTensor(2), ignoreIndex: $0.int(3),
                    labelSmoothing: $0.float(4), reduction: try $0.choice(5, Reduction.self))
            },
            Operator(
                "nll_loss(input: tensor, target: tensor, weight: tensor? = None, ignore_index: int = -100, "
                    + "reduction: text = 'mean')"
            ) {
                F.nllLoss(
                    $0.tensor(0), $0.tensor(1), weight: $0.optionalTensor(2), ignoreIndex: $0.int(3),
                    reduction: try $0.choice(4, Reduction.self))
            },
        ]
    }

    /// What is done to gradients between `backward` and a step.
    static var gradients: [Operator] {
        [
            Operator("clip_grad_norm_(parameters: tensors, max_norm: float, norm_type: float = 2.0)") {
                clipGradNorm_($0.tensors(0), maxNorm: $0.float(1), normType: $0.float(2))
            },
            Operator(many: "clip_grad_value_(parameters: tensors, clip_value: float)") {
                clipGradValue_($0.tensors(0), clipValue: $0.float(1))
                return []
            },
        ]
    }
}
