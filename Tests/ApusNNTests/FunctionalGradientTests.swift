import Apus
import ApusNN
import TestSupport
import Testing

/// Gradients by central differences, and the gradients of the gradients.
@Suite("Gradients of functions of neural networks")
struct FunctionalGradientTests {
    struct Case: Sendable, CustomStringConvertible {
        let description: String
        /// Shapes of the inputs, one list a check.
        let shapes: [[[Int]]]
        let body: @Sendable ([Tensor]) -> Tensor

        init(_ description: String, _ shapes: [[Int]]..., body: @escaping @Sendable ([Tensor]) -> Tensor) {
            self.description = description
            self.shapes = shapes
            self.body = body
        }
    }

    @Test(arguments: derivativeCases)
    func gradients(_ check: Case) throws {
        for shapes in check.shapes {
            let inputs = check.inputs(shapes)
            try checkDerivatives(inputs, check.body)
            try checkDerivatives(inputs.map(strided), check.body)
            let complex = check.inputs(shapes, dtype: .complex128)
            if takesComplex(complex, check.body) { try checkDerivatives(complex, check.body) }
        }
    }

    /// The same values with every other place of the memory left out.
    private func strided(_ x: Tensor) -> Tensor {
        guard let last = x.shape.last, last > 0 else { return x }
        return Tensor.stack([x, x], dim: -1).select(dim: -1, index: 1)
    }

    @Test("every operator that the sources record is among the samples")
    func coverage() throws {
        var seen: Set<String> = []
        for check in derivativeCases {
            let inputs = check.inputs(check.shapes[0]).map { $0.requiresGrad_() }
            let output = check.body(inputs)
            let gradients = grad(
                outputs: [output.square().sum()], inputs: inputs, createGraph: true, allowUnused: true)
            for tensor in [output] + gradients.compactMap({ $0 }) {
                seen.formUnion(AutogradGraph(of: tensor).boxes.filter { !$0.isTensor }.map(\.label))
            }
        }
        let recorded = try Sources.recordedNames()
        #expect(recorded.count > 50, "the sources were not found or read")
        #expect(recorded.filter { !seen.contains($0 + "Backward") }.sorted() == [])
    }
}

extension FunctionalGradientTests.Case {
    /// Numbers at least 0.2 away from zero, where some functions have a kink; complex ones from the square around it.
    func inputs(_ shapes: [[Int]], dtype: DType = .float64) -> [Tensor] {
        let generator = Generator(seed: 1)
        return shapes.enumerated().map { i, shape in
            if dtype.isComplex {
                return makeTensor(shape, dtype: dtype, low: -1.5, high: 1.5, seed: UInt64(i))
            }
            let x = Tensor.randn(shape, dtype: .float64, generator: generator)
            return x + x.sign() * 0.2
        }
    }
}

/// Numbers between 0 and 1, from any.
private func probability(_ x: Tensor) -> Tensor { x.sigmoid() * 0.8 + 0.1 }

/// Every check of a derivative but those of the tables of one and two tensors, which ApusTests makes by itself.
let derivativeCases = cases + operatorSamples

