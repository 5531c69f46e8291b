import Foundation
import Tempest
import TempestFront
import TempestTesting
import Testing

@Suite("Files of a whole front", .timeLimit(.minutes(2)))
struct FilesFrontTests {
    @Test(
        "Files come before the route for everything: what is sent to a file is refused, what is sent to a folder is the worker's")
    func order() async throws {
        try await withTemporaryDirectory { folder in
            for name in ["a.txt", "index.html", "dir/index.html"] {
                try FileServer.write(Array(name.utf8), to: "\(folder)/\(name)")
            }
            try await RunningFront.run {
                $0.files = StaticFilesOptions(folder: folder)
            } handlers: { worker in
                worker.handle("url") { (_: JobContext, request: WebRequest) in
                    WebAnswer(text: "worker \(request.method) \(request.url)")
                }
            } _: { front in
                func post(_ path: String) async throws -> Reply {
                    try await front.ask("POST \(path) HTTP/1.1\r\nHost: t\r\nContent-Length: 0\r\n\r\n")
                }
                let refused = try await post("/a.txt")
                #expect(refused.status == 405 && refused.header("allow") == "GET, HEAD, OPTIONS", "\(refused)")
                #expect(try await post("/").text == "worker POST /")
                #expect(try await post("/dir").text == "worker POST /dir")
                #expect(try await front.get("/dir/").text == "dir/index.html")
                #expect(try await front.get("/none?x").text == "worker GET /none?x")
            }
        }
    }

