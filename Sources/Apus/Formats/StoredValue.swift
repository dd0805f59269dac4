import CApus

/// A value as files hold them around tensors: what PyTorch's checkpoints and GGUF's metadata are made of.
///
///     let checkpoint = try TorchFile.load("checkpoint.pt")
///     let epoch = checkpoint["epoch"]?.int
///     let momentum = checkpoint["optimizer"]?["state"]?[0]?["momentum_buffer"]?.tensor
public indirect enum StoredValue: Sendable {
    /// Nothing, Python's None.
    case none
    /// True or false.
    case bool(Bool)
    /// An integer.
    case int(Int)
    /// An integer above the range of `Int`.
    case unsigned(UInt64)
    /// A floating-point number.
    case float(Double)
    /// A complex number.
    case complex(real: Double, imaginary: Double)
    /// A text. Devices are read as one: "cuda:0".
    case string(String)
    /// Bytes.
    case bytes([UInt8])
    /// A dtype.
    case dtype(DType)
    /// A tensor.
    case tensor(Tensor)
    /// A list.
    case list([StoredValue])
    /// A tuple. Sizes are read as one.
    case tuple([StoredValue])
    /// A set, in the file's order.
    case set([StoredValue])
    /// A dict, in its order.
    case dict([(key: StoredValue, value: StoredValue)])

    /// The number, where this is an int.
    public var int: Int? { if case .int(let number) = self { number } else { nil } }
    /// The number, where this is an int or a float.
    public var double: Double? {
        switch self {
        case .int(let number): Double(number)
        case .unsigned(let number): Double(number)
        case .float(let number): number
        default: nil
        }
    }
    /// The truth, where this is a bool.
    public var bool: Bool? { if case .bool(let truth) = self { truth } else { nil } }
    /// The text, where this is a string.
    public var string: String? { if case .string(let text) = self { text } else { nil } }
    /// The tensor, where this is one.
    public var tensor: Tensor? { if case .tensor(let tensor) = self { tensor } else { nil } }
    /// The items, where this is a list, tuple or set.
    public var items: [StoredValue]? {
        switch self {
        case .list(let items), .tuple(let items), .set(let items): items
        default: nil
        }
    }

    /// The value of a dict under a text; nil where there is none.
    public subscript(key: String) -> StoredValue? {
        guard case .dict(let pairs) = self else { return nil }
        return pairs.first { $0.key.string == key }?.value
    }

    /// The item at a place of a list or tuple, or the value of a dict under a number; nil where there is none.
    public subscript(index: Int) -> StoredValue? {
        switch self {
        case .list(let items), .tuple(let items): items.indices.contains(index) ? items[index] : nil
        case .dict(let pairs): pairs.first { $0.key.int == index }?.value
        default: nil
        }
    }
}

extension StoredValue: ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByStringLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    /// A bool.
    public init(booleanLiteral truth: Bool) { self = .bool(truth) }
    /// An int.
    public init(integerLiteral number: Int) { self = .int(number) }
    /// A float.
    public init(floatLiteral number: Double) { self = .float(number) }
    /// A string.
    public init(stringLiteral text: String) { self = .string(text) }
    /// A list.
    public init(arrayLiteral items: StoredValue...) { self = .list(items) }
    /// A dict.
    public init(dictionaryLiteral pairs: (StoredValue, StoredValue)...) {
        self = .dict(pairs.map { (key: $0.0, value: $0.1) })
    }
}

// MARK: - To and from the C core

extension StoredValue {
    /// A copy of the core's tree; tensors are shared.
    init(borrowing value: OpaquePointer?) {
        switch apus_value_get_kind(value) {
        case .none: self = .none
        case .bool, .int, .float, .complex: self = Self.number(value)
        case .string: self = .string(String(decoding: Self.text(value), as: UTF8.self))
        case .bytes: self = .bytes(Array(Self.text(value)))
        case .dtype:
            var dtype = DType.float32
            self = check(apus_value_get_dtype(value, &dtype)) ? .dtype(dtype) : .none
        case .tensor: self = .tensor(Tensor(owning: apus_tensor_retain(apus_value_get_tensor(value))))
        case .list: self = .list(Self.items(value))
        case .tuple: self = .tuple(Self.items(value))
        case .set: self = .set(Self.items(value))
        case .dict:
            self = .dict(
                zip(0..., Self.items(value)).map { (key: Self(borrowing: apus_value_key(value, $0)), value: $1) })
        }
    }

