// What a front is made of besides its routes: events, sessions, uploads. Made when the front runs; asked by the responder for each request.

import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import NIOHTTP1
import ServiceLifecycle
import Tempest
import TempestCodecs
import TempestRedis

final class FrontParts: Sendable {
    /// Each runs while a snapshot has it.
    private let running: (events: RunningPart<EventStreams>?, sessions: RunningPart<Sessions>?, uploads: RunningPart<Uploads>?)
    private let uploadSettings: UploadSettings?
    /// Whether anybody may come for events; who listens already is not sent away by a reload.
    private let offersEvents: Bool

    var events: EventStreams? { offersEvents ? running.events?.part : nil }
    var sessions: Sessions? { running.sessions?.part }
    var uploads: Uploads? { running.uploads?.part }
    private let trusted: TrustedProxies

    static let eventPrefix = "/sub/"
    static let uploadPrefix = "/uploads/"

    /// - Parameter previous: of the snapshot before a reload: what has not changed goes on.
    /// - Throws: ``FrontConfigurationError``, ``SessionError``, or ``UploadError`` for a folder that cannot be used.
    init(_ configuration: FrontConfiguration, redis: RedisConfiguration, previous: FrontParts?, logger: Logger) async throws {
        var sessions: RunningPart<Sessions>?
        if let rules = configuration.sessions {
            if let same = previous?.running.sessions, same.part.rules == rules {
                sessions = same
            } else {
                let client = RedisClient(redis, name: "tempest-sessions", logger: logger, patience: configuration.patience)
                sessions = RunningPart(try Sessions(client: client, rules: rules, logger: logger))
            }
        }
        var events = previous?.running.events
        offersEvents = !configuration.subscriptions.isEmpty || configuration.subscriptionRule != nil
        if offersEvents {
            var user: ChannelPolicy.User?
            if let sessions = sessions?.part { user = { request in try await sessions.lookup(request.headers).user } }
            let policy: ChannelPolicy
            do {
                policy = try ChannelPolicy(
                    patterns: configuration.subscriptions, user: user, rule: configuration.subscriptionRule)
            } catch {
                throw FrontConfigurationError("sub: \(error)")
            }
            // Those who listen go on listening by the same subscriptions.
            let streams = previous?.running.events?.part.following(policy)
            let options = EventStreamOptions(grace: configuration.grace)
            events =
                streams.map { RunningPart($0, of: previous?.running.events) }
                ?? RunningPart(EventStreams(redis: redis, policy: policy, options: options, logger: logger))
        }
        var uploads: RunningPart<Uploads>?
        if let settings = configuration.uploads {
            if previous?.uploadSettings == settings {
                uploads = previous?.running.uploads
            } else {
                let store = try await FolderStore(folder: settings.folder, quota: settings.quota)
                uploads = RunningPart(
                    Uploads(store: store, rules: settings.rules, quotaPerAddress: settings.addressQuota, logger: logger))
            }
            if !configuration.routes.contains(where: \.takesUploads) {
                logger.warning("no route takes uploads: set `uploads: true` on those that are to")
            }
        }
        (running, uploadSettings) = ((events, sessions, uploads), configuration.uploads)
        trusted = configuration.rules.trusted
    }

    /// Ends all event streams, so that their browsers come back to another front.
    func endStreams() async { await running.events?.part.shutdown() }

    /// Ends what runs.
    func stop() async {
        await running.events?.stop()
        await running.sessions?.stop()
        await running.uploads?.stop()
    }

    /// Answers what is for these parts alone; nil: the path is another's.
    ///
    /// - Parameter path: without percent-encoding: pages write the colon of a channel's name either way.
    func respond(to request: Request, path: Substring, _ context: FrontContext) async throws -> Response? {
        if let events, path.hasPrefix(Self.eventPrefix) {
            let channel = String(path.dropFirst(Self.eventPrefix.count))
            return try await events.respond(to: request, channel: channel, on: context.channel)
        }
        if let uploads, path.hasPrefix(Self.uploadPrefix) {
            return try await uploads.respond(to: request, token: String(path.dropFirst(Self.uploadPrefix.count)))
        }
        return nil
    }

    /// What is known of a request before it becomes a job: whose it is, and what it brings. Throws ``Refusal``, or returns the response that
    /// sends somebody to log in.
    func visit(_ request: Request, _ route: FrontRoute, peer: SocketAddress?) async throws -> (Visit, Response?) {
        var visit = Visit()
        if let sessions {
            let ticket = try await sessions.lookup(request.headers)
            if route.requiresUser {
                let requirement = route.login.flatMap { SessionRequirement(login: $0) } ?? .refused
                if let refusal = requirement.refusal(ticket) { return (visit, refusal) }
            }
            visit.session = ticket.id
            visit.cookies = .some(Self.cookies(request.headers, without: sessions))
            visit.finish = { head in try await ticket.finish(&head.headers, order: head.session) }
        }
        if let uploads, route.takesUploads {
            let address = ClientFacts.address(of: request.head, peer: peer, trusted: trusted)
            let (received, held) = try await uploads.receive(request, from: address, for: route)
            (visit.form, visit.uploads) = (received.form, received.uploads)
            visit.isReceived = true
            if case .bytes(let buffer) = received { visit.body = buffer }
            if !received.uploads.isEmpty { visit.held = held }
        }
        return (visit, nil)
    }

    /// Whether somebody may open a WebSocket, and as whom.
    func admit(_ head: HTTPRequest, requiresUser: Bool) async throws -> SocketAdmission? {
        guard let sessions else { return SocketAdmission() }
        let ticket = try await sessions.lookup(head.headerFields)
        if requiresUser, ticket.user == nil { return nil }
        return SocketAdmission(
            meta: ["session": .text(ticket.id)], cookies: .some(Self.cookies(head.headerFields, without: sessions)))
    }

    /// The `cookie` header that workers see.
    private static func cookies(_ headers: HTTPFields, without sessions: Sessions) -> String? {
        var headers = headers
        sessions.removeCookie(from: &headers)
        let lines = headers[values: .cookie]
        return lines.isEmpty ? nil : lines.joined(separator: "; ")
    }
}
