import Apus

/// A fixture's arguments that are not tensors, by PyTorch's names. Reading one that is missing or of another kind throws.
public struct FixtureArguments: Sendable, Decodable {
    private var values: [String: Value] = [:]

    init() {}

    /// Reads the `args` of a line of a fixture file.
    public init(from decoder: any Decoder) throws { values = try [String: Value](from: decoder) }

    /// The names, sorted.
    public var names: [String] { values.keys.sorted() }

    /// Whether there is such an argument and it is not null.
    public func has(_ name: String) -> Bool {
        if case .null = values[name] ?? .null { return false }
        return true
    }

    /// An integer.
    public func int(_ name: String) throws -> Int {
        guard case .integer(let number) = values[name] else { throw wrong(name, "an integer") }
        return number
    }

    /// An integer, or nil where it is null or missing.
    public func optionalInt(_ name: String) throws -> Int? { has(name) ? try int(name) : nil }

    /// A list of integers; a single number is a list of one.
    public func ints(_ name: String) throws -> [Int] {
        if case .integer(let number) = values[name] { return [number] }
        guard case .array(let elements) = values[name] else { throw wrong(name, "integers") }
        return try elements.map {
            guard case .integer(let number) = $0 else { throw wrong(name, "integers") }
            return number
        }
    }

    /// A list of integers, or nil where it is null or missing.
    public func optionalInts(_ name: String) throws -> [Int]? { has(name) ? try ints(name) : nil }

    /// A pair of integers, height first.
    public func pair(_ name: String) throws -> (Int, Int) {
        let numbers = try ints(name)
        guard numbers.count == 2 else { throw wrong(name, "two integers") }
        return (numbers[0], numbers[1])
    }

    /// A number; "inf" and the like too.
    public func double(_ name: String) throws -> Double {
        guard let number = values[name]?.double else { throw wrong(name, "a number") }
        return number
    }

    /// A list of numbers.
    public func doubles(_ name: String) throws -> [Double] {
        guard case .array(let elements) = values[name] else { throw wrong(name, "numbers") }
        return try elements.map {
            guard let number = $0.double else { throw wrong(name, "numbers") }
            return number
        }
    }

    /// A number, or nil where it is null or missing.
    public func optionalDouble(_ name: String) throws -> Double? { has(name) ? try double(name) : nil }

    /// True or false.
    public func bool(_ name: String) throws -> Bool {
        guard case .bool(let flag) = values[name] else { throw wrong(name, "true or false") }
        return flag
    }

    /// A text.
    public func string(_ name: String) throws -> String {
        guard case .string(let text) = values[name] else { throw wrong(name, "a text") }
        return text
    }

    /// A dtype, or nil where it is null or missing.
    public func optionalDType(_ name: String) throws -> DType? { has(name) ? try DType(named: string(name)) : nil }

    /// A number whose kind counts in type promotion; plain numbers and Bools are taken as what they are.
    public func scalar(_ name: String) throws -> FixtureScalar {
        guard let value = values[name] else { throw wrong(name, "a scalar") }
        switch value {
        case .bool(let flag): return .bool(flag)
        case .integer(let number): return .int(Int64(number))
        case .number(let number): return .float(number)
        case .object(let members):
            guard case .string(let kind) = members["scalar"], let inner = members["value"] else { break }
            switch (kind, inner) {
            case ("bool", .bool(let flag)): return .bool(flag)
            case ("int", .integer(let number)): return .int(Int64(number))
            case ("int", .unsigned(let number)): return .unsigned(number)
            case ("complex", .array(let parts)) where parts.count == 2:
                if let real = parts[0].double, let imaginary = parts[1].double { return .complex(real, imaginary) }
            case ("float", _): if let number = inner.double { return .float(number) }
            default: break
            }
        default: break
        }
        throw wrong(name, "a scalar")
    }

    /// An argument that is itself a set of arguments, such as those of `result_type`.
    public func arguments(_ name: String) throws -> FixtureArguments {
        guard case .object(let members) = values[name] else { throw wrong(name, "an object") }
        var result = FixtureArguments()
        result.values = members
        return result
    }

    private func wrong(_ name: String, _ expected: String) -> FixtureError {
        FixtureError("argument \(name): expected \(expected), found \(values[name].map { "\($0)" } ?? "nothing")")
    }

    private enum Value: Sendable, Decodable {
        case null
        case bool(Bool)
        case integer(Int)
        case unsigned(UInt64)
        case number(Double)
        case string(String)
        case array([Value])
        case object([String: Value])

        var double: Double? {
            switch self {
            case .integer(let number): Double(number)
            case .unsigned(let number): Double(number)
            case .number(let number): number
            case .string(let text): Double(text)
            default: nil
            }
        }

        init(from decoder: any Decoder) throws {
            if let members = try? decoder.container(keyedBy: AnyKey.self) {
                let pairs = try members.allKeys.map {
                    ($0.stringValue, try members.decodeIfPresent(Value.self, forKey: $0) ?? .null)
                }
                self = .object(Dictionary(uniqueKeysWithValues: pairs))
                return
            }
            if var list = try? decoder.unkeyedContainer() {
                var elements: [Value] = []
                while !list.isAtEnd { elements.append(try list.decode(Value.self)) }
                self = .array(elements)
                return
            }
            let value = try decoder.singleValueContainer()
            if value.decodeNil() {
                self = .null
            } else if let flag = try? value.decode(Bool.self) {
                self = .bool(flag)
            } else if let number = try? value.decode(Int.self) {
                self = .integer(number)
            } else if let number = try? value.decode(UInt64.self) {
                self = .unsigned(number)
            } else if let number = try? value.decode(Double.self) {
                self = .number(number)
            } else {
                self = .string(try value.decode(String.self))
            }
        }
    }

    private struct AnyKey: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }
}

/// A number in a fixture whose kind counts in type promotion.
public enum FixtureScalar: Sendable, Equatable {
    /// True or false.
    case bool(Bool)
    /// An integer.
    case int(Int64)
    /// An integer above the range of Int64.
    case unsigned(UInt64)
    /// A floating-point number.
    case float(Double)
    /// A complex number.
    case complex(Double, Double)
}
