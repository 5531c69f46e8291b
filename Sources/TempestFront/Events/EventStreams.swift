// Events for browsers: GET /sub/<channel> becomes a text/event-stream of what is published on the Redis channel of that name.
// The public face: a route calls `respond`, a service group runs it. What comes after it: EventHub, EventListener, EventHistory.

import HTTPTypes
public import Hummingbird
public import Logging
public import NIOCore
public import ServiceLifecycle
import TempestProtocol
public import TempestRedis

/// Event streams for a Hummingbird application. One connection of subscriptions serves all browsers.
///
/// ```swift
/// let events = try EventStreams(policy: ChannelPolicy(patterns: ["news.*"]))
/// router.get("/sub/:channel") { request, context in
///     try await events.respond(to: request, channel: context.parameters.require("channel"), on: context.channel)
/// }
/// var application = Application(router: router)
/// application.addServices(events)
/// ```
///
/// `context.channel` is the connection that the context's source (`ApplicationRequestContextSource`) has; a context of one's own keeps it.
public final class EventStreams: Service {
    private let policy: ChannelPolicy
    private let options: EventStreamOptions
    private let hub: EventHub

    private static let comment = ByteBuffer(staticString: ": \n\n")
    /// Turns among which a round of heartbeats is spread, so that ten thousand are no burst.
    private static let turns = 15

    /// - Parameters:
    ///   - redis: where channels are; it is connected to when the first browser comes.
    ///   - policy: who may follow what.
    public init(
        redis: RedisConfiguration, policy: ChannelPolicy, options: EventStreamOptions = EventStreamOptions(),
        logger: Logger = Logger(label: "tempest.events")
    ) {
        self.policy = policy
        self.options = options
        self.hub = EventHub(RedisClient(redis, name: "tempest-events", logger: logger), options: options, logger: logger)
    }

    /// The same streams, followed by another policy.
    private init(_ other: EventStreams, policy: ChannelPolicy) {
        (self.policy, options, hub) = (policy, other.options, other.hub)
    }

    /// For those who come from now on, with the listeners and the subscriptions of this one, which goes on running.
    func following(_ policy: ChannelPolicy) -> EventStreams { EventStreams(self, policy: policy) }

    /// Answers a request for a channel's events.
    ///
    /// The response is 200 and a stream; 400 for a name that no channel can have, 403 if the policy does not let this browser follow it,
    /// 405 for another method than GET, 503 when there are too many listeners or the program is shutting down. While Redis is away
    /// browsers are let in and wait.
    ///
    /// - Parameters:
    ///   - name: the channel, as it stands in the path.
    ///   - connection: the connection that the request came on, which is watched, and closed for a browser that takes nothing.
    /// - Throws: what the policy's rule throws.
    public func respond(to request: Request, channel name: String, on connection: any Channel) async throws -> Response {
        guard request.method == .get || request.method == .head else {
            return Self.refusal(.methodNotAllowed, "only GET", [.allow: "GET, HEAD"])
        }
        let channel: ChannelName
        do {
            channel = try ChannelName(name)
        } catch {
            return Self.refusal(.badRequest, "a channel has 1 to 128 of A-Z a-z 0-9 _ . : -")
        }
        guard try await self.policy.allows(request, channel) else {
            return Self.refusal(.forbidden, "this channel may not be followed")
        }
        switch self.hub.refusal {
        case .full: return Self.refusal(.serviceUnavailable, "too many listeners", [.retryAfter: "10"])
        case .closed: return Self.refusal(.serviceUnavailable, "shutting down", [.retryAfter: "1"])
        case nil: break
        }
        var response = Response(status: .ok, headers: Self.headers)
        guard request.method == .get else {
            // The stream that there would be has no length.
            response.headers[.contentLength] = nil
            return response
        }
        let since = Self.since(request)
        response.body = ResponseBody { writer in
            try await self.stream(channel, since: since, on: connection, to: &writer)
            try await writer.finish(nil)
        }
        return response
    }

    /// The last event that the browser has. Its header is newer than what the page has written into the address.
    private static func since(_ request: Request) -> HistoryPlace? {
        let id = HeaderBytes.plain(request.headers[.lastEventID]) ?? request.uri.queryParameters["lastEventId"].map { String($0) }
        return id.flatMap { HistoryPlace(lastEventID: $0) }
    }

