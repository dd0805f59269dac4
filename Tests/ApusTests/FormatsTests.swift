import TestSupport
import Testing

@testable import Apus

@Suite("JSON")
struct JSONTests {
    @Test("values keep their kind, order and place")
    func values() throws {
        let json = try JSON.parse(#" {"b": [1, -2.5e1, true, false, null], "a": {"x": "y"}} "#)
        #expect(json.object?.map(\.name) == ["b", "a"])
        #expect(json.offset == 1)
        let array = try #require(json["b"]?.array)
        #expect(array[0].integer == 1)
        #expect(array[1].double == -25)
        #expect(array.map(\.offset) == [8, 11, 19, 25, 32])
        #expect(json["a"]?["x"]?.string == "y")
    }

    @Test("escapes, surrogate pairs and UTF-8 are read and written")
    func strings() throws {
        #expect(try JSON.parse(#""\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00é""#).string == "\"\\/\u{8}\u{c}\n\r\té😀é")
        let text = "quote \" slash \\ line \n tab \t bell \u{7} é 😀"
        #expect(try JSON.parse(JSON.string(text).text).string == text)
    }

    @Test(
        "what is not JSON is refused at its place",
        arguments: [
            ("", 0), ("{", 1), ("[1,]", 3), ("{\"a\":1,}", 7), ("01", 1), ("1.", 2), (".5", 0), ("+1", 0), ("1e", 2),
            ("-", 1), ("nul", 3), ("NaN", 0), ("\"a", 2), ("\"\n\"", 1), ("\"\\x\"", 2), ("\"\\u12g4\"", 5),
            ("\"\\ud800\"", 1), ("\"\\udc00\"", 1), ("\"\\ud800\\u0041\"", 1), ("[1] 2", 4), ("{\"a\":1,\"a\":2}", 7),
            ("{1:2}", 1), ("1e999", 0), ("'a'", 0), ("[1 2]", 3),
        ])
    func refusals(text: String, offset: Int) {
        let error = #expect(throws: JSONError.self) { try JSON.parse(text) }
        #expect(error?.offset == offset, "\(text)")
    }

    @Test("bytes that are not UTF-8 are refused")
    func invalidUTF8() {
        let bytes: [UInt8] = [0x22, 0xc3, 0x28, 0x22]
        #expect(throws: JSONError.self) { try bytes.withUnsafeBytes { try JSON.parse($0) } }
    }

    @Test("depth is bounded")
    func depth() {
        let text = String(repeating: "[", count: 100_000)
        let error = #expect(throws: JSONError.self) { try JSON.parse(text) }
        #expect(error?.message.contains("too deep") == true)
    }
}

@Suite("Files appear whole or not at all")
struct AtomicFileTests {
    struct Failure: Error {}

    @Test("a failing writer leaves the old file and nothing else")
    func failure() throws {
        let folder = try TemporaryFolder()
        try AtomicFile.write("old", to: folder["a.txt"])
        #expect(throws: Failure.self) {
            try AtomicFile.write(to: folder["a.txt"]) { writer in
                try writer.write("new")
                throw Failure()
            }
        }
        #expect(try folder.text("a.txt") == "old")
        #expect(try folder.names == ["a.txt"])
    }

    @Test("places that cannot be written to are refused by name")
    func unwritable() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write([1], to: "file")
        for path in [folder["missing/a.txt"], file + "/a.txt", folder["x/"], ""] {
            let error = #expect(throws: TensorFileError.self) { try AtomicFile.write("text", to: path) }
            #expect(error?.description.hasPrefix(path) == true)
        }
        #expect(throws: TensorFileError.self) { try AtomicFile.write("text", to: folder.path) }
        #expect(try folder.names == ["file"])
    }

    @Test("a file that is not there, or is a folder, is refused by name")
    func mapping() throws {
        let folder = try TemporaryFolder()
        let error = #expect(throws: TensorFileError.self) { try MappedFile(folder["none"]) }
        #expect(error?.description == "\(folder["none"]): cannot open: No such file or directory")
        #expect(throws: TensorFileError.self) { try MappedFile(folder.path) }
    }
}

@Suite("safetensors")
struct SafeTensorsTests {
    private func file(_ header: String, data: Int = 0) -> [UInt8] {
        let length = UInt64(header.utf8.count).littleEndian
        return withUnsafeBytes(of: length, Array.init) + header.utf8 + [UInt8](repeating: 0, count: data)
    }

    @Test("every dtype comes back, in order, mapped and copied", arguments: [true, false])
    func roundTrip(mapped: Bool) throws {
        let folder = try TemporaryFolder()
        var tensors: [(String, Tensor)] = DType.allCases.map { dtype in
            ("tensor \(dtype)", Tensor.arange(6).reshape([2, 3]).to(dtype))
        }
        tensors.append(("scalar", Tensor.full([], 2.5)))
        tensors.append(("empty", Tensor.zeros([0, 3])))
        tensors.append(("transposed é", Tensor.arange(6).reshape([2, 3]).t()))
        try SafeTensors.save(tensors, metadata: ["b": "2", "a": "\"1\"\n"], to: folder["x.safetensors"])
        let file = try SafeTensors.load(folder["x.safetensors"], mapped: mapped)
        #expect(file.metadata == ["b": "2", "a": "\"1\"\n"])
        #expect(file.tensors.map(\.name) == tensors.map(\.0))
        for ((_, saved), (_, loaded)) in zip(tensors, file.tensors) {
            #expect(loaded.dtype == saved.dtype)
            #expect(loaded.shape == saved.shape)
            #expect("\(loaded)" == "\(saved)")
        }
        #expect(try folder.names == ["x.safetensors"])
    }