    private static func items(_ value: OpaquePointer?) -> [StoredValue] {
        (0..<apus_value_count(value)).map { Self(borrowing: apus_value_item(value, $0)) }
    }

    private static func text(_ value: OpaquePointer?) -> UnsafeRawBufferPointer {
        var length = 0
        let start = apus_value_get_text(value, &length)
        return UnsafeRawBufferPointer(start: start, count: length)
    }

    private static func number(_ value: OpaquePointer?) -> StoredValue {
        var scalar = apus_scalar()
        guard check(apus_value_get_scalar(value, &scalar)) else { return .none }
        switch scalar.kind {
        case APUS_SCALAR_bool: return .bool(scalar.integer != 0)
        case APUS_SCALAR_int where scalar.is_unsigned: return .unsigned(UInt64(bitPattern: scalar.integer))
        case APUS_SCALAR_int: return .int(Int(scalar.integer))
        case APUS_SCALAR_float: return .float(scalar.real)
        default: return .complex(real: scalar.real, imaginary: scalar.imaginary)
        }
    }

    /// Gives `body` the value as the core's tree. Valid inside `body` only.
    func withHandle<Result>(_ body: (OpaquePointer) throws -> Result) throws -> Result {
        let handle = try makeHandle()
        defer { apus_value_release(handle) }
        return try body(handle)
    }

    private func makeHandle() throws -> OpaquePointer {
        switch self {
        case .none: return try newFileHandle("") { apus_value_none($0) }
        case .bool(let truth): return try Self.scalarHandle(APUS_SCALAR_bool, integer: truth ? 1 : 0)
        case .int(let number): return try Self.scalarHandle(APUS_SCALAR_int, integer: Int64(number))
        case .unsigned(let number):
            let bits = Int64(bitPattern: number)
            return try Self.scalarHandle(APUS_SCALAR_int, integer: bits, isUnsigned: bits < 0)
        case .float(let number): return try Self.scalarHandle(APUS_SCALAR_float, real: number)
        case .complex(let real, let imaginary):
            return try Self.scalarHandle(APUS_SCALAR_complex, real: real, imaginary: imaginary)
        case .string(var text):
            return try text.withUTF8 { text in
                try text.withMemoryRebound(to: CChar.self) { text in
                    try newFileHandle("") { apus_value_string($0, text.baseAddress, text.count) }
                }
            }
        case .bytes(let bytes): return try newFileHandle("") { apus_value_bytes($0, bytes, bytes.count) }
        case .dtype(let dtype): return try newFileHandle("") { apus_value_dtype($0, dtype) }
        case .tensor(let tensor): return try newFileHandle("") { apus_value_tensor($0, tensor.handle) }
        case .list(let items): return try Self.containerHandle(.list, items)
        case .tuple(let items): return try Self.containerHandle(.tuple, items)
        case .set(let items): return try Self.containerHandle(.set, items)
        case .dict(let pairs): return try Self.dictHandle(pairs)
        }
    }

    private static func scalarHandle(
        _ kind: apus_scalar_kind, integer: Int64 = 0, isUnsigned: Bool = false, real: Double = 0, imaginary: Double = 0
    ) throws -> OpaquePointer {
        var scalar = apus_scalar(
            kind: kind, is_unsigned: isUnsigned, integer: integer, real: real, imaginary: imaginary)
        return try newFileHandle("") { apus_value_scalar($0, &scalar) }
    }

    private static func containerHandle(_ kind: ValueKind, _ items: [StoredValue]) throws -> OpaquePointer {
        let container = try newFileHandle("") { apus_value_container($0, kind) }
        do {
            for item in items { try item.withHandle { try checkFile(apus_value_append(container, $0), "") } }
        } catch {
            apus_value_release(container)
            throw error
        }
        return container
    }

    private static func dictHandle(_ pairs: [(key: StoredValue, value: StoredValue)]) throws -> OpaquePointer {
        let dict = try containerHandle(.dict, [])
        do {
            for (key, value) in pairs {
                try key.withHandle { key in
                    try value.withHandle { value in try checkFile(apus_value_insert(dict, key, value), "") }
                }
            }
        } catch {
            apus_value_release(dict)
            throw error
        }
        return dict
    }
}
