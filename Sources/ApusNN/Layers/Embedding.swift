import Apus

/// A table of vectors, looked up by number.
///
///     let words = Embedding(10_000, 300)
///     let y = words(Tensor([[3, 14, 15], [92, 65, 35]]))   // [2, 3, 300]
///
/// Shape: integers of any shape `[…]` → `[…, embeddingDim]`.
///
/// Vectors start from the standard normal distribution; that of `paddingIdx` as zeros.
public final class Embedding: Module {
    /// How many vectors there are.
    public let numEmbeddings: Int
    /// The size of a vector.
    public let embeddingDim: Int
    private let paddingIdx: Int?
    /// `[numEmbeddings, embeddingDim]`.
    @Parameter public var weight: Tensor

    /// A table of vectors.
    ///
    /// - Parameters:
    ///   - numEmbeddings: How many vectors there are.
    ///   - embeddingDim: The size of a vector.
    ///   - paddingIdx: A vector that is not trained; a negative number counts from the end.
    ///   - dtype: Of the vectors.
    ///   - generator: What the first values are drawn from.
    public init(
        _ numEmbeddings: Int, _ embeddingDim: Int, paddingIdx: Int? = nil, dtype: DType? = nil,
        generator: Generator = .default
    ) {
        self.numEmbeddings = numEmbeddings
        self.embeddingDim = embeddingDim
        self.paddingIdx = paddingIdx
        weight = .empty([numEmbeddings, embeddingDim], dtype: dtype)
        super.init()
        Init.normal_(weight, generator: generator)
        guard let paddingIdx else { return }
        Init.zeros_(weight.detach().select(dim: 0, index: paddingIdx))
    }

    public override func forward(_ x: Tensor) -> Tensor { F.embedding(x, weight, paddingIdx: paddingIdx) }

    public override var extraDescription: String {
        "\(numEmbeddings), \(embeddingDim)" + (paddingIdx.map { ", paddingIdx=\($0)" } ?? "")
    }
}
