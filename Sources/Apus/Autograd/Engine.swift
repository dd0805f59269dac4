/// Walks a graph from results to leaves, once.
///
/// First every node that can be reached is found, and for each how many nodes will send it gradients; then nodes run as
/// soon as they have all of theirs, those recorded last first. The order is thus fixed by the program, and so are the
/// sums. Nothing here recurses, so that a graph may be as deep as memory allows.
struct Engine {
    private var entries: [Entry] = []
    private var table = NodeTable()
    private var ready = ReadyQueue()
    private let retainGraph: Bool
    private let createGraph: Bool

    /// A node on its way: the gradients that have arrived and how many are still to come.
    private struct Entry {
        let node: Node
        var pending = 0
        var gradients: Slots<Tensor>
        /// Whether the gradient of result 0 is a sum made here, which may be added to in place.
        var ownsSum = false
        /// Whether the node, or any behind it, matters for what was asked.
        var isNeeded = true
        /// Places in the answer that get gradients of this node's results.
        var captures: [(output: Int, place: Int)] = []
    }

    private init(retainGraph: Bool, createGraph: Bool) {
        self.retainGraph = retainGraph
        self.createGraph = createGraph
    }

    /// Sends each root its gradient and walks the graph. Without targets, leaves accumulate what arrives; with targets,
    /// only what leads to these is walked, and their gradients are returned instead.
    static func run(
        roots: [(edge: Edge, gradient: Tensor)], targets: [Edge?]?, retainGraph: Bool, createGraph: Bool
    ) -> [Tensor?] {
        var engine = Engine(retainGraph: retainGraph, createGraph: createGraph)
        engine.collect(roots.map(\.edge.node))
        if let targets { engine.restrict(to: targets) }
        return withGradMode(createGraph) { engine.walk(roots, answers: targets?.count ?? 0) }
    }

    /// Finds every node that can be reached and counts what it waits for.
    private mutating func collect(_ roots: [Node]) {
        var fresh: [Int] = []
        for root in roots { _ = place(of: root, &fresh) }
        while let current = fresh.popLast() {
            let node = entries[current].node
            for i in 0..<node.edges.count {
                guard let next = node.edges[i]?.node else { continue }
                entries[place(of: next, &fresh)].pending += 1
            }
        }
    }

    private mutating func place(of node: Node, _ fresh: inout [Int]) -> Int {
        let place = table.place(of: node, orInsert: entries.count)
        if place == entries.count {
            entries.append(Entry(node: node, gradients: Slots(count: node.outputCount)))
            fresh.append(place)
        }
        return place
    }

    /// Marks as needed only what leads to a target.
    private mutating func restrict(to targets: [Edge?]) {
        for (place, target) in targets.enumerated() {
            guard let target, let entry = table.place(of: target.node) else { continue }
            entries[entry].captures.append((Int(target.index), place))
        }
        // In the order of recording, leaves first, a node comes after everything its edges lead to.
        let order = entries.indices.sorted { entries[$0].node.sequence &+ 1 < entries[$1].node.sequence &+ 1 }
        for current in order {
            let node = entries[current].node
            entries[current].isNeeded = (0..<node.edges.count).contains { i in
                guard let next = node.edges[i]?.node, let place = table.place(of: next) else { return false }
                return entries[place].isNeeded || !entries[place].captures.isEmpty
            }
        }
    }

    private mutating func walk(_ roots: [(edge: Edge, gradient: Tensor)], answers: Int) -> [Tensor?] {
        var answer = [Tensor?](repeating: nil, count: answers)
        for root in roots {
            guard let place = table.place(of: root.edge.node) else { continue }
            add(root.gradient, to: place, Int(root.edge.index))
        }
        announceGroups()
        for (place, entry) in entries.enumerated() where entry.pending == 0 { ready.push(place, entry.node.sequence) }
        while let current = ready.pop() {
            let node = entries[current].node
            if node.extras != nil { runHooks(current) }
            for (output, place) in entries[current].captures { answer[place] = entries[current].gradients[output] }
            var results = Slots<Tensor>(count: node.edges.count)
            if entries[current].isNeeded && !apply(node, current, &results) { return answer }
            send(&results, from: node)
        }
        return answer
    }

    /// Runs a node on the gradients it has. Returns whether the walk may go on.
    private mutating func apply(_ node: Node, _ current: Int, _ results: inout Slots<Tensor>) -> Bool {
        guard require(!node.isReleased, releasedMessage(node)) else { return false }
        if let extras = node.extras, !extras.nodeHooks.isEmpty {
            applyHooked(node, extras, current, &results)
        } else {
            node.apply(&entries[current].gradients, &results, createGraph: createGraph)
        }
        if Anomaly.isPossible && !Anomaly.check(node, results) { return false }
        if !retainGraph { node.releaseSaved() }
        return true
    }

