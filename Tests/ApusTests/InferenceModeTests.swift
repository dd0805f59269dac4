import Apus
import Testing

@Suite("Inference mode")
struct InferenceModeTests {
    private func message(_ body: () -> Void) -> String? {
        do {
            try withTensorErrors(body)
            return nil
        } catch {
            return "\(error)"
        }
    }

    @Test("tensors made inside are inference tensors, and stay so outside")
    func marking() {
        let x = Tensor([1.0, 2], requiresGrad: true)
        let (made, view) = inferenceMode {
            #expect(isInferenceModeEnabled && !isGradEnabled)
            return (x * 2, x[0...])
        }
        #expect(!isInferenceModeEnabled && isGradEnabled)
        #expect(made.isInference && !made.requiresGrad && made[0].isInference && made.detach().isInference)
        // A view of an ordinary tensor is an ordinary tensor, and what is computed outside is one too.
        #expect(!view.isInference && !x.isInference && !(made + 1).isInference && !made.clone().isInference)
        inferenceMode(isEnabled: false) { #expect((x * 2).requiresGrad && !Tensor.zeros(1).isInference) }
        inferenceMode { inferenceMode(isEnabled: false) { #expect((x * 2).requiresGrad && !isInferenceModeEnabled) } }
    }

    @Test("they cannot be saved for backward, but may take part where nothing is saved")
    func saving() {
        let x = Tensor([1.0, 2], requiresGrad: true)
        let made = inferenceMode { Tensor([3.0, 4]) }
        #expect(message { _ = x * made }?.contains("inference tensor of shape [2] cannot be saved") == true)
        #expect(message { _ = x.matmul(made) }?.contains("cannot be saved for backward") == true)
        (x + made).sum().backward()
        (x * made.clone()).sum().backward()
        #expect(x.grad!.toArray(Float.self) == [4, 5])
    }

    @Test("they cannot be changed in place outside, nor told to require grad")
    func changing() {
        let made = inferenceMode { Tensor([3.0, 4]) }
        for change: () -> Void in [
            { made.add_(1) }, { made.copy_(Tensor([1.0, 2])) }, { made.zero_() }, { made[0] = 1 },
        ] {
            #expect(message(change)?.contains("outside inferenceMode") == true)
        }
        #expect(message { made.requiresGrad_() }?.contains("outside inferenceMode") == true)
        #expect(made.toArray(Float.self) == [3, 4])
        inferenceMode { _ = made.add_(1) }
        #expect(made.toArray(Float.self) == [4, 5])
        // Ordinary tensors may be changed inside; their version counts.
        let x = Tensor([1.0])
        let version = x.version
        inferenceMode { _ = x.add_(1) }
        #expect(x.item() == 2 && x.version == version + 1)
    }

    @Test("the mode follows a task over its threads")
    func tasks() async {
        let isInside = await inferenceMode {
            await Task.yield()
            async let child = isInferenceModeEnabled
            return await child && Tensor.zeros(1).isInference
        }
        #expect(isInside && !isInferenceModeEnabled)
    }
}
