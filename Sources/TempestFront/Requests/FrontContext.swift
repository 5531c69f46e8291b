// What Hummingbird hands along with a request of the front: its connection. Before it: the server. After it: the responder.

public import Hummingbird
public import NIOCore

/// The context of requests in ``Front``; your own context serves as well if it keeps the channel of its source.
public struct FrontContext: RequestContext, ConnectionContext {
    public var coreContext: CoreRequestContextStorage
    public let channel: any Channel

    public init(source: Source) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
    }
}

/// A context that knows the connection of its request: held requests end when it closes.
public protocol ConnectionContext: Sendable {
    /// The connection, or with HTTP/2 the stream.
    var channel: any Channel { get }
}
