// Headers by which a client says what it likes, and how much (RFC 9110, section 12.4.2).

import HTTPTypes

/// The items of an `Accept` or `Accept-Encoding`, each with its weight.
struct QualityList: Sendable {
    struct Item: Equatable, Sendable {
        /// In lower case, without parameters.
        var name: String
        /// From 0, never, to 1000.
        var weight: Int
    }

    var items: [Item] = []

    init(_ text: String) {
        for element in text.split(separator: ",") {
            let parts = element.split(separator: ";", omittingEmptySubsequences: false).map(Self.trimmed)
            guard let name = parts.first, !name.isEmpty else { continue }
            var weight = 1000
            for parameter in parts.dropFirst() where parameter.lowercased().hasPrefix("q=") {
                // A weight that is not one is taken for a refusal: the client gets what it did not have to name.
                weight = Self.weight(parameter.dropFirst(2)) ?? 0
            }
            items.append(Item(name: name.lowercased(), weight: weight))
        }
    }

    /// nil when the item is not in the list.
    func weight(of names: String...) -> Int? { items.first { names.contains($0.name) }?.weight }

    /// Whether a person sits before it who can read a page: it accepts HTML by name; or it accepts anything, names no other type that it
    /// would rather have, and is not a script or an image of a page.
    static func acceptsPages(_ headers: HTTPFields) -> Bool {
        if let name = HTTPField.Name("sec-fetch-dest"), let destination = headers[name],
            !["document", "iframe", "frame"].contains(destination)
        {
            return false
        }
        guard let text = headers[.accept] else { return true }
        let list = QualityList(text)
        if let weight = list.weight(of: "text/html", "application/xhtml+xml") { return weight > 0 }
        if let weight = list.weight(of: "text/*") { return weight > 0 }
        return list.items.isEmpty || list.items.allSatisfy { $0.name == "*/*" && $0.weight > 0 }
    }

    /// `0`, `0.` and up to three digits, or `1` and up to three zeros.
    private static func weight(_ text: Substring) -> Int? {
        let digits = Array(text.utf8)
        guard let first = digits.first, first == UInt8(ascii: "0") || first == UInt8(ascii: "1"), digits.count <= 5 else {
            return nil
        }
        guard digits.count > 1 else { return first == UInt8(ascii: "1") ? 1000 : 0 }
        guard digits[1] == UInt8(ascii: ".") else { return nil }
        var weight = 0
        for place in 2..<5 {
            let digit = place < digits.count ? digits[place] : UInt8(ascii: "0")
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            weight = weight * 10 + Int(digit - UInt8(ascii: "0"))
        }
        guard first == UInt8(ascii: "1") else { return weight }
        return weight == 0 ? 1000 : nil
    }

    private static func trimmed(_ text: Substring) -> Substring {
        let start = text.drop { $0 == " " || $0 == "\t" }
        return start[..<(start.lastIndex { $0 != " " && $0 != "\t" }.map { start.index(after: $0) } ?? start.startIndex)]
    }
}
