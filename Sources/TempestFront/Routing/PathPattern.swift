// Which paths a route serves. Before it: a line of the configuration. After it: the route table, which asks the most exact first.

/// A path, or the beginning of paths: `/api/users`, `/api/*` (all below `/api/`, and `/api` itself), `/*` (all).
public struct PathPattern: Sendable, Hashable, CustomStringConvertible {
    public let description: String
    /// What a path must begin with, or be; without percent-encoding.
    private let stem: [UInt8]
    private let isPrefix: Bool

    /// Throws ``FrontConfigurationError`` for a pattern that is none.
    public init(_ pattern: String) throws(FrontConfigurationError) {
        guard pattern.utf8.first == UInt8(ascii: "/"),
            pattern.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "?") })
        else {
            throw FrontConfigurationError(
                "\(pattern.debugDescription) is no path pattern: it begins with / and has no spaces, such as /api/*")
        }
        isPrefix = pattern.hasSuffix("/*")
        let body = isPrefix ? pattern.dropLast(2) : pattern[...]
        guard !body.utf8.contains(UInt8(ascii: "*")) else {
            throw FrontConfigurationError("\(pattern.debugDescription): * stands only at the end, after a /")
        }
        guard let stem = RequestPath.decoded(body.utf8) else {
            throw FrontConfigurationError("\(pattern.debugDescription): a % has two hexadecimal digits behind it")
        }
        guard Self.isPlain(stem, isPrefix: isPrefix) else {
            throw FrontConfigurationError(
                "\(pattern.debugDescription): no request has such a path, as // is / and dots are followed. Write the path that is meant"
            )
        }
        description = pattern
        self.stem = stem
    }

    /// Whether paths can begin so, as requests' paths are understood (``RequestPath``).
    private static func isPlain(_ stem: [UInt8], isPrefix: Bool) -> Bool {
        guard !stem.isEmpty else { return true }
        let segments = stem.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        // What is before the first slash, and behind the last one of a folder's own path, is empty.
        let inner = segments.dropFirst().dropLast(isPrefix ? 0 : 1)
        return inner.allSatisfy { !$0.isEmpty }
            && !segments.contains { $0.elementsEqual(".".utf8) || $0.elementsEqual("..".utf8) }
    }

    /// By what they match: `/%61` is `/a`.
    public static func == (left: PathPattern, right: PathPattern) -> Bool {
        (left.isPrefix, left.stem) == (right.isPrefix, right.stem)
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(isPrefix)
        hasher.combine(stem)
    }

    /// Whether a path, without its query and without percent-encoding, is one of these.
    public func matches(_ path: some Collection<UInt8>) -> Bool {
        guard path.starts(with: stem) else { return false }
        let rest = path.dropFirst(stem.count)
        return rest.isEmpty || isPrefix && rest.first == UInt8(ascii: "/")
    }

    /// Whether this names a path of the front's own, or paths below it: who writes such a route means it rather than the front's.
    func takesOver(_ own: String) -> Bool { stem.starts(with: own.utf8) }

    /// Matches everything: the fallback, which comes after files.
    public var isEverything: Bool { isPrefix && stem.isEmpty }

    /// An exact one before a prefix, a longer one before a shorter.
    static func isMoreExact(_ left: PathPattern, _ right: PathPattern) -> Bool {
        (left.isPrefix ? 0 : 1, left.stem.count) > (right.isPrefix ? 0 : 1, right.stem.count)
    }
}