    @Test("mapped tensors are read-only and outlive the file's name; copies may be written")
    func mapping() throws {
        let folder = try TemporaryFolder()
        try SafeTensors.save([("w", Tensor.ones([3]))], to: folder["x"])
        let mapped = try #require(try SafeTensors.load(folder["x"])["w"])
        let copied = try #require(try SafeTensors.load(folder["x"], mapped: false)["w"])
        try SafeTensors.save([("w", Tensor.zeros([3]))], to: folder["x"])
        #expect(mapped.toArray(Float.self) == [1, 1, 1])
        #expect(throws: TensorError.self) { try withTensorErrors { mapped.add_(1) } }
        copied.add_(1)
        #expect(copied.toArray(Float.self) == [2, 2, 2])
    }

    @Test("a header that is not padded gives copies instead of misaligned tensors")
    func unaligned() throws {
        let folder = try TemporaryFolder()
        var bytes = file(#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, data: 4)
        bytes[bytes.count - 1] = 0x40  // 2.0
        let path = try folder.write(bytes, to: "x")
        #expect(try SafeTensors.load(path)["w"]?.toArray(Float.self) == [2])
    }

    @Test(
        "headers that do not hold are refused at their place",
        arguments: [
            ("x", 0, 8), ("[]", 0, 8), (" {}", 0, 8), ("{}", 1, 10), ("{\"a\":1}", 0, 13),
            (#"{"a":{"dtype":"F8","shape":[1],"data_offsets":[0,1]}}"#, 1, 22),
            (#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,2]}}"#, 2, 54),
            (#"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}"#, 1, 54),
            (#"{"a":{"dtype":"U8","shape":[2],"data_offsets":[2,0]}}"#, 2, 54),
            (#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}"#, 2, 54),
            (#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0]}}"#, 1, 54),
            (#"{"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}}"#, 1, 36),
            (#"{"a":{"dtype":"U8","shape":[1.5],"data_offsets":[0,1]}}"#, 1, 36),
            (#"{"a":{"dtype":"U8","shape":[9223372036854775807,9],"data_offsets":[0,1]}}"#, 1, 74),
            (#"{"a":{"dtype":"U8","shape":[1]}}"#, 1, 13),
            (#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":1}}"#, 1, 64),
            (#"{"__metadata__":{"a":1}}"#, 0, 29), (#"{"__metadata__":1}"#, 0, 24),
            (#"{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"a":1}"#, 0, 61),
        ])
    func refusals(header: String, data: Int, offset: Int) throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(file(header, data: data), to: "x")
        let error = #expect(throws: TensorFileError.self) { try SafeTensors.load(path) }
        #expect(error?.path == path)
        #expect(error?.offset == offset, "\(header): \(error?.description ?? "")")
        #expect(error?.description.hasPrefix("\(path): byte \(offset): ") == true)
    }

    @Test("tensors may neither overlap nor leave gaps")
    func layout() throws {
        let folder = try TemporaryFolder()
        func header(_ second: String) -> String {
            #"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":\#(second)}}"#
        }
        for (offsets, problem) in [("[1,3]", "overlaps"), ("[3,5]", "gap"), ("[0,2]", "overlaps")] {
            let path = try folder.write(file(header(offsets), data: 5), to: "x")
            let error = #expect(throws: TensorFileError.self) { try SafeTensors.load(path) }
            #expect(error?.message.contains(problem) == true)
            #expect(error?.offset == 106)
        }
    }

    @Test("a bool that is neither 0 nor 1 is refused")
    func badBool() throws {
        let folder = try TemporaryFolder()
        var bytes = file(#"{"a":{"dtype":"BOOL","shape":[2],"data_offsets":[0,2]}}"#, data: 2)
        bytes[bytes.count - 1] = 2
        let error = #expect(throws: TensorFileError.self) { try SafeTensors.load(try folder.write(bytes, to: "x")) }
        #expect(error?.offset == bytes.count - 1)
    }

    @Test("a file cut short anywhere is refused")
    func truncation() throws {
        let folder = try TemporaryFolder()
        try SafeTensors.save([("a", Tensor.ones([2])), ("b", Tensor.ones([3]).to(.int64))], to: folder["x"])
        let bytes = try folder.read("x")
        for length in 0..<bytes.count {
            let path = try folder.write(Array(bytes[..<length]), to: "y")
            let error = #expect(throws: TensorFileError.self) { try SafeTensors.load(path) }
            #expect(error?.offset != nil)
        }
    }

    @Test("a length beyond the limit is refused before anything is read")
    func hugeHeader() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write([255, 255, 255, 255, 255, 255, 255, 255, 0x7b], to: "x")
        let error = #expect(throws: TensorFileError.self) { try SafeTensors.load(path) }
        #expect(error?.offset == 0)
    }

    @Test("names that are taken or reserved are refused and nothing is left behind")
    func badNames() throws {
        let folder = try TemporaryFolder()
        let one = Tensor.ones([1])
        for names in [["a", "a"], ["__metadata__"]] {
            #expect(throws: TensorFileError.self) { try SafeTensors.save(names.map { ($0, one) }, to: folder["x"]) }
        }
        #expect(throws: TensorFileError.self) { try SafeTensors.save([("a", one)], to: folder["no/x"]) }
        #expect(try folder.names == [])
    }
}
