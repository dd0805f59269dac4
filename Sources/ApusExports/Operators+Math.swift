import Apus
import CApus
import CApusTrain

extension Operators {
    /// Matrix products.
    static var products: [Operator] {
        [
            Operator("matmul(input: tensor, other: tensor)") { $0.tensor(0).matmul($0.tensor(1)) },
            Operator("mm(input: tensor, mat2: tensor)") { $0.tensor(0).mm($0.tensor(1)) },
            Operator("bmm(input: tensor, mat2: tensor)") { $0.tensor(0).bmm($0.tensor(1)) },
            Operator("mv(input: tensor, vec: tensor)") { $0.tensor(0).mv($0.tensor(1)) },
            Operator("dot(input: tensor, other: tensor)") { $0.tensor(0).dot($0.tensor(1)) },
            Operator("outer(input: tensor, vec2: tensor)") { $0.tensor(0).outer($0.tensor(1)) },
            Operator("addmm(input: tensor, mat1: tensor, mat2: tensor, beta: float = 1.0, alpha: float = 1.0)") {
                $0.tensor(0).addmm($0.tensor(1), $0.tensor(2), beta: $0.float(3), alpha: $0.float(4))
            },
            Operator("linear(input: tensor, weight: tensor, bias: tensor? = None)") {
                $0.tensor(0).linear($0.tensor(1), bias: $0.optionalTensor(2))
            },
        ]
    }

    /// Reductions, scans and the softmax family.
    static var reductions: [Operator] { tableReductions + statistics + scans }

    /// The core's table. `dim` may be one, several, or none for all.
    private static var tableReductions: [Operator] {
        (0..<UInt32(APUS_REDUCE_COUNT)).compactMap(ReduceOp.init(rawValue:)).map { op in
            let name = String(cString: apus_reduce_name(op))
            return Operator("\(name)(input: tensor, dim: ints? = None, keepdim: bool = False)") {
                reduce(op, Autocast.wide($0.tensor(0)), $0.ints(1), $0.bool(2))
            }
        }
    }

    private static var statistics: [Operator] {
        [
            Operator("var(input: tensor, dim: ints? = None, correction: float = 1.0, keepdim: bool = False)") {
                $0.tensor(0).var($0.ints(1), correction: $0.float(2), keepDim: $0.bool(3))
            },
            Operator("std(input: tensor, dim: ints? = None, correction: float = 1.0, keepdim: bool = False)") {
                $0.tensor(0).std($0.ints(1), correction: $0.float(2), keepDim: $0.bool(3))
            },
            Operator(
                many: "var_mean(input: tensor, dim: ints? = None, correction: float = 1.0, keepdim: bool = False)"
            ) {
                let result = $0.tensor(0).varMean($0.ints(1), correction: $0.float(2), keepDim: $0.bool(3))
                return [result.0, result.1]
            },
            Operator("norm(input: tensor, p: float = 2.0, dim: ints? = None, keepdim: bool = False)") {
                $0.tensor(0).norm($0.float(1), dims: $0.ints(2), keepDim: $0.bool(3))
            },
            Operator("logsumexp(input: tensor, dim: ints? = None, keepdim: bool = False)") {
                $0.tensor(0).logSumExp($0.ints(1), keepDim: $0.bool(2))
            },
            Operator(many: "max_with_indices(input: tensor, dim: int, keepdim: bool = False)") {
                let (values, indices) = $0.tensor(0).max(dim: $0.int(1), keepDim: $0.bool(2))
                return [values, indices]
            },
            Operator(many: "min_with_indices(input: tensor, dim: int, keepdim: bool = False)") {
                let (values, indices) = $0.tensor(0).min(dim: $0.int(1), keepDim: $0.bool(2))
                return [values, indices]
            },
            Operator("argmax(input: tensor, dim: int? = None, keepdim: bool = False)") {
                $0.tensor(0).argmax(dim: $0.optionalInt(1), keepDim: $0.bool(2))
            },
            Operator("argmin(input: tensor, dim: int? = None, keepdim: bool = False)") {
                $0.tensor(0).argmin(dim: $0.optionalInt(1), keepDim: $0.bool(2))
            },
        ]
    }

    private static var scans: [Operator] {
        [
            Operator("cumsum(input: tensor, dim: int)") { $0.tensor(0).cumsum(dim: $0.int(1)) },
            Operator("cumprod(input: tensor, dim: int)") { $0.tensor(0).cumprod(dim: $0.int(1)) },
            Operator("softmax(input: tensor, dim: int)") { $0.tensor(0).softmax(dim: $0.int(1)) },
            Operator("log_softmax(input: tensor, dim: int)") { $0.tensor(0).logSoftmax(dim: $0.int(1)) },
        ]
    }
}
