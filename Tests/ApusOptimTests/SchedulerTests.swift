import Apus
import ApusOptim
import Testing

@Suite("Learning-rate schedules")
struct SchedulerTests {
    private func optimizer(_ rate: Double = 1) -> SGD {
        SGD([Tensor.zeros(1).requiresGrad_()], lr: rate, momentum: 0.9)
    }

    private func rates(_ scheduler: LRScheduler, _ steps: Int) -> [Double] {
        (0..<steps).map { _ in
            defer { scheduler.step() }
            return scheduler.optimizer.learningRates[0]
        }
    }

    private func expectClose(_ a: [Double], _ b: [Double], _ location: SourceLocation = #_sourceLocation) {
        #expect(a.count == b.count, sourceLocation: location)
        for (x, y) in zip(a, b) { #expect(abs(x - y) < 1e-12 * max(1, abs(y)), sourceLocation: location) }
    }

    @Test("rates follow the formulas")
    func formulas() {
        expectClose(rates(StepLR(optimizer(), stepSize: 2, gamma: 0.5), 5), [1, 1, 0.5, 0.5, 0.25])
        expectClose(rates(MultiStepLR(optimizer(), milestones: [1, 3], gamma: 0.1), 5), [1, 0.1, 0.1, 0.01, 0.01])
        expectClose(rates(ExponentialLR(optimizer(2), gamma: 0.5), 4), [2, 1, 0.5, 0.25])
        expectClose(rates(LambdaLR(optimizer(2)) { 1 / Double($0 + 1) }, 3), [2, 1, 2.0 / 3])
        let half = 0.5.squareRoot()
        expectClose(
            rates(CosineAnnealingLR(optimizer(), tMax: 4, etaMin: 0.2), 5),
            [1, 0.6 + 0.4 * half, 0.6, 0.6 - 0.4 * half, 0.2])
    }

    @Test("one cycle is PyTorch's")
    func oneCycle() {
        let optimizer = optimizer()
        let scheduler = OneCycleLR(optimizer, maxLR: 0.5, totalSteps: 10)
        var (rates, momenta): ([Double], [Double]) = ([], [])
        for _ in 0..<10 {
            rates.append(optimizer.learningRates[0])
            momenta.append(optimizer.groups[0][.momentum])
            scheduler.step()
        }
        // Printed by torch.optim.lr_scheduler.OneCycleLR(SGD(lr=1, momentum=0.9), max_lr=0.5, total_steps=10).
        expectClose(rates, expectedRates)
        expectClose(momenta, expectedMomenta)
    }

    @Test("a restored schedule goes on where it was")
    func state() throws {
        let (a, b) = (optimizer(), optimizer(7))
        let first = CosineAnnealingLR(a, tMax: 10)
        for _ in 0..<4 { first.step() }
        let second = CosineAnnealingLR(b, tMax: 10)
        try second.loadStateDict(first.stateDict())
        #expect(second.stepCount == 4)
        #expect(a.learningRates == b.learningRates)
        first.step()
        second.step()
        #expect(a.learningRates == b.learningRates)
        #expect(throws: OptimizerStateError.self) { try second.loadStateDict(["step": 1]) }
        #expect(throws: OptimizerStateError.self) { try second.loadStateDict(["step": -1, "base.0": 1]) }
    }
}

private let expectedRates = [
    0.020000000000000018, 0.26, 0.5, 0.47524231600673683,
    0.40587282697488153, 0.30563101096814466, 0.19437098903185537, 0.09412917302511849,
    0.024759683993263143, 2e-06,
]

private let expectedMomenta = [
    0.95, 0.8999999999999999, 0.85, 0.854951556604879,
    0.8688255099070633, 0.8888739533021842, 0.9111260466978157, 0.9311744900929366,
    0.945048443395121, 0.95,
]
