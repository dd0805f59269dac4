import Apus
import TestSupport
import Testing

@testable import ApusTraining

@Suite("Numbers as text")
struct TextTests {
    @Test("digits after the point are rounded and filled up")
    func fixed() {
        #expect(3.14159.fixed(2) == "3.14")
        #expect(0.006.fixed(2) == "0.01")
        #expect((-0.001).fixed(2) == "0.00")
        #expect((-12.5).fixed(1) == "-12.5")
        #expect(2.0.fixed(0) == "2")
        #expect(Double.nan.fixed(2) == "nan")
        #expect((-Double.infinity).fixed(2) == "-inf")
        #expect(1e300.fixed(2) == "1e+300")
        #expect(0.98611.percent == "98.61%")
    }

    @Test("times and counts")
    func clock() {
        #expect(7.2.clock == "00:07")
        #expect(3723.0.clock == "1:02:03")
        #expect(Double.infinity.clock == "--:--")
        #expect(1_234_567.grouped == "1,234,567")
        #expect((-12).grouped == "-12")
    }
}

@Suite("The progress bar")
struct ProgressBarTests {
    private final class Screen {
        var text = ""
        var time = 0.0
    }

    private func bar(_ screen: Screen, isInteractive: Bool, columns: Int = 120) -> ProgressBar {
        ProgressBar(
            label: "epoch 1/2", total: 4, later: 4, isInteractive: isInteractive, columns: columns,
            clock: { screen.time }, write: { screen.text += $0 })
    }

    @Test("on a terminal the line is drawn over and over, with the time that remains")
    func interactive() {
        let screen = Screen()
        var bar = bar(screen, isInteractive: true)
        screen.time = 1
        bar.advance(samples: 64) { "loss 1.5000" }
        #expect(screen.text == "\repoch 1/2 ━━━━━━────────────────── 1/4  ETA 00:07  64/s  loss 1.5000\u{1b}[K")
        #expect(bar.remaining == 7)
        screen.text = ""
        bar.advance(samples: 64) { "at once" }
        #expect(screen.text == "", "drawing again within a twentieth of a second")
        bar.finish("done")
        #expect(screen.text == "\r\u{1b}[Kepoch 1/2  done\n")
    }

    @Test("a line never runs over the terminal's edge")
    func narrow() {
        let screen = Screen()
        var bar = bar(screen, isInteractive: true, columns: 20)
        screen.time = 1
        bar.advance(samples: 1) { "details" }
        #expect(screen.text == "\repoch 1/2 ━━────── \u{1b}[K")
        let wider = Screen()
        var second = self.bar(wider, isInteractive: true, columns: 60)
        wider.time = 1
        second.advance(samples: 1) { "details" }
        #expect(wider.text == "\repoch 1/2 ━━━━━─────────────── 1/4  ETA 00:07  1/s  details\u{1b}[K")
    }

    @Test("elsewhere there is one plain line")
    func plain() {
        let screen = Screen()
        var bar = bar(screen, isInteractive: false)
        for _ in 0..<4 {
            screen.time += 1
            bar.advance(samples: 64) { "loss" }
        }
        bar.finish("loss 0.5")
        #expect(screen.text == "epoch 1/2  loss 0.5\n")
        bar.clear()
        #expect(screen.text == "epoch 1/2  loss 0.5\n")
    }
}

@Suite("Metrics")
struct MetricsTests {
    @Test("means are weighted by samples")
    func mean() {
        var mean = Mean()
        #expect(mean.value.isNaN)
        mean.add(1, count: 3)
        mean.add(5)
        #expect(mean.value == 2)
        #expect(mean.count == 4)
    }

