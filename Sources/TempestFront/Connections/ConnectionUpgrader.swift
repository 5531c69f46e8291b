// What a connection may become instead of HTTP/1. Before it: RequestGate, which reads the request. After it: SocketDoor, and a handler
// that takes the connection over.

import NIOCore
import NIOHTTP1

/// Decides which requests change the protocol of their connection.
protocol ConnectionUpgrader: Sendable {
    /// Whether this request, by its header, is to be upgraded or refused by this upgrader rather than answered as HTTP. Must be quick.
    func wants(_ head: HTTPRequestHead) -> Bool

    /// Decides, on the channel's event loop, perhaps after a while in which the channel may close.
    ///
    /// A failed future is told to the browser as 500.
    func upgrade(_ head: HTTPRequestHead, of channel: any Channel) -> EventLoopFuture<UpgradeDecision>
}

/// What becomes of a request for an upgrade.
struct UpgradeDecision: Sendable {
    /// 101, or the status of a refusal.
    var status: HTTPResponseStatus
    var headers: HTTPHeaders
    /// Makes the handler that takes over after 101, on the event loop; nil for a refusal.
    ///
    /// It comes before the handlers of HTTP that stay, and must let nothing through to them but the end of the channel.
    var handler: (@Sendable (ByteWatch, ConnectionClock) -> any ChannelHandler)?

    static func refused(_ status: HTTPResponseStatus, _ headers: HTTPHeaders = [:]) -> UpgradeDecision {
        UpgradeDecision(status: status, headers: headers, handler: nil)
    }
}
