// Who may follow which channel: decided on the server, never by the path alone.
// Asked by EventStreams before anything else is done for a browser.

public import Hummingbird
public import TempestCodecs
public import TempestProtocol

/// Which channels browsers may follow. Without a pattern or a rule nobody may follow anything.
///
/// ```swift
/// let policy = try ChannelPolicy(patterns: ["news", "public.*"]) { request, channel in
///     channel == "user:\(await userName(of: request))"
/// }
/// ```
public struct ChannelPolicy: Sendable {
    /// Says whether the browser that sent the request may follow the channel. What it throws becomes the response.
    public typealias Rule = @Sendable (_ request: Request, _ channel: String) async throws -> Bool

    /// Says who is logged in; nil: nobody. What it throws becomes the response.
    public typealias User = @Sendable (_ request: Request) async throws -> Value?

    private let patterns: [ChannelPattern]
    private let userPatterns: [UserPattern]
    private let user: User?
    private let rule: Rule?

    /// - Parameters:
    ///   - patterns: channels that everybody may follow; `*` stands for any number of characters, also for none. In one with `{user}`, such
    ///     as `JOB:{user}:*`, that stands for the name of who is logged in, and nobody else may follow. A name that channels cannot have is
    ///     refused, and so is one that holds the character between `{user}` and `*`.
    ///   - user: the `user` of the request's session; has to be given if a pattern holds `{user}`.
    ///   - rule: asked when no pattern matches.
    /// - Throws: ``NameError`` for a pattern that could match no channel, or with which users could read each other's.
    public init(patterns: [String] = [], user: User? = nil, rule: Rule? = nil) throws(NameError) {
        var made: [ChannelPattern] = []
        var byUser: [UserPattern] = []
        for pattern in patterns {
            if let one = try UserPattern(pattern) { byUser.append(one) } else { made.append(try ChannelPattern(pattern)) }
        }
        guard user != nil || byUser.isEmpty else {
            throw NameError(
                description: "a pattern of channels holds {user}, and nobody can be one without sessions: set `sessions`")
        }
        (self.patterns, self.userPatterns, self.user, self.rule) = (made, byUser, user, rule)
    }

    /// Whether this browser may follow the channel.
    func allows(_ request: Request, _ channel: ChannelName) async throws -> Bool {
        if self.patterns.contains(where: { $0.matches(channel) }) { return true }
        if let user, !userPatterns.isEmpty, let name = UserPattern.name(try await user(request)),
            userPatterns.contains(where: { $0.matches(channel, user: name) })
        {
            return true
        }
        guard let rule = self.rule else { return false }
        return try await rule(request, channel.description)
    }
}

/// A pattern of channel names, in which `*` alone has a meaning.
struct ChannelPattern: Sendable {
    private let bytes: [UInt8]

    init(_ pattern: String) throws(NameError) {
        let bytes = Array(pattern.utf8)
        let isAllowed = bytes.allSatisfy { $0 == UInt8(ascii: "*") || ChannelName.isAllowed($0) }
        guard (1...ChannelName.longest).contains(bytes.count), isAllowed else {
            throw NameError(
                description: "\(String(pattern.prefix(80)).debugDescription) is no pattern of channels: "
                    + "1 to 128 of A-Z a-z 0-9 _ . : - and *")
        }
        self.bytes = bytes
    }

    /// Goes back to the last star alone, so that no pattern takes longer than its length times the name's.
    func matches(_ channel: ChannelName) -> Bool {
        let name = Array(channel.description.utf8)
        var (place, at) = (0, 0)
        var star: (place: Int, at: Int)?
        while at < name.count {
            if place < bytes.count, bytes[place] == UInt8(ascii: "*") {
                star = (place, at)
                place += 1
            } else if place < bytes.count, bytes[place] == name[at] {
                place += 1
                at += 1
            } else if let (last, taken) = star {
                star = (last, taken + 1)
                (place, at) = (last + 1, taken + 1)
            } else {
                return false
            }
        }
        return bytes[place...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}
