// Documented in apus/train.h.
// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation

import Apus
import CApus
import CApusTrain

// MARK: - Operators

@c @implementation
public func apus_operator_count() -> Int32 { Int32(Operators.all.count) }

@c @implementation
public func apus_operator_find(_ name: UnsafePointer<CChar>?) -> Int32 {
    name.flatMap { Operators.numbers[String(cString: $0)] } ?? -1
}

@c @implementation
public func apus_operator_name(_ op: Int32) -> UnsafePointer<CChar>? { entry(Operators.all, op)?.signature.cName }

@c @implementation
public func apus_operator_signature(_ op: Int32) -> UnsafePointer<CChar>? { entry(Operators.all, op)?.signature.cText }

@c @implementation
public func apus_operator_call(
    _ out: Out?, _ capacity: Int32, _ produced: UnsafeMutablePointer<Int32>?, _ op: Int32, _ count: Int32,
    _ arguments: UnsafePointer<apus_argument>?
) -> Status {
    guard capacity >= 0 else {
        return failure(TensorError(.invalid_argument, "apus_operator_call: capacity is \(capacity)"))
    }
    guard out != nil || capacity == 0 else {
        return failure(TensorError(.null_argument, "apus_operator_call: out is null"))
    }
    for i in 0..<Int(capacity) { out![i] = nil }
    produced?.pointee = 0
    guard let line = entry(Operators.all, op) else {
        return failure(TensorError(.index, "apus_operator_call: there is no operator \(op)"))
    }
    switch line.body {
    case .one(let body):
        produced?.pointee = 1
        guard capacity > 0 else { return tooSmall(line, 1, capacity) }
        return give(out, "apus_operator_call") { try body(Arguments(line.signature, count, arguments)) }
    case .many(let body):
        var results: [Tensor] = []
        let status = guarded {
            results = try body(Arguments(line.signature, count, arguments))
            produced?.pointee = Int32(clamping: results.count)
        }
        guard status == .ok, let out else {
            return status == .ok && !results.isEmpty ? tooSmall(line, results.count, 0) : status
        }
        guard results.count <= capacity else { return tooSmall(line, results.count, capacity) }
        for (i, tensor) in results.enumerated() { out[i] = newReference(tensor) }
        return status
    }
}

private func tooSmall(_ line: Operator, _ count: Int, _ capacity: Int32) -> Status {
    failure(
        TensorError(
            .invalid_argument, "\(line.signature.name): there are \(count) results, and room for \(capacity)"))
}

/// A table's line; nil for a number that is none.
@inline(__always)
func entry<Line>(_ table: [Line], _ place: Int32) -> Line? {
    table.indices.contains(Int(place)) ? table[Int(place)] : nil
}
