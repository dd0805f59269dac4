import Apus
import ApusNN
import CApus
import CApusTrain

/// Named tensors and named numbers, with names that C can read.
final class State {
    private(set) var tensors: [(name: Name, value: Tensor)] = []
    private(set) var numbers: [(name: Name, value: Double)] = []

    /// A name, and its NUL-terminated text, which lives as long.
    final class Name {
        let text: String
        let cText: UnsafePointer<CChar>

        init(_ text: String) {
            self.text = text
            cText = staticText(text)
        }

        deinit { cText.deallocate() }
    }

    init() {}

    init(_ tensors: some Sequence<(name: String, tensor: Tensor)>, numbers: [String: Double] = [:]) {
        self.tensors = tensors.map { (Name($0.name), $0.tensor) }
        self.numbers = numbers.sorted { $0.key < $1.key }.map { (Name($0.key), $0.value) }
    }

    func set(_ name: String, _ tensor: Tensor) {
        if let place = tensors.firstIndex(where: { $0.name.text == name }) {
            tensors[place].value = tensor
        } else {
            tensors.append((Name(name), tensor))
        }
    }

    func set(_ name: String, _ number: Double) {
        if let place = numbers.firstIndex(where: { $0.name.text == name }) {
            numbers[place].value = number
        } else {
            numbers.append((Name(name), number))
        }
    }

    var stateDict: StateDict { StateDict(tensors.map { (name: $0.name.text, tensor: $0.value) }) }

    var numbersByName: [String: Double] { Dictionary(numbers.map { ($0.name.text, $0.value) }) { $1 } }

    // MARK: - Files

    func save(to path: String) throws {
        // As text, which keeps every bit.
        try SafeTensors.save(
            tensors.map { ($0.name.text, $0.value) }, metadata: numbersByName.mapValues { "\($0)" }, to: path)
    }

    convenience init(path: String) throws {
        // Copied: a mapped file that somebody cuts short would end the process.
        let file = try SafeTensors.load(path, mapped: false)
        self.init(file.tensors, numbers: file.metadata.compactMapValues(Double.init))
    }
}
