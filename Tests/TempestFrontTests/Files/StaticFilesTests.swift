import Foundation
import NIOCore
import TempestTesting
import Testing

@testable import TempestFront

@Suite("Static files", .timeLimit(.minutes(2)))
struct StaticFilesTests {
    private static let letters = "abcdefghijklmnopqrstuvwxyz"

    @Test("Single ranges: the part, 416 beyond the end, all for what is not a range, and the connection stays in step")
    func ranges() async throws {
        try await FileServer.run(["a.txt": Self.letters]) { server in
            let cases: [(String, Int, String, String?)] = [
                ("bytes=0-4", 206, "abcde", "bytes 0-4/26"), ("bytes=-5", 206, "vwxyz", "bytes 21-25/26"),
                ("bytes=20-", 206, "uvwxyz", "bytes 20-25/26"), ("bytes=25-99", 206, "z", "bytes 25-25/26"),
                ("bytes=-99", 206, Self.letters, "bytes 0-25/26"), ("bytes=26-", 416, "", "bytes */26"),
                ("bytes=20000000-", 416, "", "bytes */26"), ("bytes=-0", 416, "", "bytes */26"),
                ("bytes=5-2", 200, Self.letters, nil),
                ("lines=1-2", 200, Self.letters, nil), ("bytes=x", 200, Self.letters, nil),
            ]
            try await Browser.run(port: server.port) { browser in
                for (range, status, body, contentRange) in cases {
                    try await browser.send("GET /a.txt HTTP/1.1\r\nHost: t\r\nRange: \(range)\r\n\r\n")
                    let reply = try await browser.reply()
                    #expect(reply.status == status && reply.header("content-range") == contentRange, "\(range): \(reply)")
                    if status != 416 { #expect(reply.text == body, "\(range)") }
                    #expect(reply.header("accept-ranges") == "bytes", "\(range)")
                    try await browser.send("HEAD /a.txt HTTP/1.1\r\nHost: t\r\nRange: \(range)\r\n\r\n")
                    let head = try await browser.reply(head: true)
                    #expect(head.status == 200 && head.header("content-length") == "26", "\(range): \(head)")
                }
                #expect(browser.received.isEmpty)
            }
        }
    }

    @Test("Several ranges are parts of a multipart body, each with its place, in the order of the request")
    func severalRanges() async throws {
        try await FileServer.run(["a.txt": Self.letters]) { server in
            let reply = try await server.get("/a.txt", "Range: bytes=-2, 0-1,24-24, 40-")
            #expect(reply.status == 206 && reply.isWhole)
            let type = try #require(reply.header("content-type"))
            let boundary = try #require(type.split(separator: "boundary=").last)
            #expect(type.hasPrefix("multipart/byteranges; boundary="))
            func part(_ range: String, _ body: String) -> String {
                "\r\n--\(boundary)\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Range: bytes \(range)/26\r\n\r\n\(body)"
            }
            #expect(reply.text == part("24-25", "yz") + part("0-1", "ab") + "\r\n--\(boundary)--\r\n")
            #expect(reply.header("content-range") == nil)
            let one = try await server.get("/a.txt", "Range: bytes=0-1,30-40")
            #expect(one.status == 206 && one.header("content-range") == "bytes 0-1/26" && one.text == "ab")
            let many = "Range: bytes=" + Array(repeating: "0-", count: 1300).joined(separator: ",")
            #expect(try await server.get("/a.txt", many).status == 200)
        }
    }

    @Test("A large file goes out in pieces, whole and in parts")
    func large() async throws {
        let bytes = (0..<3_000_001).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        try await FileServer.run { server in
            try FileServer.write(bytes, to: "\(server.folder)/big.bin")
            #expect(try await server.get("/big.bin").body == bytes)
            #expect(try await server.get("/big.bin", "Range: bytes=1000000-2999999").body == Array(bytes[1_000_000..<3_000_000]))
            let two = try await server.get("/big.bin", "Range: bytes=0-999999,2000000-")
            #expect(two.isWhole && two.body.count > 2_000_001)
            #expect(two.body.firstRange(of: bytes[2_000_000...]) != nil && two.body.firstRange(of: bytes[..<1_000_000]) != nil)
        }
    }

    @Test("Conditions decide before ranges do, and 304 has what a cache needs and no length")
    func conditions() async throws {
        try await FileServer.run(["a.txt": Self.letters]) {
            $0.cache = [try CacheRule("*.txt", seconds: 60)]
        } _: { server in
            try await server.settle("/a.txt")
            let first = try await server.get("/a.txt")
            let tag = try #require(first.header("etag"))
            let date = try #require(first.header("last-modified"))
            #expect(tag.hasPrefix("\"") && date == "Sun, 09 Sep 2001 01:46:40 GMT")
            #expect(first.header("cache-control") == "max-age=60" && first.header("x-content-type-options") == "nosniff")
            let cases: [([String], Int)] = [
                (["If-None-Match: \(tag)"], 304), (["If-None-Match: \"x\", W/\(tag)"], 304), (["If-None-Match: *"], 304),
                (["If-None-Match: \"x\"", "If-None-Match: \(tag)"], 304), (["If-None-Match: \"x\""], 200),
                (["If-Match: \(tag)"], 200), (["If-Match: W/\(tag)"], 412), (["If-Match: \"x\""], 412), (["If-Match: *"], 200),
                (["If-Modified-Since: \(date)"], 304), (["If-Modified-Since: Sun, 09 Sep 2001 01:46:39 GMT"], 200),
                (["If-Modified-Since: \(date)", "If-None-Match: \"x\""], 200),
                (["If-Unmodified-Since: Sun, 09 Sep 2001 01:46:39 GMT"], 412), (["If-Unmodified-Since: \(date)"], 200),
                (["Range: bytes=0-1", "If-Range: \(tag)"], 206), (["Range: bytes=0-1", "If-Range: W/\(tag)"], 200),
                (["Range: bytes=0-1", "If-Range: \(date)"], 206), (["Range: bytes=0-1", "If-Range: \"x\""], 200),
                (["Range: bytes=40-", "If-Range: \"x\""], 200), (["Range: bytes=0-1", "If-None-Match: \(tag)"], 304),
                (["Range: bytes=40-", "If-None-Match: \(tag)"], 304), (["Range: bytes=40-", "If-Match: \"x\""], 412),
            ]
            for (headers, status) in cases {
                let reply = try await server.ask("GET", "/a.txt", headers)
                #expect(reply.status == status, "\(headers): \(reply)")
                let isRange = headers.contains { $0.hasPrefix("Range") }
                let head = try await server.ask("HEAD", "/a.txt", headers)
                if !isRange { #expect(head.status == status, "HEAD \(headers)") }
                guard status == 304 else { continue }
                #expect(
                    reply.header("etag") == tag && reply.header("cache-control") == "max-age=60"
                        && reply.header("content-length") == nil)
                #expect(reply.header("content-type") == nil && reply.body.isEmpty)
            }
        }
    }

    @Test("HEAD has the headers of GET")
    func heads() async throws {
        try await FileServer.run(["a.txt": Self.letters, "empty.txt": "", "dir/index.html": "x"]) { server in
            for path in ["/a.txt", "/empty.txt", "/dir/"] { try await server.settle(path) }
            for path in ["/a.txt", "/empty.txt", "/dir/", "/dir", "/none"] {
                let (get, head) = (try await server.ask("GET", path), try await server.ask("HEAD", path))
                func fields(_ reply: Reply) -> [String] {
                    reply.headers.filter { $0.0 != "date" }.map { "\($0.0): \($0.1)" }.sorted()
                }
                #expect(get.status == head.status && fields(get) == fields(head), "\(path): \(head)")
            }
        }
    }

    @Test("A file that is changed within a clock's tick has another tag, and the old one stays good until then")
    func youngTags() async throws {
        try await FileServer.run { server in
            for size in [1, 200_000] {
                var tags: Set<String> = []
                for round in 0..<20 {
                    let text = String(repeating: String(UnicodeScalar(UInt8(97 + round))), count: size)
                    // In place, so that only its content and perhaps its times change.
                    if round == 0 { try server.write(text, to: "a.txt", at: nil) }
                    let handle = try #require(FileHandle(forWritingAtPath: "\(server.folder)/a.txt"))
                    try handle.write(contentsOf: Data(text.utf8))
                    try handle.close()
                    let reply = try await server.get("/a.txt")
                    let tag = try #require(reply.header("etag"))
                    #expect(tags.insert(tag).inserted, "round \(round) of \(size)")
                    #expect(try await server.get("/a.txt", "If-None-Match: \(tag)").status == 304)
                }
                let last = try #require(try await server.get("/a.txt").header("etag"))
                try await eventually(within: .seconds(20), "the file is old enough for its times") {
                    try await server.get("/a.txt").header("etag") != last
                }
                #expect(try await server.get("/a.txt", "If-None-Match: \(last)").status == 304)
                #expect(try await server.get("/a.txt", "Range: bytes=0-0", "If-Range: \(last)").status == 206)
            }
        }
    }

    @Test("A file that was replaced by one of the same size and time has another tag")
    func replaced() async throws {
        try await FileServer.run(["a.txt": "one", "b.txt": "two"]) { server in
            let tag = try #require(try await server.get("/a.txt").header("etag"))
            #expect(rename("\(server.folder)/b.txt", "\(server.folder)/a.txt") == 0)
            let reply = try await server.get("/a.txt", "If-None-Match: \(tag)")
            #expect(
                reply.status == 200 && reply.text == "two" && reply.header("last-modified") == "Sun, 09 Sep 2001 01:46:40 GMT")
        }
    }

