import Hummingbird
import NIOCore
import Synchronization
import TempestTesting
import Testing

@testable import TempestFront

/// A browser that goes away while its request is held.
@Suite(.serialized) struct GoneTests {
    @Test(arguments: [false, true])
    func theHolderOfARequestLearnsThatItsBrowserHasGone(_ onlyHalf: Bool) async throws {
        let gone = Counter()
        let held = Counter()
        let router = Router()
        router.post("/held") { request, _ in
            try await request.body.consumeWithInboundCloseHandler { body in
                let bytes = try await body.collect(upTo: 100)
                #expect(String(buffer: bytes) == "abc")
                held.add()
                try await eventually("the browser goes") { gone.count == 1 }
                return Response(status: .ok, body: .init(byteBuffer: ByteBuffer(string: "late")))
            } onInboundClosed: {
                gone.add()
            }
        }
        var limits = ConnectionLimits.brisk
        limits.allowsHalfClosure = onlyHalf
        try await withServer(.front(limits: limits), router: router) { port in
            let client = try await RawClient.connect(port)
            try await client.send("POST /held HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")
            try await eventually("the request is held") { held.count == 1 }
            if onlyHalf {
                try await client.closeOutput()
                // Who only closed its half still gets its answer.
                #expect(try await client.end().hasSuffix("late"))
            } else {
                await client.close()
                try await eventually("the holder is told") { gone.count == 1 }
            }
        }
    }
}

/// How often something happened.
final class Counter: Sendable {
    private let value = Atomic(0)
    func add() { value.add(1, ordering: .relaxed) }
    var count: Int { value.load(ordering: .relaxed) }
}
