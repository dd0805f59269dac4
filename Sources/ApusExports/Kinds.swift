import Apus
import ApusNN
import ApusOptim
import CApus
import CApusTrain

/// A class that C callers make by name: a line of a table.
struct Kind<Input, Product> {
    let signature: Signature
    let make: (Input, Arguments) throws -> Product

    init(_ signature: String, _ make: @escaping (Input, Arguments) throws -> Product) {
        self.signature = Signature(signature)
        self.make = make
    }
}

extension [Int] {
    /// A height and a width, which the layers take as they are.
    fileprivate func size2D(_ name: StaticString) throws -> [Int] {
        guard count == 1 || count == 2 else {
            throw TensorError(.invalid_argument, "\(name): expected a height and a width, got \(self)")
        }
        return self
    }
}

enum ModuleKinds {
    /// How deep containers may lie in each other: they are walked by recursion.
    private static let depthLimit = 100

    static nonisolated(unsafe) let all: [Kind<Void, Module>] = containers + layers + pooling + activations

    private static var containers: [Kind<Void, Module>] {
        [
            Kind("Sequential(modules: modules)") { _, a in
                let modules = a.modules(0)
                guard 1 + (modules.map(depth).max() ?? 0) <= depthLimit else {
                    throw TensorError(
                        .invalid_argument, "Sequential: modules may lie in each other \(depthLimit) levels deep")
                }
                return Sequential(modules)
            }
        ]
    }

    private static func depth(_ module: Module) -> Int { 1 + (module.children().map(depth).max() ?? 0) }

    private static var layers: [Kind<Void, Module>] {
        [
            Kind("Linear(in_features: int, out_features: int, bias: bool = True, dtype: dtype? = None)") { _, a in
                Linear(a.int(0), a.int(1), bias: a.bool(2), dtype: try a.optionalDType(3))
            },
            Kind(
                "Conv2d(in_channels: int, out_channels: int, kernel_size: ints, stride: ints = 1, padding: ints = 0, "
                    + "dilation: ints = 1, groups: int = 1, bias: bool = True, dtype: dtype? = None)"
            ) { _, a in
                Conv2d(
                    a.int(0), a.int(1), kernelSize: try a.ints(2).size2D("Conv2d"),
                    stride: try a.ints(3).size2D("Conv2d"),
                    padding: try a.ints(4).size2D("Conv2d"), dilation: try a.ints(5).size2D("Conv2d"), groups: a.int(6),
                    bias: a.bool(7), dtype: try a.optionalDType(8))
            },
            Kind("BatchNorm1d" + batchNorm) { _, a in
                BatchNorm1d(
                    a.int(0), eps: a.float(1), momentum: a.float(2), affine: a.bool(3), trackRunningStats: a.bool(4),
                    dtype: try a.optionalDType(5))
            },
            Kind("BatchNorm2d" + batchNorm) { _, a in
                BatchNorm2d(
                    a.int(0), eps: a.float(1), momentum: a.float(2), affine: a.bool(3), trackRunningStats: a.bool(4),
                    dtype: try a.optionalDType(5))
            },
            Kind(
                "LayerNorm(normalized_shape: ints, eps: float = 1e-05, elementwise_affine: bool = True, "
                    + "bias: bool = True, dtype: dtype? = None)"
            ) { _, a in
                LayerNorm(
                    a.ints(0), eps: a.float(1), elementwiseAffine: a.bool(2), bias: a.bool(3),
                    dtype: try a.optionalDType(4))
            },
            Kind(
                "Embedding(num_embeddings: int, embedding_dim: int, padding_idx: int? = None, dtype: dtype? = None)"
            ) { _, a in
                Embedding(a.int(0), a.int(1), paddingIdx: a.optionalInt(2), dtype: try a.optionalDType(3))
            },
            Kind("Dropout(p: float = 0.5)") { _, a in Dropout(p: a.float(0)) },
            Kind("Flatten(start_dim: int = 1, end_dim: int = -1)") { _, a in
                Flatten(startDim: a.int(0), endDim: a.int(1))
            },
            Kind("Unflatten(dim: int, unflattened_size: ints)") { _, a in Unflatten(dim: a.int(0), sizes: a.ints(1)) },
            Kind("Identity()") { _, _ in Identity() },
        ]
    }

