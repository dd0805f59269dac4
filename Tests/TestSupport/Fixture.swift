import Apus
import Foundation

/// One case of `Tests/Fixtures/<family>.jsonl`: what PyTorch computed from some inputs. See the README there.
///
///     @Test(arguments: Fixture.load("unary"))
///     func unary(_ fixture: Fixture) throws {
///         try fixture.check { inputs in [apply(fixture.op, inputs[0]!)] }
///     }
public struct Fixture: Sendable, CustomStringConvertible {
    /// PyTorch's name of the operator.
    public let op: String
    /// The case's name, unique in its family.
    public let name: String
    /// The inputs by position; nil for an optional one that is absent.
    public let inputs: [FixtureTensor?]
    /// The other arguments, by PyTorch's names.
    public let args: FixtureArguments
    /// What PyTorch computed.
    public let outputs: [FixtureTensor]
    /// The gradients that flowed into the outputs; nil for one that is not differentiable. Empty if no gradients are
    /// given.
    public let gradOutputs: [FixtureTensor?]
    /// The gradients of the inputs; nil for one that is not differentiable.
    public let grads: [FixtureTensor?]

    /// The case's name.
    public var description: String { name }

    /// All cases of a family, or those that `isIncluded` chooses.
    public static func load(_ family: String, where isIncluded: (Fixture) -> Bool = { _ in true }) -> [Fixture] {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let path = folder.appendingPathComponent("Fixtures/\(family).jsonl")
        do {
            // The first line names the versions.
            let lines = try Data(contentsOf: path).split(separator: UInt8(ascii: "\n")).dropFirst()
            let decoder = JSONDecoder()
            return try lines.map { try decoder.decode(Fixture.self, from: $0) }.filter(isIncluded)
        } catch {
            fatalError("\(path.path): \(error)")
        }
    }

    /// The cases of one operator of a family.
    public static func load(_ family: String, op: String) -> [Fixture] { load(family) { $0.op == op } }
}

extension Fixture: Decodable {
    private enum Key: String, CodingKey {
        case op, name, inputs, args, outputs, gradOutputs, grads
    }

    /// Reads a line of a fixture file, or a tensor in one.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Key.self)
        op = try values.decode(String.self, forKey: .op)
        name = try values.decode(String.self, forKey: .name)
        inputs = try values.decodeIfPresent([FixtureTensor?].self, forKey: .inputs) ?? []
        args = try values.decodeIfPresent(FixtureArguments.self, forKey: .args) ?? FixtureArguments()
        outputs = try values.decodeIfPresent([FixtureTensor].self, forKey: .outputs) ?? []
        gradOutputs = try values.decodeIfPresent([FixtureTensor?].self, forKey: .gradOutputs) ?? []
        grads = try values.decodeIfPresent([FixtureTensor?].self, forKey: .grads) ?? []
    }
}

/// A tensor in a fixture: its elements as they stand in the file.
public struct FixtureTensor: Sendable, Decodable {
    /// The dtype.
    public let dtype: DType
    /// The shape.
    public let shape: [Int]
    /// The elements in row-major order: exact integers, or floating-point numbers, of which a complex one takes two.
    public let elements: Elements

    /// The elements of a tensor.
    public enum Elements: Sendable, Equatable {
        /// Signed integers and Bools (0 and 1).
        case signed([Int64])
        /// Unsigned integers.
        case unsigned([UInt64])
        /// Floats; real and imaginary parts in turn for complex dtypes.
        case floats([Double])
    }

    private enum Key: String, CodingKey {
        case dtype, shape, data
    }

    /// Reads a line of a fixture file, or a tensor in one.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Key.self)
        let dtype = try DType(named: values.decode(String.self, forKey: .dtype))
        self.dtype = dtype
        shape = try values.decode([Int].self, forKey: .shape)
        if dtype == .bool {
            elements = .signed(try values.decode([Bool].self, forKey: .data).map { $0 ? 1 : 0 })
        } else if dtype.isComplex {
            elements = .floats(try values.decode([[Number]].self, forKey: .data).joined().map(\.value))
        } else if dtype.isFloatingPoint {
            elements = .floats(try values.decode([Number].self, forKey: .data).map(\.value))
        } else if dtype.isSigned {
            elements = .signed(try values.decode([Int64].self, forKey: .data))
        } else {
            elements = .unsigned(try values.decode([UInt64].self, forKey: .data))
        }
    }

    /// The elements of a tensor, read exactly.
    public init(_ tensor: Tensor) throws {
        dtype = tensor.dtype
        shape = tensor.shape
        let plain = tensor.detach().cpu()
        if dtype.isComplex {
            elements = .floats(
                try plain.to(.complex128).contiguous().withUnsafeBytes { Array($0.bindMemory(to: Double.self)) })
        } else if dtype.isFloatingPoint {
            elements = .floats(plain.toArray(Double.self))
        } else if dtype.isSigned || dtype == .bool {
            elements = .signed(plain.toArray(Int64.self))
        } else {
            elements = .unsigned(plain.toArray(UInt64.self))
        }
    }

    /// The tensor, on the default device.
    public func tensor() throws -> Tensor {
        switch elements {
        case .signed(let values): try make(values, .int64)
        case .unsigned(let values): try make(values, .uint64)
        case .floats(let values): try make(values, dtype.isComplex ? .complex128 : .float64)
        }
    }

    private func make<Element>(_ values: [Element], _ wide: DType) throws -> Tensor {
        try values.withUnsafeBytes { try Tensor(copying: $0, dtype: wide, shape: shape) }.to(dtype).to(.default)
    }
}

/// A number, "nan", "inf" or "-inf".
private struct Number: Decodable {
    let value: Double

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let number = try? container.decode(Double.self) {
            value = number
        } else if let number = Double(try container.decode(String.self)) {
            value = number
        } else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "expected a number")
        }
    }
}

extension DType {
    /// The dtype of PyTorch's name.
    public init(named name: String) throws {
        guard let dtype = DType.allCases.first(where: { $0.description == name }) else {
            throw FixtureError("there is no dtype called \(name)")
        }
        self = dtype
    }
}

/// Why a fixture does not hold.
public struct FixtureError: Error, CustomStringConvertible {
    /// The reason.
    public let description: String

    /// An error for this reason.
    public init(_ description: String) { self.description = description }
}
