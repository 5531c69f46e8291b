import Foundation
import Synchronization
import Tempest
import TempestFront
import TempestTesting
import Testing

@Suite("Uploads through a whole front", .timeLimit(.minutes(3)))
struct UploadWholeTests {
    /// Redeems what was put aside from the folder, and says what it found.
    private static func serve(_ worker: Worker, _ folder: String) {
        worker.handle("url") { (_: JobContext, page: WebRequest) in
            var lines = ["body \(page.body.count)"]
            for part in page.form where part.upload == nil { lines.append("\(part.name)=\(part.value)") }
            for upload in page.uploads {
                if page.url.hasPrefix("/keep") { try await upload.keep(in: folder) }
                let bytes = try await upload.bytes(in: folder)
                #expect(UploadBench.sha256(bytes) == upload.sha256)
                lines.append(
                    "\(upload.field ?? "-") \(upload.filename ?? "-") \(upload.type ?? "-") \(bytes.count) \(upload.sha256) "
                        + "\(upload.url ?? "-")")
            }
            return WebAnswer(text: lines.joined(separator: "\n"))
        }
    }

    private static func withUploads<R: Sendable>(
        _ change: @escaping (inout FrontConfiguration) -> Void = { _ in },
        _ body: (RunningFront, _ names: () -> [String]) async throws -> R
    ) async throws -> R {
        try await withTemporaryDirectory { directory in
            let folder = "\(directory)/uploads"
            return try await RunningFront.run(["/busy=pages", "/slow=nobody", "/*=pages"]) {
                var settings = UploadSettings(folder: folder)
                settings.rules.bodyLimit = 1000
                settings.rules.uploadLimit = 100_000
                settings.rules.requestLimit = 200_000
                $0.uploads = settings
                for place in $0.routes.indices { $0.routes[place].takesUploads = true }
                $0.routes[0].pending = 0
                $0.routes[1].deadline = .milliseconds(200)
                change(&$0)
            } handlers: {
                serve($0, folder)
            } _: { front in
                try await body(front) { (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? ["no folder"] }
            }
        }
    }

    private func put(_ path: String, _ body: [UInt8], _ type: String = "image/png") -> String {
        "PUT \(path) HTTP/1.1\r\nHost: test\r\nContent-Type: \(type)\r\nContent-Length: \(body.count)\r\n\r\n"
    }

    @Test("A route's own limit says what travels in a job and what is put aside")
    func ownLimit() async throws {
        try await Self.withUploads {
            $0.routes[2].bodyLimit = 10
        } _: { front, _ in
            let (short, long) = ([UInt8](repeating: 65, count: 10), [UInt8](repeating: 65, count: 11))
            #expect(try await front.ask(put("/x", short, "text/plain"), body: short).text == "body 10")
            let reply = try await front.ask(put("/x", long, "text/plain"), body: long)
            #expect(reply.text.hasPrefix("body 0\n- - text/plain 11 "), "\(reply)")
        }
    }

    @Test("Of two content types the first says what a body is, as it does for workers")
    func repeatedType() async throws {
        try await Self.withUploads { front, _ in
            let body = Self.form([1, 2, 3])
            let head = put("/x", body, "multipart/form-data; boundary=x\r\nContent-Type: text/plain")
            let reply = try await front.ask(head, body: body)
            #expect(reply.status == 200 && reply.text.contains("title=A cat"), "\(reply)")
        }
    }

    private static func form(_ file: [UInt8]) -> [UInt8] {
        let head = """
            --x\r\nContent-Disposition: form-data; name="title"\r\n\r\nA cat\r\n--x\r\n\
            Content-Disposition: form-data; name="cat"; filename="../cat.png"\r\nContent-Type: image/png\r\n\r\n
            """
        return Array(head.utf8) + file + Array("\r\n--x--\r\n".utf8)
    }

    @Test("A short body travels in the job, a long one is put aside, and the worker has it with its size and digest")
    func bodies() async throws {
        try await Self.withUploads { front, names in
            let short = Array(repeating: UInt8(ascii: "s"), count: 1000)
            #expect(try await front.ask(put("/", short), body: short).text == "body 1000")
            #expect(names() == [])
            let long = (0..<50_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            let reply = try await front.ask(put("/", long), body: long)
            #expect(reply.text == "body 0\n- - image/png 50000 \(UploadBench.sha256(long)) -", "\(reply)")
            #expect(names() == [], "it ended with its request")
        }
    }

    @Test("A form's fields are in the job, its files beside it, under the names that the browser gives and no others")
    func forms() async throws {
        try await Self.withUploads { front, names in
            let file = (0..<20_000).map { UInt8(truncatingIfNeeded: $0) }
            let body = Self.form(file)
            let reply = try await front.ask(put("/", body, "multipart/form-data; boundary=x"), body: body)
            #expect(
                reply.text == "body 0\ntitle=A cat\ncat ../cat.png image/png 20000 \(UploadBench.sha256(file)) -", "\(reply)")
            #expect(names() == [])
        }
    }

    @Test("Workers elsewhere get an upload by GET, whole and in part, and nobody gets what he cannot name")
    func fetched() async throws {
        try await Self.withUploads {
            $0.uploads?.rules.base = "http://front/uploads/"
        } _: { front, names in
            let body = [UInt8](repeating: 7, count: 3000)
            let reply = try await front.ask(put("/keep", body), body: body)
            let token = try #require(reply.text.split(separator: " http://front/uploads/").last.map(String.init))
            #expect(names() == ["\(token).kept"])
            #expect(try await front.get("/uploads/\(token)").body == body)
            let part = try await front.get("/uploads/\(token)", "Range: bytes=0-99")
            #expect(part.status == 206 && part.body.count == 100)
            for other in ["", "x", String(repeating: "a", count: 43), ".\(token).part"] {
                #expect(try await front.get("/uploads/\(other)").status == 404, "\(other)")
            }
            #expect(try await front.ask("DELETE /uploads/\(token) HTTP/1.1\r\nHost: t\r\n\r\n").status == 204)
            #expect(try await front.get("/uploads/\(token)").status == 404)
        }
    }

    @Test("What is too large is told 413, what finds no room 507, and nothing of it stays")
    func refused() async throws {
        try await Self.withUploads {
            $0.uploads?.quota = 60_000
            $0.uploads?.quotaPerAddress = 100_000
        } _: { front, names in
            let announced = try await front.ask("PUT / HTTP/1.1\r\nHost: t\r\nContent-Length: 100001\r\n\r\n")
            #expect(announced.status == 413)
            let file = Self.form([UInt8](repeating: 1, count: 200_000))
            #expect(try await front.ask(put("/", file, "multipart/form-data; boundary=x"), body: file).status == 413)
            let large = [UInt8](repeating: 1, count: 70_000)
            let full = try await front.ask(put("/", large), body: large)
            #expect(full.status == 507, "\(full)")
            let malformed = Array("--x\r\nno form".utf8)
            #expect(try await front.ask(put("/", malformed, "multipart/form-data; boundary=x"), body: malformed).status == 400)
            #expect(names() == [])
            let fits = [UInt8](repeating: 1, count: 50_000)
            #expect(try await front.ask(put("/", fits), body: fits).status == 200, "there is room for others")
        }
    }

    @Test("An upload of a request that is refused, unanswered or broken off is removed")
    func abandoned() async throws {
        try await Self.withUploads { front, names in
            let body = [UInt8](repeating: 1, count: 5000)
            #expect(try await front.ask(put("/busy", body), body: body).status == 503)
            #expect(names() == [])
            #expect(try await front.ask(put("/slow", body), body: body).status == 504)
            #expect(names() == [])
            try await front.browse { browser in
                try await browser.send(put("/", body), Array(body.prefix(3000)))
                try await eventually("it is being written") { names().count == 1 }
                try await browser.close()
            }
            try await eventually("nothing stays") { names() == [] }
        }
    }

    @Test("Without a folder a long body is refused, and a form is the worker's to read")
    func none() async throws {
        try await RunningFront.run {
            $0.rules.body = 1000
        } handlers: { worker in
            worker.handle("url") { (_: JobContext, request: WebRequest) in WebAnswer(body: request.body) }
        } _: { front in
            let long = [UInt8](repeating: 1, count: 1001)
            let refused = try await front.ask(put("/", long), body: long)
            #expect(refused.status == 413)
            let form = Self.form(Array("small".utf8))
            #expect(try await front.ask(put("/", form, "multipart/form-data; boundary=x"), body: form).body == form)
        }
    }
}
