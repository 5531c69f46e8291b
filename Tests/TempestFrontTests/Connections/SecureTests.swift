import HummingbirdCore
import Logging
import NIOCore
import NIOSSL
import Tempest
import TempestTesting
import Testing

@testable import TempestFront

@Suite(.serialized) struct SecureTests {
    private func secured<R: Sendable>(
        _ limits: ConnectionLimits = .brisk, _ body: @escaping @Sendable (Int) async throws -> R
    ) async throws -> R {
        try await withTemporaryDirectory { directory in
            let words = [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                "/CN=front", "-keyout", "front.key", "-out", "front.crt",
            ]
            try await ProcessRunner("openssl", words, workingDirectory: directory).run { openssl in
                _ = try await openssl.waitForExit()
            }
            let tls = TLSConfiguration.makeServerConfiguration(
                certificateChain: try NIOSSLCertificate.fromPEMFile("\(directory)/front.crt").map { .certificate($0) },
                privateKey: .privateKey(try NIOSSLPrivateKey(file: "\(directory)/front.key", format: .pem)))
            var logger = Logger(label: "secure.tests")
            logger.logLevel = .critical
            let route = SocketRoute(try PathPattern("/socket"), queue: try .init("chat"))
            let door = SocketDoor([route], backend: TestBackend(), isTLS: true, logger: logger)
            return try await withServer(.front(limits: limits, tls: tls, allowsHTTP2: true, upgrader: door), body)
        }
    }

    @Test func byTLSThereAreHTTP1AndSocketsOfTheSecureOriginAndHTTP2() async throws {
        try await secured { port in
            let http1 = try await RawClient.connect(port, protocols: ["http/1.1"])
            try await http1.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
            try await http1.receive("hello")
            let socket = try await SocketClient.connect(port, ["Origin: https://front"], protocols: ["http/1.1"])
            try await socket.send("secret")
            #expect(try await socket.next().text == "secret")
            let http2 = try await RawClient.connect(port, protocols: ["h2", "http/1.1"])
            try await http2.send(Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + [0, 0, 0, 4, 0, 0, 0, 0, 0])
            // Settings, and their acknowledgement.
            try await eventually("HTTP/2 is spoken") { http2.received.count >= 18 && http2.received[3] == 4 }
            await http2.close()
        }
    }

    @Test func aHandshakeThatTakesTooLongEndsTheConnection() async throws {
        var limits = ConnectionLimits.brisk
        limits.handshake = .milliseconds(300)
        try await secured(limits) { port in
            let client = try await RawClient.connect(port)
            try await client.send([0x16, 3, 1])
            #expect(try await client.end() == "")
        }
    }
}
