import CApus

extension Tensor {
    // MARK: - New tensors. The generator is the process's default one unless given.

    /// Uniform values from [0, 1).
    public static func rand(
        _ shape: [Int], dtype: DType? = nil, device: Device = .default, requiresGrad: Bool = false,
        generator: Generator = .default
    ) -> Tensor {
        empty(shape, dtype: dtype, device: device).uniform_(generator: generator).made(requiresGrad)
    }

    /// Uniform values from [0, 1): `Tensor.rand(2, 3)`.
    public static func rand(
        _ shape: Int..., dtype: DType? = nil, device: Device = .default, requiresGrad: Bool = false,
        generator: Generator = .default
    ) -> Tensor { rand(shape, dtype: dtype, device: device, requiresGrad: requiresGrad, generator: generator) }

    /// Values of the standard normal distribution.
    public static func randn(
        _ shape: [Int], dtype: DType? = nil, device: Device = .default, requiresGrad: Bool = false,
        generator: Generator = .default
    ) -> Tensor {
        empty(shape, dtype: dtype, device: device).normal_(generator: generator).made(requiresGrad)
    }

    /// Values of the standard normal distribution: `Tensor.randn(2, 3)`.
    public static func randn(
        _ shape: Int..., dtype: DType? = nil, device: Device = .default, requiresGrad: Bool = false,
        generator: Generator = .default
    ) -> Tensor { randn(shape, dtype: dtype, device: device, requiresGrad: requiresGrad, generator: generator) }

    /// Integers from [0, high), int64 unless given.
    public static func randint(
        _ high: Int, shape: [Int], dtype: DType = .int64, device: Device = .default, generator: Generator = .default
    ) -> Tensor { randint(0, high, shape: shape, dtype: dtype, device: device, generator: generator) }

    /// Integers from [low, high), int64 unless given.
    public static func randint(
        _ low: Int, _ high: Int, shape: [Int], dtype: DType = .int64, device: Device = .default,
        generator: Generator = .default
    ) -> Tensor { empty(shape, dtype: dtype, device: device).random_(low, high, generator: generator) }

    /// 0 … n - 1 in random order, int64.
    public static func randperm(_ n: Int, device: Device = .default, generator: Generator = .default) -> Tensor {
        make { apus_randperm($0, Int64(n), generator.handle) }.to(device)
    }

    /// 1 with probability p, else 0.
    public static func bernoulli(
        _ p: Double, shape: [Int], dtype: DType? = nil, device: Device = .default, generator: Generator = .default
    ) -> Tensor { empty(shape, dtype: dtype, device: device).bernoulli_(p, generator: generator) }

    /// For each element, 1 with that probability, else 0. Not differentiable.
    public func bernoulli(generator: Generator = .default) -> Tensor {
        let draws = emptyLike().uniform_(generator: generator)
        return (draws .< detach()).to(dtype)
    }

    /// As `rand`, like this tensor.
    public func randLike(dtype: DType? = nil, requiresGrad: Bool = false, generator: Generator = .default) -> Tensor {
        emptyLike(dtype: dtype).uniform_(generator: generator).made(requiresGrad)
    }

    /// As `randn`, like this tensor.
    public func randnLike(dtype: DType? = nil, requiresGrad: Bool = false, generator: Generator = .default) -> Tensor {
        emptyLike(dtype: dtype).normal_(generator: generator).made(requiresGrad)
    }

    // MARK: - In place

    /// Fills with uniform values from [low, high). Floats only.
    @discardableResult
    public func uniform_(_ low: Double = 0, _ high: Double = 1, generator: Generator = .default) -> Tensor {
        overwrite("uniform_") { apus_uniform(handle, low, high, generator.handle) }
    }

    /// Fills with values of the normal distribution. Floats only.
    @discardableResult
    public func normal_(mean: Double = 0, std: Double = 1, generator: Generator = .default) -> Tensor {
        overwrite("normal_") { apus_normal(handle, mean, std, generator.handle) }
    }

    /// Fills with integers from [low, high). Any dtype that holds the bounds exactly.
    @discardableResult
    public func random_(_ low: Int, _ high: Int, generator: Generator = .default) -> Tensor {
        overwrite("random_") { apus_randint(handle, Int64(low), Int64(high), generator.handle) }
    }

    /// Fills with 1 with probability p, else 0.
    @discardableResult
    public func bernoulli_(_ p: Double = 0.5, generator: Generator = .default) -> Tensor {
        overwrite("bernoulli_") { apus_bernoulli(handle, p, generator.handle) }
    }
}
