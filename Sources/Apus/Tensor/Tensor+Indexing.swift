// Subscripts. Numbers, slices, new axes and ellipses give views; index tensors and masks give copies. Setting writes in
// place, broadcasts and converts, and is part of the history: after `y[0] = a`, the gradient of that part of y is a's.

extension Tensor {
    /// The sub-tensor at a place of dim 0; negative from the end. A view.
    public subscript(place: Int) -> Tensor {
        get { select(dim: 0, index: place) }
        set { select(dim: 0, index: place).write(newValue) }
    }

    /// The part of the tensor that the indices name, one a dim: `x[1, 2...]`, `x[.ellipsis, 0]`, `x[mask]`.
    public subscript(indices: any TensorIndex...) -> Tensor {
        get { part(indices) }
        set { setPart(indices, newValue) }
    }

    /// The whole tensor, as a view: `x[...]`.
    public subscript(whole: UnboundedRange) -> Tensor {
        get { alias() }
        set { write(newValue) }
    }

    /// As `x[.ellipsis, …]`.
    public subscript(ellipsis: UnboundedRange, indices: any TensorIndex...) -> Tensor {
        get { part([TensorIndexItem.dots] + indices) }
        set { setPart([TensorIndexItem.dots] + indices, newValue) }
    }

    /// As `x[first, .ellipsis, …]`.
    public subscript(first: any TensorIndex, ellipsis: UnboundedRange, indices: any TensorIndex...) -> Tensor {
        get { part([first, TensorIndexItem.dots] + indices) }
        set { setPart([first, TensorIndexItem.dots] + indices, newValue) }
    }

    // MARK: - Numbers in place of tensors: `x[0, 1] = 5`, `x[mask] = 0`
    //
    // These are of type S? and not S, so that the compiler never takes `x[0] + 1` for a sum of two numbers.

    /// The element at a place of a vector as a number, nil if it is not one; setting fills the place, whatever its shape.
    @_disfavoredOverload
    public subscript<S: TensorScalar>(place: Int) -> S? {
        get { select(dim: 0, index: place).number() }
        set { fill([place], newValue) }
    }

    /// The element that the indices name as a number, nil if it is not one; setting fills all that they name.
    @_disfavoredOverload
    public subscript<S: TensorScalar>(indices: any TensorIndex...) -> S? {
        get { part(indices).number() }
        set { fill(indices, newValue) }
    }

    /// The only element as a number, nil if it is not one; setting fills the tensor.
    @_disfavoredOverload
    public subscript<S: TensorScalar>(whole: UnboundedRange) -> S? {
        get { number() }
        set { fill([TensorIndexItem.dots], newValue) }
    }

    /// As `x[.ellipsis, …]`, with a number.
    @_disfavoredOverload
    public subscript<S: TensorScalar>(ellipsis: UnboundedRange, indices: any TensorIndex...) -> S? {
        get { part([TensorIndexItem.dots] + indices).number() }
        set { fill([TensorIndexItem.dots] + indices, newValue) }
    }

    /// As `x[first, .ellipsis, …]`, with a number.
    @_disfavoredOverload
    public subscript<S: TensorScalar>(
        first: any TensorIndex, ellipsis: UnboundedRange, indices: any TensorIndex...
    ) -> S? {
        get { part([first, TensorIndexItem.dots] + indices).number() }
        set { fill([first, TensorIndexItem.dots] + indices, newValue) }
    }

    private func number<S: TensorScalar>() -> S? { count == 1 && !isInvalid ? item(S.self) : nil }

    private func fill<S: TensorScalar>(_ indices: [any TensorIndex], _ value: S?) {
        guard let value else { return report(.invalid_argument, "subscript: nil cannot be stored in a tensor") }
        let (view, picks) = viewed(indices)
        if picks.contains(where: { $0 != nil }) { return setPart(indices, Tensor(value, dtype: dtype, device: device)) }
        view.fill_(value)
    }

