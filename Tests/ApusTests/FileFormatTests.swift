import Apus
import TestSupport
import Testing

/// The path of a file that make_formats.py made.
private func fixture(_ name: String) -> String {
    #filePath.split(separator: "/").dropLast(2).map { "/" + $0 }.joined() + "/Fixtures/formats/" + name
}

@Suite("Archives")
struct TensorArchiveTests {
    @Test("a file is opened by its content, and tensors are found by name")
    func opening() throws {
        let archive = try TensorArchive(fixture("bfloat16.safetensors"))
        #expect(archive.format == .safetensors)
        #expect(archive.count == 2)
        #expect(Set(archive.names) == ["weight", "n"])
        let index = try #require(archive.index(of: "weight"))
        #expect(try archive.dtype(at: index) == .bfloat16)
        #expect(archive.shape(at: index) == [2, 3])
        #expect(try archive.tensor("weight")?.to(.float32).toArray(Float.self) == [-3, -2.5, -2, -1.5, -1, -0.5])
        #expect(try archive.tensor("nothing") == nil)
        #expect(archive.metadata["é"]?.string == "\"\n")
        #expect(archive.value == nil)
    }

    @Test("GGUF: metadata of all types, tensors shared with the file, quantised ones refused by name")
    func gguf() throws {
        let archive = try TensorArchive(fixture("tiny.gguf"))
        #expect(archive.metadata["answer"]?.int == 42)
        #expect(archive.metadata["tenth"]?.double == 0.1)
        #expect(archive.metadata["tokens"]?.items?.map(\.string) == ["a", "bc", ""])
        #expect(archive.metadata["numbers"]?.tensor?.toArray(Int32.self) == [1, 2, 3])
        guard case .unsigned(let huge) = archive.metadata["huge"] else { throw TensorFileError(path: "", "no number") }
        #expect(huge == .max)
        let tensor = try #require(try archive.tensor("bf16"))
        #expect(tensor.dtype == .bfloat16 && tensor.isReadOnly)
        let error = #expect(throws: TensorFileError.self) { try archive.tensor("q8") }
        #expect(error?.message == "the tensor \"q8\" is of type Q8_0, which is not supported")
    }

    @Test("what is in no format is refused at its place")
    func unknown() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(Array("text".utf8), to: "x")
        let error = #expect(throws: TensorFileError.self) { try TensorArchive(path) }
        #expect(error?.path == path)
        #expect(error?.offset == 0)
    }
}

@Suite("Mapped files")
struct MappedFileTests {
    @Test("tensors share the file's memory, read-only or copied on write")
    func modes() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write([1, 2, 3, 4, 5, 6], to: "x")
        let shared = try MappedFile(path).tensor(dtype: .uint8, shape: [2, 2], offset: 2)
        #expect(shared.toArray(UInt8.self) == [3, 4, 5, 6])
        #expect(throws: TensorError.self) { try withTensorErrors { shared.add_(1) } }
        let own = try MappedFile(path, mode: .copyOnWrite).tensor(dtype: .uint8, shape: [6])
        own.add_(1)
        #expect(own.toArray(UInt8.self) == [2, 3, 4, 5, 6, 7])
        #expect(try folder.read("x") == [1, 2, 3, 4, 5, 6])
        #expect(throws: TensorFileError.self) { try MappedFile(path).tensor(dtype: .float32, shape: [2]) }
        #expect(throws: TensorFileError.self) { try MappedFile(path).tensor(dtype: .uint8, shape: [1], offset: -1) }
        #expect(throws: TensorError.self) { try MappedFile(path).tensor(dtype: .uint8, shape: [-1]) }
    }
}

@Suite("PyTorch's files")
struct TorchFileTests {
    @Test("a checkpoint's tree: an optimizer's state under integer keys")
    func tree() throws {
        let checkpoint = try TorchFile.load(fixture("adamw.pt"))
        #expect(checkpoint["epoch"]?.int == 3)
        let optimizer = try #require(checkpoint["optimizer"])
        #expect(optimizer["param_groups"]?[0]?["betas"]?[1]?.double == 0.999)
        #expect(optimizer["param_groups"]?[0]?["amsgrad"]?.bool == false)
        let moment = try #require(optimizer["state"]?[0]?["exp_avg"]?.tensor)
        #expect(moment.shape == [2, 1, 3, 3])
        let named = try TorchFile.loadTensors(fixture("adamw.pt"))
        let same = try #require(named.first { $0.name == "optimizer.state.0.exp_avg" })
        #expect(same.tensor.toArray(Float.self) == moment.toArray(Float.self))
    }

    @Test("both forms give the tensors that safetensors holds", arguments: ["model", "model_legacy"])
    func stateDict(name: String) throws {
        let expected = try SafeTensors.load(fixture(name + ".safetensors"))
        let tensors = try TorchFile.loadTensors(fixture(name + ".pt"))
        #expect(tensors.count == expected.tensors.count)
        for (name, tensor) in tensors {
            #expect(try "\(tensor)" == "\(#require(expected[name]))")
            #expect(!tensor.isReadOnly)
        }
    }

