import Apus
import ApusNN
import ApusOptim

/// Where everything is measured.
private let device = options.device

private func randn(_ shape: Int...) -> Tensor { randn(shape) }
private func randn(_ shape: [Int]) -> Tensor { Tensor.randn(shape, device: device) }

private func gemm(_ n: Int) -> Workload {
    Workload(id: "gemm.f32.\(n)", gflop: 2e-9 * Double(n * n * n)) {
        let a = randn(n, n)
        let b = randn(n, n)
        return { _ = a.matmul(b) }
    }
}

/// On ten million float32 elements, far beyond the caches.
private func elementwise(_ id: String, reads: Int, _ function: @escaping @Sendable (Tensor, Tensor) -> Tensor)
    -> Workload
{
    Workload(id: id, gigabytes: Double(reads + 1) * 0.04) {
        let a = randn(10_000_000)
        let b = randn(10_000_000)
        return { _ = function(a, b) }
    }
}

private func matrix(_ id: String, gigabytes: Double = 0.067, _ function: @escaping @Sendable (Tensor, Tensor) -> Tensor)
    -> Workload
{
    Workload(id: id, gigabytes: gigabytes) {
        let matrix = randn(4096, 4096)
        let row = randn(4096)
        return { _ = function(matrix, row) }
    }
}

private func rows(_ id: String, _ function: @escaping @Sendable (Tensor, Tensor, Tensor) -> Tensor) -> Workload {
    Workload(id: id, gigabytes: 2 * 4096 * 1024 * 4e-9) {
        let x = randn(4096, 1024)
        let weight = randn(1024)
        let bias = randn(1024)
        return { _ = function(x, weight, bias) }
    }
}

private func conv(_ channels: Int, kernel: Int) -> Workload {
    let flop = 2.0 * 8 * 56 * 56 * Double(channels * channels * kernel * kernel)
    return Workload(id: "conv.\(kernel)x\(kernel).\(channels)", gflop: flop * 1e-9) {
        let x = randn(8, channels, 56, 56)
        let w = randn(channels, channels, kernel, kernel)
        return { _ = F.conv2d(x, w, padding: kernel / 2) }
    }
}

/// 8 sequences of 512 tokens, 8 heads of 64.
private let attention = Workload(id: "attention.8x8x512x64", gflop: 4e-9 * 64 * 512 * 512 * 64) {
    let (q, k, v) = (randn(8, 8, 512, 64), randn(8, 8, 512, 64), randn(8, 8, 512, 64))
    return { _ = F.scaledDotProductAttention(q, k, v) }
}

private let addOut = Workload(id: "ew.add_out.10M", gigabytes: 0.12) {
    let a = randn(10_000_000)
    let b = randn(10_000_000)
    return { a.add_(b) }
}

private let layerNormTrain = Workload(id: "layer_norm_train.4096x1024") {
    let x = randn(4096, 1024).requiresGrad_()
    let weight = randn(1024).requiresGrad_()
    let bias = randn(1024).requiresGrad_()
    let gradient = randn(4096, 1024)
    return { F.layerNorm(x, normalizedShape: [1024], weight: weight, bias: bias).backward(gradient: gradient) }
}

private let smallAdd = Workload(id: "ovh.add.10") {
    let a = randn(10)
    let b = randn(10)
    return { _ = a + b }
}

private let autogradChain = Workload(id: "ovh.autograd_chain_1000ops") {
    let x = randn(10).requiresGrad_()
    return {
        var y = x
        for _ in 0..<500 { y = (y * 1.0001) + 0.0001 }
        y.sum().backward()
    }
}

/// The same operations without a backward pass, with and without recording: the difference is what recording costs.
private func forwardChain(_ id: String, requiresGrad: Bool) -> Workload {
    Workload(id: id) {
        let x = randn(10).requiresGrad_(requiresGrad)
        return {
            var y = x
            for _ in 0..<500 { y = (y * 1.0001) + 0.0001 }
        }
    }
}

/// A chain of 20,000 operations, whose graph is far larger than the caches.
private let deepGraph = Workload(id: "autograd.deep.20000") {
    let x = randn(10).requiresGrad_()
    return {
        var y = x
        for _ in 0..<20_000 { y = y.tanh() }
        y.sum().backward()
    }
}

/// 1,000 branches from one tensor that meet again.
private let wideGraph = Workload(id: "autograd.wide.1000") {
    let x = randn(10).requiresGrad_()
    return { Tensor.stack((0..<1000).map { (x * Double($0)).sum() }).sum().backward() }
}

/// 1,000 parameters of 10 elements.
private let manyParameters = Workload(id: "autograd.parameters.1000") {
    let parameters = (0..<1000).map { _ in randn(10).requiresGrad_() }
    return {
        for parameter in parameters { parameter.grad = nil }
        Tensor.stack(parameters.map { $0.square().sum() }).sum().backward()
    }
}

