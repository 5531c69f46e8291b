// Where a front listens, and how it proves who it is: from text and files. Between the command line or a file, and FrontConfiguration.

import NIOSSL

extension FrontConfiguration {
    /// From `HOST:PORT`, `[IPv6]:PORT` or `:PORT` (all addresses). Throws ``FrontConfigurationError``.
    public mutating func listen(on text: String) throws(FrontConfigurationError) {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            throw FrontConfigurationError("\(text.debugDescription) is no place to listen: HOST:PORT, such as 0.0.0.0:8080")
        }
        var name = text[..<colon]
        if name.hasPrefix("["), name.hasSuffix("]") { name = name.dropFirst().dropLast() }
        host = name.isEmpty ? "0.0.0.0" : String(name)
        self.port = Int(port)
    }

    /// TLS 1.2 and newer, with HTTP/2 where the browser has it. Throws ``FrontConfigurationError`` for files that are not what they should be.
    public mutating func secure(certificate: String, key: String) throws(FrontConfigurationError) {
        do {
            let chain = try NIOSSLCertificate.fromPEMFile(certificate)
            guard !chain.isEmpty else { throw FrontConfigurationError("\(certificate) has no certificate in it") }
            var settings = TLSConfiguration.makeServerConfiguration(
                certificateChain: chain.map { .certificate($0) },
                privateKey: .privateKey(try NIOSSLPrivateKey(file: key, format: .pem)))
            settings.minimumTLSVersion = .tlsv12
            settings.applicationProtocols = ["h2", "http/1.1"]
            tls = settings
        } catch let error as FrontConfigurationError {
            throw error
        } catch {
            throw FrontConfigurationError("the certificate \(certificate) or its key \(key) cannot be used: \(error)")
        }
    }
}
