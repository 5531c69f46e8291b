// Who may open a WebSocket: routes, origins, how many, and what workers say to `open`. Before it: RequestGate, which offers the request.
// After it: SocketHandler.

import HTTPTypes
import Logging
import NIOCore
import NIOHTTP1
import TempestCodecs

/// What the front knows of who connects, beyond the request.
struct SocketAdmission: Sendable {
    /// For the meta of all jobs of the connection: `session`.
    var meta: ValueMap = [:]
    /// The `cookie` header that workers see; nil: as it came.
    var cookies: String??
}

/// Upgrades connections to WebSockets.
final class SocketDoor: ConnectionUpgrader {
    /// Decides, beside the origin, whether somebody may connect; nil: 401.
    typealias Admission = @Sendable (HTTPRequest, SocketRoute) async throws -> SocketAdmission?

    private let routes: [SocketRoute]
    private let backend: any SocketBackend
    private let admission: Admission?
    private let isTLS: Bool
    private let trusted: TrustedProxies
    private let most: Int
    private let headers: HeaderRules
    private let logger: Logger
    private let open: SocketCount

    /// - Parameters:
    ///   - most: connections at a time; above that 503.
    ///   - open: counts them, for all doors of a front.
    ///   - headers: of refusals.
    init(
        _ routes: [SocketRoute], backend: some SocketBackend, isTLS: Bool, trusted: TrustedProxies = .none, most: Int = 10_000,
        open: SocketCount = SocketCount(), headers: HeaderRules = HeaderRules(), admission: Admission? = nil, logger: Logger
    ) {
        self.routes = routes.sorted { PathPattern.isMoreExact($0.path, $1.path) }
        (self.backend, self.isTLS, self.trusted, self.most) = (backend, isTLS, trusted, most)
        (self.open, self.headers, self.admission, self.logger) = (open, headers, admission, logger)
    }

    func wants(_ head: HTTPRequestHead) -> Bool { Handshake.isAsked(head) && route(head) != nil }

    private func route(_ head: HTTPRequestHead) -> SocketRoute? {
        // By what the path means, as all routes are found.
        guard let path = RequestPath.canonical(head.uri.prefix { $0 != "?" }) else { return nil }
        return routes.first { $0.path.matches(path.utf8) }
    }

    func upgrade(_ head: HTTPRequestHead, of channel: any Channel) -> EventLoopFuture<UpgradeDecision> {
        decide(head, channel).map { decision in
            var decision = decision
            if decision.handler == nil { self.headers.apply(to: &decision.headers) }
            return decision
        }
    }

    private func decide(_ head: HTTPRequestHead, _ channel: any Channel) -> EventLoopFuture<UpgradeDecision> {
        let loop = channel.eventLoop
        guard let route = route(head) else { return loop.makeSucceededFuture(.refused(.notFound)) }
        if let problem = Handshake.problem(head) { return loop.makeSucceededFuture(problem) }
        let request = Self.request(head, isTLS: isTLS)
        let facts = ClientFacts(request, peer: channel.remoteAddress, isTLS: isTLS, trusted: trusted)
        if let wait = route.limiter?.admit(facts.address, now: Int64(clamping: NIODeadline.now().uptimeNanoseconds)) {
            return loop.makeSucceededFuture(.refused(.tooManyRequests, ["Retry-After": "\(wait)"]))
        }
        let origins = head.headers["origin"]
        guard origins.count <= 1,
            route.allows(origin: origins.first, host: request.authority ?? "", isSecure: facts.scheme == "https")
        else {
            logger.info(
                "a page of another origin may not open a WebSocket: if it should, add its origin to the route's `origins`",
                metadata: [
                    "path": "\(route.path)", "origin": "\(origins.joined(separator: ", ").prefix(200).debugDescription)",
                    "allowed": "\(route.allowed(host: request.authority ?? "", isSecure: facts.scheme == "https"))",
                ])
            return loop.makeSucceededFuture(.refused(.forbidden))
        }
        guard open.admit(channel, most: most) else {
            return loop.makeSucceededFuture(.refused(.serviceUnavailable, ["Retry-After": "5"]))
        }
        guard let admission else { return begin(route, head, request, facts, SocketAdmission(), channel) }
        let promise = loop.makePromise(of: SocketAdmission?.self)
        promise.completeWithTask { try await admission(request, route) }
        return promise.futureResult.flatMap { admitted in
            guard let admitted else { return loop.makeSucceededFuture(.refused(.unauthorized)) }
            return self.begin(route, head, request, facts, admitted, channel)
        }
    }

    /// Holds the handshake until workers have answered `open`.
    private func begin(
        _ route: SocketRoute, _ head: HTTPRequestHead, _ request: HTTPRequest, _ facts: ClientFacts,
        _ admitted: SocketAdmission, _ channel: any Channel
    ) -> EventLoopFuture<UpgradeDecision> {
        let dialogue = SocketDialogue(route, meta: admitted.meta, backend: backend)
        let promise = channel.eventLoop.makePromise(of: UpgradeDecision.self)
        let subprotocols = Subprotocols(head.headers, known: route.protocols)
        var logger = logger
        logger[metadataKey: "path"] = "\(route.path)"
        let handler = SocketHandler(
            limits: route.limits, dialogue: dialogue, accepted: Handshake.answer(head), subprotocols: subprotocols,
            opening: promise, loop: channel.eventLoop, logger: logger)
        let bound = NIOLoopBound(handler, eventLoop: channel.eventLoop)
        dialogue.listen { note in channel.eventLoop.execute { bound.value.hear(note) } }
        let alarm = channel.eventLoop.scheduleTask(in: route.limits.open) { bound.value.openTimedOut() }
        promise.futureResult.whenComplete { _ in alarm.cancel() }
        channel.closeFuture.whenComplete { _ in bound.value.closedWhileOpening() }
        var writer = RequestWriter(head: request, facts: facts, isJSON: route.codec.name == "json", cookies: admitted.cookies)
        if let chosen = subprotocols.chosen { writer.extra["protocol"] = .text(chosen) }
        dialogue.send(.open(writer))
        return promise.futureResult
    }

    private static func request(_ head: HTTPRequestHead, isTLS: Bool) -> HTTPRequest {
        var fields = HTTPFields()
        for (name, value) in head.headers where name.lowercased() != "host" {
            if let name = HTTPField.Name(name) { fields.append(HTTPField(name: name, value: value)) }
        }
        return HTTPRequest(
            method: .get, scheme: isTLS ? "https" : "http", authority: head.headers["host"].first, path: head.uri,
            headerFields: fields)
    }
}
