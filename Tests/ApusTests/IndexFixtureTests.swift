import Apus
import TestSupport
import Testing

// Views, picking, placing and joining, and creation, against PyTorch's values and gradients.

/// Operators of the fixtures that Apus does not have yet.
private let missing: Set<String> = ["one_hot"]

func pick(_ fixture: Fixture, _ inputs: [Tensor?]) throws -> [Tensor] {
    let args = fixture.args
    let x = inputs[0]!
    func dim() throws -> Int { try args.int("dim") }
    switch fixture.op {
    case "index_select": return [x.indexSelect(dim: try dim(), index: inputs[1]!)]
    case "gather": return [x.gather(dim: try dim(), index: inputs[1]!)]
    case "scatter":
        if let source = inputs[2] { return [x.scatter(dim: try dim(), index: inputs[1]!, source: source)] }
        return [x.scatter(dim: try dim(), index: inputs[1]!, value: try args.double("value"))]
    case "scatter_add": return [x.scatterAdd(dim: try dim(), index: inputs[1]!, source: inputs[2]!)]
    case "index_add":
        let alpha = try args.optionalDouble("alpha") ?? 1
        return [x.indexAdd(dim: try dim(), index: inputs[1]!, source: inputs[2]!, alpha: alpha)]
    case "masked_select": return [x.maskedSelect(inputs[1]!)]
    case "masked_fill":
        if let value = inputs[2] { return [x.maskedFill(inputs[1]!, value)] }
        return [x.maskedFill(inputs[1]!, try args.scalar("value").tensor)]
    case "take": return [x.take(inputs[1]!)]
    case "nonzero": return [x.nonzero()]
    case "cat": return [Tensor.cat(inputs.map { $0! }, dim: try dim())]
    case "stack": return [Tensor.stack(inputs.map { $0! }, dim: try dim())]
    case "index": return [x.index(Array(inputs.dropFirst()))]
    case "index_put":
        let accumulate = args.has("accumulate") ? try args.bool("accumulate") : false
        return [x.indexPut(Array(inputs.dropFirst(2)), inputs[1]!, accumulate: accumulate)]
    default: return try order(fixture, x) ?? view(fixture, x)
    }
}

/// Nil for an operator of another kind.
private func order(_ fixture: Fixture, _ x: Tensor) throws -> [Tensor]? {
    let args = fixture.args
    switch fixture.op {
    case "sort":
        let (values, indices) = x.sort(
            dim: try args.int("dim"), descending: try args.bool("descending"), stable: try args.bool("stable"))
        return [values, indices]
    case "argsort":
        return [
            x.argsort(
                dim: try args.int("dim"), descending: try args.bool("descending"), stable: try args.bool("stable"))
        ]
    case "topk":
        let (values, indices) = x.topk(
            try args.int("k"), dim: try args.int("dim"), largest: try args.bool("largest"),
            sorted: try args.bool("sorted"))
        return [values, indices]
    case "kthvalue":
        let (values, indices) = x.kthvalue(
            try args.int("k"), dim: try args.int("dim"), keepDim: try args.bool("keepdim"))
        return [values, indices]
    case "median":
        guard let dim = try args.optionalInt("dim") else { return [x.median()] }
        let (values, indices) = x.median(dim: dim, keepDim: try args.bool("keepdim"))
        return [values, indices]
    default: return nil
    }
}

