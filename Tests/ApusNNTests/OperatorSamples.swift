import Apus
import ApusNN
import TestSupport

/// Where each differentiable operator is checked: shapes of the float64 inputs, and the operator. A test compares this
/// list with the operators that the sources record, so a new one must be added here.
let operatorSamples: [FunctionalGradientTests.Case] =
    [
        // Views
        .init("select", [[3, 4]], [[2, 3, 2]]) { $0[0].select(dim: 1, index: 2) },
        .init("slice", [[5, 4]], [[6]]) { $0[0].slice(dim: 0, start: 1, end: 5, step: 2) },
        .init("transpose", [[2, 3, 4]], [[3, 1, 2, 2]]) { $0[0].transpose(0, 2) },
        .init("permute", [[2, 3, 4]], [[1, 3, 2]]) { $0[0].permute(2, 0, 1) },
        .init("expand", [[3, 1]], [[4]]) { $0[0].expand(2, 3, 4) },
        .init("expand a number", [[]]) { $0[0].expand(3) },
        .init("view", [[2, 6]], [[3, 2, 2]]) { $0[0].view(3, 4) },
        .init("reshape of a transposed matrix", [[2, 6]], [[4, 3]]) { $0[0].t().reshape(3, 4) },
        .init("unsqueeze and squeeze", [[2, 1, 3]], [[1, 1, 2]]) { $0[0].unsqueeze(0).squeeze(2) },
        .init("asStrided, overlapping", [[6]], [[2, 4]]) { $0[0].asStrided([3, 3], strides: [1, 1], offset: 1) },
        .init("diagonal", [[3, 4]], [[3, 3, 2]]) { $0[0].diagonal(offset: 1) },
        .init("unfold", [[7]], [[6, 2]]) { $0[0].unfold(dim: 0, size: 3, step: 2) },
        .init("alias", [[3]], [[2, 2]]) { $0[0].alias() * $0[0] },
        // Copies
        .init("clone", [[3, 2]], [[]]) { $0[0].clone() },
        .init("to and back", [[2, 3]], [[]]) { $0[0].to(.complex128).to(.float64) },
        .init("copy_", [[2, 3], [3]], [[3, 2, 3], [2, 1]]) { inputs in
            let target = inputs[0] * 1
            target[0].copy_(inputs[1])
            return target * target
        },
        .init("fill_", [[2, 3]], [[2, 2, 2]]) { inputs in
            let target = inputs[0] * 2
            target[1].fill_(3)
            return target * target
        },
        .init("copy_ and fill_ of all", [[2, 3], [3]], [[4], []]) { inputs in
            let (copied, filled) = (inputs[0] * 1, inputs[0] * 1)
            copied.copy_(inputs[1])
            filled.fill_(2)
            return copied * filled
        },
        .init("writing into a view", [[3, 4], [4]], [[2, 3, 2], [3, 1]]) { inputs in
            let target = inputs[0] * 1
            target[1].mul_(inputs[1])
            return target.square()
        },
        .init("a view that follows its base", [[4]], [[4, 2]]) { inputs in
            let target = inputs[0] * 1
            let tail = target[2...]
            target.mul_(target)
            return tail * tail
        },
        // Joining, turning, choosing
        .init("cat", [[2, 3], [1, 3]], [[1, 2, 2], [3, 2, 2]]) { Tensor.cat([$0[0], $0[1]]) },
        .init("stack", [[2, 3], [2, 3]], [[3], [3]]) { Tensor.stack([$0[0], $0[1]], dim: 1) },
        .init("flip", [[2, 3]], [[2, 2, 2]]) { $0[0].flip(0, 1) },
        .init("roll", [[2, 3]], [[3, 2, 2]]) { $0[0].roll(1, dim: 1) },
        .init("triu", [[3, 3]], [[2, 2, 3]]) { $0[0].triu(diagonal: 1) },
        .init("tril", [[2, 3, 3]], [[4, 2]]) { $0[0].tril() },
        .init("indexSelect", [[3, 4]], [[2, 4, 2]]) {
            $0[0].indexSelect(dim: 1, index: Tensor([3, 0, 3]))
        },
        .init("indexAdd", [[3, 4], [2, 4]], [[3], [2]]) {
            $0[0].indexAdd(dim: 0, index: Tensor([2, 2]), source: $0[1], alpha: 1.5)
        },
        .init("gather", [[3, 4]], [[3, 5]]) {
            $0[0].gather(dim: 1, index: Tensor([[0, 0], [3, 1], [2, 2]]))
        },
        .init("scatter", [[3, 4], [3, 2]], [[3, 5], [3, 2]]) {
            $0[0].scatter(dim: 1, index: Tensor([[0, 1], [3, 1], [2, 0]]), source: $0[1])
        },
        .init("scatterAdd", [[3, 4], [3, 2]], [[4, 4], [3, 2]]) {
            $0[0].scatterAdd(dim: 1, index: Tensor([[0, 0], [3, 1], [2, 2]]), source: $0[1])
        },
        .init("index", [[3, 4]], [[3, 4, 2]]) {
            $0[0].index([Tensor([0, 2, 2]), Tensor([1, 3, 3])])
        },
        .init("indexPut", [[3, 4], [2]], [[3, 4, 2], [2, 2]]) {
            $0[0].indexPut([Tensor([0, 2]), Tensor([1, 3])], $0[1])
        },
        .init("indexPut, adding", [[3, 4], [2]], [[3, 4], []]) {
            $0[0].indexPut([Tensor([1, 1]), Tensor([1, 1])], $0[1], accumulate: true)
        },
        .init("maskedSelect", [[2, 3]], [[2, 2, 3]]) {
            $0[0].maskedSelect(Tensor([[true, false, true], [false, true, true]]))
        },
        // Products
        .init("matmul", [[2, 3], [3, 4]], [[1, 2], [2, 1]]) { $0[0].matmul($0[1]) },
        .init("matmul of batches", [[2, 1, 2, 3], [3, 3, 2]], [[2, 2, 3], [2, 3, 2]]) { $0[0].matmul($0[1]) },
        .init("matmul of vectors", [[3], [3]], [[1], [1]]) { $0[0].matmul($0[1]) },
        .init("matmul of a batch and a vector", [[2, 2, 3], [3]], [[3, 2], [2]]) { $0[0].matmul($0[1]) },
        .init("matmul of a vector and a batch", [[3], [2, 3, 2]], [[3], [3, 2]]) { $0[0].matmul($0[1]) },
        .init("addmm", [[4], [2, 3], [3, 4]], [[2, 1], [2, 3], [3, 2]]) {
            $0[0].addmm($0[1], $0[2], beta: 0.5, alpha: 2)
        },
        // Reductions and scans
        .init("sum", [[2, 3, 2]], [[1, 2, 3]]) { $0[0].sum(0, 2) },
        .init("mean", [[2, 3]], [[2, 3, 2]]) { $0[0].mean(dim: 1, keepDim: true) },
        .init("prod", [[2, 3]], [[3, 2, 2]]) { $0[0].prod(dim: 0) },
        .init("prod of all", [[2, 2]], [[3]]) { $0[0].prod() },
        .init("amax", [[2, 4]], [[2, 3, 2]]) { $0[0].amax(1) },
        .init("amin", [[2, 4]], [[4]]) { $0[0].amin(0) },
        .init("nanSum", [[2, 3]], [[]]) { $0[0].nanSum() },
        .init("norm 1", [[2, 3]], [[2, 3, 2]]) { $0[0].norm(1, dim: 1) },
        .init("norm 2", [[2, 3]], [[4]]) { $0[0].norm() },
        .init("norm 3", [[2, 3]], [[4]]) { $0[0].norm(3, dim: 0) },
        .init("norm infinity", [[2, 3]], [[2, 2, 2]]) { $0[0].norm(.infinity, dim: 1) },
        .init("var", [[3, 4]], [[2, 3, 2]]) { $0[0].var(dim: 1) },
        .init("std", [[3, 4]], [[4]]) { $0[0].std(dim: 0, correction: 0) },
        .init("varMean", [[3, 4]], [[3]]) { inputs in
            let (variance, mean) = inputs[0].varMean(0)
            return variance * mean
        },
        .init("logSumExp", [[3, 4]], [[2, 3, 2]]) { $0[0].logSumExp(dim: 1) },
        .init("max along a dim", [[3, 4]], [[2, 3, 2]]) { $0[0].max(dim: 1).values },
        .init("min along a dim", [[3, 4]], [[4]]) { $0[0].min(dim: 0).values },
        .init("sort", [[3, 4]], [[5]]) { $0[0].sort(dim: 0, descending: true).values },
        .init("topk", [[3, 4]], [[2, 2, 3]]) { $0[0].topk(2).values },
        .init("kthvalue", [[3, 4]], [[4]]) { $0[0].kthvalue(2, dim: 0).values },
        .init("median", [[3, 4]], [[2, 3, 2]]) { $0[0].median(dim: 1, keepDim: true).values },
        .init("median of all", [[3, 4]], [[5]]) { $0[0].median() },
        .init("cumsum", [[3, 4]], [[2, 3, 2]]) { $0[0].cumsum(dim: 1) },
        .init("cumprod", [[3, 4]], [[4]]) { $0[0].cumprod(dim: 0) },
        .init("softmax", [[3, 4]], [[2, 3, 2]]) { $0[0].softmax(dim: 1) },
        .init("logSoftmax", [[3, 4]], [[4, 2, 2]]) { $0[0].logSoftmax(dim: 0) },
        // Three operands
        .init("where", [[2, 3], [3]], [[2, 2, 3], [1, 3]]) { Tensor.where($0[0] .> 0, $0[0] * 2, $0[1]) },
        .init("clamp by tensors", [[2, 3], [3], [3]], [[4], [], [1]]) {
            $0[0].clamp(min: -$0[1].abs() - 0.3, max: $0[2].abs() + 0.3)
        },
        .init("clamp by numbers", [[2, 3]], [[2, 2, 2]]) { $0[0].clamp(min: -0.5, max: 0.7) },
        .init("lerp", [[2, 3], [3], [2, 1]], [[4], [], [1]]) { $0[0].lerp($0[1], weight: $0[2]) },
        .init("addcmul", [[2, 3], [3], [2, 1]], [[4], [], [1]]) { $0[0].addcmul($0[1], $0[2], value: 0.5) },
        .init("add with a factor", [[2, 3], [3]], [[], [3]]) { $0[0].add($0[1], alpha: 2.5) },
        .init("addcdiv", [[2, 3], [3], [2, 1]], [[4], [], [1]]) { $0[0].addcdiv($0[1], $0[2].abs() + 0.5, value: 0.5) },
    ]
