// The name of a channel that browsers may follow, and what its events may be called: protocol/http.md, "Event streams".
// Before it: a URL or a publisher. After it: SUBSCRIBE, PUBLISH and the key of the channel's history.

/// A channel of events: 1 to 128 of `A-Z a-z 0-9 _ . : -`.
public struct ChannelName: Sendable, Hashable, CustomStringConvertible {
    public let description: String

    /// Throws ``NameError`` if the name is not allowed.
    public init(_ name: String) throws(NameError) {
        guard (1...Self.longest).contains(name.utf8.count), name.utf8.allSatisfy(Self.isAllowed) else {
            throw NameError(description: "\(Name.quoted(name)) is no channel: 1 to 128 of A-Z a-z 0-9 _ . : -")
        }
        self.description = name
    }

    /// Bytes that a name has at most.
    package static let longest = 128

    /// Whether a name may hold the byte.
    package static func isAllowed(_ byte: UInt8) -> Bool { Name.isWord(byte) || byte == UInt8(ascii: ":") }

    /// Whether the text may stand in a line of an event stream: what ends a line there would begin another field.
    package static func isLine(_ text: String) -> Bool {
        text.utf8.allSatisfy { $0 != 0x0A && $0 != 0x0D && $0 != 0 }
    }

    /// Throws ``NameError`` for the name of an event that browsers would not get.
    package static func checkEvent(_ name: String) throws(NameError) {
        guard isLine(name) else {
            throw NameError(description: "\(Name.quoted(name)) is no event: it may hold no CR, LF or NUL")
        }
    }
}
