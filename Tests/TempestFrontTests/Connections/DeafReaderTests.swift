import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore
import TempestTesting
import Testing

@testable import TempestFront

/// Clients that ask for much and take nothing.
@Suite(.serialized, .timeLimit(.minutes(2))) struct DeafReaderTests {
    /// Bytes of this process in memory.
    private var resident: Int {
        let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
        return (Int(text.split(separator: " ").dropFirst().first ?? "") ?? 0) * 4096
    }

    private func router() -> Router<BasicRequestContext> {
        let router = Router()
        // As a file of 10 MB is served: piece by piece, each of them new.
        router.get("/file") { _, context in
            Response(
                status: .ok, headers: [.contentLength: "10485760"],
                body: ResponseBody { writer in
                    for _ in 0..<160 { try await writer.write(ByteBuffer(repeating: 0x61, count: 1 << 16)) }
                    try await writer.finish(nil)
                })
        }
        return router
    }

    @Test func aThousandStreamsWithoutAWindowHoldAPieceEach() async throws {
        let registry = ConnectionRegistry(logger: .silent)
        let before = resident
        try await withSecureServer(router: router(), registry: registry) { port in
            var clients: [FrameClient] = []
            for _ in 0..<20 {
                let client = try await FrameClient.connect(port, window: 0)
                for stream in 0..<50 { try await client.get(2 * stream + 1, "/file") }
                clients.append(client)
            }
            try await eventually(within: .seconds(60), "all wait") { registry.count == 20 && registry.waiting >= 900 << 16 }
            try await Task.sleep(for: .seconds(1))
            #expect(registry.waiting <= 1000 * 3 << 16)
            #expect(self.resident - before < 64 << 20 + 256 << 20)
            print("20 x 50 streams: \(registry.waiting >> 20) MiB wait, \((self.resident - before) >> 20) MiB more are resident")
            registry.closeAll()
            try await eventually(within: .seconds(20), "all is given back") { registry.waiting == 0 && registry.count == 0 }
        }
    }

    @Test func fiveHundredClientsThatDoNotReadHoldAPieceEach() async throws {
        let registry = ConnectionRegistry(logger: .silent)
        let before = resident
        let server = HTTPServerBuilder.front(limits: .brisk, tls: nil, allowsHTTP2: false, registry: registry, upgrader: nil)
        try await withServer(server, router: router()) { port in
            var clients: [RawClient] = []
            for _ in 0..<500 {
                let client = try await RawClient.connect(port, reads: false)
                try await client.send("GET /file HTTP/1.1\r\nHost: a\r\n\r\n")
                clients.append(client)
            }
            try await eventually(within: .seconds(60), "all wait") { registry.count == 500 && registry.waiting >= 500 << 15 }
            #expect(self.resident - before < 64 << 20 + 256 << 20)
            print("500 clients: \(registry.waiting >> 20) MiB wait, \((self.resident - before) >> 20) MiB more are resident")
            registry.closeAll()
            try await eventually(within: .seconds(20), "all is given back") { registry.waiting == 0 && registry.count == 0 }
        }
    }
}
