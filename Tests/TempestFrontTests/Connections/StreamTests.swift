import HTTPTypes
import Hummingbird
import NIOCore
import Synchronization
import TempestTesting
import Testing

@testable import TempestFront

/// HTTP/2 is held to the rules of HTTP/1, and what is wrong with a stream ends nothing else.
@Suite(.serialized) struct StreamTests {
    private func client<R: Sendable>(
        _ limits: ConnectionLimits = .brisk, window: Int? = nil, confirms: Bool = true,
        _ body: @escaping @Sendable (FrameClient) async throws -> R
    ) async throws -> R {
        try await withSecureServer(limits, router: bodyRouter()) { port in
            let client = try await FrameClient.connect(port, window: window, confirms: confirms)
            let result = try await body(client)
            await client.raw.close()
            return result
        }
    }

    private func expectAlive(_ client: FrameClient, _ stream: Int) async throws {
        try await client.get(stream, "/hello")
        let answer = try await client.whole(stream)
        #expect(answer.status == 200 && String(decoding: answer.body, as: UTF8.self) == "hello")
        #expect(client.goAway == nil)
    }

    @Test(arguments: [true, false]) func aFirstRequestMayHaveAsManyHeadersAsWithHTTP1(_ confirms: Bool) async throws {
        try await client(confirms: confirms) { client in
            let cookies = (0..<45).map { ("cookie", "name\($0)=" + String(repeating: "v", count: 400)) }
            try await client.get(1, "/hello", cookies)
            #expect(try await client.whole(1).status == 200)
            let crumbs = (0..<500).map { ("cookie", "n\($0)=v") }
            try await client.get(3, "/hello", crumbs)
            #expect(try await client.whole(3).status == 200, "the crumbs of a cookie are one field")
            try await expectAlive(client, 5)
        }
    }

    @Test func headersAboveTheLimitsAre431AndTheConnectionStays() async throws {
        try await client { client in
            let long = [("x", String(repeating: "v", count: 70_000))]
            let many = (0..<101).map { ("x-\($0)", "v") }
            let large = (0..<90).map { ("x-\($0)", String(repeating: "v", count: 2000)) }
            for (number, headers) in [long, many, large].enumerated() {
                try await client.get(2 * number + 1, "/hello", headers)
                #expect(try await client.whole(2 * number + 1).status == 431)
            }
            try await expectAlive(client, 7)
        }
    }

