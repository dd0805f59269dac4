import Apus
import TestSupport
import Testing

/// Any OpenCL device, the processor's included; nil where there is none, and then there is nothing to test.
private let device = Device.devices.dropFirst().first

@Suite("Kernels of one's own", .enabled(if: device != nil))
struct OpenCLKernelTests {
    private static let scale = OpenCLKernel(
        source: """
            kernel void scale(global const float *x, global float *y, float factor, long n) {
                long i = get_global_id(0);
                if (i < n) y[i] = x[i] * factor;
            }
            """, name: "scale")

    /// x³ by kernels in both directions.
    private struct Cube: CustomFunction {
        func forward(_ inputs: [Tensor], _ context: FunctionContext) -> [Tensor] {
            context.save(inputs[0])
            return [OpenCLExpression("x * x * x")(inputs[0])]
        }
        func backward(_ gradients: [Tensor?], _ context: FunctionContext) -> [Tensor?] {
            [OpenCLExpression("K(3) * x * x * y")(context.saved[0], gradients[0]!)]
        }
    }

    @Test("a kernel reads views, writes its output, and its writes are counted")
    func kernel() throws {
        let device = try #require(device)
        let x = Tensor.arange(10, dtype: .float32).reshape(2, 5).to(device)
        let y = Tensor.zeros([5, 2], device: device)
        let version = y.version
        Self.scale.run([.tensor(x.t()), .output(y), .float(0.5), .int64(10)], items: [10])
        #expect(y.cpu().toArray(Float.self) == [0, 2.5, 0.5, 3, 1, 3.5, 1.5, 4, 2, 4.5])
        #expect(y.version == version + 1)
    }

    @Test("mistakes say what is wrong")
    func mistakes() throws {
        let device = try #require(device)
        let x = Tensor.ones([4], device: device)
        func message(_ body: () -> Void) -> String {
            do {
                try withTensorErrors(body)
                return ""
            } catch { return "\(error)" }
        }
        let wrong = OpenCLKernel(source: "kernel void wrong(global float *x) { x[0] = nothing; }", name: "wrong")
        #expect(message { wrong.run([.output(x)], items: [1]) }.contains("nothing"))
        #expect(
            message { Self.scale.run([.tensor(Tensor.ones([4], device: .cpu))], items: [4]) }.contains(
                "not on an OpenCL device"))
        #expect(message { Self.scale.run([.output(x[1...])], items: [4]) }.contains("view"))
        #expect(message { Self.scale.run([.int32(1)], items: [4]) }.contains("no argument is a tensor"))
        #expect(message { Self.scale.run([.output(x)], items: [1, 1, 1]) }.contains("1 or 2 dims"))
        #expect(
            message { _ = OpenCLExpression("x")(Tensor.ones([2], device: .cpu)) }.contains("not on an OpenCL device"))
    }

    @Test("an expression broadcasts, and has a gradient inside a custom function")
    func expression() throws {
        let device = try #require(device)
        let x = Tensor([1.0, -2, 3]).to(device).requiresGrad_()
        let sum = OpenCLExpression("maximum(x, y) + z")(x.detach().unsqueeze(1), x.detach(), Tensor([10]).to(device))
        #expect(sum.cpu().toArray(Float.self) == [11, 11, 13, 11, 8, 13, 13, 13, 13])
        let y = Cube().apply([x])[0]
        y.sum().backward()
        #expect(y.cpu().toArray(Float.self) == [1, -8, 27])
        #expect(x.grad?.cpu().toArray(Float.self) == [3, 12, 27])
    }
}

@Suite("Numbers beside tensors on a device", .enabled(if: Device.devices.count > 1))
struct DeviceNumberTests {
    @Test("the gradient of a number on the CPU is on the CPU")
    func gradient() throws {
        let device = Device.devices[1]
        for shape in [[], [3]] {
            let number = Tensor(2.0, dtype: .float32, device: .cpu).requiresGrad_()
            let x = Tensor.full(shape, 1.5, dtype: .float32).to(device).requiresGrad_()
            (x * number).sum().backward()
            let (forNumber, forX) = (try #require(number.grad), try #require(x.grad))
            #expect(forNumber.device == .cpu && forNumber.shape == [])
            #expect(forNumber.item() == (shape.isEmpty ? 1.5 : 4.5))
            #expect(forX.device == device && forX.sum().item() == (shape.isEmpty ? 2 : 6))
        }
    }
}
