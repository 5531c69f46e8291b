import Tempest
import TempestTesting
import Testing

@testable import TempestFront

@Suite struct RoutePolicyTests {
    private static func settings(_ route: String, _ more: String = "") throws -> FrontConfiguration {
        try FrontFile.read("routes:\n  - {path: /*, queue: pages, \(route)}\n\(more)", file: "f.yaml")
    }

    private static func run(
        _ route: String, _ more: String = "", _ body: (RunningFront) async throws -> Void
    ) async throws {
        let read = try settings(route, more)
        try await RunningFront.run {
            ($0.routes, $0.headers) = (read.routes, read.headers)
        } handlers: { worker in
            worker.handle("url") { (_: JobContext, request: WebRequest) -> WebAnswer in
                if request.path == "/fails" { throw HandlerError(message: "no") }
                return WebAnswer(
                    headers: [
                        ("access-control-allow-origin", "https://worker.example"), ("server", "worker"), ("x-own", "1"),
                        ("vary", "Cookie"),
                    ], body: request.method.utf8)
            }
        } _: {
            try await body($0)
        }
    }

    @Test func `a page of an origin that is named may read responses and errors; the front's word replaces the worker's`()
        async throws
    {
        try await Self.run("cors: {origins: [https://a.example], credentials: true, expose: [X-Own]}") { front in
            for path in ["/", "/fails"] {
                let reply = try await front.get(path, "Origin: https://a.example")
                #expect(reply.all("access-control-allow-origin") == ["https://a.example"], "\(path)")
                #expect(reply.header("access-control-allow-credentials") == "true")
                #expect(reply.header("access-control-expose-headers") == "X-Own")
                #expect(reply.all("vary").joined(separator: ", ").contains("Origin"))
            }
            for origin in ["https://b.example", "https://a.example.evil", "null", "http://a.example", "https://A.example"] {
                let reply = try await front.get("/", "Origin: \(origin)")
                #expect(reply.status == 200 && reply.header("access-control-allow-origin") == nil, "\(origin)")
                #expect(reply.all("vary").joined(separator: ", ").contains("Origin"), "a cache must keep them apart")
            }
            #expect(try await front.get("/").header("access-control-allow-origin") == nil)
        }
    }

    @Test func `preflights are answered by the front; other OPTIONS go to the worker`() async throws {
        try await Self.run("cors: '*', headers: {X-Route: here}") { front in
            let preflight = try await front.ask(
                "OPTIONS /x HTTP/1.1\r\nHost: t\r\nOrigin: https://any.example\r\nAccess-Control-Request-Method: PUT\r\n"
                    + "Access-Control-Request-Headers: content-type, x-token\r\n\r\n")
            #expect(preflight.status == 204 && preflight.header("access-control-allow-origin") == "*")
            #expect(preflight.header("access-control-allow-methods")?.contains("PUT") == true)
            #expect(preflight.header("access-control-allow-headers") == "content-type, x-token")
            #expect(preflight.header("access-control-max-age") == "600" && preflight.header("x-route") == "here")
            #expect(preflight.header("content-length") == nil)
            let plain = try await front.ask("OPTIONS /x HTTP/1.1\r\nHost: t\r\n\r\n")
            #expect(plain.status == 200 && plain.text == "OPTIONS")
        }
        try await Self.run("cors: https://a.example") { front in
            let refused = try await front.ask(
                "OPTIONS /x HTTP/1.1\r\nHost: t\r\nOrigin: https://b.example\r\nAccess-Control-Request-Method: PUT\r\n\r\n")
            #expect(refused.status == 403 && refused.header("access-control-allow-origin") == nil)
        }
    }

    @Test func `headers of the front and of a route stand on all responses, refusals too`() async throws {
        let all = "headers: {Strict-Transport-Security: max-age=63072000, Server: ''}"
        try await Self.run("headers: {X-Own: '2', X-Frame-Options: DENY}", all) { front in
            for path in ["/", "/fails"] {
                let reply = try await front.get(path)
                #expect(reply.header("strict-transport-security") == "max-age=63072000" && reply.header("server") == nil)
                #expect(reply.header("x-frame-options") == "DENY" && reply.all("x-own") == ["2"])
            }
        }
    }

    @Test func `a route has its own limit for bodies`() async throws {
        try await Self.run("body: 10") { front in
            let post = "POST / HTTP/1.1\r\nHost: t\r\n"
            let fits = try await front.ask(post + "Content-Length: 10\r\n\r\n", body: Array("0123456789".utf8))
            let announced = try await front.ask(post + "Content-Length: 11\r\n\r\n")
            let chunks = "6\r\nabcdef\r\n6\r\nabcdef\r\n0\r\n\r\n"
            let grown = try await front.ask(post + "Transfer-Encoding: chunked\r\n\r\n" + chunks)
            #expect([fits.status, announced.status, grown.status] == [200, 413, 413])
        }
    }

    @Test func `what browsers or HTTP would not follow is refused with its line`() {
        let bad = [
            ("cors: {credentials: true, origins: '*'}", "with cookies"), ("cors: {origins: ['https://a/b']}", "not an origin"),
            ("cors: {methods: [GET]}", "origins"), ("cors: [https://A.example]", "not an origin"),
            ("cors: {origins: ['*', 'https://a.example']}", "no wildcards"), ("headers: {'a b': c}", "header name"),
            ("headers: {X: \"a\\nb\"}", "the value of X"), ("headers: {Content-Length: '3'}", "front itself"),
            ("rate: 3", "10/s"),
            ("body: -1", "whole number"),
        ]
        for (route, part) in bad {
            let error = #expect(throws: FrontConfigurationError.self) {
                let settings = try Self.settings(route)
                _ = settings
            }
            let text = error?.description ?? ""
            #expect(text.contains(part) && text.contains("line 2"), "\(route): \(text)")
        }
    }
}