    @Test func whatHTTP1RefusesIsRefusedAlike() async throws {
        let requests: [(method: String, path: String, headers: [(String, String)], authority: String?, status: Int)] = [
            ("GET", "/hello", [("host", "evil")], "front", 400), ("GET", "/hello", [("host", "a"), ("host", "a")], nil, 400),
            ("GET", "/hello", [], nil, 400), ("GET", "/hello", [], "a@b", 400), ("GET", "/hello", [], "a/b", 400),
            ("GET", "/hello", [("host", "front")], "Front", 200), ("GET", "/hello", [("host", "front")], nil, 200),
            ("GET", "hello", [], "front", 400), ("GET", "*", [], "front", 400), ("GET", "/hello#x", [], "front", 400),
            ("GET", "/h\u{e9}llo", [], "front", 400), ("GET", "http://evil/hello", [], "front", 400),
            ("NONSENSE", "/hello", [], "front", 501), ("GET", "/hello", [("x", "a\u{1}b")], "front", 400),
            ("GET", "/hello", [("content-length", "+0")], "front", 400), ("GET", "/hello", [], "", 400),
            ("GET", "/hello", [("x", " v")], "front", 400), ("GET", "/hello", [("x", "v\t")], "front", 400),
        ]
        try await client { client in
            for (number, request) in requests.enumerated() {
                let stream = 2 * number + 1
                try await client.ask(stream, request.method, request.path, request.headers, authority: request.authority)
                let answer = try await client.whole(stream)
                // What NIO finds first it resets.
                #expect(answer.status == request.status || request.status == 400 && answer.reset == 1, "\(request): \(answer)")
                if answer.status ?? 0 >= 400 { #expect(answer.header("date") != nil) }
            }
            try await expectAlive(client, 101)
        }
    }

    @Test func aMalformedStreamIsResetAlone() async throws {
        try await client { client in
            // The first response uses up its own window, and not that of the others.
            try await client.window(0, 1 << 30)
            try await client.get(1, "/big")
            for (number, bad) in [
                ("Upper", "x"), ("connection", "close"), ("transfer-encoding", "chunked"), ("te", "gzip"), ("a b", "x"),
            ]
            .enumerated() {
                try await client.get(2 * number + 3, "/hello", [bad])
                #expect(try await client.whole(2 * number + 3).reset == 1, "\(bad)")
            }
            try await client.ask(21, "POST", "/echo", [("content-length", "3")], ends: false)
            try await client.send(0, 1, 21, Array("12345".utf8))
            #expect(try await client.whole(21).reset == 1)
            #expect(!client.answer(1).isOver, "the others go on")
            try await expectAlive(client, 23)
        }
    }

    @Test func aHeaderWithoutANameIsTheFaultOfItsStreamAlone() async throws {
        // GET https://front/hello, from the static table but for two values.
        let request: [UInt8] = [0x82, 0x87, 0x44, 6] + Array("/hello".utf8) + [0x41, 5] + Array("front".utf8)
        let value: [UInt8] = [1, UInt8(ascii: "v")]
        let nameless: [[UInt8]] = [
            [0x40, 0] + value, [0x00, 0] + value, [0x10, 0] + value, [0x40, 0x80] + value, [0x40, 0, 0], [0, 0, 0, 0, 0, 0],
        ]
        try await client { client in
            try await client.window(0, 1 << 30)
            try await client.get(1, "/big")
            for (number, bad) in nameless.enumerated() {
                try await client.send(1, 5, 2 * number + 3, request + bad)
                #expect(try await client.whole(2 * number + 3).reset == 1, "\(bad)")
            }
            // In a block that is cut anywhere over frames, and in each of its disguises.
            let block = request + [0x40, 0x7F, 0x23] + [UInt8](repeating: UInt8(ascii: "n"), count: 162) + value + nameless[0]
            for cut in 0...block.count {
                let stream = 2 * cut + 101
                try await client.send(1, 1, stream, Array(block[..<cut]))
                try await client.send(9, 4, stream, Array(block[cut...]))
                #expect(try await client.whole(stream).reset == 1, "cut at \(cut)")
            }
            try await client.send(1, 5 | 0x28, 1001, [2, 0, 0, 0, 0, 7] + request + nameless[0] + [0, 0])
            #expect(try await client.whole(1001).reset == 1)
            try await client.send(1, 5 | 0x28, 1003, [2, 0, 0, 0, 0, 7] + request + [0, 0])
            #expect(try await client.whole(1003).status == 200, "padding does not count as a header")
            #expect(!client.answer(1).isOver, "the others go on")
            try await expectAlive(client, 1005)
        }
    }

    @Test func headersOfAConnectionNeverReachAStream() async throws {
        try await client { client in
            try await client.get(1, "/odd")
            let answer = try await client.whole(1)
            #expect(answer.status == 426 && answer.isWhole && answer.header("server") == "odd")
            for name in ["connection", "upgrade", "proxy-connection", "keep-alive", "transfer-encoding"] {
                #expect(answer.header(name) == nil)
            }
            try await expectAlive(client, 3)
        }
    }

    @Test func aResponseThatLacksSomethingIsAnErrorAndNotACancellation() async throws {
        try await client { client in
            for (number, path) in ["/short", "/torn"].enumerated() {
                try await client.get(2 * number + 1, path)
                let answer = try await client.whole(2 * number + 1)
                #expect(answer.reset == 2 && !answer.isWhole, "\(path)")
            }
            try await client.get(5, "/long")
            let long = try await client.whole(5)
            #expect(long.isWhole && String(decoding: long.body, as: UTF8.self) == "0123456789")
            try await expectAlive(client, 7)
        }
    }

    @Test func nothingIsSentAsABodyOfHEAD() async throws {
        try await client { client in
            try await client.ask(1, "HEAD", "/talks")
            let answer = try await client.whole(1)
            #expect(answer.status == 200 && answer.isWhole && answer.body.isEmpty && answer.header("content-length") == "4")
            try await expectAlive(client, 3)
        }
    }

    @Test func aResponseBeforeTheEndOfItsRequestIsWholeAndTheRestIsNotWanted() async throws {
        try await client { client in
            try await client.ask(1, "POST", "/refused", [("content-length", "1000000")], ends: false)
            let answer = try await client.whole(1)
            #expect(answer.status == 403 && answer.isWhole)
            try await eventually("the stream is over") {
                client.frames.contains { $0.type == 3 && $0.stream == 1 && $0.code() == 0 }
            }
            try await expectAlive(client, 3)
        }
    }

    @Test func aStreamThatIsHardlyTakenIsResetHoweverItsWindowOpens() async throws {
        var limits = ConnectionLimits.brisk
        limits.writeStall = .milliseconds(400)
        try await client(limits, window: 0) { client in
            try await client.get(1, "/big")
            let trickle = Task {
                while !Task.isCancelled {
                    try await client.window(1, 1)
                    try await Task.sleep(for: .milliseconds(50))
                }
            }
            let answer = try await client.whole(1)
            trickle.cancel()
            #expect(answer.reset == 2 && answer.body.count < 400)
            try await client.get(3, "/hello")
            try await client.window(3, 100)
            #expect(try await client.whole(3).status == 200)
        }
    }

    @Test func aConnectionThatIsHardlyTakenIsCutHoweverItsWindowOpens() async throws {
        var limits = ConnectionLimits.brisk
        limits.writeStall = .milliseconds(600)
        try await client(limits, window: 1 << 30) { client in
            try await client.get(1, "/big")
            try await eventually("the connection's window is used up") { client.answer(1).body.count == 65_535 }
            let trickle = Task {
                while !Task.isCancelled {
                    try await client.window(0, 1)
                    try await Task.sleep(for: .milliseconds(50))
                }
            }
            try await eventually("it is cut") { client.raw.isClosed }
            trickle.cancel()
        }
    }

    @Test func aClientThatAnswersNothingIsNotKept() async throws {
        var limits = ConnectionLimits.brisk
        limits.idle = .milliseconds(300)
        try await client(limits) { client in
            try await expectAliveThenLeft(client)
        }
    }

    private func expectAliveThenLeft(_ client: FrameClient) async throws {
        try await client.get(1, "/hello")
        #expect(try await client.whole(1).status == 200)
        // It is told, and neither its ping's answer nor its end of the connection is waited for.
        try await eventually("it is left") { client.raw.isClosed }
        #expect(client.goAway == 0)
    }

    @Test func whatWaitsForStreamsCountsAndTheGreediestConnectionIsCut() async throws {
        let registry = ConnectionRegistry(bound: 1 << 20, logger: .silent)
        try await withSecureServer(router: bodyRouter(), registry: registry) { port in
            let modest = try await FrameClient.connect(port, window: 0)
            try await modest.get(1, "/big")
            try await eventually("it waits") { registry.waiting >= 1 << 16 }
            let greedy = try await FrameClient.connect(port, window: 0)
            for stream in 0..<40 { try? await greedy.get(2 * stream + 1, "/big") }
            try await eventually("the greedy one is cut") { greedy.raw.isClosed }
            #expect(!modest.raw.isClosed)
            try await eventually("its bytes are given back") { registry.waiting < 1 << 20 }
            await modest.raw.close()
            try await eventually("nothing is left") { registry.waiting == 0 && registry.count == 0 }
        }
    }
}