    @Test("Pages for errors are shown for the front's own refusals, with their headers, and never in place of a worker's answer")
    func errors() async throws {
        try await withTemporaryDirectory { folder in
            for name in ["404.html", "502.html", "503.html", "504.html"] {
                try FileServer.write(Array("page \(name)".utf8), to: "\(folder)/\(name)")
            }
            try await RunningFront.run(["/slow=nobody", "/busy=pages", "/app/*=pages"]) {
                var options = StaticFilesOptions(folder: folder)
                options.errors = [404: "404.html", 502: "502.html", 503: "503.html", 504: "504.html"]
                $0.files = options
                $0.routes[0].deadline = .milliseconds(200)
                $0.routes[1].pending = 0
            } handlers: { worker in
                worker.handle("url") { (_: JobContext, _: WebRequest) in WebAnswer(status: 404, text: "the worker's own") }
            } _: { front in
                let html = "Accept: text/html"
                for (path, status) in [("/none", 404), ("/slow", 504), ("/busy", 503)] {
                    let page = try await front.get(path, html)
                    #expect(page.status == status && page.text == "page \(status).html", "\(page)")
                    #expect(
                        page.header("content-type") == "text/html; charset=utf-8" && page.header("cache-control") == "no-store")
                    let text = try await front.get(path, "Accept: application/json")
                    #expect(text.status == status && text.header("content-type") == "text/plain; charset=utf-8", "\(text)")
                }
                #expect(try await front.get("/busy", html).header("retry-after") == "1")
                #expect(try await front.get("/app/x", html).text == "the worker's own")
            }
        }
    }

    @Test("Over HTTP/2 it is the same: parts, 416, 304, and the connection goes on")
    func http2() async throws {
        try await withTemporaryDirectory { folder in
            try FileServer.write((0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }, to: "\(folder)/a.bin")
            try await Curl.run {
                $0.files = StaticFilesOptions(folder: folder)
            } _: { curl, _ in
                let format = ["-o", "/dev/null", "-w", "%{http_version} %{http_code} %{size_download}\n"]
                for (words, expected) in [
                    ([], "2 200 300000"), (["-r", "5-9"], "2 206 5"), (["-r", "-100000"], "2 206 100000"), (["-I"], "2 200 0"),
                    (["-H", "If-None-Match: *"], "2 304 0"), (["-H", "If-Match: \"x\""], "2 412 44"),
                ] as [([String], String)] {
                    let result = try await curl.run("/a.bin", format + words)
                    #expect(result.status == .exited(0) && result.output == [expected], "\(words): \(result)")
                }
                let next = ["--next", "-sS", "--cacert", curl.certificate.file, "-r", "1-1"]
                let beyond = try await curl.run(
                    "/a.bin",
                    ["-r", "300000-", "-o", "/dev/null", "-w", "%{http_code} ", "https://127.0.0.1:\(curl.front.port)/a.bin"]
                        + next + ["-o", "/dev/null", "-w", "%{http_code} %{num_connects}\n"])
                #expect(beyond.status == .exited(0) && beyond.output == ["416 206 0"], "\(beyond)")
            }
        }
    }

    @Test("The programs that go on with a download, or read its end first, get along")
    func programs() async throws {
        let bytes = (0..<500_000).map { UInt8(truncatingIfNeeded: $0 &* 13 &+ $0 >> 9) }
        try await FileServer.run { server in
            try FileServer.write(bytes, to: "\(server.folder)/a.pdf")
            let url = "http://127.0.0.1:\(server.port)/a.pdf"
            try await withTemporaryDirectory { folder in
                for (kept, words) in [
                    (bytes.count, ["wget", "-q", "-c"]), (1000, ["wget", "-q", "-c"]), (0, ["wget", "-q", "-c"]),
                    (1000, ["curl", "-sSf", "-C", "-", "-O"]),
                ] {
                    try FileServer.write(Array(bytes[..<kept]), to: "\(folder)/a.pdf")
                    let status = try await ProcessRunner(words[0], Array(words.dropFirst()) + [url], workingDirectory: folder).run
                    {
                        try await $0.waitForExit(within: .seconds(30))
                    }
                    #expect(status == .exited(0), "\(words) from \(kept)")
                    #expect(
                        FileManager.default.contents(atPath: "\(folder)/a.pdf").map { [UInt8]($0) } == bytes,
                        "\(words) from \(kept)")
                }
                let finished = try await ProcessRunner(
                    "curl", ["-sS", "-C", "-", "-O", "-w", "%{http_code}", url], workingDirectory: folder
                ).run {
                    (try await $0.waitForExit(within: .seconds(30)), $0.output)
                }
                #expect(finished.0 == .exited(0) && finished.1.last?.hasSuffix("416") == true, "\(finished)")
                #expect(FileManager.default.contents(atPath: "\(folder)/a.pdf").map { [UInt8]($0) } == bytes)
            }
            let tail = try await server.get("/a.pdf", "Range: bytes=-1024")
            #expect(
                tail.status == 206 && tail.body == Array(bytes.suffix(1024)) && tail.header("content-type") == "application/pdf")
        }
    }

    @Test("The file of a front says it all, and what it says wrongly is refused with its line")
    func settings() throws {
        let text = """
            files:
              folder: public
              cache: {'/assets/*': 31536000, '*.html': no-cache}
              fallback: index.html
              errors: {404: 404.html, 502: sorry.html}
              types: {foo: text/x-foo}
              precompressed: false
            """
        let options = try #require(try FrontFile.read(text, file: "f").files)
        #expect(options.folder == "public" && options.fallback == "index.html" && !options.usesCompressed)
        #expect(
            options.cache.map(\.value) == ["max-age=31536000", "no-cache"]
                && options.cache.map(\.pattern) == ["/assets/*", "*.html"])
        #expect(options.errors == [404: "404.html", 502: "sorry.html"] && options.types == ["foo": "text/x-foo"])
        for (bad, words) in [
            ("files: {cache: {a: no-cache}}", "line 1: files need a `folder`"),
            ("files:\n  folder: a\n  chache: {}", "line 3: there is no setting \"chache\" for files; there are folder, cache"),
            ("files: {folder: a, errors: {200: x}}", "not a status from 400"),
            ("files: {folder: a, types: {x: y}}", "not a content type"),
            ("files:\n  folder: a\n  cache: {'*': \"a\\nb\"}", "line 3: cache: \"a\\nb\" is not a value"),
            ("files: [a]", "expected a map"),
        ] {
            let error = #expect(throws: FrontConfigurationError.self, "\(bad)") { _ = try FrontFile.read(bad, file: "f") }
            #expect(error?.description.contains(words) == true, "\(bad): \(String(describing: error))")
        }
        var configuration = FrontConfiguration()
        configuration.files = StaticFilesOptions(folder: "/nowhere/at/all")
        let error = #expect(throws: FrontConfigurationError.self) { _ = try Front(configuration) }
        #expect(error?.description == "files: there is no folder /nowhere/at/all")
    }
}
