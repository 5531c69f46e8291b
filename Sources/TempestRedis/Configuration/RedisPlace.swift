// What messages call a Redis, and where its URL was read: an error has to name what its reader can change.
// Part of a RedisConfiguration; handed to whatever makes errors of replies and of broken connections.

/// Where a configuration was read. It makes two configurations no different.
package struct RedisOrigin: Sendable, Hashable {
    /// A variable (`REDIS_URL`), an option (`--redis`), or `the URL`.
    package let name: String
    /// Whether the password may stand alone where Redis refuses it together with the user: services of 2012 put a user into their
    /// variables that their Redis does not know.
    package var mayLoseUser = false

    package init(_ name: String) { self.name = name }

    package static func == (_: Self, _: Self) -> Bool { true }
    package func hash(into _: inout Hasher) {}
}

/// A Redis, as messages speak of it.
struct RedisPlace: Sendable {
    /// `127.0.0.1:6379`, or the path of a socket.
    let address: String
    /// The ACL user; nil: the default user.
    var user: String?
    /// What there is to change if it is wrong.
    var origin = RedisOrigin("the URL")
}
