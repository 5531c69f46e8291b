// How long sessions last and how their cookie travels. Part of a front's configuration; read by Sessions.

import Tempest

/// What a front does with sessions.
public struct SessionRules: Sendable, Hashable {
    /// How long a session lasts that no request comes for. Default 14 days.
    public var idle: Duration
    /// How long a session lasts at most, from its beginning, whatever comes for it. Default 90 days.
    public var absolute: Duration
    /// Whether the cookie is kept when the browser is closed. Default true.
    public var isPersistent: Bool
    /// For development over plain HTTP, where browsers refuse what is meant for TLS: the cookie is called `tempest` rather than
    /// `__Host-tempest`, and is not `Secure`, so that everybody on the way can read and replace it. Default false.
    public var isInsecure: Bool

    public init(
        idle: Duration = .seconds(14 * 86400), absolute: Duration = .seconds(90 * 86400), isPersistent: Bool = true,
        isInsecure: Bool = false
    ) {
        (self.idle, self.absolute, self.isPersistent, self.isInsecure) = (idle, absolute, isPersistent, isInsecure)
    }

    /// Throws ``SessionError/Code/rules`` when the times contradict each other.
    func check() throws(SessionError) {
        guard idle >= .milliseconds(1), absolute >= idle, absolute <= .seconds(400 * 86400) else {
            throw SessionError(
                .rules,
                "sessions: idle is above zero, absolute not below idle and at most 400 days; they are \(idle) and \(absolute)")
        }
    }
}
