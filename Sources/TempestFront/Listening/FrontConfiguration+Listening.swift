// Where a front listens, and its certificate: from text and files.

import NIOSSL

extension FrontConfiguration {
    /// From `HOST:PORT`, `[IPv6]:PORT`, `:PORT` (all addresses) or `unix:PATH`, in place of where it listened before.
    /// Throws ``FrontConfigurationError``.
    public mutating func listen(on text: String) throws(FrontConfigurationError) { try listen(on: [text]) }

    /// The same for several addresses.
    public mutating func listen(on texts: [String]) throws(FrontConfigurationError) {
        addresses = try ListenAddress.list(texts, "listen")
    }

    /// The host of the first TCP address; empty: all addresses.
    public var host: String {
        for case .tcp(let host, _) in addresses { return host }
        return ""
    }

    /// The port of the first TCP address; 0: any that is free.
    public var port: Int {
        get {
            for case .tcp(_, let port) in addresses { return port }
            return 0
        }
        set {
            for (place, address) in addresses.enumerated() {
                guard case .tcp(let host, _) = address else { continue }
                addresses[place] = .tcp(host: host, port: newValue)
                return
            }
            addresses.append(.tcp(host: "127.0.0.1", port: newValue))
        }
    }

    /// Whether sockets that were handed over fit. They come in place of all addresses, so none of these may be left without a word.
    func check(inherited sockets: [ListeningSocket]) throws(FrontConfigurationError) {
        let redirects = sockets.contains { $0.purpose == .redirect }
        if redirects, tls == nil {
            throw FrontConfigurationError("a socket was handed over for `redirect`, and there is no certificate: set `tls`")
        }
        if redirect != nil, !redirects {
            throw FrontConfigurationError(
                "sockets were handed over (LISTEN_FDS), and none of them is for `redirect`: give a socket unit `FileDescriptorName=redirect`, or remove the setting"
            )
        }
        guard sockets.contains(where: { $0.purpose == .requests }) else {
            throw FrontConfigurationError(
                "all sockets that were handed over (LISTEN_FDS) are called `redirect`: one must be for requests, with another name"
            )
        }
    }

    /// TLS 1.2 and newer, with HTTP/2 where the browser has it. Throws ``FrontConfigurationError`` for files that are not what they should be.
    public mutating func secure(certificate: String, key: String) throws(FrontConfigurationError) {
        tls = try CertificateFiles(certificate: certificate, key: key).read()
    }
}