    private func part(_ indices: [any TensorIndex]) -> Tensor {
        let (view, picks) = viewed(indices)
        return picks.contains { $0 != nil } ? view.index(picks) : view
    }

    private func setPart(_ indices: [any TensorIndex], _ value: Tensor) {
        let (view, picks) = viewed(indices)
        guard picks.contains(where: { $0 != nil }) else { return view.write(value) }
        // A view of the whole tensor would rebase it through CopySlices for nothing.
        let target = view.sharesStorage(with: self) && view.hasShape(of: self) ? self : view
        target.indexPut_(picks, value.to(dtype: target.dtype, device: target.device))
    }

    /// Writes a value into all of this view. A leading dim of size 1 more than the view has is allowed, as in NumPy.
    private func write(_ value: Tensor) {
        guard sharesPlace(with: value) else { return _ = copy_(value) }
    }

    /// Whether both are the same elements: `y[0] += 1` gets a view, changes it, and sets it again.
    private func sharesPlace(with other: Tensor) -> Bool {
        sharesStorage(with: other) && offset == other.offset && hasShape(of: other) && strides == other.strides
            && dtype == other.dtype
    }

    /// Applies the indices that make views; returns with that view the tensors that pick from its dims.
    private func viewed(_ indices: [any TensorIndex]) -> (view: Tensor, picks: [Tensor?]) {
        let items = indices.map(\.tensorIndex)
        let used = items.reduce(0) { $0 + $1.dimCount }
        guard
            require(
                used <= rank || isInvalid, .index, "subscript: \(used) dims are indexed in a tensor of rank \(rank)"),
            require(
                items.count(where: \.isEllipsis) <= 1, .index, "subscript: more than one ellipsis")
        else { return (.invalid(), []) }
        var view = self
        var dim = 0
        var picks: [Tensor?] = []
        for item in items {
            switch item {
            case .place(let index):
                view = view.select(dim: dim, index: index)
            case .slice(let start, let end, let step):
                if start != nil || end != nil || step != 1 {
                    view = view.slice(dim: dim, start: start, end: end, step: step)
                }
                dim += 1
            case .dots:
                dim += rank - used
            case .newDim:
                view = view.unsqueeze(dim)
                dim += 1
            case .tensor(let given):
                let index = given.device == .cpu ? given.to(device) : given
                while picks.count < dim { picks.append(nil) }
                guard index.fits(view, at: dim) else { return (.invalid(), []) }
                if index.dtype == .bool {
                    // As the tensors of coordinates it stands for; a 0-d mask needs a dim to stand on.
                    if index.rank == 0 { view = view.unsqueeze(dim) }
                    let mask = index.rank == 0 ? index.reshape([1]) : index
                    picks += mask.nonzero().unbind(dim: 1) as [Tensor?]
                    dim += mask.rank
                } else {
                    picks.append(index)
                    dim += 1
                }
            }
        }
        // The whole tensor, as a handle of its own: setting through it must not be taken for the tensor itself.
        return (view === self && picks.isEmpty ? alias() : view, picks)
    }

    /// Whether this may index `x` from a dim on: a mask must have the shape of the dims it covers.
    private func fits(_ x: Tensor, at dim: Int) -> Bool {
        guard dtype == .bool, rank > 0, !x.isInvalid else { return true }
        let covered = Array(x.shape.dropFirst(dim).prefix(rank))
        return require(
            covered == shape, .index, "subscript: a mask of shape \(shape) does not fit dims of shape \(covered)")
    }
}

extension TensorIndexItem {
    /// How many dims of the tensor the index takes up.
    fileprivate var dimCount: Int {
        switch self {
        case .place, .slice: 1
        case .dots, .newDim: 0
        case .tensor(let index): index.dtype == .bool ? index.rank : 1
        }
    }

    fileprivate var isEllipsis: Bool {
        if case .dots = self { return true }
        return false
    }
}