    @Test("every kind of value comes back, and shared tensors stay shared")
    func roundTrip() throws {
        let folder = try TemporaryFolder()
        let base = Tensor.arange(6).reshape([2, 3])
        let value: StoredValue = [
            "int": -5, "float": 0.1, "bool": true, "text": "é\"", 7: ["seven", 7], "none": .none,
            "unsigned": .unsigned(.max), "complex": .complex(real: 1, imaginary: 2), "bytes": .bytes([0, 200]),
            "dtype": .dtype(.float16), "tuple": .tuple([1, [2]]), "set": .set([1, 2]), "base": .tensor(base),
            "row": .tensor(base[1]),
        ]
        try TorchFile.save(value, to: folder["x.pt"])
        let read = try TorchFile.load(folder["x.pt"])
        for key in ["int", "float", "bool", "text", "none", "unsigned", "complex", "bytes", "dtype", "tuple", "set"] {
            #expect(try "\(#require(read[key]))" == "\(#require(value[key]))")
        }
        #expect(read[7]?[0]?.string == "seven")
        let row = try #require(read["row"]?.tensor)
        row.add_(10)
        #expect(read["base"]?.tensor?.toArray(Float.self).suffix(3) == row.toArray(Float.self)[...])
    }

    @Test("code is refused by its name")
    func refusal() {
        let error = #expect(throws: TensorFileError.self) { try TorchFile.load(fixture("module.pt")) }
        #expect(error?.message.contains("torch.nn.modules.linear.Linear") == true)
        #expect(error?.offset != nil)
    }
}

@Suite("NumPy's files")
struct NumPyFileTests {
    @Test("arrays come back from .npy and .npz", arguments: [false, true])
    func roundTrip(compressed: Bool) throws {
        let folder = try TemporaryFolder()
        let tensors = DType.allCases.map { ("\($0)", Tensor.arange(6).reshape([2, 3]).to($0)) }
        try NumPyFile.saveNpz(tensors, compressed: compressed, to: folder["x.npz"])
        let read = try NumPyFile.loadNpz(folder["x.npz"])
        #expect(read.map(\.name) == tensors.map(\.0))
        for ((_, saved), (_, loaded)) in zip(tensors, read) { #expect("\(loaded)" == "\(saved)") }
        try tensors[11].1.t().save(to: folder["x.npy"])
        let turned = try Tensor.load(folder["x.npy"])
        #expect(turned.shape == [3, 2])
        turned.add_(1)
        #expect(turned.toArray(Float.self) == [1, 4, 2, 5, 3, 6])
        #expect(try folder.names == ["x.npy", "x.npz"])
    }

    @Test("columns first gives such strides; objects are refused")
    func reading() throws {
        let arrays = try NumPyFile.loadNpz(fixture("stored.npz"))
        let columns = try #require(arrays.first { $0.name == "columns float32" })
        #expect(columns.tensor.strides == [1, 2])
        let error = #expect(throws: TensorFileError.self) { try NumPyFile.load(fixture("objects.npy")) }
        #expect(error?.message == "the dtype \"|O\" is Python objects, which are never read")
    }
}

@Suite("CSV")
struct CSVFileTests {
    @Test("tables come back with their names")
    func roundTrip() throws {
        let folder = try TemporaryFolder()
        let tensor = Tensor([[0.1, -2], [1e10, 3]])
        try CSVFile.save(tensor, columns: ["a", "b;\"c\""], separator: ";", to: folder["x.csv"])
        #expect(try folder.text("x.csv") == "a;\"b;\"\"c\"\"\"\n0.1;-2\n1e+10;3\n")
        let table = try CSVFile.load(folder["x.csv"], separator: ";", hasHeader: true)
        #expect(table.columns == ["a", "b;\"c\""])
        #expect(table.tensor.toArray(Float.self) == tensor.toArray(Float.self))
        try tensor.save(to: folder["y.csv"])
        #expect(try Tensor.load(folder["y.csv"]).shape == [2, 2])
    }

    @Test("errors name row, column and byte")
    func refusals() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(Array("1,2\n3,x\n".utf8), to: "x.csv")
        let error = #expect(throws: TensorFileError.self) { try CSVFile.load(path) }
        #expect(error?.description == "\(path): byte 6: row 2, column 2: \"x\" is no number")
        #expect(throws: TensorError.self) { try CSVFile.load(path, separator: "é") }
        #expect(throws: TensorError.self) { try CSVFile.save(Tensor.ones([1, 1, 1]), to: folder["y.csv"]) }
        #expect(throws: TensorFileError.self) { try Tensor.ones([1]).save(to: folder["y.txt"]) }
        #expect(try folder.names == ["x.csv"])
    }
}
