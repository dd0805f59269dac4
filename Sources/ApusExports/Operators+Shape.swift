import Apus

extension Operators {
    /// Views, and other shapes of the same elements.
    static var shapes: [Operator] {
        [
            Operator("view(input: tensor, size: ints)") { $0.tensor(0).view($0.ints(1)) },
            Operator("reshape(input: tensor, shape: ints)") { $0.tensor(0).reshape($0.ints(1)) },
            Operator("flatten(input: tensor, start_dim: int = 0, end_dim: int = -1)") {
                $0.tensor(0).flatten(startDim: $0.int(1), endDim: $0.int(2))
            },
            Operator("unflatten(input: tensor, dim: int, sizes: ints)") {
                $0.tensor(0).unflatten(dim: $0.int(1), sizes: $0.ints(2))
            },
            Operator("permute(input: tensor, dims: ints)") { $0.tensor(0).permute($0.ints(1)) },
            Operator("transpose(input: tensor, dim0: int, dim1: int)") {
                $0.tensor(0).transpose($0.int(1), $0.int(2))
            },
            Operator("t(input: tensor)") { $0.tensor(0).t() },
            Operator("movedim(input: tensor, source: int, destination: int)") {
                $0.tensor(0).movedim($0.int(1), $0.int(2))
            },
            Operator("expand(input: tensor, size: ints)") { $0.tensor(0).expand($0.ints(1)) },
            Operator("squeeze(input: tensor, dim: ints? = None)") { $0.tensor(0).squeeze($0.ints(1)) },
            Operator("unsqueeze(input: tensor, dim: int)") { $0.tensor(0).unsqueeze($0.int(1)) },
            Operator("select(input: tensor, dim: int, index: int)") {
                $0.tensor(0).select(dim: $0.int(1), index: $0.int(2))
            },
            Operator("slice(input: tensor, dim: int = 0, start: int? = None, end: int? = None, step: int = 1)") {
                $0.tensor(0).slice(dim: $0.int(1), start: $0.optionalInt(2), end: $0.optionalInt(3), step: $0.int(4))
            },
            Operator("narrow(input: tensor, dim: int, start: int, length: int)") {
                $0.tensor(0).narrow(dim: $0.int(1), start: $0.int(2), length: $0.int(3))
            },
            Operator("diagonal(input: tensor, offset: int = 0, dim1: int = 0, dim2: int = 1)") {
                $0.tensor(0).diagonal(offset: $0.int(1), dim1: $0.int(2), dim2: $0.int(3))
            },
            Operator("unfold(input: tensor, dimension: int, size: int, step: int)") {
                $0.tensor(0).unfold(dim: $0.int(1), size: $0.int(2), step: $0.int(3))
            },
            Operator("as_strided(input: tensor, size: ints, stride: ints, storage_offset: int? = None)") {
                $0.tensor(0).asStrided($0.ints(1), strides: $0.ints(2), offset: $0.optionalInt(3))
            },
            Operator("alias(input: tensor)") { $0.tensor(0).alias() },
        ]
    }

    /// Taking tensors apart and putting them together.
    static var pieces: [Operator] {
        [
            Operator("cat(tensors: tensors, dim: int = 0)") { Tensor.cat($0.tensors(0), dim: $0.int(1)) },
            Operator("stack(tensors: tensors, dim: int = 0)") { Tensor.stack($0.tensors(0), dim: $0.int(1)) },
            Operator(many: "split(input: tensor, split_size: ints, dim: int = 0)") {
                let sizes = $0.ints(1)
                guard $0.isList(1) || sizes.count != 1 else { return $0.tensor(0).split(sizes[0], dim: $0.int(2)) }
                return $0.tensor(0).split(sizes, dim: $0.int(2))
            },
            Operator(many: "chunk(input: tensor, chunks: int, dim: int = 0)") {
                $0.tensor(0).chunk($0.int(1), dim: $0.int(2))
            },
            Operator(many: "unbind(input: tensor, dim: int = 0)") { $0.tensor(0).unbind(dim: $0.int(1)) },
            Operator(many: "meshgrid(tensors: tensors)") { Tensor.meshgrid($0.tensors(0)) },
            Operator("repeat(input: tensor, repeats: ints)") { $0.tensor(0).repeat($0.ints(1)) },
            Operator("flip(input: tensor, dims: ints)") { $0.tensor(0).flip($0.ints(1)) },
            Operator("roll(input: tensor, shifts: ints, dims: ints? = None)") {
                $0.tensor(0).roll($0.ints(1), dims: $0.ints(2))
            },
            Operator("tril(input: tensor, diagonal: int = 0)") { $0.tensor(0).tril(diagonal: $0.int(1)) },
            Operator("triu(input: tensor, diagonal: int = 0)") { $0.tensor(0).triu(diagonal: $0.int(1)) },
        ]
    }

