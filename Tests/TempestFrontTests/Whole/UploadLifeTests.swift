import Foundation
import Tempest
import TempestTesting
import Testing

@testable import TempestFront

/// How long uploads stay, who may bring them, and how many.
@Suite("Uploads end with their requests", .timeLimit(.minutes(3)))
struct UploadLifeTests {
    private static func withFront<R: Sendable>(
        _ routes: [String] = ["/*=pages"], _ change: @escaping (inout FrontConfiguration) -> Void = { _ in },
        handlers: (Worker, String) -> Void, _ body: (RunningFront, _ folder: String, _ names: () -> [String]) async throws -> R
    ) async throws -> R {
        try await withTemporaryDirectory { directory in
            let folder = "\(directory)/uploads"
            return try await RunningFront.run(routes) {
                var settings = UploadSettings(folder: folder)
                settings.rules.bodyLimit = 1000
                $0.uploads = settings
                for place in $0.routes.indices { $0.routes[place].takesUploads = true }
                change(&$0)
            } handlers: {
                handlers($0, folder)
            } _: { front in
                try await body(front, folder) { (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? ["no folder"] }
            }
        }
    }

    /// What comes next of a stream that one test reads.
    private static func next<T>(_ stream: AsyncStream<T>) async throws -> T {
        for await item in stream { return item }
        throw TestFailure("the stream has ended")
    }

    private func post(_ path: String, _ count: Int, _ type: String = "image/png") -> String {
        "POST \(path) HTTP/1.1\r\nHost: test\r\nContent-Type: \(type)\r\nContent-Length: \(count)\r\n\r\n"
    }

    private static let large = [UInt8](repeating: 7, count: 2_000_000)

    @Test("Strangers fill nothing: each upload is gone before the last byte of its answer, and there is room for the next")
    func strangers() async throws {
        try await Self.withFront(["/none/*=pages", "/*=pages"]) {
            $0.uploads?.quota = 5_000_000
            $0.routes[0].takesUploads = false
        } handlers: { worker, _ in
            worker.handle("url") { (_: JobContext, request: WebRequest) in
                WebAnswer(text: "\(request.uploads.count) \(request.body.count)")
            }
        } _: { front, _, names in
            for _ in 0..<5 {
                #expect(try await front.ask(post("/", Self.large.count), body: Self.large).text == "1 0")
                #expect(names() == [])
            }
            #expect(try await front.ask(post("/none/x", Self.large.count)).status == 413, "a route that takes none")
            let form = Array("--x\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a\"\r\n\r\nabc\r\n--x--\r\n".utf8)
            let reply = try await front.ask(post("/none/x", form.count, "multipart/form-data; boundary=x"), body: form)
            #expect(reply.text == "0 \(form.count)", "a form is a body there")
            #expect(try await front.ask(post("/uploads/x", 0)).status == 404)
            #expect(names() == [])
        }
    }

    @Test("A stream's upload is there until its last piece")
    func stream() async throws {
        let (steps, next) = AsyncStream.makeStream(of: Void.self)
        try await Self.withFront(handlers: { worker, folder in
            worker.handle("url") { (context: JobContext, request: WebRequest) in
                try await context.send(WebAnswer(body: Array("first ".utf8)))
                for await _ in steps { break }
                let bytes = try await request.uploads[0].bytes(in: folder)
                try await context.send("\(bytes.count)")
            }
        }) { front, _, names in
            try await front.browse { browser in
                try await browser.send(post("/", 5000), [UInt8](repeating: 1, count: 5000))
                try await eventually(within: .seconds(20), "the first piece") {
                    String(decoding: browser.received, as: UTF8.self).contains("first ")
                }
                #expect(names().count == 1)
                next.yield()
                let reply = try await browser.reply()
                #expect(reply.isWhole && reply.text == "first 5000", "\(reply)")
                #expect(names() == [])
            }
        }
    }

    @Test("A browser that goes away takes its upload along, and the job that goes on is told so; so does a deadline")
    func gone() async throws {
        let (errors, found) = AsyncStream.makeStream(of: String.self)
        let (starts, begun) = AsyncStream.makeStream(of: Void.self)
        let (ends, proceed) = AsyncStream.makeStream(of: Void.self)
        try await Self.withFront(["/late=pages", "/*=pages"]) {
            // Long enough for the job to begin on a busy machine.
            $0.routes[0].deadline = .seconds(5)
        } handlers: { worker, folder in
            worker.handle("url") { (_: JobContext, request: WebRequest) -> WebAnswer in
                begun.yield()
                // It is cancelled meanwhile, and looks on all the same.
                await Task.detached { for await _ in ends { break } }.value
                let upload = request.uploads[0]
                let outcome = await Task.detached {
                    var words: [String] = []
                    do { _ = try await upload.open(in: folder) } catch { words.append("\(error)") }
                    do { try await upload.keep(in: folder) } catch { words.append("\(error)") }
                    do { try await upload.delete(in: folder) } catch { words.append("\(error)") }
                    return words.joined(separator: "|")
                }.value
                found.yield(outcome)
                return WebAnswer(text: "too late")
            }
        } _: { front, _, names in
            for path in ["/late", "/gone"] {
                try await front.browse { browser in
                    try await browser.send(post(path, 5000), [UInt8](repeating: 1, count: 5000))
                    _ = try await Self.next(starts)
                    #expect(names().count == 1)
                    if path == "/late" { #expect(try await browser.reply().status == 504) } else { try await browser.close() }
                    try await eventually(within: .seconds(20), "the upload is gone") { names() == [] }
                    proceed.yield()
                    let words = try await Self.next(errors).split(separator: "|")
                    #expect(words.count == 2 && words.allSatisfy { $0.contains("its request has ended") }, "\(words)")
                }
            }
        }
    }

    @Test("What is kept outlives its request, is kept twice without harm, and ends when it is deleted or swept")
    func kept() async throws {
        try await Self.withFront(handlers: { worker, folder in
            worker.handle("url") { (_: JobContext, request: WebRequest) in
                for upload in request.uploads {
                    try await upload.keep(in: folder)
                    try await upload.keep(in: folder)
                }
                return WebAnswer(text: request.uploads.map(\.token).joined(separator: " "))
            }
        }) { front, folder, names in
            let first = try await front.ask(post("/", 5000), body: [UInt8](repeating: 1, count: 5000)).text
            #expect(names() == ["\(first).kept"])
            let sha = UploadBench.sha256([UInt8](repeating: 1, count: 5000))
            let upload = try #require(UploadReference(token: first, size: 5000, sha256: sha))
            #expect(try await upload.bytes(in: folder).count == 5000)
            try await upload.delete(in: folder)
            try await upload.delete(in: folder)
            #expect(names() == [])
            let second = try await front.ask(post("/", 5000), body: [UInt8](repeating: 1, count: 5000)).text
            #expect(names() == ["\(second).kept"])
            let store = try await FolderStore(folder: folder)
            #expect(try await store.sweep(olderThan: .seconds(3600)) == 0)
            try FileManager.default.setAttributes(
                [.modificationDate: Date(timeIntervalSinceNow: -7200)], ofItemAtPath: "\(folder)/\(second).kept")
            #expect(try await store.sweep(olderThan: .seconds(3600)) == 1)
            #expect(names() == [])
        }
    }

    @Test("A killed worker's successor finds the upload, whether it was kept or not")
    func retried() async throws {
        try await withTemporaryDirectory { directory in
            let folder = "\(directory)/uploads"
            try await RunningFront.run(["/*=files"]) {
                var settings = UploadSettings(folder: folder)
                settings.rules.bodyLimit = 1000
                $0.uploads = settings
                $0.routes[0].takesUploads = true
                $0.routes[0].deadline = .seconds(60)
            } _: { front in
                let script = """
                    import os, sys
                    sys.path.insert(0, sys.argv[3])
                    from tempest import Worker, http
                    def page(request):
                        upload = request.uploads[0]
                        if request.path == "/keep":
                            upload.keep()
                        mark = sys.argv[2] + "/died" + request.path.replace("/", "-")
                        if not os.path.exists(mark):
                            open(mark, "w").close()
                            os.kill(os.getpid(), 9)
                        with upload.open() as file:
                            content = file.read()
                        if request.path == "/keep":
                            upload.keep()
                        return http.text(str(len(content)))
                    worker = Worker("files", redis_url=sys.argv[1], lease=2)
                    worker.handler("url", context=True)(http.endpoint(page))
                    worker.run()
                    """
                try write(script, to: "\(directory)/worker.py")
                let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
                    "../../../clients/python/src"
                ).standardized.path
                let runner = ProcessRunner(
                    ProcessInfo.processInfo.environment["PYTHON"] ?? "/usr/bin/python3",
                    ["-u", "\(directory)/worker.py", front.redis.url, directory, source], environment: ["TEMPEST_UPLOADS": folder]
                )
                for path in ["/plain", "/keep"] {
                    // A POST is run again only if its client says that it may be.
                    let request = post(path, 5000).replacing("\r\n\r\n", with: "\r\nIdempotency-Key: 1\r\n\r\n")
                    let reply = Task { try await front.ask(request, body: [UInt8](repeating: 1, count: 5000)) }
                    try await runner.run { worker in
                        _ = try await worker.waitForExit(within: .seconds(30))
                        #expect(
                            FileManager.default.fileExists(atPath: "\(directory)/died-\(path.dropFirst())"), "\(worker.output)")
                    }
                    try await runner.run { worker in
                        let answer = try await reply.value
                        #expect(answer.status == 200 && answer.text == "5000", "\(path): \(answer) \(worker.output)")
                    }
                    let names = try FileManager.default.contentsOfDirectory(atPath: folder)
                    #expect(
                        names.count == (path == "/keep" ? 1 : 0) && names.allSatisfy { $0.hasSuffix(".kept") },
                        "\(path): \(names)")
                }
            }
        }
    }

    @Test("One address may not take the room of all, and has it back when its requests end")
    func addresses() async throws {
        try await Self.withFront(["/slow=nobody", "/*=pages"]) {
            $0.uploads?.quota = 1_000_000
            $0.uploads?.quotaPerAddress = 8000
            $0.rules.trusted = (try? TrustedProxies(["127.0.0.1"])) ?? .none
        } handlers: { worker, _ in
            worker.handle("url") { (_: JobContext, request: WebRequest) in WebAnswer(text: "\(request.uploads.count)") }
        } _: { front, _, names in
            let body = [UInt8](repeating: 1, count: 5000)
            func ask(_ path: String, from address: String) -> String {
                post(path, body.count).replacing("Host: test\r\n", with: "Host: test\r\nX-Forwarded-For: \(address)\r\n")
            }
            try await front.browse { browser in
                try await browser.send(ask("/slow", from: "2001:db8::1"), body)
                try await eventually("it is put aside") { names().contains { !$0.hasSuffix(".part") } }
                for _ in 0..<2 {
                    let crowded = try await front.ask(ask("/", from: "2001:db8::ffff:2"), body: body)
                    #expect(
                        crowded.status == 429 && crowded.header("retry-after") == "1" && crowded.text.contains("8000 bytes"),
                        "\(crowded)")
                }
                #expect(try await front.ask(ask("/", from: "2001:db8:0:1::1"), body: body).status == 200, "another network")
                #expect(try await front.ask(ask("/", from: "192.0.2.1"), body: body).status == 200)
                #expect(
                    try await front.ask(post("/", 9000), body: [UInt8](repeating: 1, count: 9000)).status == 413,
                    "it would never fit")
                try await browser.close()
            }
            try await eventually(within: .seconds(20), "the first has ended") { names() == [] }
            #expect(try await front.ask(ask("/", from: "2001:db8::2"), body: body).status == 200)
        }
    }

    @Test("A route says that it takes uploads, and how large; one without a folder is refused at the start")
    func settings() throws {
        let text = """
            uploads: {folder: up, quota: 1000, quota_per_address: 100}
            routes:
              - {path: /a, queue: a, uploads: true}
              - {path: /b, queue: b, uploads: 50}
              - {path: /c, queue: c}
              - {path: /d, queue: d, uploads: false}
            """
        let settings = try FrontFile.read(text, file: "f")
        #expect(settings.uploads?.addressQuota == 100 && settings.routes.map(\.takesUploads) == [true, true, false, false])
        #expect(settings.routes.map(\.uploadLimit) == [nil, 50, nil, nil])
        #expect(UploadSettings(folder: "x").addressQuota == 1 << 30)
        var small = UploadSettings(folder: "x")
        small.quota = 5_000_000
        #expect(small.addressQuota == 2_500_000)
        let error = #expect(throws: FrontConfigurationError.self) {
            _ = try Front(try FrontFile.read("routes: [{path: /a, queue: a, uploads: true}]", file: "f"))
        }
        #expect(error?.description.contains("/a takes uploads, and there is no folder for them") == true)
        #expect(throws: FrontConfigurationError.self) {
            try FrontFile.read("routes: [{path: /a, queue: a, uploads: yes}]", file: "f")
        }
    }
}
