// What part of a content a request wants (RFC 9110, section 14). Read from its Range header by UploadRoutes.

/// A single range of bytes.
enum ByteRange: Equatable, Sendable {
    /// All: no range was asked for, or one that may be disregarded: several ranges, other units, no grammar.
    case whole
    /// From an offset on, at least one byte.
    case part(Range<Int>)
    /// A range that begins after the end: 416.
    case unsatisfiable

    init(_ header: String?, size: Int) {
        self = .whole
        guard let header, header.utf8.count <= 64, let equals = header.firstIndex(of: "="),
            header[..<equals].lowercased() == "bytes"
        else { return }
        let range = header[header.index(after: equals)...]
        guard let hyphen = range.firstIndex(of: "-") else { return }
        let (first, last) = (range[..<hyphen], range[range.index(after: hyphen)...])
        if first.isEmpty {
            guard let suffix = Self.number(last) else { return }
            self = suffix == 0 || size == 0 ? .unsatisfiable : .part(max(0, size - suffix)..<size)
            return
        }
        guard let start = Self.number(first) else { return }
        var end = Int.max
        if !last.isEmpty {
            guard let number = Self.number(last), number >= start else { return }
            end = number
        }
        self = start >= size ? .unsatisfiable : .part(start..<min(end, size - 1) + 1)
    }

    /// Digits, and nothing that `Int` takes besides. What is too large is the largest number.
    private static func number(_ text: Substring) -> Int? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
        return Int(text) ?? Int.max
    }
}
