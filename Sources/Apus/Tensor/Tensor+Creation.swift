import CApus
import Synchronization

extension Tensor {
    private static let defaultDTypeCode = Atomic<UInt32>(DType.float32.rawValue)

    /// The dtype of tensors made without one from floating-point literals, and of `zeros`, `rand` and the like: float32
    /// unless set otherwise. Process-wide.
    public static var defaultDType: DType {
        get { DType(rawValue: defaultDTypeCode.load(ordering: .relaxed)) ?? .float32 }
        set {
            guard require(newValue.isFloatingPoint, .dtype, "defaultDType: \(newValue) is not a float dtype") else {
                return
            }
            defaultDTypeCode.store(newValue.rawValue, ordering: .relaxed)
        }
    }

    /// A 0-d tensor that takes part in promotion as a number does.
    package convenience init(weak scalar: Scalar) {
        var out: OpaquePointer?
        let status = withUnsafePointer(to: scalar.raw) { apus_tensor_scalar(&out, $0) }
        self.init(owning: status == .ok ? out! : Tensor.takeHandle(.failed(status)))
    }

    /// Moves the handle out of a tensor made for an initialiser.
    static func takeHandle(_ tensor: Tensor) -> OpaquePointer { apus_tensor_retain(tensor.handle) }

    /// Sets `requiresGrad` on a tensor just made.
    @inline(__always)
    func made(_ requiresGrad: Bool) -> Tensor {
        if requiresGrad { self.requiresGrad = true }
        return self
    }

    /// A new tensor of one value, converted to `dtype`.
    static func filled(_ shape: [Int], _ value: Scalar, _ dtype: DType, _ device: apus_device) -> Tensor {
        shape.withSizes { rank, sizes in
            withUnsafePointer(to: value.raw) { value in
                make { apus_tensor_full($0, dtype, rank, sizes, value, device) }
            }
        }
    }

    // MARK: - One value

    /// A tensor of zeros.
    public static func zeros(
        _ shape: [Int], dtype: DType? = nil, device: Device = .default, requiresGrad: Bool = false
    ) -> Tensor { filled(shape, Scalar(integer: 0), dtype ?? defaultDType, device.code).made(requiresGrad) }

    /// A tensor of zeros: `Tensor.zeros(2, 3)`.
    public static func zeros(
        _ shape: Int..., dtype: DType? = nil, device: Device = .default, requiresGrad: Bool = false
    ) -> Tensor { zeros(shape, dtype: dtype, device: device, requiresGrad: requiresGrad) }

    /// A tensor of ones.
    public static func ones(
        _ shape: [Int], dtype: DType? = nil, device: Device = .default, requiresGrad: Bool = false
    ) -> Tensor { filled(shape, Scalar(integer: 1), dtype ?? defaultDType, device.code).made(requiresGrad) }

    /// A tensor of ones: `Tensor.ones(2, 3)`.
    public static func ones(
        _ shape: Int..., dtype: DType? = nil, device: Device = .default, requiresGrad: Bool = false
    ) -> Tensor { ones(shape, dtype: dtype, device: device, requiresGrad: requiresGrad) }

    /// A tensor of one value. Without a dtype, it follows the value: bool, int64 or the default dtype.
    public static func full<S: TensorScalar>(
        _ shape: [Int], _ value: S, dtype: DType? = nil, device: Device = .default, requiresGrad: Bool = false
    ) -> Tensor {
        let scalar = value.scalar
        return filled(shape, scalar, dtype ?? scalar.defaultDType, device.code).made(requiresGrad)
    }

    /// A tensor whose elements have no particular value.
    public static func empty(
        _ shape: [Int], dtype: DType? = nil, device: Device = .default, requiresGrad: Bool = false
    ) -> Tensor {
        let dtype = dtype ?? defaultDType
        return shape.withSizes { rank, sizes in make { apus_tensor_empty($0, dtype, rank, sizes, device.code) } }
            .made(requiresGrad)
    }

    /// A tensor whose elements have no particular value: `Tensor.empty(2, 3)`.
    public static func empty(
        _ shape: Int..., dtype: DType? = nil, device: Device = .default, requiresGrad: Bool = false
    ) -> Tensor { empty(shape, dtype: dtype, device: device, requiresGrad: requiresGrad) }

    // MARK: - Like this one: shape, and dtype and device unless given

    /// Zeros like this tensor.
    public func zerosLike(dtype: DType? = nil, device: Device? = nil, requiresGrad: Bool = false) -> Tensor {
        like(Scalar(integer: 0), dtype, device).made(requiresGrad)
    }

