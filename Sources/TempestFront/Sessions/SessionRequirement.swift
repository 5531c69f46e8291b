// Routes for those who are logged in: everybody else is refused before anything is queued. Part of a route's configuration; asked
// after the session was looked up, before the job is pushed.

import HTTPTypes
public import Hummingbird

/// What becomes of a request to a route that wants a user when nobody is logged in.
public struct SessionRequirement: Sendable, Hashable {
    /// Where browsers are sent; nil: nowhere.
    public let loginPath: String?

    /// They are told 401.
    public static let refused = SessionRequirement(loginPath: nil)

    private init(loginPath: String?) { self.loginPath = loginPath }

    /// They are sent to a page of this host by 303. Nil if that is no path: it begins with one slash and has no control
    /// characters, spaces or backslashes.
    public init?(login path: String) {
        guard path.hasPrefix("/"), !path.hasPrefix("//"),
            path.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") })
        else { return nil }
        self.loginPath = path
    }

    /// The answer that refuses a request; nil if somebody is logged in.
    public func refusal(_ ticket: SessionTicket) -> Response? {
        guard ticket.user == nil else { return nil }
        if let loginPath {
            return Response(status: .seeOther, headers: [.location: loginPath, .cacheControl: "no-store"])
        }
        // RFC 9110 wants a challenge with every 401; no browser knows this one, so none asks for a password.
        return Response(status: .unauthorized, headers: [.wwwAuthenticate: "Session", .cacheControl: "no-store"])
    }
}
