import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Synchronization
import Tempest
import TempestTesting
import Testing

@testable import TempestFront

/// Over real connections, as browsers and workers use it.
@Suite("Uploads over HTTP")
struct UploadServerTests {
    /// Starts a server with a route for uploads and one that redeems them, and talks to it.
    static func run(_ rules: UploadRules = UploadRules(), _ body: (UploadBench, Client) async throws -> Void) async throws {
        try await UploadBench.run { bench in
            let uploads = bench.uploads(rules)
            let router = Router()
            router.post("/up") { request, _ -> Response in
                do {
                    let body = try await uploads.receive(request)
                    let lines = body.uploads.map { "\($0.token) \($0.size) \($0.filename ?? "")" }
                    return Response(status: .ok, body: .init(byteBuffer: ByteBuffer(string: lines.joined(separator: "\n"))))
                } catch let refusal as UploadRefusal {
                    return Response(status: refusal.status)
                }
            }
            for method in [HTTPRequest.Method.get, .head, .post, .put, .delete] {
                router.on("/uploads/:token", method: method) { request, context in
                    try await uploads.respond(to: request, token: context.parameters.require("token"))
                }
            }
            let port = Mutex(0)
            let application = Application(
                router: router, configuration: .init(address: .hostname("127.0.0.1", port: 0)),
                onServerRunning: { channel in port.withLock { $0 = channel.localAddress?.port ?? 0 } }, logger: bench.logger)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await application.run() }
                try await eventually(within: .seconds(60), "the server listens") { port.withLock { $0 } != 0 }
                do {
                    try await body(bench, Client(port: port.withLock { $0 }))
                    group.cancelAll()
                } catch {
                    group.cancelAll()
                    throw error
                }
            }
        }
    }

    /// Talks HTTP/1.1 by hand.
    struct Client {
        let port: Int

        /// Sends text; returns all that comes back until the other side closes. `closes`: our side is closed after sending.
        func send(_ pieces: [String], closes: Bool = false) async throws -> String {
            let port = port
            return try await withDeadline(.seconds(60), "an answer") {
                let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                    .channelOption(.allowRemoteHalfClosure, value: true)
                    .connect(host: "127.0.0.1", port: port) { channel in
                        channel.eventLoop.makeCompletedFuture {
                            try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                        }
                    }
                return try await channel.executeThenClose { inbound, outbound in
                    for piece in pieces { try await outbound.write(ByteBuffer(string: piece)) }
                    if closes { return "" }
                    var all = ByteBuffer()
                    for try await buffer in inbound { all.writeImmutableBuffer(buffer) }
                    return String(buffer: all)
                }
            }
        }

        func request(
            _ line: String, _ headers: String = "", body: String = ""
        ) async throws -> (status: Int, head: String, body: String) {
            let answer = try await send(["\(line) HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\(headers)\r\n\(body)"])
            let parts = answer.split(separator: "\r\n\r\n", maxSplits: 1, omittingEmptySubsequences: false)
            let status = Int(answer.split(separator: " ").dropFirst().first ?? "") ?? 0
            return (status, parts.first.map { $0.lowercased() } ?? "", parts.count > 1 ? String(parts[1]) : "")
        }
    }

    @Test("What was sent can be had by its token, whole and in parts, as bytes to be saved")
    func redeeming() async throws {
        try await Self.run(UploadRules(bodyLimit: 5)) { _, client in
            let sent = try await client.request("POST /up", "Content-Length: 10\r\n", body: "0123456789")
            #expect(sent.status == 200)
            let token = String(sent.body.prefix(43))
            let whole = try await client.request("GET /uploads/\(token)")
            #expect(whole.status == 200 && whole.body == "0123456789")
            for header in [
                "content-type: application/octet-stream", "x-content-type-options: nosniff", "content-disposition: attachment",
                "accept-ranges: bytes", "content-length: 10",
            ] {
                #expect(whole.head.contains(header), "\(header) in \(whole.head)")
            }
            let ranges: [(String, Int, String, String?)] = [
                ("bytes=0-0", 206, "0", "bytes 0-0/10"), ("bytes=2-5", 206, "2345", "bytes 2-5/10"),
                ("bytes=7-", 206, "789", "bytes 7-9/10"),
                ("bytes=-3", 206, "789", "bytes 7-9/10"), ("bytes=-99", 206, "0123456789", "bytes 0-9/10"),
                ("bytes=5-99999999999999999999999", 206, "56789", "bytes 5-9/10"), ("bytes=10-", 416, "", "bytes */10"),
                ("bytes=-0", 416, "", "bytes */10"),
                ("bytes=99999999999999999999999-", 416, "", "bytes */10"), ("bytes=5-2", 200, "0123456789", nil),
                ("bytes=0-1,3-4", 200, "0123456789", nil),
                ("lines=0-1", 200, "0123456789", nil), ("bytes=+1-2", 200, "0123456789", nil),
                ("bytes=a-b", 200, "0123456789", nil), ("bytes=", 200, "0123456789", nil),
            ]
            for (range, status, body, contentRange) in ranges {
                let part = try await client.request("GET /uploads/\(token)", "Range: \(range)\r\n")
                #expect(part.status == status && part.body == body, "\(range): \(part)")
                #expect(
                    part.head.contains("content-range: \(contentRange ?? "")") == (contentRange != nil), "\(range): \(part.head)")
            }
            let head = try await client.request("HEAD /uploads/\(token)", "Range: bytes=0-1\r\n")
            #expect(head.status == 200 && head.body.isEmpty && head.head.contains("content-length: 10"))
            #expect(try await client.request("GET /uploads/\(token)", "Range: bytes=0-1\r\nIf-Range: \"x\"\r\n").status == 200)
            #expect(try await client.request("PUT /uploads/\(token)", "Content-Length: 0\r\n").status == 405)
            for _ in 0..<2 {
                #expect(try await client.request("POST /uploads/\(token)", "Content-Length: 0\r\n").status == 204)
            }
            #expect(try await client.request("GET /uploads/\(token)").body == "0123456789", "what is kept is there")
            #expect(try await client.request("DELETE /uploads/\(token)").status == 204)
            for method in ["GET", "POST", "DELETE"] {
                let gone = try await client.request("\(method) /uploads/\(token)", "Content-Length: 0\r\n")
                #expect(gone.status == 404, "\(method)")
            }
            #expect(try await client.request("GET /uploads/\(String(repeating: "a", count: 43))").status == 404)
            #expect(try await client.request("GET /uploads/..%2f..%2fetc%2fpasswd").status == 404)
        }
    }

    @Test("A large upload, and a large download, pass through in pieces")
    func large() async throws {
        try await Self.run { bench, client in
            let content = String(repeating: "0123456789abcdef", count: 200_000)
            let sent = try await client.request(
                "POST /up", "Content-Length: \(content.utf8.count)\r\nContent-Type: text/plain\r\n", body: content)
            #expect(sent.status == 200)
            #expect(bench.names == [String(sent.body.prefix(43))])
            #expect(try await client.request("GET /uploads/\(sent.body.prefix(43))").body == content)
        }
    }

    @Test(
        "A browser that goes away in the middle leaves nothing behind",
        arguments: [
            "Content-Length: 1000\r\n\r\n\(String(repeating: "x", count: 500))",
            "Transfer-Encoding: chunked\r\n\r\n1f4\r\n\(String(repeating: "x", count: 500))\r\n",
        ])
    func goesAway(_ rest: String) async throws {
        try await Self.run(UploadRules(bodyLimit: 5)) { bench, client in
            _ = try await client.send(["POST /up HTTP/1.1\r\nHost: x\r\n\(rest)"], closes: true)
            // The next one is whole: when it has been answered, what came before it has been seen to.
            let sent = try await client.request("POST /up", "Content-Length: 10\r\n", body: "0123456789")
            #expect(sent.status == 200)
            try await eventually(within: .seconds(60), "nothing but the whole one is there") {
                bench.names == [String(sent.body.prefix(43))]
            }
        }
    }
}
