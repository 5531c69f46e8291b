// The names that people choose (queues, levels, inboxes, processes) and what is allowed in them: protocol/queues.md, "Names".
// They come before keys (Keys.swift), which are made of nothing else.

/// A name that is not allowed, and why.
public struct NameError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What was wrong and what is allowed, in one sentence.
    public let description: String

    package init(description: String) { self.description = description }
}

/// A queue: a named place where jobs wait. 1 to 128 of `A-Z a-z 0-9 _ . -`.
public struct QueueName: Sendable, Hashable, CustomStringConvertible {
    public let description: String

    /// Throws ``NameError`` if the name is not allowed.
    public init(_ name: String) throws(NameError) {
        guard Name.isName(name, longest: 128) else {
            throw NameError(description: "\(Name.quoted(name)) is no queue name: 1 to 128 of A-Z a-z 0-9 _ . -")
        }
        self.description = name
    }
}

/// A level (priority) of a queue: a name as a queue's that begins with a letter. `default` is the bare key.
public struct Level: Sendable, Hashable, CustomStringConvertible {
    public let description: String

    /// Throws ``NameError`` if the name is not allowed.
    public init(_ name: String) throws(NameError) {
        guard Name.isName(name, longest: 128), let first = name.utf8.first, Name.isLetter(first) else {
            throw NameError(
                description: "\(Name.quoted(name)) is no level: a letter, then up to 127 of A-Z a-z 0-9 _ . -")
        }
        self.description = name
    }

    private init(known: String) { self.description = known }

    public static let high = Level(known: "high")
    public static let `default` = Level(known: "default")
    public static let low = Level(known: "low")

    /// The customary three, in the order in which they are served.
    public static let customary: [Level] = [.high, .default, .low]
}

/// An inbox: where a caller's answers arrive. 1 to 64 of `A-Z a-z 0-9 _ -`.
package struct InboxID: Sendable, Hashable, CustomStringConvertible {
    package let description: String

    package init?(_ id: some StringProtocol) {
        guard (1...64).contains(id.utf8.count), id.utf8.allSatisfy({ Name.isWord($0) && $0 != UInt8(ascii: ".") }) else {
            return nil
        }
        self.description = String(id)
    }

    private init(random: String) { self.description = random }

    /// A fresh one: two readers of one inbox would lose answers to each other.
    package static func random() -> InboxID { InboxID(random: Identifier.random()) }
}

/// P of the protocol: a process on one queue, `<name>.<ULID>`, new for every incarnation and never used twice.
package struct ProcessName: Sendable, Hashable, CustomStringConvertible {
    package let description: String

    /// `name` is cut and cleaned to what the protocol allows: it is for people who look, the ULID makes it unique.
    package init(_ name: String) {
        let allowed = name.utf8.map { Name.isWord($0) ? $0 : UInt8(ascii: "-") }.prefix(100)
        self.description = String(decoding: allowed, as: UTF8.self) + "." + Identifier.ulid()
    }
}

/// What the names have in common.
enum Name {
    static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }

    static func isWord(_ byte: UInt8) -> Bool {
        isLetter(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
    }

    static func isName(_ name: String, longest: Int) -> Bool {
        (1...longest).contains(name.utf8.count) && name.utf8.allSatisfy(isWord)
    }

    /// Control characters shown, length bounded: names in errors may come from a job.
    static func quoted(_ name: String) -> String {
        String(name.prefix(80)).debugDescription + (name.count > 80 ? "…" : "")
    }
}
