import Apus
import ApusNN
import ApusOptim
import Testing

@Suite("Gradient scaling")
struct GradScalerTests {
    @Test("gradients are divided before the step, and the scale grows")
    func grows() {
        let w = Tensor([1.0], requiresGrad: true)
        let optimizer = SGD([w], lr: 0.5)
        let scaler = GradScaler(initialScale: 1024, growthInterval: 2)
        for step in 1...2 {
            optimizer.zeroGrad()
            scaler.scale((w * w).sum()).backward()
            if step == 1 { #expect(w.grad!.item() == 2048) }
            #expect(scaler.step(optimizer))
            scaler.update()
        }
        #expect(w.item() == 0 && scaler.scale == 2048)
        #expect(scaler.state == .init(scale: 2048, steps: 0))
    }

    @Test("a step with infinities is left out and the scale falls")
    func falls() {
        let w = Tensor([1.0], requiresGrad: true)
        let optimizer = SGD([w], lr: 0.5)
        let scaler = GradScaler(initialScale: 65536)
        w.grad = Tensor([Float.infinity])
        #expect(!scaler.step(optimizer))
        scaler.update()
        #expect(w.item() == 1 && scaler.scale == 32768)
        scaler.unscale(optimizer)
        #expect(throws: TensorError.self) { try withTensorErrors { scaler.unscale(optimizer) } }
    }

    @Test("a network learns in float16")
    func learns() {
        Generator().asDefault {
            manualSeed(1)
            let net = Sequential(Linear(2, 16), Tanh(), Linear(16, 1))
            let x = Tensor.randn(64, 2)
            let y = (x.narrow(dim: 1, start: 0, length: 1) * x.narrow(dim: 1, start: 1, length: 1)).sign()
            let optimizer = Adam(net.parameters(), lr: 0.02)
            let scaler = GradScaler()
            var losses: [Double] = []
            for _ in 0..<150 {
                optimizer.zeroGrad()
                let loss = autocast(.float16) { F.mseLoss(net(x), y) }
                #expect(loss.dtype == .float32)
                scaler.scale(loss).backward()
                scaler.step(optimizer)
                scaler.update()
                losses.append(loss.item())
            }
            #expect(losses.last! < losses[0] / 4)
        }
    }
}