private let cases: [FunctionalGradientTests.Case] =
    [
        .init("linear", [[2, 3, 4], [5, 4], [5]], [[3, 2], [1, 2], [1]]) { F.linear($0[0], $0[1], $0[2]) },
        .init("linear without bias", [[4], [5, 4]], [[2, 3], [2, 3]]) { F.linear($0[0], $0[1]) },
        .init("conv2d", [[2, 4, 5, 6], [6, 2, 3, 2], [6]], [[1, 2, 4, 4], [2, 1, 2, 2], [2]]) {
            F.conv2d($0[0], $0[1], $0[2], stride: [2, 1], padding: [1, 2], dilation: [1, 2], groups: 2)
        },
        .init("conv2d of one image", [[2, 4, 4], [3, 2, 3, 3], [3]], [[1, 5, 3], [2, 1, 3, 2], [2]]) {
            F.conv2d($0[0], $0[1], $0[2])
        },
        .init("maxPool2d", [[2, 2, 5, 5]], [[1, 4, 4]]) { F.maxPool2d($0[0], kernelSize: 3, stride: 2, padding: 1) },
        .init("avgPool2d", [[2, 2, 5, 5]], [[1, 4, 3]]) {
            F.avgPool2d($0[0], kernelSize: [3, 2], stride: 2, padding: 1, countIncludePad: false)
        },
        .init("avgPool2d with a divisor", [[2, 5, 5]], [[1, 2, 4, 4]]) {
            F.avgPool2d($0[0], kernelSize: 2, padding: 1, ceilMode: true, divisorOverride: 3)
        },
        .init("adaptiveAvgPool2d", [[2, 5, 7]], [[1, 2, 4, 3]]) { F.adaptiveAvgPool2d($0[0], outputSize: [2, 3]) },
        .init("adaptiveAvgPool2d to one", [[1, 2, 5, 7]], [[2, 3, 2]]) { F.adaptiveAvgPool2d($0[0], outputSize: 1) },
        .init("batchNorm in training", [[3, 2, 2, 2], [2], [2]], [[4, 3], [3], [3]]) {
            F.batchNorm($0[0], weight: $0[1], bias: $0[2], training: true)
        },
        .init("batchNorm without weight", [[4, 3]], [[2, 2, 3]]) { F.batchNorm($0[0], training: true) },
        .init("batchNorm in evaluation", [[3, 2, 2], [2], [2]], [[2, 2], [2], [2]]) {
            F.batchNorm(
                $0[0], runningMean: Tensor([0.5, -0.5], dtype: .float64),
                runningVar: Tensor([2.0, 3.0], dtype: .float64),
                weight: $0[1], bias: $0[2])
        },
        .init("layerNorm", [[3, 2, 4], [2, 4], [2, 4]], [[2, 4], [2, 4], [2, 4]]) {
            F.layerNorm($0[0], normalizedShape: [2, 4], weight: $0[1], bias: $0[2])
        },
        .init("layerNorm without weight", [[3, 4]], [[2, 2, 4]]) { F.layerNorm($0[0], normalizedShape: [4]) },
        .init("embedding", [[5, 3]], [[6, 1]]) { F.embedding(Tensor([[0, 2], [4, 2]]), $0[0]) },
        .init("embedding with padding", [[5, 3]], [[5, 1]]) { weights in
            // The padding row's gradient is 0 by definition; it is left out of the function.
            let table = weights[0].maskedFill(Tensor([[false], [false], [true], [false], [false]]), 0)
            return F.embedding(Tensor([0, 2, 4, 2]), table, paddingIdx: 2)
        },
        .init("dropout", [[4, 5]], [[2, 3, 2]]) { F.dropout($0[0], p: 0.4, generator: Generator(seed: 3)) },
        .init("crossEntropy", [[4, 3], [3]], [[4, 4], [4]]) {
            F.crossEntropy($0[0], Tensor([0, 2, 1, 2]), weight: probability($0[1]))
        },
        .init("crossEntropy with smoothing and a class ignored", [[2, 3, 2]], [[2, 4, 2]]) {
            F.crossEntropy($0[0], Tensor([[0, 2], [1, 2]]), ignoreIndex: 1, labelSmoothing: 0.2)
        },
        .init("crossEntropy of probabilities", [[4, 3], [4, 3]], [[2, 2], [2, 2]]) {
            F.crossEntropy($0[0], $0[1].softmax(dim: 1), labelSmoothing: 0.1)
        },
        .init("nllLoss", [[4, 3]], [[4, 4]]) {
            F.nllLoss($0[0], Tensor([0, 2, 1, 2]), reduction: .sum)
        },
        .init("mseLoss", [[3, 4], [3, 4]], [[2, 2, 2], [2, 2, 2]]) { F.mseLoss($0[0], $0[1]) },
        .init("l1Loss", [[3, 4], [3, 4]], [[5], [5]]) { F.l1Loss($0[0], $0[1], reduction: .none) },
        .init("smoothL1Loss", [[3, 4], [3, 4]], [[5], [5]]) { F.smoothL1Loss($0[0], $0[1], beta: 0.7) },
        .init("huberLoss", [[3, 4], [3, 4]], [[5], [5]]) { F.huberLoss($0[0], $0[1], delta: 0.7, reduction: .sum) },
        .init("binaryCrossEntropy", [[3, 4], [3, 4]], [[5], [5]]) {
            F.binaryCrossEntropy(probability($0[0]), probability($0[1]))
        },
        .init("binaryCrossEntropyWithLogits", [[3, 4], [3, 4], [4]], [[2, 3, 2], [2, 3, 2], [2]]) {
            F.binaryCrossEntropyWithLogits($0[0], probability($0[1]), posWeight: probability($0[2]) + 1)
        },
        .init("klDiv", [[3, 4], [3, 4]], [[2, 2], [2, 2]]) {
            F.klDiv($0[0], probability($0[1]), reduction: .batchMean)
        },
        .init("klDiv of logarithms", [[3, 4], [3, 4]], [[2, 2], [2, 2]]) { F.klDiv($0[0], $0[1], logTarget: true) },
        .init(
            "scaledDotProductAttention", [[2, 3, 4], [2, 5, 4], [2, 5, 3]],
            [[1, 2, 3, 2], [1, 2, 4, 2], [1, 2, 4, 1]]
        ) { F.scaledDotProductAttention($0[0], $0[1], $0[2]) },
        .init(
            "causal attention of shared heads", [[4, 3, 2], [2, 3, 2], [2, 3, 3]], [[2, 2, 1], [1, 3, 1], [1, 3, 2]]
        ) {
            F.scaledDotProductAttention($0[0], $0[1], $0[2], isCausal: true, scale: 0.7, enableGQA: true)
        },
        .init("attention with a mask", [[3, 2], [4, 2], [4, 2]], [[3, 1], [4, 1], [4, 3]]) {
            let mask = Tensor([
                [true, false, true, true], [false, false, false, false], [true, true, false, false],
            ])
            return F.scaledDotProductAttention($0[0], $0[1], $0[2], attnMask: mask)
        },
        .init(
            "attention with a mask that learns, and dropout", [[3, 2], [4, 2], [4, 2], [3, 4]],
            [[2, 1], [3, 1], [3, 2], [2, 3]]
        ) {
            F.scaledDotProductAttention(
                $0[0], $0[1], $0[2], attnMask: $0[3], dropoutP: 0.3, generator: Generator(seed: 3))
        },
        .init("softmax", [[3, 4]], [[2, 3, 2]]) { F.softmax($0[0], dim: 0) },
        .init("logSoftmax", [[3, 4]], [[4, 2, 2]]) { F.logSoftmax($0[0], dim: -1) },
    ]
    + activations.map { name, function in .init(name, [[3, 4]], [[2, 1, 3]]) { function($0[0]) } }