    @Test("The compressed file beside a file is sent to those who take it, unless it is older")
    func compressed() async throws {
        try await FileServer.run(["app.js": "plain", "app.js.br": "brotli!", "app.js.gz": "gz", "old.css": "new", "b.html": "b"])
        { server in
            try server.write("stale", to: "old.css.gz", at: 999_999_999)
            let plain = try await server.get("/app.js")
            #expect(plain.text == "plain" && plain.header("vary") == "Accept-Encoding" && plain.header("content-encoding") == nil)
            let brotli = try await server.get("/app.js", "Accept-Encoding: gzip, deflate, br")
            #expect(
                brotli.text == "brotli!" && brotli.header("content-encoding") == "br" && brotli.header("content-length") == "7")
            #expect(
                brotli.header("content-type") == "text/javascript; charset=utf-8" && brotli.header("vary") == "Accept-Encoding")
            let gzip = try await server.get("/app.js", "Accept-Encoding: gzip;q=0.5, br;q=0")
            #expect(gzip.text == "gz" && gzip.header("content-encoding") == "gzip")
            let tags = [plain, brotli, gzip].compactMap { $0.header("etag") }
            #expect(Set(tags).count == 3)
            let known = try await server.get("/app.js", "Accept-Encoding: br", "If-None-Match: \(tags[1])")
            #expect(known.status == 304 && known.header("vary") == "Accept-Encoding" && known.header("etag") == tags[1])
            #expect(try await server.get("/app.js", "Accept-Encoding: br", "If-None-Match: \(tags[0])").status == 200)
            let part = try await server.get("/app.js", "Accept-Encoding: br", "Range: bytes=0-1")
            #expect(part.text == "br" && part.header("content-range") == "bytes 0-1/7" && part.header("content-encoding") == "br")
            let stale = try await server.get("/old.css", "Accept-Encoding: gzip")
            #expect(stale.text == "new" && stale.header("content-encoding") == nil && stale.header("vary") == nil)
            #expect(try await server.get("/app.js.gz").header("content-type") == "application/gzip")
            #expect(try await server.get("/b.html", "Accept-Encoding: br").header("vary") == nil)
        }
    }

    @Test("A folder is sent to with a slash, percent-encoded and with its query; its index is its page")
    func folders() async throws {
        try await FileServer.run([
            "dir/index.html": "index", "sp ace/index.html": "x", "c\u{e4}t/a..b.txt": "dots", "noindex/a": "",
        ]) { server in
            for (path, location) in [
                ("/dir", "/dir/"), ("/dir?x=1&y=%20", "/dir/?x=1&y=%20"), ("/sp%20ace", "/sp%20ace/"), ("//dir", "/dir/"),
                ("/sp%20ace?a=b?c", "/sp%20ace/?a=b?c"), ("/x/../dir", "/dir/"), ("/noindex", "/noindex/"),
            ] {
                let reply = try await server.get(path)
                #expect(reply.status == 301 && reply.header("location") == location, "\(path): \(reply)")
            }
            #expect(try await server.get("/dir/?x=1").text == "index")
            #expect(try await server.get("/dir/index.html/").status == 404)
            #expect(try await server.get("/noindex/").status == 404)
            #expect(try await server.get("/c%C3%A4t/a..b.txt").text == "dots")
        }
    }

    @Test("What is not a file of the folder is not read: pipes, hidden names, paths out of it")
    func notFiles() async throws {
        try await FileServer.run(["in/a.txt": "a", "in/.env": "secret", "in/.well-known/x": "known", "secret": "s"]) {
            $0.folder += "/in"
        } _: { server in
            let folder = "\(server.folder)/in"
            #expect(mkfifo("\(folder)/pipe", 0o600) == 0)
            try FileManager.default.createSymbolicLink(atPath: "\(folder)/null", withDestinationPath: "/dev/zero")
            try FileManager.default.createSymbolicLink(atPath: "\(folder)/loop", withDestinationPath: "loop")
            try FileManager.default.createSymbolicLink(atPath: "\(folder)/link", withDestinationPath: "../secret")
            let long = "/" + String(repeating: "a", count: 5000)
            for path in [
                "/pipe", "/null", "/loop", "/.env", "/%2eenv", "/../secret", "/..%2fsecret", "/%2e%2e/secret", "/a.txt%00",
                "/a.txt/", "/none", long,
            ] {
                #expect(try await server.get(path).status == 404, "\(path.prefix(40))")
            }
            #expect(try await server.get("/link").text == "s", "links are followed")
            #expect(try await server.get("/.well-known/x").text == "known")
        }
    }

    @Test("A file can be had by GET and HEAD; other methods are told so")
    func methods() async throws {
        try await FileServer.run(["a.txt": "a"]) { server in
            for method in ["POST", "PUT", "DELETE"] {
                let reply = try await server.ask(method, "/a.txt", ["Content-Length: 0"])
                #expect(reply.status == 405 && reply.header("allow") == "GET, HEAD, OPTIONS", "\(method): \(reply)")
                #expect(try await server.ask(method, "/none", ["Content-Length: 0"]).status == 404)
            }
            let options = try await server.ask("OPTIONS", "/a.txt")
            #expect(options.status == 204 && options.header("allow") == "GET, HEAD, OPTIONS")
        }
    }

    @Test("A file that becomes shorter while it is sent breaks the response off")
    func shrinking() async throws {
        try await FileServer.run { server in
            let size = 40 << 20
            #expect(FileManager.default.createFile(atPath: "\(server.folder)/big.bin", contents: nil))
            #expect(truncate("\(server.folder)/big.bin", size) == 0)
            let client = try await RawClient.connect(server.port, reads: false)
            try await client.send("GET /big.bin HTTP/1.1\r\nHost: t\r\n\r\n")
            let channel = try client.channel
            channel.read()
            try await client.receive("HTTP/1.1 200")
            #expect(truncate("\(server.folder)/big.bin", 10) == 0)
            try await channel.setOption(.autoRead, value: true).get()
            try await eventually(within: .seconds(30), "the server closes") { client.isClosed }
            #expect(client.received.count < size)
            await client.close()
            #expect(try await server.get("/big.bin").body.count == 10, "the next one is well")
        }
    }

    @Test("The fallback page is for pages, and pages for errors are for who reads them")
    func pages() async throws {
        try await FileServer.run(["index.html": "app", "404.html": "lost", "416.html": "out", "a.txt": "a"]) {
            ($0.fallback, $0.errors) = ("index.html", [404: "404.html", 416: "416.html"])
        } _: { server in
            let html = "Accept: text/html,*/*;q=0.8"
            let page = try await server.get("/some/where", html)
            #expect(page.status == 200 && page.text == "app" && page.header("content-type") == "text/html; charset=utf-8")
            #expect(try await server.get("/some/where", html, "If-None-Match: \(page.header("etag") ?? "")").status == 304)
            #expect(try await server.ask("HEAD", "/some/where", [html]).header("content-length") == "3")
            #expect(try await server.get("/some/where.png", html).status == 404)
            #expect(try await server.get("/some/where", "Accept: application/json").status == 404)
            #expect(try await server.get("/.git", html).status == 404)
            #expect(try await server.ask("POST", "/some/where", [html, "Content-Length: 0"]).status == 404)
            let out = try await server.get("/a.txt", html, "Range: bytes=9-")
            #expect(out.status == 416 && out.text == "out" && out.header("content-range") == "bytes */1")
            #expect(try await server.get("/a.txt", "Range: bytes=9-", "Accept: text/plain").text != "out")
        }
    }

    @Test("A folder, a page or a rule that is not there is refused at the start")
    func refused() async throws {
        try await withTemporaryDirectory { folder in
            try FileServer.write([1], to: "\(folder)/a.txt")
            let cases: [(String, (inout StaticFilesOptions) -> Void)] = [
                ("there is no folder \(folder)/none", { $0.folder += "/none" }), ("a.txt is a file", { $0.folder += "/a.txt" }),
                ("the fallback page, none.html,", { $0.fallback = "none.html" }),
                ("the page for errors 404, none.html,", { $0.errors = [404: "none.html"] }),
                ("not 200", { $0.errors = [200: "a.txt"] }), ("no name", { $0.folder = "" }),
            ]
            for (words, change) in cases {
                var options = StaticFilesOptions(folder: folder)
                change(&options)
                let error = #expect(throws: FrontConfigurationError.self) { _ = try StaticFiles(options) }
                #expect(error?.description.contains(words) == true, "\(String(describing: error))")
            }
        }
    }
}
