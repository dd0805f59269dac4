/// A fixed number of places, the first three of which need no memory of their own: what operators of a few tensors
/// keep their edges and gradients in.
struct Slots<Element> {
    private var first: Element?
    private var second: Element?
    private var third: Element?
    private var rest: [Element?]
    let count: Int

    @inline(__always)
    init(count: Int) {
        self.count = count
        rest = count > 3 ? Array(repeating: nil, count: count - 3) : []
    }

    @inline(__always)
    init(_ element: Element?) {
        first = element
        count = 1
        rest = []
    }

    @inline(__always)
    init(_ a: Element?, _ b: Element?) {
        first = a
        second = b
        count = 2
        rest = []
    }

    subscript(index: Int) -> Element? {
        @inline(__always) get {
            switch index {
            case 0: first
            case 1: second
            case 2: third
            default: rest[index - 3]
            }
        }
        @inline(__always) set {
            switch index {
            case 0: first = newValue
            case 1: second = newValue
            case 2: third = newValue
            default: rest[index - 3] = newValue
            }
        }
    }

    /// All places in order.
    var array: [Element?] { (0..<count).map { self[$0] } }

    /// Empties a place and returns what it held.
    @inline(__always)
    mutating func take(_ index: Int) -> Element? {
        switch index {
        case 0: first.take()
        case 1: second.take()
        case 2: third.take()
        default: rest[index - 3].take()
        }
    }
}