    /// The two batch norms take the same.
    private static let batchNorm =
        "(num_features: int, eps: float = 1e-05, momentum: float = 0.1, affine: bool = True, "
        + "track_running_stats: bool = True, dtype: dtype? = None)"

    private static var pooling: [Kind<Void, Module>] {
        [
            Kind(
                "MaxPool2d(kernel_size: ints, stride: ints? = None, padding: ints = 0, dilation: ints = 1, "
                    + "ceil_mode: bool = False)"
            ) { _, a in
                MaxPool2d(
                    kernelSize: try a.ints(0).size2D("MaxPool2d"), stride: try a.optionalInts(1)?.size2D("MaxPool2d"),
                    padding: try a.ints(2).size2D("MaxPool2d"), dilation: try a.ints(3).size2D("MaxPool2d"),
                    ceilMode: a.bool(4))
            },
            Kind(
                "AvgPool2d(kernel_size: ints, stride: ints? = None, padding: ints = 0, ceil_mode: bool = False, "
                    + "count_include_pad: bool = True, divisor_override: int? = None)"
            ) { _, a in
                AvgPool2d(
                    kernelSize: try a.ints(0).size2D("AvgPool2d"), stride: try a.optionalInts(1)?.size2D("AvgPool2d"),
                    padding: try a.ints(2).size2D("AvgPool2d"), ceilMode: a.bool(3), countIncludePad: a.bool(4),
                    divisorOverride: a.optionalInt(5))
            },
            Kind("AdaptiveAvgPool2d(output_size: ints)") { _, a in
                AdaptiveAvgPool2d(try a.ints(0).size2D("AdaptiveAvgPool2d"))
            },
        ]
    }

    private static var activations: [Kind<Void, Module>] {
        [
            Kind("ReLU()") { _, _ in ReLU() }, Kind("ReLU6()") { _, _ in ReLU6() }, Kind("SELU()") { _, _ in SELU() },
            Kind("SiLU()") { _, _ in SiLU() }, Kind("Mish()") { _, _ in Mish() }, Kind("Tanh()") { _, _ in Tanh() },
            Kind("Sigmoid()") { _, _ in Sigmoid() }, Kind("LogSigmoid()") { _, _ in LogSigmoid() },
            Kind("Hardswish()") { _, _ in Hardswish() }, Kind("Hardsigmoid()") { _, _ in Hardsigmoid() },
            Kind("Hardtanh()") { _, _ in Hardtanh() }, Kind("Softsign()") { _, _ in Softsign() },
            Kind("Tanhshrink()") { _, _ in Tanhshrink() },
            Kind("LeakyReLU(negative_slope: float = 0.01)") { _, a in LeakyReLU(negativeSlope: a.float(0)) },
            Kind("ELU(alpha: float = 1.0)") { _, a in ELU(alpha: a.float(0)) },
            Kind("CELU(alpha: float = 1.0)") { _, a in CELU(alpha: a.float(0)) },
            Kind("GELU(approximate: text = 'none')") { _, a in
                GELU(approximate: try a.choice(0, GELUApproximation.self))
            },
            Kind("Hardshrink(lambd: float = 0.5)") { _, a in Hardshrink(lambda: a.float(0)) },
            Kind("Softshrink(lambd: float = 0.5)") { _, a in Softshrink(lambda: a.float(0)) },
            Kind("Softmax(dim: int)") { _, a in Softmax(dim: a.int(0)) },
            Kind("LogSoftmax(dim: int)") { _, a in LogSoftmax(dim: a.int(0)) },
            Kind("Softplus(beta: float = 1.0, threshold: float = 20.0)") { _, a in
                Softplus(beta: a.float(0), threshold: a.float(1))
            },
        ]
    }
}