    /// Runs a node and shows what went in and came out to its hooks.
    private mutating func applyHooked(
        _ node: Node, _ extras: NodeExtras, _ current: Int, _ results: inout Slots<Tensor>
    ) {
        let outputs = entries[current].gradients.array
        node.apply(&entries[current].gradients, &results, createGraph: createGraph)
        for hook in extras.nodeHooks {
            guard let new = hook.call(results.array, outputs) else { continue }
            guard
                require(
                    new.count == results.count,
                    "backward: a hook of \(node.name) returned \(new.count) gradients for \(results.count) inputs")
            else { return }
            for (i, gradient) in new.enumerated() { results[i] = gradient }
        }
    }

    /// Tells hooks over several tensors which of these this walk reaches.
    private func announceGroups() {
        for entry in entries { entry.node.extras?.groups.forEach { $0.hook.reset() } }
        for entry in entries { entry.node.extras?.groups.forEach { $0.hook.expect() } }
    }

    /// Hands gradients on along the edges.
    private mutating func send(_ results: inout Slots<Tensor>, from node: Node) {
        for i in 0..<node.edges.count {
            guard let edge = node.edges[i], let place = table.place(of: edge.node) else { continue }
            if let gradient = results.take(i) { add(gradient, to: place, Int(edge.index)) }
            entries[place].pending -= 1
            if entries[place].pending == 0 { ready.push(place, edge.node.sequence) }
        }
    }

    /// Adds a gradient to those that have arrived. The first is kept as it is, the second makes a sum of our own, and
    /// later ones are added into that.
    private mutating func add(_ gradient: consuming Tensor, to place: Int, _ output: Int) {
        guard let existing = entries[place].gradients[output] else {
            entries[place].gradients[output] = gradient
            return
        }
        if output == 0 && entries[place].ownsSum && !createGraph && !gradient.requiresGrad {
            existing.add_(gradient)
            return
        }
        entries[place].gradients[output] = existing + gradient
        if output == 0 { entries[place].ownsSum = true }
    }

    private mutating func runHooks(_ current: Int) {
        guard let extras = entries[current].node.extras else { return }
        for hook in extras.preHooks {
            guard let new = hook.call(entries[current].gradients.array) else { continue }
            for i in 0..<min(new.count, entries[current].gradients.count) { entries[current].gradients[i] = new[i] }
        }
        for hook in extras.hooks {
            guard let gradient = entries[current].gradients[hook.output] else { continue }
            if let new = hook.call(gradient) { entries[current].gradients[hook.output] = new }
        }
        for (output, slot) in extras.retained {
            guard var gradient = entries[current].gradients[output] else { continue }
            slot.accumulate(&gradient, createGraph: createGraph)
        }
        for group in extras.groups { group.hook.arrive(entries[current].gradients[group.output], at: group.place) }
    }
}

/// A hash table from nodes to their places; open addressing over object identities.
private struct NodeTable {
    private var keys: [UInt]
    private var places: [Int]
    private var count = 0

    init() {
        keys = Array(repeating: 0, count: 64)
        places = Array(repeating: 0, count: 64)
    }

    /// Where the node's key is, or would be put.
    @inline(__always)
    private func slot(_ key: UInt) -> Int {
        let mask = keys.count - 1
        var i = Int(truncatingIfNeeded: (key >> 4) &* 0x9E37_79B9_7F4A_7C15 >> 20) & mask
        while keys[i] != key && keys[i] != 0 { i = (i + 1) & mask }
        return i
    }

    @inline(__always)
    func place(of node: Node) -> Int? {
        let key = UInt(bitPattern: ObjectIdentifier(node))
        let i = slot(key)
        return keys[i] == key ? places[i] : nil
    }

    mutating func place(of node: Node, orInsert new: Int) -> Int {
        let key = UInt(bitPattern: ObjectIdentifier(node))
        let i = slot(key)
        if keys[i] == key { return places[i] }
        keys[i] = key
        places[i] = new
        count += 1
        if count * 2 > keys.count { grow() }
        return new
    }

    private mutating func grow() {
        let old = (keys, places)
        keys = Array(repeating: 0, count: old.0.count * 2)
        places = Array(repeating: 0, count: old.0.count * 2)
        for (key, place) in zip(old.0, old.1) where key != 0 {
            let i = slot(key)
            keys[i] = key
            places[i] = place
        }
    }
}

/// The nodes that can run: a heap, the greatest sequence number on top.
private struct ReadyQueue {
    private var heap: [(sequence: UInt64, place: Int)] = []

    mutating func push(_ place: Int, _ sequence: UInt64) {
        heap.append((sequence, place))
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard precedes(child, parent) else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    mutating func pop() -> Int? {
        guard let last = heap.popLast() else { return nil }
        guard let top = heap.first else { return last.place }
        heap[0] = last
        var parent = 0
        while true {
            var best = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && precedes(child, best) {
                best = child
            }
            if best == parent { return top.place }
            heap.swapAt(parent, best)
            parent = best
        }
    }

    /// Leaves all have the same number: among them the one found first goes first.
    private func precedes(_ a: Int, _ b: Int) -> Bool {
        heap[a].sequence != heap[b].sequence ? heap[a].sequence > heap[b].sequence : heap[a].place < heap[b].place
    }
}
