// What the head of a response says of its connection and its length.

import NIOHTTP1

/// Read in one pass: every response goes through it.
struct ResponseFields {
    /// The first `content-length`.
    private(set) var length: String?
    var hasLength: Bool { length != nil }
    private(set) var hasConnection = false
    private(set) var closes = false
    private(set) var upgrades = false
    /// Whether there is a header that is for proxies.
    private(set) var hasProxyConnection = false

    init(_ headers: HTTPHeaders) {
        for (name, value) in headers {
            switch name.utf8.count {
            case 10 where name.lowercased() == "connection":
                hasConnection = true
                let tokens = RequestCheck.tokens(value)
                closes = closes || tokens.contains("close")
                upgrades = upgrades || tokens.contains("upgrade")
            case 14 where length == nil && name.lowercased() == "content-length": length = value
            case 16 where name.lowercased() == "proxy-connection": hasProxyConnection = true
            default: break
            }
        }
    }
}

extension HTTPResponseHead {
    /// Of the last response of a connection, which has no body.
    static func refusal(_ status: HTTPResponseStatus, _ headers: HTTPHeaders) -> HTTPResponseHead {
        var headers = headers
        // Upgrade is of the connection, and has to be named there (RFC 9110, 7.8).
        headers.replaceOrAdd(name: "connection", value: headers.contains(name: "upgrade") ? "upgrade, close" : "close")
        headers.replaceOrAdd(name: "content-length", value: "0")
        headers.replaceOrAdd(name: "date", value: HTTPDate.now.text)
        return HTTPResponseHead(version: .http1_1, status: status, headers: headers)
    }
}