    /// Copies, and writes from other tensors.
    static var copies: [Operator] {
        [
            Operator("clone(input: tensor)") { $0.tensor(0).clone() },
            Operator("contiguous(input: tensor)") { $0.tensor(0).contiguous() },
            Operator("to(input: tensor, dtype: dtype)") {
                try $0.tensor(0).to(dtype: $0.optionalDType(1), device: nil)
            },
            Operator("copy_(input: tensor, source: tensor)") { $0.tensor(0).copy_($0.tensor(1)) },
            Operator("fill_(input: tensor, value: number)") { $0.tensor(0).copy_(Tensor(weak: $0.number(1))) },
            Operator("detach_(input: tensor)") { $0.tensor(0).detach_() },
        ]
    }

    /// Elements by their places.
    static var picking: [Operator] {
        [
            Operator("index_select(input: tensor, dim: int, index: tensor)") {
                $0.tensor(0).indexSelect(dim: $0.int(1), index: $0.tensor(2))
            },
            Operator("index_add(input: tensor, dim: int, index: tensor, source: tensor, alpha: float = 1.0)") {
                $0.tensor(0).indexAdd(dim: $0.int(1), index: $0.tensor(2), source: $0.tensor(3), alpha: $0.float(4))
            },
            Operator("index_add_(input: tensor, dim: int, index: tensor, source: tensor, alpha: float = 1.0)") {
                $0.tensor(0).indexAdd_(dim: $0.int(1), index: $0.tensor(2), source: $0.tensor(3), alpha: $0.float(4))
            },
            Operator("gather(input: tensor, dim: int, index: tensor)") {
                $0.tensor(0).gather(dim: $0.int(1), index: $0.tensor(2))
            },
            Operator("scatter(input: tensor, dim: int, index: tensor, src: tensor)") {
                $0.tensor(0).scatter(dim: $0.int(1), index: $0.tensor(2), source: $0.tensor(3))
            },
            Operator("scatter_(input: tensor, dim: int, index: tensor, src: tensor)") {
                $0.tensor(0).scatter_(dim: $0.int(1), index: $0.tensor(2), source: $0.tensor(3))
            },
            Operator("scatter_add(input: tensor, dim: int, index: tensor, src: tensor)") {
                $0.tensor(0).scatterAdd(dim: $0.int(1), index: $0.tensor(2), source: $0.tensor(3))
            },
            Operator("scatter_add_(input: tensor, dim: int, index: tensor, src: tensor)") {
                $0.tensor(0).scatterAdd_(dim: $0.int(1), index: $0.tensor(2), source: $0.tensor(3))
            },
            Operator("index(input: tensor, indices: tensor?s)") { $0.tensor(0).index($0.optionalTensors(1)) },
            Operator("index_put(input: tensor, indices: tensor?s, values: tensor, accumulate: bool = False)") {
                $0.tensor(0).indexPut($0.optionalTensors(1), $0.tensor(2), accumulate: $0.bool(3))
            },
            Operator("index_put_(input: tensor, indices: tensor?s, values: tensor, accumulate: bool = False)") {
                $0.tensor(0).indexPut_($0.optionalTensors(1), $0.tensor(2), accumulate: $0.bool(3))
            },
            Operator("take(input: tensor, index: tensor)") { $0.tensor(0).take($0.tensor(1)) },
            Operator("masked_select(input: tensor, mask: tensor)") { $0.tensor(0).maskedSelect($0.tensor(1)) },
            Operator("masked_fill(input: tensor, mask: tensor, value: operand)") {
                $0.tensor(0).maskedFill($0.tensor(1), $0.operand(2).tensor)
            },
            Operator("nonzero(input: tensor)") { $0.tensor(0).nonzero() },
        ]
    }
}
