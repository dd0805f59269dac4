import Testing

@testable import Apus

@Suite("DLPack")
struct DLPackTests {
    static let dtypes: [DType] = [
        .bool, .uint8, .uint16, .uint32, .uint64, .int8, .int16, .int32, .int64, .float16, .bfloat16, .float32,
        .float64, .complex64, .complex128,
    ]

    @Test("every dtype goes out and in, over the same memory", arguments: dtypes)
    func roundTrip(dtype: DType) throws {
        let tensor = Tensor.zeros([3, 4], dtype: dtype)
        for versioned in [true, false] {
            let view = tensor.t()
            let again =
                versioned
                ? try Tensor(dlpack: view.dlpack()) : try Tensor(unversionedDLPack: view.unversionedDLPack())
            #expect(again.dtype == dtype)
            #expect(again.shape == [4, 3] && again.strides == [1, 4])
            again.fill_(1)
            #expect(tensor.equal(Tensor.ones([3, 4], dtype: dtype)))
            tensor.fill_(0)
            #expect(again.equal(Tensor.zeros([4, 3], dtype: dtype)))
        }
    }

    @Test("either side may go first")
    func lifetimes() throws {
        var tensor: Tensor? = Tensor([1.0, 2, 3], dtype: .float32)
        let pointer = try tensor!.dlpack()
        tensor = nil
        let again = try Tensor(dlpack: pointer)
        #expect(again.toArray(Float.self) == [1, 2, 3])
        let empty = try Tensor(dlpack: Tensor.zeros([0, 2]).dlpack())
        #expect(empty.shape == [0, 2])
        let scalar = try Tensor(dlpack: Tensor.full([], 5).dlpack())
        #expect(scalar.item() == 5)
    }

    @Test("a copy is a copy")
    func copies() throws {
        let tensor = Tensor.ones([2, 2])
        let copy = try Tensor(dlpack: tensor.t().dlpack(copy: true))
        tensor.fill_(3)
        #expect(copy.toArray(Float.self) == [1, 1, 1, 1])
        #expect(copy.isContiguous)
    }

    @Test("read-only stays read-only, where the form can say so")
    func readOnly() throws {
        let memory = UnsafeMutableBufferPointer<Float>.allocate(capacity: 2)
        memory.initialize(repeating: 1)
        defer { memory.deallocate() }
        let tensor = try Tensor(sharing: memory, readOnly: true) {}
        let again = try Tensor(dlpack: tensor.dlpack())
        #expect(again.isReadOnly)
        #expect(throws: TensorError.self) { try withTensorErrors { again.add_(1) } }
        #expect(throws: TensorError.self) { try tensor.unversionedDLPack() }
        #expect(try !Tensor(unversionedDLPack: tensor.unversionedDLPack(copy: true)).isReadOnly)
    }

    @Test("a tensor that requires grad is refused with advice; its detached self is not")
    func requiresGrad() throws {
        let leaf = Tensor.ones([2]).requiresGrad_()
        for export in [{ try leaf.dlpack() }, { try leaf.unversionedDLPack() }] {
            do {
                _ = try export()
                Issue.record("exported a tensor that requires grad")
            } catch { #expect("\(error)".contains("detach()")) }
        }
        let again = try Tensor(dlpack: leaf.detach().dlpack())
        again.fill_(4)
        #expect(leaf.toArray(Float.self) == [4, 4])
        try withTensorErrors {
            _ = #expect(throws: TensorError.self) { try Tensor.invalid().dlpack() }
        }
    }
}
