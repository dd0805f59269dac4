/// Runs `body` on `inputs` without keeping what its operations save for backward: when backward needs that, `body` is
/// run once more. Memory for the inside of `body` is so traded for a second forward pass.
///
///     let y = checkpoint(x) { block($0) }
///
/// `body` must do the same both times; random numbers from the default generator repeat by themselves, unless
/// `preservesRandomState` is false. Parameters used inside get their gradients as ever, and checkpoints may be nested.
/// Side effects happen twice: the running statistics of a batch normalisation, say, move twice.
///
/// Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016.
public func checkpoint(
    _ inputs: [Tensor], preservesRandomState: Bool = true, _ body: @escaping ([Tensor]) -> [Tensor]
) -> [Tensor] {
    guard isGradEnabled else { return body(inputs) }
    let frame = CheckpointFrame(inputs, preservesRandomState: preservesRandomState, body)
    return SavedTensorHooks(pack: { _ in frame.nextPlace() }, unpack: { frame.saved($0 as! Int) })
        .apply { body(inputs) }
}

/// As above, for one tensor.
public func checkpoint(
    _ input: Tensor, preservesRandomState: Bool = true, _ body: @escaping (Tensor) -> Tensor
) -> Tensor {
    checkpoint([input], preservesRandomState: preservesRandomState) { [body($0[0])] }[0]
}

/// Runs functions one after the other, in `segments` checkpoints of about equal length; the last segment is run as ever,
/// since backward comes to it at once.
public func checkpointSequential(
    _ functions: [(Tensor) -> Tensor], segments: Int, _ input: Tensor, preservesRandomState: Bool = true
) -> Tensor {
    guard
        require(
            segments > 0 && segments <= max(functions.count, 1),
            "checkpointSequential: \(segments) segments of \(functions.count) functions")
    else { return .invalid() }
    let length = functions.count / segments
    var x = input
    for segment in 0..<segments {
        let isLast = segment + 1 == segments
        let part = functions[segment * length..<(isLast ? functions.count : (segment + 1) * length)]
        let run = { (x: Tensor) in part.reduce(x) { $1($0) } }
        x = isLast ? run(x) : checkpoint(x, preservesRandomState: preservesRandomState, run)
    }
    return x
}

/// What is left of a checkpointed region: its inputs, and how to run it again.
private final class CheckpointFrame: Node, @unchecked Sendable {
    private let inputs: SavedTensors
    private let requiresGrad: [Bool]
    private let body: ([Tensor]) -> [Tensor]
    private let randomState: Generator.State?
    private let autocast: DType?
    /// How many tensors the region saved.
    private var count = 0
    private var recomputed: [Int: Tensor] = [:]

    init(_ inputs: [Tensor], preservesRandomState: Bool, _ body: @escaping ([Tensor]) -> [Tensor]) {
        // Hooks around the checkpoint see its inputs, so that nested checkpoints keep only the outermost.
        self.inputs = SavedTensors(inputs, sources: inputs.map { _ in .other })
        requiresGrad = inputs.map(\.requiresGrad)
        self.body = body
        randomState = preservesRandomState ? Generator.default.state : nil
        autocast = Autocast.dtype
        super.init(inputs: 0)
    }

    override var name: String { "Checkpoint" }

    func nextPlace() -> Int {
        count += 1
        return count - 1
    }

    /// The saved tensor number `place`; runs the region again where it is not at hand.
    func saved(_ place: Int) -> Tensor {
        if recomputed[place] == nil { recompute() }
        guard let tensor = recomputed.removeValue(forKey: place) else {
            return .failed(
                .invalid_argument,
                "checkpoint: the second run saved other tensors than the first; what it runs must do the same each time"
            )
        }
        return tensor
    }

    private func recompute() {
        let leaves = zip(inputs.unpack(for: self, createGraph: false), requiresGrad).map { tensor, requiresGrad in
            requiresGrad ? tensor.detach().requiresGrad_() : tensor
        }
        let before = Generator.default.state
        defer { Generator.default.state = before }
        if let randomState { Generator.default.state = randomState }
        var place = 0
        let keep = SavedTensorHooks(
            pack: { tensor in
                self.recomputed[place] = tensor
                place += 1
                return ()
            }, unpack: { _ in .invalid() })
        keep.apply { Autocast.with(autocast) { enableGrad { _ = body(leaves) } } }
        _ = require(
            place == count,
            "checkpoint: the second run saved \(place) tensors and the first \(count); what it runs must do the same "
                + "each time")
    }
}