/// Along the last dim.
private func order(_ id: String, _ shape: [Int], _ function: @escaping @Sendable (Tensor) -> (Tensor, Tensor))
    -> Workload
{
    Workload(id: id) {
        let x = randn(shape)
        return { _ = function(x) }
    }
}

/// Rows of a table, and sums into one, by random indices.
private let gatherRows = Workload(id: "index.rows.65536x64") {
    let table = randn(50_000, 64)
    let index = Tensor.randint(50_000, shape: [65_536], device: device)
    return { _ = table.indexSelect(dim: 0, index: index) }
}

private let indexAdd = Workload(id: "index.add.1M") {
    let (sums, source) = (Tensor.zeros([50_000], device: device), randn(1_000_000))
    let index = Tensor.randint(50_000, shape: [1_000_000], device: device)
    return { _ = sums.indexAdd(dim: 0, index: index, source: source) }
}

private let maskedSelect = Workload(id: "index.masked_select.10M") {
    let x = randn(10_000_000)
    let mask = x .> 0
    return { _ = x.maskedSelect(mask) }
}

private let cumsum = Workload(id: "scan.cumsum.1M") {
    let x = randn(1_000_000)
    return { _ = x.cumsum(dim: 0) }
}

private let uniform = Workload(id: "random.uniform.16M", gigabytes: 0.064) {
    { _ = Tensor.rand([16_000_000], device: device) }
}

/// One Adam step on a fixed batch.
private func train(_ id: String, input: [Int], _ makeModel: @escaping @Sendable () -> Sequential) -> Workload {
    Workload(id: id) {
        let model = makeModel().to(device)
        let optimizer = Adam(model.parameters(), lr: 1e-3)
        let x = randn(input)
        let target = Tensor.randint(0, 10, shape: [input[0]]).to(device)
        return {
            optimizer.zeroGrad()
            F.crossEntropy(model(x), target).backward()
            optimizer.step()
        }
    }
}

private func mlp() -> Sequential {
    Sequential(Linear(784, 512), ReLU(), Linear(512, 512), ReLU(), Linear(512, 10))
}

private func cnn() -> Sequential {
    Sequential(
        Conv2d(1, 16, kernelSize: 3, padding: 1), BatchNorm2d(16), ReLU(), MaxPool2d(2),
        Conv2d(16, 32, kernelSize: 3, padding: 1), BatchNorm2d(32), ReLU(), MaxPool2d(2),
        Flatten(), Linear(32 * 7 * 7, 10))
}

/// The ids are those of Benchmarks/peers.
let workloads: [Workload] =
    [32, 64, 128, 256, 512, 1024, 2048].map(gemm) + [
        elementwise("ew.add.10M", reads: 2) { a, b in a + b },
        addOut,
        elementwise("ew.exp.10M", reads: 1) { a, _ in a.exp() },
        elementwise("ew.tanh.10M", reads: 1) { a, _ in a.tanh() },
        elementwise("ew.gelu.10M", reads: 1) { a, _ in a.gelu() },
        matrix("ew.add_row.4096", gigabytes: 0.134) { m, row in m + row },
        matrix("ew.add_transposed.4096", gigabytes: 0.201) { m, _ in m + m.t() },
        matrix("reduce.sum_all.4096") { m, _ in m.sum() },
        matrix("reduce.sum_rows.4096") { m, _ in m.sum(1) },
        matrix("reduce.sum_columns.4096") { m, _ in m.sum(0) },
        rows("softmax.4096x1024") { x, _, _ in x.softmax(dim: 1) },
        rows("layer_norm.4096x1024") { x, w, b in F.layerNorm(x, normalizedShape: [1024], weight: w, bias: b) },
        layerNormTrain, attention,
        matrix("move.transpose.4096", gigabytes: 0.134) { m, _ in m.t().contiguous() },
        gatherRows, indexAdd, maskedSelect, cumsum, uniform,
        order("sort.f32.1M", [1 << 20]) { $0.sort() },
        order("sort.f32.4096x1024", [4096, 1024]) { $0.sort() },
        order("topk.f32.4096x1024.k16", [4096, 1024]) { $0.topk(16) },
        conv(64, kernel: 3),
        conv(256, kernel: 1),
        smallAdd,
        autogradChain, forwardChain("ovh.forward_chain_1000ops", requiresGrad: true),
        forwardChain("ovh.forward_chain_1000ops_nograd", requiresGrad: false), deepGraph, wideGraph, manyParameters,
        train("train.mlp.128", input: [128, 784], mlp),
        train("train.cnn.128", input: [128, 1, 28, 28], cnn),
    ]
