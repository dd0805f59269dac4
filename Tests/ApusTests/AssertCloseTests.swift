import Apus
import Testing

@Suite("assertClose")
struct AssertCloseTests {
    private func message(_ actual: Tensor, _ expected: Tensor, checkDType: Bool = true) -> String? {
        do {
            try assertClose(actual, expected, checkDType: checkDType)
            return nil
        } catch {
            return "\(error)"
        }
    }

    @Test(
        "PyTorch's tolerances of each dtype",
        arguments: [
            (DType.float16, 1e-3, 1e-5), (.bfloat16, 1.6e-2, 1e-5), (.float32, 1.3e-6, 1e-5), (.float64, 1e-7, 1e-7),
            (.complex64, 1.3e-6, 1e-5), (.complex128, 1e-7, 1e-7),
        ])
    func tolerances(_ dtype: DType, _ rtol: Double, _ atol: Double) {
        // The allowance for 1 plus what the dtype rounds, and clearly more than that.
        let one = Tensor.ones([1], dtype: dtype)
        let (inside, outside) = ((rtol + atol) * 0.5, (rtol + atol) * 4)
        #expect(message((one.to(.float64) + inside).to(dtype), one) == nil)
        #expect(message((one.to(.float64) + outside).to(dtype), one) != nil)
    }

    @Test("what differs is said: shape, dtype, how many and where most")
    func messages() {
        let x = Tensor([[1.0, 2], [3, 4]])
        #expect(message(x, x.reshape(4))?.contains("shapes [2, 2] and [4]") == true)
        #expect(message(x, x.to(.float64))?.contains("dtypes float32 and float64") == true)
        #expect(message(x, x.to(.float64), checkDType: false) == nil)
        let text = message(x + Tensor([[0.0, 0.5], [2, 0]]), x)
        #expect(text?.contains("2 of 4 elements") == true && text?.contains("[1, 0]: 5.0, expected 3.0") == true)
        #expect(message(Tensor([1, 2]), Tensor([1, 3]))?.contains("1 of 2 elements") == true)
        #expect(message(Tensor([Float.infinity]), Tensor([Float.infinity])) == nil)
        #expect(message(Tensor([Float.infinity]), Tensor([1.0])) != nil)
        #expect(message(Tensor([Float.nan]), Tensor([Float.nan])) != nil)
        #expect(throws: Never.self) { try assertClose(Tensor([Float.nan]), Tensor([Float.nan]), equalNaN: true) }
        #expect(throws: AssertionError.self) { try assertClose(x, x, rtol: 1) }
        #expect(throws: Never.self) { try assertClose(x + 0.1, x, rtol: 0, atol: 0.2) }
    }

    @Test("tensors for tests repeat, and lie in their range")
    func making() {
        for dtype in DType.allCases {
            let x = makeTensor([3, 4], dtype: dtype, seed: 5)
            #expect(x.dtype == dtype && x.shape == [3, 4])
            #expect(x.equal(makeTensor([3, 4], dtype: dtype, seed: 5)), "\(dtype)")
        }
        let x = makeTensor([100], low: 2, high: 3, requiresGrad: true)
        #expect(x.requiresGrad && x.amin().item() >= 2 && x.amax().item() <= 3)
    }
}
