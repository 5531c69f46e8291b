// How long browsers may keep a file: which `Cache-Control` it is sent with.

import HTTPTypes

/// The `Cache-Control` of files whose path fits a pattern.
public struct CacheRule: Sendable, Hashable {
    /// `*` stands for any characters, slashes too. One that begins with `/` is held against the whole path of the file below the folder
    /// (`/assets/*`), any other against its name (`*.html`).
    public let pattern: String
    /// The value of the header.
    public let value: String

    /// Of responses (RFC 9111, 5.2.2; RFC 5861; RFC 8246). Caches ignore others, and browsers would keep nothing.
    private static let directives: Set<String> = [
        "max-age", "s-maxage", "no-cache", "no-store", "no-transform", "must-revalidate", "must-understand", "proxy-revalidate",
        "private", "public", "immutable", "stale-while-revalidate", "stale-if-error",
    ]

    /// A value as it is sent, such as `no-cache`. Throws ``FrontConfigurationError`` for a pattern that is empty and a value that is not
    /// that of a header.
    public init(_ pattern: String, _ value: String) throws(FrontConfigurationError) {
        guard !pattern.isEmpty else {
            throw FrontConfigurationError("cache: a pattern is empty; write a path or a name, such as *.html")
        }
        guard !value.isEmpty, HTTPField.isValidValue(value), value.utf8.allSatisfy({ $0 < 0x7F }) else {
            throw FrontConfigurationError("cache: \(value.debugDescription) is not a value of Cache-Control, such as no-cache")
        }
        for directive in value.split(separator: ",") {
            let name = directive.drop { $0 == " " }.prefix { $0 != "=" && $0 != " " }.lowercased()
            guard Self.directives.contains(name) else {
                throw FrontConfigurationError(
                    "cache: Cache-Control has no \(name.debugDescription): write seconds, or such as no-cache or 'public, max-age=3600'"
                )
            }
        }
        (self.pattern, self.value) = (pattern, value)
    }

    /// Browsers may keep it for so many seconds.
    public init(_ pattern: String, seconds: Int) throws(FrontConfigurationError) {
        guard seconds >= 0 else { throw FrontConfigurationError("cache: \(seconds) is no number of seconds: 0 or more") }
        try self.init(pattern, "max-age=\(seconds)")
    }

    /// - Parameter path: of the file below the folder, from `/` on.
    func matches(_ path: String) -> Bool {
        let bytes = Array(path.utf8)
        if pattern.utf8.first == UInt8(ascii: "/") { return Self.matches(bytes[...], pattern) }
        let name = bytes.lastIndex(of: UInt8(ascii: "/")).map { bytes[($0 + 1)...] } ?? bytes[...]
        return Self.matches(name, pattern)
    }

    /// Looks back to the last star only, so that the time is at most the product of the lengths.
    private static func matches(_ text: ArraySlice<UInt8>, _ pattern: String) -> Bool {
        let pattern = Array(pattern.utf8)
        var (place, at) = (0, text.startIndex)
        var star: (pattern: Int, text: Int)?
        while at < text.endIndex {
            if place < pattern.count, pattern[place] == UInt8(ascii: "*") {
                star = (place, at)
                place += 1
            } else if place < pattern.count, pattern[place] == text[at] {
                (place, at) = (place + 1, at + 1)
            } else if let last = star {
                star = (last.pattern, last.text + 1)
                (place, at) = (last.pattern + 1, last.text + 1)
            } else {
                return false
            }
        }
        return pattern[place...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}