    @Test("accuracy and the confusion matrix count the same samples")
    func counting() {
        let scores = Tensor([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.3, 0.7]])
        let targets = Tensor([0, 1, 1, 1])
        var accuracy = Accuracy()
        accuracy.add(scores: scores, targets: targets)
        #expect(accuracy.value == 0.75)
        var matrix = ConfusionMatrix(classes: 2)
        matrix.add(scores: scores, targets: targets)
        #expect(matrix.counts == [[1, 0], [1, 2]])
        #expect(matrix.accuracy == 0.75)
        #expect(matrix.recall(of: 1) == 2.0 / 3)
        #expect(matrix.precision(of: 0) == 0.5)
        #expect("\(matrix)" == "   │ 0 1\n───┼────\n 0 │ 1 0\n 1 │ 1 2")
    }
}

@Suite("Records of epochs")
struct RecordTests {
    let records = [
        EpochRecord(
            epoch: 1, trainLoss: 1.5, trainAccuracy: 0.5, validationLoss: 1.25, validationAccuracy: 0.625,
            learningRate: 0.001, seconds: 0.25),
        EpochRecord(epoch: 2, trainLoss: .nan, trainAccuracy: 0.75, learningRate: 1e-5, seconds: 1),
    ]

    @Test("the table has a heading and a line an epoch")
    func csv() throws {
        let folder = try TemporaryFolder()
        try writeCSV(records, to: folder["m.csv"])
        #expect(
            try folder.text("m.csv") == """
                epoch,train_loss,train_accuracy,validation_loss,validation_accuracy,learning_rate,seconds
                1,1.5,0.5,1.25,0.625,0.001,0.250
                2,nan,0.75,,,1e-05,1.000

                """)
        #expect(throws: TensorFileError.self) { try writeCSV(records, to: folder["no/m.csv"]) }
        #expect(try folder.names == ["m.csv"])
    }

    @Test("JSON keeps every bit")
    func json() throws {
        for record in records {
            let copy = try #require(EpochRecord(json: try JSON.parse(record.json.text)))
            #expect("\(copy)" == "\(record)")
        }
        #expect(EpochRecord(json: try JSON.parse("[1]")) == nil)
    }

    @Test("the picture has a curve for each series and skips what is no number")
    func picture() throws {
        let folder = try TemporaryFolder()
        try LearningCurve(records, title: "a < b").write(to: folder["curve.svg"])
        let svg = try folder.text("curve.svg")
        #expect(svg.hasPrefix("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 840 360\""))
        #expect(svg.hasSuffix("</svg>\n"))
        #expect(svg.contains("<title>a &lt; b</title>"))
        #expect(svg.components(of: "<polyline") == 4)
        for text in [">Loss<", ">Accuracy<", ">epoch<", ">training<", ">validation<", "%</text>"] {
            #expect(svg.contains(text), "\(text)")
        }
        #expect(!svg.contains("nan"))
        for open in ["<svg", "<g>", "<text", "<title"] {
            let close = "</" + open.filter(\.isLetter) + ">"
            #expect(svg.components(of: open) == svg.components(of: close), "\(open)")
        }
    }

    @Test("pictures of nothing, of one epoch and of equal values are drawn too")
    func degenerate() {
        #expect(LearningCurve([]).svg.hasSuffix("</svg>\n"))
        #expect(!LearningCurve([records[1]]).svg.contains("nan"))
        let flat = (1...3).map { EpochRecord(epoch: $0, trainLoss: 0, trainAccuracy: 1, learningRate: 1, seconds: 1) }
        #expect(!LearningCurve(flat).svg.contains("nan"))
        let huge = EpochRecord(epoch: 1, trainLoss: 1e29, trainAccuracy: 1, learningRate: 1, seconds: 1)
        #expect(LearningCurve([huge]).svg.hasSuffix("</svg>\n"))
    }
}

extension String {
    /// How often `part` occurs.
    fileprivate func components(of part: String) -> Int {
        var count = 0
        var rest = self[...]
        while let found = rest.firstRange(of: part) {
            count += 1
            rest = rest[found.upperBound...]
        }
        return count
    }
}
