// Names and values that came in an order, as those of a query or of cookies.

/// Pairs of a name and a value in the order in which the browser sent them; a name may come several times.
public struct WebFields: Sendable, RandomAccessCollection {
    private let pairs: [(name: String, value: String)]

    public init(_ pairs: [(name: String, value: String)] = []) { self.pairs = pairs }

    public var startIndex: Int { pairs.startIndex }
    public var endIndex: Int { pairs.endIndex }
    public subscript(position: Int) -> (name: String, value: String) { pairs[position] }

    /// The first value of that name; nil when there is none.
    public subscript(name: String) -> String? { pairs.first { $0.name.utf8.elementsEqual(name.utf8) }?.value }

    /// All values of that name, in order.
    public func all(_ name: String) -> [String] {
        pairs.filter { $0.name.utf8.elementsEqual(name.utf8) }.map(\.value)
    }

    /// From a query: what is not UTF-8 once it is decoded is replaced.
    init(query: Substring) {
        pairs = PercentCoding.pairs(query.utf8).map {
            (String(decoding: $0.name, as: UTF8.self), String(decoding: $0.value, as: UTF8.self))
        }
    }

    /// From the header `cookie`. Quotation marks around a value are taken off.
    init(cookies: String) {
        pairs = cookies.split(separator: ";").compactMap { pair in
            let name = pair.prefix { $0 != "=" }
            guard name.endIndex < pair.endIndex else { return nil }
            var value = Self.trim(pair[pair.index(after: name.endIndex)...])
            if value.count >= 2, value.first == "\"", value.last == "\"" { value = value.dropFirst().dropLast() }
            return (String(Self.trim(name)), String(value))
        }
    }

    private static func trim(_ text: Substring) -> Substring {
        var text = text
        while let first = text.first, first == " " || first == "\t" { text.removeFirst() }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return text
    }
}