private func view(_ fixture: Fixture, _ x: Tensor) throws -> [Tensor] {
    let args = fixture.args
    switch fixture.op {
    case "split":
        let sizes = try args.ints("split_size")
        let dim = try args.int("dim")
        // A list of one part and a size are written alike; they differ where the size is not the whole dim.
        return sizes.count == 1 ? x.split(sizes[0], dim: dim) : x.split(sizes, dim: dim)
    case "chunk": return x.chunk(try args.int("chunks"), dim: try args.int("dim"))
    case "unfold":
        return [x.unfold(dim: try args.int("dimension"), size: try args.int("size"), step: try args.int("step"))]
    case "diagonal":
        return [x.diagonal(offset: try args.int("offset"), dim1: try args.int("dim1"), dim2: try args.int("dim2"))]
    case "as_strided":
        return [
            x.asStrided(try args.ints("size"), strides: try args.ints("stride"), offset: try args.int("storage_offset"))
        ]
    case "tril": return [x.tril(diagonal: try args.int("diagonal"))]
    case "triu": return [x.triu(diagonal: try args.int("diagonal"))]
    case "flip": return [x.flip(try args.ints("dims"))]
    case "roll": return [x.roll(try args.ints("shifts"), dims: try args.ints("dims"))]
    case "repeat": return [x.repeat(try args.ints("repeats"))]
    case "slice":
        return [
            x.slice(
                dim: try args.int("dim"), start: try args.optionalInt("start"), end: try args.optionalInt("end"),
                step: try args.int("step"))
        ]
    case "expand": return [x.expand(try args.ints("size"))]
    case "permute": return [x.permute(try args.ints("dims"))]
    case "transpose": return [x.transpose(try args.int("dim0"), try args.int("dim1"))]
    case "reshape": return [x.reshape(try args.ints("shape"))]
    case "squeeze": return [x.squeeze(try args.optionalInts("dim") ?? [])]
    case "unsqueeze": return [x.unsqueeze(try args.int("dim"))]
    case "select": return [x.select(dim: try args.int("dim"), index: try args.int("index"))]
    case "narrow":
        return [x.narrow(dim: try args.int("dim"), start: try args.int("start"), length: try args.int("length"))]
    default: throw FixtureError("no method for \(fixture.op)")
    }
}

@Test(arguments: Fixture.load("index") { !missing.contains($0.op) })
func indexing(_ fixture: Fixture) throws {
    try fixture.check { inputs in try pick(fixture, inputs) }
}

@Test(arguments: Fixture.load("creation") { $0.name != "full (1+2j)" })
func creation(_ fixture: Fixture) throws {
    let args = fixture.args
    let dtype = try args.optionalDType("dtype")
    try fixture.check { inputs in
        switch fixture.op {
        case "to": return [inputs[0]!.to(dtype!)]
        case "zeros": return [Tensor.zeros(try args.ints("size"), dtype: dtype ?? .float32)]
        case "ones": return [Tensor.ones(try args.ints("size"), dtype: dtype ?? .float32)]
        case "eye": return [Tensor.eye(try args.int("n"), try args.optionalInt("m"), dtype: dtype ?? .float32)]
        case "full":
            let shape = try args.ints("size")
            switch try args.scalar("fill_value") {
            case .bool(let value): return [Tensor.full(shape, value, dtype: dtype)]
            case .int(let value): return [Tensor.full(shape, value, dtype: dtype)]
            case .unsigned(let value): return [Tensor.full(shape, value, dtype: dtype)]
            case .float(let value): return [Tensor.full(shape, value, dtype: dtype)]
            case .complex: throw FixtureError("full with a complex value")
            }
        case "linspace", "logspace":
            let (start, end) = (try args.double("start"), try args.double("end"))
            let steps = try args.int("steps")
            if fixture.op == "linspace" { return [Tensor.linspace(start, end, steps: steps, dtype: dtype ?? .float32)] }
            let base = try args.optionalDouble("base") ?? 10
            return [Tensor.logspace(start, end, steps: steps, base: base, dtype: dtype ?? .float32)]
        case "arange":
            let bounds = (try args.scalar("start"), try args.scalar("end"), try args.scalar("step"))
            if case (.int(let start), .int(let end), .int(let step)) = bounds {
                return [Tensor.arange(start, end, step: step, dtype: dtype)]
            }
            return [Tensor.arange(bounds.0.double, bounds.1.double, step: bounds.2.double, dtype: dtype)]
        default: throw FixtureError("no method for \(fixture.op)")
        }
    }
}

@Test(arguments: Fixture.load("format"))
func printing(_ fixture: Fixture) throws {
    let tensor = try fixture.inputs[0]!.tensor().cpu()  // the text names any other device
    var expected = try fixture.args.string("repr")
    if fixture.args.has("requires_grad") {
        tensor.requiresGrad_()
        expected = expected.replacing("requires_grad=True", with: "requiresGrad=true")
    }
    // Without "torch." before a dtype a line may break elsewhere.
    if expected.contains("torch.") {
        #expect(words(tensor.description) == words(expected.replacing("torch.", with: "")))
    } else {
        #expect(tensor.description == expected)
    }
}

private func words(_ text: String) -> [Substring] { text.split { $0 == " " || $0 == "\n" } }
