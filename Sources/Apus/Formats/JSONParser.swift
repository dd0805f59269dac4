// The reader of JSON.swift's values. It trusts nothing: depth is bounded, names may not repeat, UTF-8 must be valid.

/// Why a text is not JSON, and at which of its bytes.
package struct JSONError: Error, Hashable {
    /// Bytes from the text's start.
    package var offset: Int
    /// What was expected and what was found.
    package var message: String
}

extension JSON {
    /// Reads a whole text. Values may nest `depthLimit` deep.
    package static func parse(_ text: UnsafeRawBufferPointer, depthLimit: Int = 64) throws -> JSON {
        var parser = JSONParser(text: text)
        let value = try parser.value(depth: depthLimit)
        parser.skipSpace()
        guard parser.offset == text.count else { throw parser.unexpected("the end of the text") }
        return value
    }

    /// Reads a whole text.
    package static func parse(_ text: String) throws -> JSON {
        try Array(text.utf8).withUnsafeBytes { buffer in try parse(buffer) }
    }
}

private struct JSONParser {
    let text: UnsafeRawBufferPointer
    var offset = 0

    private var next: UInt8? { offset < text.count ? text[offset] : nil }

    func unexpected(_ expected: String) -> JSONError {
        let found: String
        switch next {
        case nil: found = "the end"
        case let byte? where (0x21..<0x7f).contains(byte): found = "'\(Character(UnicodeScalar(byte)))'"
        case let byte?: found = "byte \(byte)"
        }
        return JSONError(offset: offset, message: "expected \(expected), found \(found)")
    }

    mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 { offset += 1 }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: character) else { return false }
        offset += 1
        return true
    }

    private mutating func expect(_ character: Unicode.Scalar) throws {
        guard take(character) else { throw unexpected("'\(character)'") }
    }

    mutating func value(depth: Int) throws -> JSON {
        skipSpace()
        let start = offset
        guard depth > 0 else { throw JSONError(offset: start, message: "values are nested too deep") }
        switch next {
        case UInt8(ascii: "{"): return JSON(.object(try members(depth: depth)), offset: start)
        case UInt8(ascii: "["): return JSON(.array(try elements(depth: depth)), offset: start)
        case UInt8(ascii: "\""): return JSON(.string(try string()), offset: start)
        case UInt8(ascii: "t"): return JSON(.bool(try word("true", true)), offset: start)
        case UInt8(ascii: "f"): return JSON(.bool(try word("false", false)), offset: start)
        case UInt8(ascii: "n"):
            _ = try word("null", false)
            return JSON(.null, offset: start)
        default: return JSON(try number(), offset: start)
        }
    }

    private mutating func word(_ word: String, _ value: Bool) throws -> Bool {
        for character in word.unicodeScalars { try expect(character) }
        return value
    }

    private mutating func members(depth: Int) throws -> [(name: String, value: JSON)] {
        try expect("{")
        var members: [(name: String, value: JSON)] = []
        var names: Set<String> = []
        skipSpace()
        if take("}") { return members }
        repeat {
            skipSpace()
            let start = offset
            let name = try string()
            guard names.insert(name).inserted else {
                throw JSONError(offset: start, message: "the name \"\(name)\" appears twice")
            }
            skipSpace()
            try expect(":")
            members.append((name, try value(depth: depth - 1)))
            skipSpace()
        } while take(",")
        guard take("}") else { throw unexpected("',' or '}'") }
        return members
    }

    private mutating func elements(depth: Int) throws -> [JSON] {
        try expect("[")
        var elements: [JSON] = []
        skipSpace()
        if take("]") { return elements }
        repeat {
            elements.append(try value(depth: depth - 1))
            skipSpace()
        } while take(",")
        guard take("]") else { throw unexpected("',' or ']'") }
        return elements
    }

    // MARK: Strings

    private mutating func string() throws -> String {
        let start = offset
        guard take("\"") else { throw unexpected("a string") }
        var bytes: [UInt8] = []
        while let byte = next, byte != UInt8(ascii: "\"") {
            guard byte >= 0x20 else { throw unexpected("a character") }
            offset += 1
            if byte == UInt8(ascii: "\\") { try escape(into: &bytes) } else { bytes.append(byte) }
        }
        guard take("\"") else { throw unexpected("'\"' to end the string") }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw JSONError(offset: start, message: "the string is not valid UTF-8")
        }
        return text
    }

    private mutating func escape(into bytes: inout [UInt8]) throws {
        guard let byte = next else { throw unexpected("an escape") }
        offset += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): bytes.append(byte)
        case UInt8(ascii: "b"): bytes.append(0x08)
        case UInt8(ascii: "f"): bytes.append(0x0c)
        case UInt8(ascii: "n"): bytes.append(0x0a)
        case UInt8(ascii: "r"): bytes.append(0x0d)
        case UInt8(ascii: "t"): bytes.append(0x09)
        case UInt8(ascii: "u"): bytes += String(Character(try scalar())).utf8
        default:
            offset -= 1
            throw unexpected("an escape")
        }
    }

    /// The scalar after `\u`: four digits, or a surrogate pair of two such escapes.
    private mutating func scalar() throws -> Unicode.Scalar {
        let start = offset - 2
        let high = try codeUnit()
        if let scalar = Unicode.Scalar(high) { return scalar }
        let unpaired = JSONError(offset: start, message: "a surrogate without its partner")
        guard high < 0xdc00, take("\\"), take("u") else { throw unpaired }
        let low = try codeUnit()
        guard (0xdc00..<0xe000).contains(low) else { throw unpaired }
        return Unicode.Scalar(0x10000 + (high - 0xd800) << 10 + (low - 0xdc00))!
    }

    private mutating func codeUnit() throws -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = next, let digit = Character(UnicodeScalar(byte)).hexDigitValue else {
                throw unexpected("a hexadecimal digit")
            }
            value = value << 4 + UInt32(digit)
            offset += 1
        }
        return value
    }

    // MARK: Numbers

    private mutating func digits() throws {
        let start = offset
        while let byte = next, (0x30...0x39).contains(byte) { offset += 1 }
        guard offset > start else { throw unexpected("a digit") }
    }

    private mutating func number() throws -> JSON.Value {
        let start = offset
        let isNegative = take("-")
        guard let first = next, (0x30...0x39).contains(first) else {
            throw unexpected(isNegative ? "a digit" : "a value")
        }
        if !take("0") { try digits() }
        var isInteger = true
        if take(".") {
            isInteger = false
            try digits()
        }
        if take("e") || take("E") {
            isInteger = false
            if !take("+") { _ = take("-") }
            try digits()
        }
        let text = String(decoding: UnsafeRawBufferPointer(rebasing: text[start..<offset]), as: UTF8.self)
        if isInteger, let integer = Int64(text) { return .integer(integer) }
        guard let number = Double(text), number.isFinite else {
            throw JSONError(offset: start, message: "the number is out of range")
        }
        return .number(number)
    }
}
