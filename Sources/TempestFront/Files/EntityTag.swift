// Entity tags: what names one version of a content (RFC 9110, section 8.8.3), and the lists of them in conditions.

/// `"x"`, or weak: `W/"x"`.
struct EntityTag: Hashable, Sendable, CustomStringConvertible {
    var isWeak = false
    /// What stands between the quotes.
    var opaque: String

    var description: String { (isWeak ? "W/\"" : "\"") + opaque + "\"" }

    /// Byte for byte the same content.
    func isStronglyEqual(to other: EntityTag) -> Bool { !isWeak && !other.isWeak && opaque == other.opaque }

    /// As good as the same.
    func isWeaklyEqual(to other: EntityTag) -> Bool { opaque == other.opaque }
}

/// The value of `If-Match` or `If-None-Match`.
enum EntityTagCondition: Equatable, Sendable {
    /// `*`
    case any
    /// Empty when there is no tag in it, or something that is not a tag.
    case list([EntityTag])

    init(_ text: String) {
        let bytes = Array(text.utf8)
        if Self.trimmed(bytes[...]).elementsEqual("*".utf8) {
            self = .any
            return
        }
        var tags: [EntityTag] = []
        var rest = bytes[...]
        while true {
            // Commas inside quotes belong to the tag, so this is not a split.
            rest = rest.drop { $0 == UInt8(ascii: ",") || Self.isSpace($0) }
            if rest.isEmpty { break }
            guard let tag = Self.next(&rest) else {
                self = .list([])
                return
            }
            tags.append(tag)
            rest = rest.drop(while: Self.isSpace)
            guard rest.isEmpty || rest.first == UInt8(ascii: ",") else {
                self = .list([])
                return
            }
        }
        self = .list(tags)
    }

    /// The one tag of an `If-Range`; nil if it is anything else.
    static func single(_ text: String) -> EntityTag? {
        guard case .list(let tags) = EntityTagCondition(text), tags.count == 1 else { return nil }
        return tags[0]
    }

    private static func next(_ rest: inout ArraySlice<UInt8>) -> EntityTag? {
        let isWeak = rest.starts(with: "W/".utf8)
        if isWeak { rest = rest.dropFirst(2) }
        guard rest.first == UInt8(ascii: "\"") else { return nil }
        rest = rest.dropFirst()
        guard let end = rest.firstIndex(of: UInt8(ascii: "\"")) else { return nil }
        let opaque = rest[..<end]
        guard opaque.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else { return nil }
        rest = rest[(end + 1)...]
        return EntityTag(isWeak: isWeak, opaque: String(decoding: opaque, as: UTF8.self))
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }

    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let start = bytes.drop(while: isSpace)
        return start[..<(start.lastIndex { !isSpace($0) }.map { $0 + 1 } ?? start.startIndex)]
    }
}
