import Testing

@testable import Apus

@Suite("The bridge between Swift memory and tensors")
struct BridgingTests {
    /// Counts how often a deallocator ran.
    private final class Counter: @unchecked Sendable {
        var count = 0
    }

    @Test("a write on either side is seen on the other")
    func bothWays() throws {
        let array: HostArray<Float> = [1, 2, 3, 4, 5, 6]
        let tensor = Tensor(sharing: array, shape: [2, 3])
        array[0] = 10
        #expect(tensor[0, 0].item() == 10)
        tensor.add_(1)
        #expect(Array(array) == [11, 3, 4, 5, 6, 7])

        let ones = Tensor.ones([5])
        let shared = try ones.hostArray(of: Float.self)
        ones.add_(1)
        #expect(Array(shared) == [2, 2, 2, 2, 2])
        shared[4] = 7
        #expect(ones.toArray(Float.self) == [2, 2, 2, 2, 7])
    }

    @Test("either side outlives the other")
    func lifetimes() throws {
        var array: HostArray<Int32>? = HostArray(repeating: 3, count: 4)
        let tensor = Tensor(sharing: array!)
        array = nil
        #expect(tensor.toArray(Int32.self) == [3, 3, 3, 3])
        let again = try { try Tensor.full([2], 5).to(.float64).hostArray(of: Double.self) }()
        #expect(Array(again) == [5, 5])
    }

    @Test("an array is a collection like any other")
    func collection() {
        var array: HostArray<Double> = [3, 1, 2]
        let tensor = Tensor(sharing: array)
        array.sort()
        #expect(tensor.toArray(Double.self) == [1, 2, 3])
        #expect(array.reduce(0, +) == 6)
        #expect(array.reversed() == [3, 2, 1])
        #expect(array.count == 3)
        array.swapAt(0, 2)
        #expect("\(array)" == "[3.0, 2.0, 1.0]")
        #expect(HostArray<Float>([]).isEmpty)
        #expect(Tensor(sharing: HostArray<Float>([])).shape == [0])
    }

    @Test("views share too, and what cannot be shared says what to do")
    func refusals() throws {
        func message(_ body: () throws -> Void) -> String {
            do {
                try body()
                return "nothing was refused"
            } catch { return "\(error)" }
        }
        let matrix = Tensor.zeros([2, 3])
        let row = try matrix[1].hostArray(of: Float.self)
        row[0] = 5
        #expect(matrix[1, 0].item() == 5)

        #expect(message { _ = try matrix.hostArray(of: Double.self) }.contains("to(.float64)"))
        #expect(message { _ = try matrix.t().hostArray(of: Float.self) }.contains("contiguous()"))
        let leaf = Tensor.ones([2]).requiresGrad_()
        #expect(message { _ = try leaf.hostArray(of: Float.self) }.contains("detach()"))
        #expect(message { try leaf.withUnsafeMutableBuffer(of: Float.self) { $0[0] = 1 } }.contains("noGrad"))
        #expect(try leaf.withUnsafeBuffer(of: Float.self) { Array($0) } == [1, 1])
    }

    @Test("memory of the caller's is shared until the deallocator runs, once")
    func foreignMemory() throws {
        let counter = Counter()
        let buffer = UnsafeMutableBufferPointer<Float>.allocate(capacity: 6)
        buffer.initialize(repeating: 1)
        defer { buffer.deallocate() }
        do {
            let tensor = try Tensor(sharing: buffer, shape: [3, 2], strides: [1, 3]) { counter.count += 1 }
            buffer[3] = 9
            #expect(tensor[0, 1].item() == 9)
            tensor.mul_(2)
            #expect(buffer[3] == 18)
            let view = tensor[0]
            #expect(counter.count == 0)
            #expect(view.shape == [2])
        }
        #expect(counter.count == 1)
    }

