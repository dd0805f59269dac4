// JSON as RFC 8259 has it and nothing more: what file headers need, without Foundation.

/// A JSON value that remembers where it stood in its text.
package struct JSON {
    /// The six kinds of values. Members of an object keep their order and have different names.
    package enum Value {
        case null
        case bool(Bool)
        case integer(Int64)
        case number(Double)
        case string(String)
        case array([JSON])
        case object([(name: String, value: JSON)])
    }

    /// What the value is.
    package var value: Value
    /// Its first byte in the text it was read from; 0 for one that was made.
    package var offset: Int

    /// A value at `offset`.
    package init(_ value: Value, offset: Int = 0) {
        self.value = value
        self.offset = offset
    }

    /// What stands here, in words, for messages.
    package var kindName: String {
        switch value {
        case .null: "null"
        case .bool: "true or false"
        case .integer, .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }

    /// The text of a string; nil for other values.
    package var string: String? { if case .string(let text) = value { text } else { nil } }
    /// The value of an integer; nil for other values.
    package var integer: Int64? { if case .integer(let number) = value { number } else { nil } }
    /// The value of any number; nil for other values.
    package var double: Double? {
        switch value {
        case .integer(let number): Double(number)
        case .number(let number): number
        default: nil
        }
    }
    /// The elements of an array; nil for other values.
    package var array: [JSON]? { if case .array(let elements) = value { elements } else { nil } }
    /// The members of an object; nil for other values.
    package var object: [(name: String, value: JSON)]? { if case .object(let members) = value { members } else { nil } }

    /// The member called `name`; nil where there is none.
    package subscript(name: String) -> JSON? { object?.first { $0.name == name }?.value }
}

// MARK: - Writing

extension JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
    package init(stringLiteral text: String) { self.init(.string(text)) }
    package init(integerLiteral number: Int64) { self.init(.integer(number)) }

    /// An array.
    package static func array(_ elements: some Sequence<JSON>) -> JSON { JSON(.array(Array(elements))) }
    /// An object.
    package static func object(_ members: [(String, JSON)]) -> JSON {
        JSON(.object(members.map { (name: $0.0, value: $0.1) }))
    }
    /// A string.
    package static func string(_ text: String) -> JSON { JSON(.string(text)) }
    /// An integer.
    package static func integer(_ number: some BinaryInteger) -> JSON { JSON(.integer(Int64(number))) }
    /// A number. JSON has no infinities and no NaN: those become null.
    package static func number(_ number: Double) -> JSON { JSON(number.isFinite ? .number(number) : .null) }

    /// The value as text without white space.
    package var text: String {
        var bytes: [UInt8] = []
        append(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Appends the value as UTF-8 text without white space.
    package func append(to bytes: inout [UInt8]) {
        switch value {
        case .null: bytes += "null".utf8
        case .bool(let flag): bytes += (flag ? "true" : "false").utf8
        case .integer(let number): bytes += "\(number)".utf8
        case .number(let number): bytes += "\(number)".utf8
        case .string(let text): Self.append(quoted: text, to: &bytes)
        case .array(let elements):
            bytes.append(UInt8(ascii: "["))
            for (i, element) in elements.enumerated() {
                if i > 0 { bytes.append(UInt8(ascii: ",")) }
                element.append(to: &bytes)
            }
            bytes.append(UInt8(ascii: "]"))
        case .object(let members):
            bytes.append(UInt8(ascii: "{"))
            for (i, member) in members.enumerated() {
                if i > 0 { bytes.append(UInt8(ascii: ",")) }
                Self.append(quoted: member.name, to: &bytes)
                bytes.append(UInt8(ascii: ":"))
                member.value.append(to: &bytes)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }

    private static func append(quoted text: String, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""): bytes += "\\\"".utf8
            case UInt8(ascii: "\\"): bytes += "\\\\".utf8
            case UInt8(ascii: "\n"): bytes += "\\n".utf8
            case UInt8(ascii: "\t"): bytes += "\\t".utf8
            case 0..<0x20:
                let digits = String(byte, radix: 16)
                bytes += ("\\u" + String(repeating: "0", count: 4 - digits.count) + digits).utf8
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
