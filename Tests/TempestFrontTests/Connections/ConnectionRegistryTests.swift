import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOEmbedded
import Synchronization
import TempestTesting
import Testing

@testable import TempestFront

@Suite(.serialized) struct ConnectionRegistryTests {
    private func registry(_ bound: Int = 1000) -> ConnectionRegistry {
        var logger = Logger(label: "registry.tests")
        logger.logLevel = .critical
        return ConnectionRegistry(bound: bound, logger: logger)
    }

    @Test func theConnectionForWhichMostWaitsIsCutWhenAllOfThemAreTooMuch() {
        let registry = registry()
        let (first, second) = (EmbeddedChannel(), EmbeddedChannel())
        let cut = Mutex<[String]>([])
        let modest = registry.add(first) { cut.withLock { $0.append("modest") } }
        let greedy = registry.add(second) { cut.withLock { $0.append("greedy") } }
        modest.add(400)
        greedy.add(600)
        #expect(cut.withLock { $0 } == [])
        #expect(registry.waiting == 1000)
        // It is the modest one that asks for more, and the other that goes.
        modest.add(1)
        #expect(cut.withLock { $0 } == ["greedy"])
        #expect(registry.waiting == 401)
        // What it still holds counts no more, and is not subtracted twice.
        greedy.add(5000)
        greedy.add(-600)
        #expect(registry.waiting == 401)
    }

    @Test func whatSomebodyHoldsIsGivenBackWhenHeIsGone() {
        let registry = registry()
        let account = registry.add(EmbeddedChannel()) {}
        var held: WaitingBytes? = WaitingBytes(account)
        held?.add(300)
        held?.add(-100)
        #expect(registry.waiting == 200)
        held = nil
        #expect(registry.waiting == 0)
    }

    @Test func aConnectionLeavesWithAllThatWaited() throws {
        let registry = registry()
        let channel = EmbeddedChannel()
        registry.add(channel) {}.add(10)
        #expect(registry.count == 1)
        try channel.close().wait()
        channel.embeddedEventLoop.run()
        #expect(registry.count == 0)
        #expect(registry.waiting == 0)
    }

    @Test func aServerWithoutASpareMomentEndsAllConnections() async throws {
        let registry = registry()
        try await withServer(.front(limits: .brisk, tls: nil, allowsHTTP2: false, registry: registry, upgrader: nil)) { port in
            let idle = try await RawClient.connect(port)
            let busy = try await RawClient.connect(port)
            try await busy.send("GET /hel")
            try await eventually("both are known") { registry.count == 2 }
            registry.closeAll()
            try await idle.end()
            try await busy.end()
            try await eventually("nothing is left") { registry.count == 0 }
        }
    }

    @Test func theBoundHoldsForClientsThatDoNotRead() async throws {
        let registry = registry(4 << 20)
        let router = Router()
        router.get("/whole") { _, _ in ByteBuffer(repeating: 0x61, count: 3 << 20) }
        let server = HTTPServerBuilder.front(
            limits: .brisk, tls: nil, allowsHTTP2: false, registry: registry, upgrader: nil)
        try await withServer(server, router: router) { port in
            var clients: [RawClient] = []
            for _ in 0..<6 {
                let client = try await RawClient.connect(port, reads: false)
                try await client.send("GET /whole HTTP/1.1\r\nHost: a\r\n\r\n")
                clients.append(client)
            }
            try await eventually("connections are cut") { registry.cutCount > 0 && registry.waiting <= 4 << 20 }
            for client in clients { await client.close() }
        }
    }
}
