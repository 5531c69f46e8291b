// What strangers may cost a node that listens: sizes, times, connections. Read by the parser, by each conversation and by the server.

package import NIOCore

package struct ListenerLimits: Sendable {
    /// Words in one command. An answer has four at most; `HELLO`, `CLIENT` and `COMMAND` a few more.
    package var words = 64
    /// Bytes of one word: the largest answer, and room for what surrounds it.
    package var wordBytes = 16 << 20
    /// Bytes of a line: of a command that is typed, or the head of an array.
    package var lineBytes = 64 << 10
    /// Bytes of unfinished commands over all connections.
    package var unfinishedBytes = 256 << 20
    /// Replies that a client may leave unread before nothing more is read from it.
    package var unreadBytes = 64 << 10
    /// From the first byte of a command to its last.
    package var commandTime = TimeAmount.seconds(30)
    /// How long a connection may say nothing at all.
    package var idleTime = TimeAmount.minutes(30)
    /// Connections at once. When there are so many, the one that has been silent longest makes room, if it was so for a second.
    package var connections = 1024
    package var leastSilence = TimeAmount.seconds(1)

    package init() {}
}
