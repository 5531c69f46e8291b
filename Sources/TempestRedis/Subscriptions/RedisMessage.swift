// What somebody published.
// Made by the connection's logic out of a reply; read from a RedisSubscription.

/// A published message.
package struct RedisMessage: Sendable, Equatable {
    /// The channel that it was published on.
    package let channel: String
    /// The pattern that matched, when it came through one.
    package let pattern: String?
    /// What was published, any bytes.
    package let payload: [UInt8]

    package init(channel: String, pattern: String?, payload: [UInt8]) {
        self.channel = channel
        self.pattern = pattern
        self.payload = payload
    }
}
