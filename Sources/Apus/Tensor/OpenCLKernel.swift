import CApus

/// A kernel of one's own in OpenCL C, for tensors on OpenCL devices.
///
///     let scale = OpenCLKernel(
///         source: """
///             kernel void scale(global const float *x, global float *y, float factor, long n) {
///                 long i = get_global_id(0);
///                 if (i < n) y[i] = x[i] * factor;
///             }
///             """, name: "scale")
///     let y = x.emptyLike()
///     scale.run([.tensor(x), .output(y), .float(2), .int64(x.count)], items: [x.count])
///
/// It is compiled when it first runs on a device and kept until the process ends. Called inside a `CustomFunction` it
/// takes part in automatic differentiation.
public struct OpenCLKernel: Sendable {
    /// An argument, in the order of the kernel's parameters.
    public enum Argument {
        /// A tensor that the kernel reads: a pointer to its elements. A view is copied first.
        case tensor(Tensor)
        /// A tensor that the kernel writes, contiguous and no view of a larger one.
        case output(Tensor)
        /// An `int`.
        case int32(Int)
        /// A `long`.
        case int64(Int)
        /// A `float`.
        case float(Double)
        /// A `double`.
        case double(Double)
    }

    /// The OpenCL C 1.2 text.
    public let source: String
    /// The kernel's name in it.
    public let name: String

    /// The kernel `name` of `source`. The text is compiled at the first run.
    public init(source: String, name: String) {
        self.source = source
        self.name = name
    }

    /// Runs the kernel on the device of its tensors, over one or two dims of work-items.
    ///
    /// Does not wait. The numbers of work-items are rounded up to multiples of the local sizes, so the kernel must check
    /// its index. A text that does not compile is an error with the compiler's log.
    /// - Parameters:
    ///   - arguments: One a parameter; at least one tensor.
    ///   - items: How many work-items there are in each dim.
    ///   - local: The work-group's size in each dim; nil for one that suits the device.
    public func run(_ arguments: [Argument], items: [Int], local: [Int]? = nil) {
        guard
            require(
                local.map { $0.count == items.count } ?? true,
                "\(name): \(items.count) dims of work-items, but \(local?.count ?? 0) local sizes")
        else { return }
        var kernel: OpaquePointer?
        guard check(apus_opencl_kernel_new(&kernel, source, name)), let kernel else { return }
        let copies = arguments.map(\.readable)
        withExtendedLifetime(copies) {
            let raw = zip(arguments, copies).map { $0.raw($1) }
            let (items, local) = (items.map(Int64.init), local?.map(Int64.init))
            _ = check(apus_opencl_kernel_run(kernel, Int32(raw.count), raw, Int32(items.count), items, local))
        }
    }
}

extension OpenCLKernel.Argument {
    /// The tensor as a kernel can take it.
    fileprivate var readable: Tensor? {
        switch self {
        case .tensor(let tensor): tensor.isContiguous && tensor.offset == 0 ? tensor : noGrad { tensor.clone() }
        case .output(let tensor): tensor
        default: nil
        }
    }

    fileprivate func raw(_ tensor: Tensor?) -> apus_opencl_argument {
        var argument = apus_opencl_argument()
        argument.tensor = tensor?.handle
        switch self {
        case .tensor: argument.kind = APUS_OPENCL_ARGUMENT_tensor
        case .output:
            argument.kind = APUS_OPENCL_ARGUMENT_tensor
            argument.written = true
        case .int32(let value):
            argument.kind = APUS_OPENCL_ARGUMENT_int32
            argument.integer = Int64(value)
        case .int64(let value):
            argument.kind = APUS_OPENCL_ARGUMENT_int64
            argument.integer = Int64(value)
        case .float(let value):
            argument.kind = APUS_OPENCL_ARGUMENT_float32
            argument.real = value
        case .double(let value):
            argument.kind = APUS_OPENCL_ARGUMENT_float64
            argument.real = value
        }
        return argument
    }
}

/// An expression of one to three tensors on an OpenCL device, computed element by element in one kernel.
///
///     let swish = OpenCLExpression("x / (K(1) + exp(-x * y))")
///     let y = swish(x, beta)
///
/// The expression is OpenCL C in x, y and z; numbers are written K(0.5), and besides OpenCL's functions there are those
/// of Apus's own operators, such as maximum(x, y). Operands are broadcast and promoted to a float dtype. The call is not
/// recorded: use it inside a `CustomFunction` where a gradient is wanted.
public struct OpenCLExpression: Sendable {
    /// The expression's text.
    public let expression: String

    /// An expression; it is compiled at its first use.
    public init(_ expression: String) { self.expression = expression }

    /// The expression's value for one to three tensors.
    public func callAsFunction(_ inputs: Tensor...) -> Tensor {
        let handles: [OpaquePointer?] = inputs.map(\.handle)
        return withExtendedLifetime(inputs) {
            Tensor.make { apus_opencl_elementwise($0, expression, Int32(handles.count), handles) }
        }
    }
}
