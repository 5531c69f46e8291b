// Browsers' sessions: found before a request is queued, given, renewed or ended after its answer (protocol/http.md, "Sessions").
// Before it: the request's headers. After it: meta.session of the job, and the Set-Cookie of the answer.

public import HTTPTypes
public import Logging
import Metrics
public import ServiceLifecycle
public import Tempest
import TempestProtocol
package import TempestRedis

/// Sessions in Redis, named by a cookie that only the front makes.
///
/// ```swift
/// let sessions = try Sessions(redis: RedisConfiguration(url: url), logger: logger)
/// let ticket = try await sessions.lookup(request.headers)     // ticket.id goes with the job
/// try await ticket.finish(&headers)                           // headers of the worker's answer, on their way to the browser
/// ```
///
/// A cookie is never believed: an id that Redis does not know is answered like no cookie at all, with a fresh one, so that nobody
/// can have a browser use an id that he knows. The cookie is given once there is a session, that is, when a worker has written a
/// field.
public final class Sessions: Service {
    /// The answer's header that is for the front: `rotate` or `end`.
    public static let header = HTTPField.Name("tempest-session")!

    /// How long sessions last.
    public let rules: SessionRules
    private let keeper: SessionKeeper
    private let cookie: SessionCookie
    private let logger: Logger
    private let redis: RedisClient

    /// Sessions in the Redis of the workers. Throws ``SessionError`` for rules that contradict themselves.
    public convenience init(
        redis: RedisConfiguration, rules: SessionRules = SessionRules(), logger: Logger = Logger(label: "tempest.sessions")
    ) throws {
        try self.init(client: RedisClient(redis, name: "tempest-sessions", logger: logger), rules: rules, logger: logger)
    }

    /// The same on a client that the front has already; it is shut down with this.
    package init(client: RedisClient, rules: SessionRules = SessionRules(), logger: Logger) throws {
        try rules.check()
        (self.redis, self.rules, self.logger) = (client, rules, logger)
        self.keeper = SessionKeeper(redis: client, rules: rules)
        self.cookie = SessionCookie(rules: rules)
        if rules.isInsecure {
            logger.warning(
                """
                sessions are INSECURE: the cookie is called tempest and goes over plain HTTP, where all on the way can read and \
                replace it; this is for development only, never for people's data
                """)
        }
    }

    /// Waits for a graceful shutdown or cancellation, and then closes the connection.
    public func run() async throws {
        try? await gracefulShutdown()
        await shutdown()
    }

    /// Closes the connection to Redis. What is asked afterwards throws.
    public func shutdown() async { await redis.shutdown() }

    /// Finds the session of a request by its cookie, and lengthens it; makes up a fresh id when there is none.
    ///
    /// One call of Redis if there is a cookie of the right shape; none without. Throws ``RedisError``: without Redis nobody can
    /// be told from anybody, and nothing could be queued.
    public func lookup(_ headers: HTTPFields) async throws(RedisError) -> SessionTicket {
        guard let id = cookie.id(in: headers) else { return fresh() }
        guard let found = try await keeper.touch(id) else {
            count("unknown")
            return fresh()
        }
        return SessionTicket(token: id, isNew: false, user: found.user.flatMap { Self.user($0) }, sessions: self)
    }

    /// Takes the session's cookie out of a request's headers, before workers see them.
    public func removeCookie(from headers: inout HTTPFields) { cookie.remove(from: &headers) }

    /// Who is logged in: the field `user` of the ticket's session, as it was when the request came.
    public func user(of ticket: SessionTicket) -> Value? { ticket.user }

    private func fresh() -> SessionTicket {
        SessionTicket(token: RandomToken(), isNew: true, user: nil, sessions: self)
    }

    private static func user(_ bytes: [UInt8]) -> Value? {
        switch try? JobSession.value(bytes, of: "user") {
        case nil, .null, .bool(false): nil
        case let value: value
        }
    }

    func finish(_ ticket: SessionTicket, _ headers: inout HTTPFields) async throws(RedisError) {
        let orders = Set(headers[values: Self.header].flatMap { $0.lowercased().split(separator: ",").map(Self.trimmed) })
        headers[values: Self.header] = []
        let lines = headers[values: .setCookie]
        let others = lines.filter { !cookie.isOurs(setCookie: $0) }
        if others.count < lines.count {
            logger.warning("a worker tried to set the session's cookie: it was dropped; the front alone chooses ids")
            headers[values: .setCookie] = others
        }
        if !orders.isSubset(of: ["rotate", "end"]) {
            logger.warning("an answer's tempest-session is neither rotate nor end: it was dropped")
        }
        if orders.contains("end") {
            try await keeper.end(ticket.token)
            count("ended")
            // A browser without a session has no cookie that it could lose, or one that is worth nothing.
            tell(cookie.ending, &headers)
        } else if orders.contains("rotate"), !ticket.isNew {
            let new = RandomToken()
            // When another answer was first, the browser has its new id from that one.
            guard try await keeper.rotate(ticket.token, to: new) else { return }
            count("rotated")
            tell(cookie.line(giving: new), &headers)
        } else if ticket.isNew, try await keeper.touch(ticket.token) != nil {
            count("given")
            tell(cookie.line(giving: ticket.token), &headers)
        }
    }

    private func tell(_ line: String, _ headers: inout HTTPFields) {
        headers.append(HTTPField(name: .setCookie, value: line))
        // A shared cache must not hand this browser's session to the next one.
        if headers[.cacheControl] == nil { headers[.cacheControl] = "private" }
    }

    private func count(_ event: String) {
        Counter(label: "tempest_front_sessions_total", dimensions: [("event", event)]).increment()
    }

    private static func trimmed(_ text: Substring) -> String {
        String(text.drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
    }
}
