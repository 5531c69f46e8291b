// One request and what became of it, as the access log tells it.

import NIOCore

struct AccessEntry: Sendable, Equatable {
    /// Milliseconds since 1970.
    var time: UInt64
    var id: String
    /// The client's address, as trusted proxies say it; nil on a unix socket.
    var client: String?
    var host: String?
    var method: String
    /// Without the query, which may hold secrets; nil for bytes that were not HTTP.
    var path: String?
    var version: String
    var referer: String?
    var userAgent: String?
    /// nil: the connection ended before a response began.
    var status: Int?
    /// Bytes of the body that were handed to the connection.
    var bytes = 0
    /// Whether the response came to its end.
    var isWhole = false
    /// From the request's head to the end of the response.
    var duration = TimeAmount.zero

    /// 499 where the client left before there was a response, as nginx logs it.
    var loggedStatus: Int { status ?? 499 }

    /// What is logged of the page that a request came from: no query, which may hold secrets as well.
    static func referer(_ referer: String?) -> String? {
        HeaderBytes.plain(referer).map { path(of: $0) }
    }

    /// What is logged of a target, or of the address of a page: no query, and no token of an upload, whose holder may have it, however the
    /// path is written.
    static func path(of target: String) -> String {
        let target = target.prefix { $0 != "?" && $0 != "#" }
        var path = target
        if !target.hasPrefix("/"), let scheme = target.firstRange(of: "://") {
            path = target[scheme.upperBound...].drop { $0 != "/" }
        }
        guard RequestPath.meaning(path).hasPrefix(FrontParts.uploadPrefix) else { return String(target) }
        return target[..<path.startIndex] + FrontParts.uploadPrefix + "…"
    }
}
