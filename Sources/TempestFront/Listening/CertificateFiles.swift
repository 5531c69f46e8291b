// A certificate and its private key in PEM files: read, and checked to be a pair.

import NIOSSL

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

struct CertificateFiles {
    let certificate: String
    let key: String

    /// Throws ``FrontConfigurationError`` that says which file is wrong, and how.
    func read() throws(FrontConfigurationError) -> TLSConfiguration {
        let (certificateText, keyText) = (try Self.text(certificate), try Self.text(key))
        guard certificateText.contains("-----BEGIN CERTIFICATE-----") else {
            throw FrontConfigurationError(
                certificateText.contains("PRIVATE KEY-----")
                    ? "\(certificate) holds a private key, not a certificate: are the two files exchanged?"
                    : "\(certificate) is not a PEM file with a certificate (-----BEGIN CERTIFICATE-----)")
        }
        guard keyText.contains("PRIVATE KEY-----") else {
            throw FrontConfigurationError(
                keyText.contains("-----BEGIN CERTIFICATE-----")
                    ? "\(key) holds a certificate, not a private key: are the two files exchanged?"
                    : "\(key) is not a PEM file with a private key (-----BEGIN PRIVATE KEY-----)")
        }
        guard !keyText.contains("ENCRYPTED") else {
            throw FrontConfigurationError(
                "the private key in \(key) has a passphrase: store it without one (openssl pkey -in FILE -out FILE)")
        }
        let chain: [NIOSSLCertificate]
        do {
            chain = try NIOSSLCertificate.fromPEMBytes(Array(certificateText.utf8))
        } catch {
            throw FrontConfigurationError("the certificate in \(certificate) is damaged")
        }
        guard !chain.isEmpty else { throw FrontConfigurationError("\(certificate) has no certificate in it") }
        let privateKey: NIOSSLPrivateKey
        do {
            privateKey = try NIOSSLPrivateKey(bytes: Array(keyText.utf8), format: .pem)
        } catch {
            throw FrontConfigurationError("the private key in \(key) is damaged, or of a kind that TLS cannot use")
        }
        var settings = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(privateKey))
        settings.minimumTLSVersion = .tlsv12
        settings.applicationProtocols = ["h2", "http/1.1"]
        // The library compares the two before the first handshake.
        do {
            _ = try NIOSSLContext(configuration: settings)
        } catch {
            throw FrontConfigurationError(
                "the private key in \(key) belongs to another certificate than the first one in \(certificate)")
        }
        return settings
    }

    private static func text(_ path: String) throws(FrontConfigurationError) -> String {
        guard let file = fopen(path, "re") else { throw unreadable(path) }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 64 << 10)
        // A chain of certificates has some thousand bytes; a device has no end.
        while bytes.count < 4 << 20 {
            let count = fread(&piece, 1, piece.count, file)
            if count == 0 { break }
            bytes += piece[..<count]
        }
        guard ferror(file) == 0 else { throw unreadable(path) }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func unreadable(_ path: String) -> FrontConfigurationError {
        // Never shown: it may be the key.
        guard !path.contains("-----BEGIN"), !path.contains("\n") else {
            return FrontConfigurationError("`certificate` and `key` are names of PEM files, and here stands what is in one")
        }
        return FrontConfigurationError("\(path) cannot be read: \(String(cString: strerror(errno)))")
    }
}