private let activations: [(String, @Sendable (Tensor) -> Tensor)] = [
    ("relu", { F.relu($0) }), ("relu6", { F.relu6($0) }), ("leakyRelu", { F.leakyRelu($0, negativeSlope: 0.2) }),
    ("elu", { F.elu($0, alpha: 0.7) }), ("celu", { F.celu($0, alpha: 0.7) }), ("selu", { F.selu($0) }),
    ("gelu", { F.gelu($0) }), ("gelu by tanh", { F.gelu($0, approximate: .tanh) }), ("silu", { F.silu($0) }),
    ("mish", { F.mish($0) }), ("tanh", { F.tanh($0) }), ("sigmoid", { F.sigmoid($0) }),
    ("logSigmoid", { F.logSigmoid($0) }), ("hardswish", { F.hardswish($0) }), ("hardsigmoid", { F.hardsigmoid($0) }),
    ("hardtanh", { F.hardtanh($0) }), ("softsign", { F.softsign($0) }), ("tanhshrink", { F.tanhshrink($0) }),
    ("hardshrink", { F.hardshrink($0) }), ("softshrink", { F.softshrink($0) }), ("softplus", { F.softplus($0) }),
    ("softplus with a beta", { F.softplus($0, beta: 2, threshold: 1) }),
]