    private static let headers: HTTPFields = [
        .contentType: "text/event-stream", .cacheControl: "no-store", .accelBuffering: "no",
    ]

    private static func refusal(_ status: HTTPResponse.Status, _ text: String, _ more: HTTPFields = [:]) -> Response {
        var headers = more
        headers[.contentType] = "text/plain; charset=utf-8"
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: text + "\n")))
    }

    /// How many browsers listen now.
    public var listeners: Int { self.hub.listeners }

    // MARK: One stream

    /// The connection is to be closed without a proper end of the response.
    private struct Broken: Error {}

    // Concurrent, as Hummingbird's writers are: they are no values that may be handed to and fro.
    @concurrent
    private func stream(
        _ channel: ChannelName, since: HistoryPlace?, on connection: any Channel, to writer: inout any ResponseBodyWriter
    ) async throws {
        let waiting = await ConnectionAccount.of(connection).map { WaitingBytes($0) }
        guard let listener = self.hub.join(channel, since: since, connection: connection, waiting: waiting) else {
            return
        }
        defer { self.hub.leave(channel, listener) }
        await ListenerWatch.attach(listener, to: connection)
        // The server waits for its responses before other services are told to stop: streams must end by themselves.
        try await withGracefulShutdownHandler {
            while true {
                switch await listener.next() {
                case .write(let events): try await writer.write(contentsOf: events)
                case .read(let place, let epoch): try await self.replay(channel, from: place, epoch, listener, &writer)
                case .end: return
                case .broken: throw Broken()
                }
            }
        } onGracefulShutdown: {
            // Of all streams: not all at once.
            self.hub.end()
        }
    }

    /// Writes a page of what the browser has missed, and says so when a part of that is not kept any more.
    @concurrent
    private func replay(
        _ channel: ChannelName, from place: HistoryPlace, _ epoch: UInt64, _ listener: EventListener,
        _ writer: inout any ResponseBodyWriter
    ) async throws {
        let page: EventHistory.Page
        let id = if case .after(let id) = place { id } else { HistoryID.zero }
        do {
            let hub = self.hub
            page = try await hub.history.page(channel, after: id, since: epoch) { hub.complain(channel, $0) }
        } catch {
            if let error = error as? RedisError, error.code == .permission || error.code == .wrongType {
                // Nothing will be found there: what is published from now on is all there is.
                self.hub.complain(channel, error)
                return listener.read(to: nil, isLast: true, epoch: epoch)
            }
            // Redis is away again: the subscription says so, and the listener is told when it is back.
            try await Task.sleep(for: .seconds(1))
            return
        }
        switch place {
        case .after(let id) where page.isAfterGap && page.first == nil && id != .zero:
            // Nothing comes after it, and it is not there: all that is kept is to be told.
            return listener.lose("\(id)")
        case .after where !page.isAfterGap: break
        case .after, .lost:
            try await writer.write(ByteBuffer(string: HistoryGap(asked: place.asked, first: page.first).text))
        }
        for event in page.events {
            try await writer.write(event.bytes)
            if event.isEnd { return listener.end(.done) }
        }
        listener.read(to: page.last, isLast: page.isLast, epoch: epoch)
    }

    // MARK: Service

    /// Sends heartbeats until a graceful shutdown or cancellation, and then ends all streams.
    public func run() async throws {
        let pause = self.options.heartbeat / Self.turns
        // Cancelled: that is its end, and no error.
        try? await cancelWhenGracefulShutdown {
            var turn = 0
            while true {
                try await Task.sleep(for: pause)
                self.hub.beat(Self.comment, slice: turn, of: Self.turns)
                turn = (turn + 1) % Self.turns
            }
        }
        await self.shutdown()
    }

    /// Ends all streams, so that browsers come back (to another front, or later), and closes the connections to Redis. ``run()`` does it.
    public func shutdown() async {
        await self.hub.close()
    }
}

extension HTTPField.Name {
    fileprivate static let lastEventID = name("Last-Event-ID")
    /// For nginx: what comes is passed on at once.
    fileprivate static let accelBuffering = name("X-Accel-Buffering")

    /// Names that are written here are tokens.
    private static func name(_ text: String) -> HTTPField.Name {
        guard let name = HTTPField.Name(text) else { preconditionFailure("\(text) is no name of a field") }
        return name
    }
}
