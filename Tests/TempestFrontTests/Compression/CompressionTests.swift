import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore
import Tempest
import TempestTesting
import Testing

@testable import TempestFront

@Suite(.timeLimit(.minutes(3))) struct CompressionTests {
    private static let text = String(repeating: "the quick brown fox, ", count: 500)

    private static func serve(_ worker: Worker) {
        let plain = ("content-type", "text/plain; charset=utf-8")
        worker.handle("stream") { (context: JobContext, request: WebRequest) in
            try await context.send(WebAnswer(headers: [plain], body: text.utf8))
            if request.path == "/broken" { throw HandlerError(message: "no more") }
            for _ in 1...5 { try await context.send(text) }
        }
        worker.handle("promised") { (context: JobContext, request: WebRequest) in
            try await context.send(WebAnswer(headers: [plain, ("content-length", "\(2 * text.utf8.count)")], body: text.utf8))
            try await context.send(text)
        }
        worker.handle("url") { (_: JobContext, request: WebRequest) -> WebAnswer in
            switch request.path {
            case "/text": return WebAnswer(headers: [plain, ("etag", "\"v1\"")], body: text.utf8)
            case "/empty": return WebAnswer(headers: [plain], body: "".utf8)
            case "/small": return WebAnswer(headers: [plain], body: "short".utf8)
            case "/digest": return WebAnswer(headers: [plain, ("content-digest", "sha-256=:AA==:")], body: text.utf8)
            case "/image": return WebAnswer(headers: [("content-type", "image/png")], body: text.utf8)
            case "/encoded": return WebAnswer(headers: [plain, ("content-encoding", "br")], body: text.utf8)
            case "/asis": return WebAnswer(headers: [plain, ("cache-control", "private, No-Transform")], body: text.utf8)
            case "/events": return WebAnswer(headers: [("content-type", "text/event-stream")], body: text.utf8)
            case "/part":
                let range = ("content-range", "bytes 0-\(text.utf8.count - 1)/99999")
                return WebAnswer(status: 206, headers: [plain, range], body: text.utf8)
            case "/same": return WebAnswer(status: 304, headers: [("etag", "\"v1\"")])
            case "/mark": return WebAnswer(headers: [plain, (Compression.mark, "1")], body: text.utf8)
            default: return WebAnswer(text: request.headers["accept-encoding"] ?? "none")
            }
        }
    }

    private static func run(_ body: (Curl) async throws -> Void) async throws {
        try await Curl.run {
            $0.compresses = true
            $0.routes =
                try ["/stream", "/broken"].map { try FrontRoute("\($0)=pages:default/stream") }
                + [try FrontRoute("/promised=pages:default/promised")] + $0.routes
        } handlers: {
            serve($0)
        } _: { curl, _ in
            try await body(curl)
        }
    }

    @Test(arguments: ["--http1.1", "--http2"])
    func `text is compressed for who takes gzip, whole and in a stream, and comes out as it was`(version: String) async throws {
        try await Self.run { curl in
            for (path, count) in [("/text", 1), ("/stream", 6)] {
                let facts = "\\n%{http_code} %{size_download} %header{content-encoding} %header{vary}\\n"
                let got = try await curl(path, version, "-H", "Accept-Encoding: gzip, deflate, br", "--compressed", "-w", facts)
                #expect(got.status == .exited(0))
                #expect(got.output.first == String(repeating: Self.text, count: count))
                let words = got.output.last?.split(separator: " ") ?? []
                #expect(words.first == "200" && words.dropFirst(2) == ["gzip", "Accept-Encoding"], "\(got.output.last ?? "")")
                #expect((words.dropFirst().first.flatMap { Int($0) } ?? .max) < 2000)
            }
            let broken = try await curl("/broken", version, "--compressed", "-o", "/dev/null")
            #expect(broken.status != .exited(0), "half a compressed body is an error too")
            // A strong tag is of bytes, and these are others.
            let tag = try await curl("/text", version, "--compressed", "-o", "/dev/null", "-w", "%header{etag}")
            #expect(tag.output == ["W/\"v1\""])
            // Workers see what the client has said.
            #expect(try await curl("/", version, "-H", "Accept-Encoding: br;q=1.0, gzip").output == ["br;q=1.0, gzip"])
        }
    }

    @Test(arguments: ["--http1.1", "--http2"])
    func `what must not be compressed is not`(version: String) async throws {
        try await Self.run { curl in
            let facts = "\\n%{size_download} [%header{content-encoding}]\\n"
            for path in ["/small", "/empty", "/image", "/encoded", "/asis", "/events", "/part", "/digest"] {
                let got = try await curl(path, version, "-H", "Accept-Encoding: gzip", "-w", facts)
                #expect(
                    got.status == .exited(0) && got.output.last?.contains("gzip") == false, "\(path) \(got.output.last ?? "")")
                #expect(got.output.first == (path == "/small" ? "short" : path == "/empty" ? "" : Self.text), "\(path)")
            }
            for accepted in ["identity", "gzip;q=0", "br", "*;q=0", "gzip;q=0.1, identity;q=1"] {
                let got = try await curl("/text", version, "-H", "Accept-Encoding: \(accepted)", "-w", facts)
                #expect(got.output == [Self.text, "\(Self.text.utf8.count) []"], "\(accepted)")
            }
            // What stands for a part, or for no change, depends on the same header as the whole.
            for path in ["/part", "/same"] {
                let got = try await curl(path, version, "-H", "Accept-Encoding: gzip", "-o", "/dev/null", "-w", "%header{vary}")
                #expect(got.output == ["Accept-Encoding"], "\(path)")
            }
            // A tag of the bytes as they are would be wrong of those that a browser has kept, and right of what was never compressed.
            for kept in ["W/\"v1\"", "\"v1\""] {
                let words = [
                    "-H", "Accept-Encoding: gzip", "-H", "If-None-Match: \(kept)", "-o", "/dev/null", "-w", "%header{etag}",
                ]
                #expect(try await curl.run("/same", [version] + words).output == [kept])
            }
            // HEAD: the headers of GET, and no length, which nobody knows.
            let head = try await curl("/text", version, "-I", "-H", "Accept-Encoding: gzip")
            #expect(head.output.contains { $0.lowercased().hasPrefix("vary: accept-encoding") })
            #expect(!head.output.contains { $0.lowercased().hasPrefix("content-length") })
            #expect(head.output.contains { $0.lowercased().hasPrefix("content-encoding: gzip") })
        }
    }

    @Test func `what a compressor holds counts in the front's bound while its response is on the way`() async throws {
        let registry = ConnectionRegistry(logger: .silent)
        var services = ConnectionServices(limits: .brisk, registry: registry)
        services.compresses = true
        let (opened, gate) = AsyncStream<Void>.makeStream()
        let router = Router()
        router.get("/slow") { _, _ in
            Response(
                status: .ok, headers: [.contentType: "text/plain", try #require(.init(Compression.mark)): "1"],
                body: ResponseBody { writer in
                    try await writer.write(ByteBuffer(string: Self.text))
                    for await _ in opened {}
                    try await writer.finish(nil)
                })
        }
        let server = HTTPServerBuilder { [services] in FrontChannel(responder: $0, services: services) }
        try await withServer(server, router: router) { port in
            let client = try await RawClient.connect(port)
            try await client.send("GET /slow HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n")
            try await eventually("it has begun") { client.text.lowercased().contains("content-encoding: gzip") }
            #expect(registry.waiting >= 256 << 10)
            gate.finish()
            try await eventually("it is given back") { registry.waiting == 0 }
            await client.close()
        }
    }

    @Test func `a worker cannot set the mark of what is to be compressed`() async throws {
        try await Self.run { curl in
            let got = try await curl("/mark", "-D", "-", "-H", "Accept-Encoding: identity")
            #expect(!got.output.contains { $0.lowercased().contains("x-tempest-gzip") } && got.output.last == Self.text)
        }
    }

    @Test func `a route can leave it out, or do it alone`() async throws {
        try await Curl.run {
            $0.routes = try ["/no/*=pages", "/*=pages"].map { try FrontRoute($0) }
            ($0.compresses, $0.routes[0].compresses) = (true, false)
        } handlers: { worker in
            worker.handle("url") { (_: JobContext, _: WebRequest) in WebAnswer(text: Self.text) }
        } _: { curl, _ in
            for (path, coding) in [("/no/a", "[]"), ("/a", "[gzip]")] {
                let got = try await curl(path, "--compressed", "-o", "/dev/null", "-w", "[%header{content-encoding}]")
                #expect(got.output == [coding], "\(path)")
            }
        }
    }

    @Test(arguments: ["--http1.1", "--http2"])
    func `HEAD is told what GET is, but for the length of what is compressed`(version: String) async throws {
        try await Self.run { curl in
            for path in ["/text", "/small", "/image", "/encoded", "/stream", "/promised", "/digest"] {
                let words = [version, "-H", "Accept-Encoding: gzip", "-D", "-", "-o", "/dev/null"]
                let get = Self.fields(try await curl.run(path, words).output)
                let head = Self.fields(try await curl.run(path, words + ["-I"]).output)
                let isCompressed = get.contains("content-encoding: gzip")
                let kept = get.filter { !isCompressed || !$0.hasPrefix("content-length") }
                #expect(head == kept, "\(path)")
            }
        }
    }

    /// The fields of a response but for those that differ from one to the next, in order of their names.
    private static func fields(_ lines: [String]) -> [String] {
        lines.map { $0.lowercased() }
            .filter { line in
                line.contains(": ") && !["date", "x-request-id", "transfer-encoding"].contains { line.hasPrefix("\($0):") }
            }
            .sorted()
    }
}
