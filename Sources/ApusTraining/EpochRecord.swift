import Apus

/// What one epoch of training came to.
public struct EpochRecord: Hashable, Sendable {
    /// Which epoch, from 1.
    public var epoch: Int
    /// The mean loss over the training samples, measured while the weights changed.
    public var trainLoss: Double
    /// The share of training samples classified correctly, measured while the weights changed.
    public var trainAccuracy: Double
    /// The mean loss over the validation samples after the epoch; nil without a validation set.
    public var validationLoss: Double?
    /// The share of validation samples classified correctly after the epoch; nil without a validation set.
    public var validationAccuracy: Double?
    /// The learning rate of the epoch's last step.
    public var learningRate: Double
    /// Wall-clock seconds, evaluation included.
    public var seconds: Double

    /// A record of these values.
    public init(
        epoch: Int, trainLoss: Double, trainAccuracy: Double, validationLoss: Double? = nil,
        validationAccuracy: Double? = nil, learningRate: Double, seconds: Double
    ) {
        self.epoch = epoch
        self.trainLoss = trainLoss
        self.trainAccuracy = trainAccuracy
        self.validationLoss = validationLoss
        self.validationAccuracy = validationAccuracy
        self.learningRate = learningRate
        self.seconds = seconds
    }
}

// MARK: - As CSV

extension EpochRecord {
    private static let columns = [
        "epoch", "train_loss", "train_accuracy", "validation_loss", "validation_accuracy", "learning_rate", "seconds",
    ]

    private var row: [String] {
        [
            "\(epoch)", "\(trainLoss)", "\(trainAccuracy)", validationLoss.map { "\($0)" } ?? "",
            validationAccuracy.map { "\($0)" } ?? "", "\(learningRate)", seconds.fixed(3),
        ]
    }

    /// A table with a heading and a line a record.
    static func csv(_ records: [EpochRecord]) -> String {
        ([columns] + records.map(\.row)).map { $0.joined(separator: ",") + "\n" }.joined()
    }
}

/// Writes the table of `records` to `path`: `epoch,train_loss,train_accuracy,…`, one line an epoch.
///
/// The file appears whole or not at all.
public func writeCSV(_ records: [EpochRecord], to path: String) throws {
    try AtomicFile.write(EpochRecord.csv(records), to: path)
}

// MARK: - As JSON, inside checkpoints

extension EpochRecord {
    /// Numbers as their shortest text that reads back to the same bits, which JSON's number has no room for (NaN).
    var json: JSON {
        func text(_ value: Double?) -> JSON { value.map { .string("\($0)") } ?? JSON(.null) }
        return .array([
            .integer(epoch), text(trainLoss), text(trainAccuracy), text(validationLoss), text(validationAccuracy),
            text(learningRate), text(seconds),
        ])
    }

    init?(json: JSON) {
        guard let fields = json.array, fields.count == Self.columns.count, let epoch = fields[0].integer else {
            return nil
        }
        func number(_ i: Int) -> Double? { fields[i].string.flatMap(Double.init) }
        guard let trainLoss = number(1), let trainAccuracy = number(2), let rate = number(5), let seconds = number(6)
        else { return nil }
        self.init(
            epoch: Int(epoch), trainLoss: trainLoss, trainAccuracy: trainAccuracy, validationLoss: number(3),
            validationAccuracy: number(4), learningRate: rate, seconds: seconds)
    }
}
