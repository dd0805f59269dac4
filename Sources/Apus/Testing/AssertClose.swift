/// Where two tensors are not as close as they should be; thrown by `assertClose`.
public struct AssertionError: Error, CustomStringConvertible {
    /// What differs: the dtypes, the shapes, or how many elements and where most.
    public let description: String
}

/// Throws unless `actual` is as good as `expected`: of the same shape, dtype and device, and with
/// |actual - expected| ≤ atol + rtol·|expected| everywhere. Infinities must be equal; NaN is close to nothing, or to NaN
/// where `equalNaN`.
///
/// Without `rtol` and `atol`, PyTorch's for the dtype: 1.3e-6 and 1e-5 for float32 and complex64, 1e-7 and 1e-7 for
/// float64 and complex128, 1e-3 and 1e-5 for float16, 1.6e-2 and 1e-5 for bfloat16, none for integers and bool. With
/// `checkDType: false` values of different dtypes are compared, by the wider of the tolerances.
public func assertClose(
    _ actual: Tensor, _ expected: Tensor, rtol: Double? = nil, atol: Double? = nil, equalNaN: Bool = false,
    checkDType: Bool = true
) throws {
    func fail(_ message: String) -> AssertionError { AssertionError(description: "assertClose: \(message)") }
    guard (rtol == nil) == (atol == nil) else { throw fail("give both rtol and atol, or neither") }
    guard actual.hasShape(of: expected) else { throw fail("shapes \(actual.shape) and \(expected.shape)") }
    guard actual.device == expected.device else { throw fail("devices \(actual.device) and \(expected.device)") }
    guard !checkDType || actual.dtype == expected.dtype else {
        throw fail("dtypes \(actual.dtype) and \(expected.dtype)")
    }
    if actual.dtype.isInteger && actual.dtype == expected.dtype && actual.equal(expected) { return }
    let standard = (actual.dtype.tolerance, expected.dtype.tolerance)
    let rtol = rtol ?? max(standard.0.rtol, standard.1.rtol)
    let atol = atol ?? max(standard.0.atol, standard.1.atol)
    let (a, b) = (try elements(actual), try elements(expected))
    let width = a.count == actual.count ? 1 : 2
    var worst = (place: 0, difference: -1.0)
    var differing = 0
    for place in 0..<actual.count {
        let (x, y) = (a[place * width..<(place + 1) * width], b[place * width..<(place + 1) * width])
        let bothNaN = x.contains(where: \.isNaN) && y.contains(where: \.isNaN)
        if x == y || (equalNaN && bothNaN) { continue }
        let difference = zip(x, y).reduce(0) { hypotenuse($0, $1.0 - $1.1) }
        let size = y.reduce(0, hypotenuse)
        if difference <= atol + rtol * size && size.isFinite { continue }
        differing += 1
        if difference > worst.difference || difference.isNaN {
            worst = (place, difference.isNaN ? .infinity : difference)
        }
    }
    guard differing > 0 else { return }
    let (x, y) = (a[worst.place * width], b[worst.place * width])
    throw fail(
        "\(differing) of \(actual.count) elements differ by more than \(atol) + \(rtol)·|expected|; most at "
            + "\(indices(worst.place, actual.shape)): \(x), expected \(y)")
}

/// A tensor for tests: random numbers from [low, high), by default from [-9, 9), whole ones for integers, from a
/// generator of its own.
public func makeTensor(
    _ shape: [Int], dtype: DType = .float32, low: Double? = nil, high: Double? = nil, seed: UInt64 = 0,
    device: Device = .default, requiresGrad: Bool = false
) -> Tensor {
    let generator = Generator(seed: seed)
    let (low, high) = (low ?? (dtype.isSigned ? -9 : 0), high ?? (dtype == .bool ? 2 : 9))
    let room = dtype.isComplex ? shape + [2] : shape
    let numbers = Tensor.empty(room, dtype: .float64, device: .cpu).uniform_(low, high, generator: generator)
    guard dtype.isComplex else {
        let values = dtype.isFloatingPoint ? numbers : numbers.floor()
        return (dtype == .bool ? (values .!= 0) : values.to(dtype)).to(device).requiresGrad_(requiresGrad)
    }
    let pairs = numbers.toArray(Double.self)
    let made = pairs.withUnsafeBytes { try? Tensor(copying: $0, dtype: .complex128, shape: shape) }
    return (made ?? .invalid()).to(dtype).to(device).requiresGrad_(requiresGrad)
}

extension DType {
    /// PyTorch's tolerances for comparing values of this dtype.
    fileprivate var tolerance: (rtol: Double, atol: Double) {
        switch self {
        case .float16: (1e-3, 1e-5)
        case .bfloat16: (1.6e-2, 1e-5)
        case .float32, .complex64: (1.3e-6, 1e-5)
        case .float64, .complex128: (1e-7, 1e-7)
        default: (0, 0)
        }
    }
}

/// Elements as Doubles, complex ones as two. Integers beyond 2^53 that round to one Double count as equal.
private func elements(_ tensor: Tensor) throws -> [Double] {
    let plain = tensor.detach().cpu()
    guard tensor.dtype.isComplex else { return plain.toArray(Double.self) }
    return try plain.to(.complex128).contiguous().withUnsafeBytes { Array($0.bindMemory(to: Double.self)) }
}

private func hypotenuse(_ a: Double, _ b: Double) -> Double { (a * a + b * b).squareRoot() }

private func indices(_ element: Int, _ shape: [Int]) -> [Int] {
    var rest = element
    var result = shape
    for d in shape.indices.reversed() { (rest, result[d]) = rest.quotientAndRemainder(dividingBy: shape[d]) }
    return result
}
