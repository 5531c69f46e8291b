// A pattern of channels with the session's user in it, such as `JOB:{user}:*`: each user may follow his own channels alone.

import TempestCodecs
import TempestProtocol

/// What stands before `{user}`, and what comes after it.
struct UserPattern: Sendable {
    static let placeholder = "{user}"
    /// What may stand between the user and a star: names that hold it are refused, so that each channel belongs to one user.
    private static let separators = ":._-"

    private let stem: String
    private let rest: String
    /// A byte that no user's name may hold.
    private let separator: UInt8?

    /// nil: there is no `{user}` in it. Throws ``NameError`` for one with which users could read each other's channels.
    init?(_ pattern: String) throws(NameError) {
        guard pattern.contains("{") || pattern.contains("}") else { return nil }
        func wrong(_ what: String) -> NameError {
            NameError(description: "\(String(pattern.prefix(80)).debugDescription) is not a valid pattern of channels: \(what)")
        }
        let parts = pattern.split(separator: Self.placeholder, omittingEmptySubsequences: false)
        guard parts.count == 2, !pattern.replacing(Self.placeholder, with: "").contains(where: { "{}".contains($0) }) else {
            throw wrong("it may hold {user} once, and no other {…}")
        }
        (stem, rest) = (String(parts[0]), String(parts[1]))
        guard !stem.contains("*") else { throw wrong("* may only come after {user}") }
        if rest.contains("*") {
            guard let first = rest.first, Self.separators.contains(first) else {
                throw wrong("between {user} and * one of : . _ - has to stand, such as JOB:{user}:*")
            }
            separator = first.asciiValue
        } else {
            separator = nil
        }
        // The rest as any pattern, with a name in the place of the user's.
        _ = try ChannelPattern(stem + "u" + rest)
    }

    /// Whether the channel is this user's. The name stands for itself: a star in it would be no star.
    func matches(_ channel: ChannelName, user: String) -> Bool {
        guard Self.isName(user), !user.utf8.contains(where: { $0 == separator }) else { return false }
        let name = channel.description
        let start = stem + user
        guard name.hasPrefix(start) else { return false }
        let end = name.dropFirst(start.count)
        guard !rest.isEmpty else { return end.isEmpty }
        guard !end.isEmpty, let pattern = try? ChannelPattern(rest), let tail = try? ChannelName(String(end)) else {
            return false
        }
        return pattern.matches(tail)
    }

    /// The name of a session's user as channels can have it; nil for another.
    static func name(_ user: Value?) -> String? {
        let name: String
        switch user {
        case .text(let text): name = text
        case .int(let number): name = "\(number)"
        case .uint(let number): name = "\(number)"
        default: return nil
        }
        return isName(name) ? name : nil
    }

    private static func isName(_ user: String) -> Bool {
        (1...ChannelName.longest).contains(user.utf8.count) && user.utf8.allSatisfy(ChannelName.isAllowed)
    }
}
