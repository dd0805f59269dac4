import CApus

/// Tables of numbers as text.
///
///     let table = try CSVFile.load("measured.csv", hasHeader: true)
///     print(table.columns, table.tensor.mean(dim: 0))
public enum CSVFile {
    /// What a file holds.
    public struct Table {
        /// The numbers, [rows, columns].
        public var tensor: Tensor
        /// The columns' names; empty without a header.
        public var columns: [String]
    }

    /// Reads rows of numbers.
    ///
    /// - Parameters:
    ///   - path: The file. Fields may be quoted; lines end in LF or CRLF.
    ///   - dtype: float32, float64 or int64.
    ///   - separator: What stands between fields: `,` `;` `|` `:`, a tab or a space.
    ///   - hasHeader: Whether the first row is names.
    ///   - allowEmpty: Whether an empty field is NaN rather than an error.
    /// - Throws: `TensorFileError` that names the row, the column and the byte.
    public static func load(
        _ path: String, dtype: DType = .float32, separator: Unicode.Scalar = ",", hasHeader: Bool = false,
        allowEmpty: Bool = false
    ) throws -> Table {
        var options = options(separator, hasHeader: hasHeader, allowEmpty: allowEmpty)
        let file = try newFileHandle(path) { apus_file_map($0, path, false) }
        defer { apus_file_release(file) }
        var header: OpaquePointer?
        let tensor = Tensor(owning: try newFileHandle(path) { apus_csv_read($0, &header, file, dtype, &options) })
        defer { apus_value_release(header) }
        let columns = StoredValue(borrowing: header).items?.compactMap(\.string) ?? []
        return Table(tensor: tensor, columns: columns)
    }

    /// Writes a tensor of rank 0 to 2, a row a line, with the shortest digits that give the same numbers back.
    ///
    /// - Throws: `TensorError` for other tensors, complex ones, or another number of names than columns;
    ///   `TensorFileError` where the system refuses to write.
    public static func save(
        _ tensor: Tensor, columns: [String]? = nil, separator: Unicode.Scalar = ",", to path: String
    ) throws {
        var options = options(separator, hasHeader: columns != nil, allowEmpty: false)
        guard let columns else { return try checkFile(apus_csv_save(path, tensor.handle, nil, &options), path) }
        try StoredValue.list(columns.map(StoredValue.string)).withHandle { header in
            try checkFile(apus_csv_save(path, tensor.handle, header, &options), path)
        }
    }

    private static func options(
        _ separator: Unicode.Scalar, hasHeader: Bool, allowEmpty: Bool
    ) -> apus_csv_options {
        // What is no ASCII character becomes one that the core refuses.
        apus_csv_options(
            size: UInt32(MemoryLayout<apus_csv_options>.size),
            separator: separator.isASCII ? CChar(separator.value) : CChar(UInt8(ascii: "x")), has_header: hasHeader,
            allow_empty: allowEmpty)
    }
}