enum OptimizerKinds {
    static nonisolated(unsafe) let all: [Kind<[Tensor], Optimizer>] = [
        Kind(
            "SGD(lr: float = 0.001, momentum: float = 0.0, dampening: float = 0.0, weight_decay: float = 0.0, "
                + "nesterov: bool = False, maximize: bool = False)"
        ) { parameters, a in
            SGD(
                parameters, lr: a.float(0), momentum: a.float(1), dampening: a.float(2), weightDecay: a.float(3),
                nesterov: a.bool(4), maximize: a.bool(5))
        },
        Kind("Adam" + adam("0.0")) { parameters, a in
            Adam(
                parameters, lr: a.float(0), betas: (a.float(1), a.float(2)), eps: a.float(3), weightDecay: a.float(4),
                amsgrad: a.bool(5), maximize: a.bool(6))
        },
        Kind("AdamW" + adam("0.01")) { parameters, a in
            AdamW(
                parameters, lr: a.float(0), betas: (a.float(1), a.float(2)), eps: a.float(3), weightDecay: a.float(4),
                amsgrad: a.bool(5), maximize: a.bool(6))
        },
    ]

    private static func adam(_ weightDecay: String) -> String {
        "(lr: float = 0.001, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-08, "
            + "weight_decay: float = \(weightDecay), amsgrad: bool = False, maximize: bool = False)"
    }
}

enum SchedulerKinds {
    static nonisolated(unsafe) let all: [Kind<Optimizer, LRScheduler>] = [
        Kind("StepLR(step_size: int, gamma: float = 0.1)") { optimizer, a in
            StepLR(optimizer, stepSize: a.int(0), gamma: a.float(1))
        },
        Kind("MultiStepLR(milestones: ints, gamma: float = 0.1)") { optimizer, a in
            MultiStepLR(optimizer, milestones: a.ints(0), gamma: a.float(1))
        },
        Kind("ExponentialLR(gamma: float)") { optimizer, a in ExponentialLR(optimizer, gamma: a.float(0)) },
        Kind("CosineAnnealingLR(t_max: int, eta_min: float = 0.0)") { optimizer, a in
            CosineAnnealingLR(optimizer, tMax: a.int(0), etaMin: a.float(1))
        },
        Kind(
            "OneCycleLR(max_lr: float, total_steps: int, pct_start: float = 0.3, div_factor: float = 25.0, "
                + "final_div_factor: float = 10000.0, cycle_momentum: bool = True, base_momentum: float = 0.85, "
                + "max_momentum: float = 0.95)"
        ) { optimizer, a in
            // Before the scheduler sets its first rates.
            guard a.int(1) > 1, (0...1).contains(a.float(2)) else {
                throw TensorError(
                    .invalid_argument, "OneCycleLR: expected 2 or more total_steps and a pct_start from 0 to 1")
            }
            return OneCycleLR(
                optimizer, maxLR: a.float(0), totalSteps: a.int(1), pctStart: a.float(2), divFactor: a.float(3),
                finalDivFactor: a.float(4), cycleMomentum: a.bool(5), baseMomentum: a.float(6), maxMomentum: a.float(7))
        },
    ]
}

/// Makes an object of the kind called `name`, all of whose mistakes are errors.
func make<Input, Product>(
    _ kinds: [Kind<Input, Product>], _ function: StaticString, _ name: UnsafePointer<CChar>?, _ input: Input,
    _ count: Int32, _ arguments: UnsafePointer<apus_argument>?
) throws -> Product {
    let name = try string(name, function, "kind")
    guard let kind = kinds.first(where: { $0.signature.name == name }) else {
        throw TensorError(.invalid_argument, "\(function): there is no kind '\(name)'")
    }
    return try kind.make(input, Arguments(kind.signature, count, arguments))
}