    /// Ones like this tensor.
    public func onesLike(dtype: DType? = nil, device: Device? = nil, requiresGrad: Bool = false) -> Tensor {
        like(Scalar(integer: 1), dtype, device).made(requiresGrad)
    }

    /// One value like this tensor.
    public func fullLike<S: TensorScalar>(
        _ value: S, dtype: DType? = nil, device: Device? = nil, requiresGrad: Bool = false
    ) -> Tensor { like(value.scalar, dtype, device).made(requiresGrad) }

    /// A tensor like this one whose elements have no particular value.
    public func emptyLike(dtype: DType? = nil, device: Device? = nil, requiresGrad: Bool = false) -> Tensor {
        Tensor.make {
            apus_tensor_empty(
                $0, dtype ?? self.dtype, apus_tensor_rank(handle), apus_tensor_shape(handle),
                device?.code ?? apus_tensor_device(handle))
        }.made(requiresGrad)
    }

    private func like(_ value: Scalar, _ dtype: DType?, _ device: Device?) -> Tensor {
        withUnsafePointer(to: value.raw) { value in
            Tensor.make {
                apus_tensor_full(
                    $0, dtype ?? self.dtype, apus_tensor_rank(handle), apus_tensor_shape(handle), value,
                    device?.code ?? apus_tensor_device(handle))
            }
        }
    }

    // MARK: - Sequences and the identity

    /// 0, 1, … up to but not including `end`.
    public static func arange<S: TensorScalar>(
        _ end: S, dtype: DType? = nil, device: Device = .default, requiresGrad: Bool = false
    ) -> Tensor {
        range(Scalar(integer: 0), end.scalar, Scalar(integer: 1), dtype, device).made(requiresGrad)
    }

    /// start, start + step, … up to but not including `end`. Integers give int64, others the default dtype.
    public static func arange<S: TensorScalar>(
        _ start: S, _ end: S, dtype: DType? = nil, device: Device = .default, requiresGrad: Bool = false
    ) -> Tensor {
        range(start.scalar, end.scalar, Scalar(integer: 1), dtype, device).made(requiresGrad)
    }

    /// start, start + step, … up to but not including `end`. Integers give int64, others the default dtype.
    public static func arange<S: TensorScalar>(
        _ start: S, _ end: S, step: S, dtype: DType? = nil, device: Device = .default, requiresGrad: Bool = false
    ) -> Tensor {
        range(start.scalar, end.scalar, step.scalar, dtype, device).made(requiresGrad)
    }

    private static func range(_ start: Scalar, _ end: Scalar, _ step: Scalar, _ dtype: DType?, _ device: Device)
        -> Tensor
    {
        let dtype = dtype ?? end.defaultDType
        return withUnsafePointer(to: start.raw) { start in
            withUnsafePointer(to: end.raw) { end in
                withUnsafePointer(to: step.raw) { step in
                    make { apus_tensor_arange($0, dtype, start, end, step, device.code) }
                }
            }
        }
    }

    /// `steps` values from start to end, both included, evenly spaced.
    public static func linspace(
        _ start: Double, _ end: Double, steps: Int, dtype: DType? = nil, device: Device = .default,
        requiresGrad: Bool = false
    ) -> Tensor {
        let dtype = dtype ?? defaultDType
        return make { apus_tensor_linspace($0, dtype, start, end, Int64(steps), device.code) }.made(requiresGrad)
    }

    /// `base` to the powers of `steps` values from start to end, both included, evenly spaced.
    public static func logspace(
        _ start: Double, _ end: Double, steps: Int, base: Double = 10, dtype: DType? = nil, device: Device = .default,
        requiresGrad: Bool = false
    ) -> Tensor {
        let exponents = linspace(start, end, steps: steps, dtype: .float64, device: device)
        return Tensor(weak: Scalar(base)).pow(exponents).to(dtype ?? defaultDType).made(requiresGrad)
    }

    /// n×m (n×n without m) with ones on the diagonal.
    public static func eye(
        _ n: Int, _ m: Int? = nil, dtype: DType? = nil, device: Device = .default, requiresGrad: Bool = false
    ) -> Tensor {
        let dtype = dtype ?? defaultDType
        return make { apus_tensor_eye($0, dtype, Int64(n), Int64(m ?? n), device.code) }.made(requiresGrad)
    }
}

extension Scalar {
    /// The dtype of a tensor made from this number without one.
    var defaultDType: DType {
        switch raw.kind {
        case APUS_SCALAR_bool: .bool
        case APUS_SCALAR_int: .int64
        case APUS_SCALAR_complex: .complex64
        default: Tensor.defaultDType
        }
    }
}
