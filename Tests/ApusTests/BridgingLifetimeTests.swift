import Synchronization
import Testing

@testable import Apus

#if canImport(Glibc)
    import Glibc
#endif

/// Bytes of the process in memory, where the system says so.
private func residentBytes() -> Int? {
    #if os(Linux)
        guard let file = fopen("/proc/self/statm", "r") else { return nil }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        guard fgets(&line, Int32(line.count), file) != nil else { return nil }
        let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let fields = text.split(separator: " ")
        guard fields.count > 1, let pages = Int(fields[1]) else { return nil }
        return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
    #else
        return nil
    #endif
}

/// Counts how often deallocators ran, on any thread.
private final class Counter: Sendable {
    private let runs = Mutex(0)
    var count: Int { runs.withLock { $0 } }
    func add() { runs.withLock { $0 += 1 } }
}

@Suite("Lifetimes across the bridge", .serialized)
struct BridgingLifetimeTests {
    @Test("a million round trips leave memory as it was")
    func roundTrips() throws {
        let tensor = Tensor.zeros([64])
        let foreign = UnsafeMutableBufferPointer<Float>.allocate(capacity: 64)
        foreign.initialize(repeating: 0)
        defer { foreign.deallocate() }
        let counter = Counter()
        func turn() throws {
            let array = try tensor.hostArray(of: Float.self)
            array[0] += 1
            let shared = Tensor(sharing: array)
            let again = try Tensor(dlpack: shared.dlpack())
            _ = again.version
            let owned = try Tensor(sharing: foreign) { counter.add() }
            _ = owned.count
        }
        for _ in 0..<10_000 { try turn() }
        let before = residentBytes()
        for _ in 0..<990_000 { try turn() }
        #expect(counter.count == 1_000_000)
        #expect(tensor[0].item() == 1_000_000)
        // What other tests do at the same time counts too, so the bound is wide; a leak would be 500 MB and more.
        if let before, let after = residentBytes() { #expect(after - before < 200 << 20) }
    }

    @Test("many tasks share one memory, and its deallocator runs once")
    func tasks() async throws {
        let counter = Counter()
        let memory = UnsafeMutableBufferPointer<Int32>.allocate(capacity: 16)
        memory.initialize(repeating: 3)
        defer { memory.deallocate() }
        do {
            let tensor = try Tensor(sharing: memory) { counter.add() }
            await withTaskGroup(of: Int.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        var sum = 0
                        for _ in 0..<2000 {
                            guard let array = try? tensor.hostArray(of: Int32.self),
                                let again = try? Tensor(dlpack: Tensor(sharing: array).dlpack())
                            else { return -1 }
                            sum += Int(array[5]) + again.count
                        }
                        return sum
                    }
                }
                for await sum in group { #expect(sum == 2000 * 19) }
            }
            #expect(counter.count == 0)
        }
        #expect(counter.count == 1)
    }

    @Test("an owner goes when the last view over its memory goes, whichever side that is")
    func owners() throws {
        final class Owner {}
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 32, alignment: 64)
        memory.initializeMemory(as: Float.self, repeating: 1)
        defer { memory.deallocate() }
        weak var owner: Owner?
        var array: HostArray<Float>?
        do {
            let holder = Owner()
            owner = holder
            let tensor = try Tensor(sharing: memory, dtype: .float32, shape: [8], owner: holder)
            array = try tensor[2..<4].hostArray(of: Float.self)
        }
        #expect(owner != nil)
        array![1] = 5
        #expect(memory.assumingMemoryBound(to: Float.self)[3] == 5)
        array = nil
        #expect(owner == nil)
    }

    @Test("write checks find a write that nobody counted, between forward and backward")
    func writeChecks() throws {
        let was = Runtime.checksWrites
        defer { Runtime.checksWrites = was }
        let memory = UnsafeMutableBufferPointer<Float>.allocate(capacity: 2)
        memory.initialize(repeating: 3)
        defer { memory.deallocate() }
        for checked in [false, true] {
            Runtime.checksWrites = checked
            let x = Tensor.ones([2]).requiresGrad_()
            let y = try (x * Tensor(sharing: memory) {}).sum()
            memory[0] += 1  // past the library
            if checked {
                #expect(throws: TensorError.self) { try withTensorErrors { y.backward() } }
            } else {
                y.backward()
                #expect(x.grad?.toArray(Float.self) == [4, 3])
            }
            memory[0] = 3
        }
    }
}
