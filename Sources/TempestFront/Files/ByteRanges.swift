// Which parts of a content a request wants (RFC 9110, section 14). For files and for uploads.

/// The ranges of a `Range` header, held against a content's size.
enum ByteRanges: Equatable, Sendable {
    /// All of it: no range was asked for, the header is invalid, or what it asks for is more than is reasonable.
    case whole
    /// At least one, in the order in which they were asked for. None is empty, and no two overlap.
    case parts([Range<Int>])
    /// No range begins before the end: 416.
    case unsatisfiable

    /// More ranges in one header than any client has a reason to send.
    private static let mostSpecifications = 256

    /// - Parameter mostParts: how many parts are sent at most; who asks for more gets all.
    init(_ header: String?, size: Int, mostParts: Int) {
        self = .whole
        guard let header, let equals = header.utf8.firstIndex(of: UInt8(ascii: "=")),
            header[..<equals].lowercased() == "bytes"
        else { return }
        var wanted: [Range<Int>] = []
        var count = 0
        for element in header[header.index(after: equals)...].split(separator: ",") {
            let text = Self.trimmed(element)
            // RFC 9110, section 5.6.1.2: empty elements of a list are passed over.
            if text.isEmpty { continue }
            count += 1
            guard count <= Self.mostSpecifications, let range = Self.range(text, size: size) else { return }
            // The last bytes of nothing are nothing, which a Content-Range cannot say.
            if size == 0, text.hasPrefix("-"), text.contains(where: { ("1"..."9").contains($0) }) { return }
            if !range.isEmpty { wanted.append(range) }
        }
        guard count > 0 else { return }
        guard !wanted.isEmpty else {
            self = .unsatisfiable
            return
        }
        let parts = Self.merged(wanted)
        if parts.count <= mostParts { self = .parts(parts) }
    }

    /// nil: not a range. Empty: one that nothing of the content is in.
    private static func range(_ text: Substring, size: Int) -> Range<Int>? {
        guard let hyphen = text.utf8.firstIndex(of: UInt8(ascii: "-")) else { return nil }
        let (first, last) = (text[..<hyphen], text[text.index(after: hyphen)...])
        if first.isEmpty {
            guard let suffix = number(last) else { return nil }
            return max(0, size - suffix)..<size
        }
        guard let start = number(first) else { return nil }
        var end = Int.max
        if !last.isEmpty {
            guard let number = number(last), number >= start else { return nil }
            end = number
        }
        return start >= size ? 0..<0 : start..<min(end, size - 1) + 1
    }

    /// Ranges that overlap become one, which stands where the first of them stood.
    private static func merged(_ ranges: [Range<Int>]) -> [Range<Int>] {
        guard ranges.count > 1 else { return ranges }
        var groups: [(range: Range<Int>, place: Int)] = []
        for (place, range) in ranges.enumerated().sorted(by: { $0.element.lowerBound < $1.element.lowerBound }) {
            if let last = groups.last, range.lowerBound < last.range.upperBound {
                groups[groups.count - 1] = (
                    last.range.lowerBound..<max(last.range.upperBound, range.upperBound), min(last.place, place)
                )
            } else {
                groups.append((range, place))
            }
        }
        return groups.sorted { $0.place < $1.place }.map(\.range)
    }

    /// Digits, and nothing that `Int` takes besides. What is too large is the largest number.
    private static func number(_ text: Substring) -> Int? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
        return Int(text) ?? Int.max
    }

    private static func trimmed(_ text: Substring) -> Substring {
        let start = text.drop { $0 == " " || $0 == "\t" }
        return start[..<(start.lastIndex { $0 != " " && $0 != "\t" }.map { start.index(after: $0) } ?? start.startIndex)]
    }
}