    @Test("views outside the memory, backwards or misaligned are refused, and the deallocator still runs")
    func badViews() throws {
        let counter = Counter()
        let buffer = UnsafeMutableBufferPointer<Float>.allocate(capacity: 4)
        defer { buffer.deallocate() }
        let views: [(shape: [Int], strides: [Int]?)] = [
            ([5], nil), ([2, 2], [3, 1]), ([2], [-1]), ([2], [.max]), ([-1], nil), ([.max, .max], nil),
        ]
        for (i, view) in views.enumerated() {
            #expect(throws: TensorError.self, "\(view)") {
                try Tensor(sharing: buffer, shape: view.shape, strides: view.strides) { counter.count += 1 }
            }
            #expect(counter.count == i + 1)
        }
        let bytes = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[1..<9])
        #expect(throws: TensorError.self) {
            try Tensor(sharing: bytes, dtype: .float32, shape: [2], owner: counter)
        }
    }

    @Test("read-only memory refuses writes")
    func readOnly() throws {
        let buffer = UnsafeMutableBufferPointer<Int64>.allocate(capacity: 2)
        buffer.initialize(repeating: 4)
        defer { buffer.deallocate() }
        let tensor = try Tensor(sharing: buffer, readOnly: true) {}
        #expect(tensor.toArray(Int64.self) == [4, 4])
        #expect(throws: TensorError.self) { try withTensorErrors { tensor.add_(1) } }
        #expect(throws: TensorError.self) { try tensor.hostArray(of: Int64.self) }
        #expect(throws: TensorError.self) { try tensor.withUnsafeMutableBuffer(of: Int64.self) { $0[0] = 1 } }
        #expect(buffer[0] == 4)
    }

    @Test("bytes are copied wherever they lie")
    func copying() throws {
        let bytes: [UInt8] = [99, 1, 0, 2, 0]
        let tensor = try bytes.withUnsafeBytes {
            try Tensor(copying: UnsafeRawBufferPointer(rebasing: $0[1...]), dtype: .int16, shape: [2])
        }
        #expect(tensor.toArray(Int16.self) == [1, 2])
        #expect(throws: TensorError.self) {
            try bytes.withUnsafeBytes { try Tensor(copying: $0, dtype: .int16, shape: [2]) }
        }
        #expect(throws: TensorError.self) {
            try bytes.withUnsafeBytes { try Tensor(copying: $0, dtype: .int16, shape: [-1, .max]) }
        }
    }

    @Test("a write through the bridge is caught by a backward pass that needs the old values")
    func versions() throws {
        let x = Tensor.ones([2]).requiresGrad_()
        let saved: HostArray<Float> = [3, 4]
        let y = (x * Tensor(sharing: saved)).sum()
        saved[0] = 5
        #expect(throws: TensorError.self) { try withTensorErrors { y.backward() } }
    }

    @Test("spans show and change the elements inside their closure")
    func spans() throws {
        let tensor = Tensor.zeros([2, 3])
        let version = tensor.version
        try tensor.withMutableSpan(of: Float.self) { span in
            for i in span.indices { span[i] = Float(i) }
        }
        #expect(tensor.version == version + 1)
        #expect(try tensor.withSpan(of: Float.self) { $0[5] + $0[4] } == 9)
        #expect(throws: TensorError.self) { try tensor.t().withSpan(of: Float.self) { $0.count } }
        #expect(throws: TensorError.self) { try tensor.withMutableSpan(of: Int32.self) { $0[0] = 1 } }

        let array = try tensor.hostArray(of: Float.self)
        array.withMutableSpan { $0[0] = 7 }
        #expect(array.withSpan { $0[0] } == 7)
        #expect(tensor[0, 0].item() == 7)
    }

    @Test("bytes come in from any collection or span and go out, by copy")
    func bytes() throws {
        let bytes: [UInt8] = [0, 0, 1, 0, 2, 0, 3, 0]
        let expected: [Int16] = [0, 1, 2, 3]
        #expect(try Tensor(copying: bytes, dtype: .int16, shape: [2, 2]).toArray(Int16.self) == expected)
        #expect(try Tensor(copying: bytes[2...], dtype: .int16, shape: [3]).toArray(Int16.self) == [1, 2, 3])
        // A reversed collection has no contiguous storage, an empty one no address.
        let reversed = Array(bytes.reversed()).reversed()
        #expect(try Tensor(copying: reversed, dtype: .int16, shape: [4]).toArray(Int16.self) == expected)
        #expect(try Tensor(copying: [UInt8](), dtype: .int16, shape: [0]).shape == [0])
        #expect(try Tensor(copying: bytes.span.bytes, dtype: .int16, shape: [4]).toArray(Int16.self) == expected)
        #expect(throws: TensorError.self) { try Tensor(copying: bytes, dtype: .int16, shape: [5]) }
        let tensor = Tensor(expected)
        #expect(try tensor.withUnsafeBytes { Array($0) } == bytes)
        #expect(throws: TensorError.self) { try Tensor.zeros([2, 3]).t().withUnsafeBytes { $0.count } }
    }

    @Test("what is only to be looked at refuses writes and keeps its owner")
    func viewing() throws {
        let memory = UnsafeMutableBufferPointer<Double>.allocate(capacity: 3)
        memory.initialize(repeating: 2)
        defer { memory.deallocate() }
        weak var owner: Counter?
        do {
            let holder = Counter()
            owner = holder
            let tensor = try Tensor(
                viewing: UnsafeRawBufferPointer(memory), dtype: .float64, shape: [3], owner: holder)
            #expect(tensor.isReadOnly && owner != nil)
            memory[1] = 4
            #expect(tensor.sum().item() == 8)
            #expect(throws: TensorError.self) { try withTensorErrors { tensor.mul_(2) } }
        }
        #expect(owner == nil)
        #expect(memory[0] == 2)
    }
}
