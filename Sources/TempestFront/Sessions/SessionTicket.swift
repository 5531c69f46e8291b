// One request's session: its id goes with the job, and when the answer has come the ticket says what the browser is told.
// Made by Sessions.lookup; used up by finish.

public import HTTPTypes
public import Tempest
import TempestProtocol

/// The session of one request.
public struct SessionTicket: Sendable {
    let token: RandomToken
    /// Whether the browser had no session: the id is fresh, nobody but the job's worker hears of it unless a session comes of it.
    public let isNew: Bool
    /// Who is logged in: the field `user`; nil when nobody is, also for null, false and fields that were not written as fields
    /// are.
    public let user: Value?
    let sessions: Sessions

    /// What goes into the job's meta as `session`: 43 characters of base64url. A secret: it does not belong into logs.
    public var id: String { token.text }

    /// Does what the answer's `tempest-session` says, and makes of a worker's headers the browser's: without that header, without
    /// a worker's own attempts to set this cookie, with the cookie where there is something to tell. To be called once, before
    /// the head of the answer is sent.
    ///
    /// One call of Redis for a new visitor, to see whether the worker made a session, and for `rotate` and `end`; none otherwise.
    ///
    /// - Throws: ``RedisError`` when Redis did not do it: the browser must not be told that it is logged out, or in, when it is
    ///   not.
    public func finish(_ headers: inout HTTPFields) async throws(RedisError) {
        try await sessions.finish(self, &headers)
    }

    /// The same where the answer's `tempest-session` was taken out of the headers already: `order` is what it said.
    package func finish(_ headers: inout HTTPFields, order: String?) async throws(RedisError) {
        if let order { headers[Sessions.header] = order }
        try await finish(&headers)
    }
}
