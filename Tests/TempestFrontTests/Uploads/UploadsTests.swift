import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import ServiceLifecycle
import Synchronization
import Tempest
import TempestTesting
import Testing

@testable import TempestFront

@Suite("Uploads")
struct UploadsTests {
    private struct Broken: Error {}

    static let form = "multipart/form-data; boundary=b"

    @Test("A short body is handed on as it is; none, and nothing in it, is none")
    func short() async throws {
        try await UploadBench.run { bench in
            let uploads = bench.uploads(UploadRules(bodyLimit: 100))
            guard
                case .bytes(let bytes) = try await uploads.receive(
                    UploadBench.body("hello", pieces: 2), contentType: nil, length: 5)
            else {
                Issue.record("not bytes")
                return
            }
            #expect(String(buffer: bytes) == "hello")
            guard case .none = try await uploads.receive(UploadBench.body(""), contentType: "text/plain", length: nil) else {
                Issue.record("not none")
                return
            }
            #expect(bench.names.isEmpty)
        }
    }

    @Test("A body above the limit is put aside, whether its length was told or not", arguments: [true, false])
    func long(_ isTold: Bool) async throws {
        try await UploadBench.run { bench in
            let uploads = bench.uploads(UploadRules(bodyLimit: 1000, base: "http://front/u/"))
            let text = String(repeating: "Grüße, ", count: 1000)
            let body = try await uploads.receive(
                UploadBench.body(text, pieces: 700), contentType: "text/x", length: isTold ? text.utf8.count : nil)
            guard case .upload(let upload) = body else {
                Issue.record("not put aside")
                return
            }
            #expect(upload.size == text.utf8.count)
            #expect(upload.sha256 == UploadBench.sha256(Array(text.utf8)))
            #expect(upload.type == "text/x" && upload.field == nil && upload.filename == nil)
            #expect(upload.url == "http://front/u/\(upload.token)")
            #expect(try bench.content(upload) == Array(text.utf8))
            #expect(bench.names == [upload.token])
            let mode =
                try FileManager.default.attributesOfItem(atPath: "\(bench.folder)/\(upload.token)")[.posixPermissions] as? Int
            #expect(mode == 0o600)
            #expect(try await upload.bytes(in: bench.folder) == Array(text.utf8))
            await uploads.release(body)
            #expect(bench.names.isEmpty)
        }
    }

    @Test("Files of a form are put aside, fields are kept; an input that was left empty is a part, an empty file is one")
    func forms() async throws {
        try await UploadBench.run { bench in
            let uploads = bench.uploads()
            let empty =
                "--b\r\nContent-Disposition: form-data; name=none; filename=\"\"\r\nContent-Type: image/png\r\n\r\n\r\n"
            let void = "--b\r\nContent-Disposition: form-data; name=void; filename=void.txt\r\n\r\n\r\n"
            let text = empty + void + FormReading.form(MultipartReaderTests.tricky, filename: "../../etc/passwd")
            for length in [1, 7, 64, 10_000] {
                let body = try await uploads.receive(UploadBench.body(text, pieces: length), contentType: Self.form, length: nil)
                guard case .form(let parts, let files) = body else {
                    Issue.record("no form")
                    return
                }
                #expect(
                    parts == [
                        FormPart(name: "none", filename: "", type: "image/png").with(head: parts[0].head),
                        FormPart(name: "void", filename: "void.txt", upload: files[0]).with(head: parts[1].head),
                        FormPart(name: "title", value: "Grüße"),
                        FormPart(name: "file", filename: "../../etc/passwd", type: "text/plain", upload: files[1]),
                    ])
                #expect(files.map(\.field) == ["void", "file"])
                #expect(files.map(\.size) == [0, MultipartReaderTests.tricky.utf8.count])
                #expect(files[1].filename == "../../etc/passwd")
                #expect(files[1].type == "text/plain")
                #expect(try bench.content(files[1]) == Array(MultipartReaderTests.tricky.utf8))
                #expect(try await files[1].bytes(in: bench.folder) == Array(MultipartReaderTests.tricky.utf8))
                #expect(bench.names == files.map(\.token).sorted())
                await uploads.release(body)
            }
            #expect(bench.names.isEmpty)
        }
    }

    @Test("What is not received to its end leaves nothing: a connection that breaks, a form cut short, a length that was a lie")
    func aborted() async throws {
        try await UploadBench.run { bench in
            let uploads = bench.uploads(UploadRules(bodyLimit: 10))
            let pieces = [ByteBuffer(repeating: 1, count: 50), ByteBuffer(repeating: 2, count: 50)]
            await #expect(throws: Broken.self) {
                try await uploads.receive(UploadBench.body(pieces, error: Broken()), contentType: nil, length: 200)
            }
            let lie = await #expect(throws: UploadRefusal.self) {
                try await uploads.receive(UploadBench.body(pieces), contentType: nil, length: 200)
            }
            #expect(lie?.code == .truncated)
            // The first file was whole, the second not: neither stays.
            let text = FormReading.form("first").replacing("--b--\r\n", with: "") + FormReading.form("second").dropLast(8)
            let generous = bench.uploads()
            let cut = await #expect(throws: UploadRefusal.self) {
                try await generous.receive(UploadBench.body(String(text)), contentType: Self.form, length: nil)
            }
            #expect(cut?.code == .truncated, "\(cut?.message ?? "")")
            await #expect(throws: Broken.self) {
                try await generous.receive(
                    UploadBench.body([ByteBuffer(string: String(text))], error: Broken()), contentType: Self.form, length: nil)
            }
            #expect(bench.names.isEmpty)
        }
    }

    @Test("A request that is cancelled while its body comes leaves nothing")
    func cancelled() async throws {
        try await UploadBench.run { bench in
            let uploads = bench.uploads(UploadRules(bodyLimit: 10))
            let (body, source) = RequestBody.makeStream()
            let task = Task { try await uploads.receive(body, contentType: nil, length: nil) }
            await source.yield(ByteBuffer(repeating: 1, count: 1000))
            try await eventually("the upload has begun") { bench.names.contains { $0.hasPrefix(".") } }
            task.cancel()
            source.finish()
            await #expect(throws: (any Error).self) { try await task.value }
            #expect(bench.names.isEmpty)
        }
    }

    @Test("Limits are 413, and those that are told are refused before anything is read")
    func limits() async throws {
        try await UploadBench.run { bench in
            let uploads = bench.uploads(
                UploadRules(bodyLimit: 100, uploadLimit: 1000, requestLimit: 2000, fileLimit: 1, partLimit: 4))
            func code(_ body: RequestBody, _ type: String?, _ length: Int?) async -> Int? {
                await #expect(throws: UploadRefusal.self) { try await uploads.receive(body, contentType: type, length: length) }?
                    .status.code
            }
            let unread = UploadBench.body([], error: Broken())
            #expect(await code(unread, nil, 1001) == 413)
            #expect(await code(unread, Self.form, 2001) == 413)
            #expect(await code(UploadBench.body(String(repeating: "x", count: 1001)), nil, nil) == 413)
            #expect(await code(UploadBench.body(FormReading.form(String(repeating: "x", count: 1001))), Self.form, nil) == 413)
            #expect(await code(UploadBench.body(FormReading.form(String(repeating: "x", count: 2001))), Self.form, nil) == 413)
            let field = "--b\r\nContent-Disposition: form-data; name=a\r\n\r\n\(String(repeating: "x", count: 60))\r\n"
            #expect(await code(UploadBench.body(field + field + "--b--"), Self.form, nil) == 413)
            let file = "--b\r\nContent-Disposition: form-data; name=a; filename=f\r\n\r\nx\r\n"
            #expect(await code(UploadBench.body(file + file + "--b--"), Self.form, nil) == 413)
            let nothing = "--b\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n"
            #expect(await code(UploadBench.body(String(repeating: nothing, count: 5) + "--b--"), Self.form, nil) == 413)
            #expect(bench.names.isEmpty)
        }
    }

    @Test("A field of any bytes is taken; repeats keep their order, among files too")
    func repeats() async throws {
        try await UploadBench.run { bench in
            let uploads = bench.uploads()
            var text = ByteBuffer()
            for (name, bytes) in [("tag", [0xFF, 0xFE]), ("file", [0x31]), ("tag", []), ("tag", Array("two".utf8))]
                as [(String, [UInt8])]
            {
                text.writeString("--b\r\nContent-Disposition: form-data; name=\"\(name)\"")
                text.writeString(name == "file" ? "; filename=\"f\"\r\n\r\n" : "\r\n\r\n")
                text.writeBytes(bytes)
                text.writeString("\r\n")
            }
            text.writeString("--b--")
            let body = try await uploads.receive(UploadBench.body([text]), contentType: Self.form, length: nil)
            let form = WebForm(try #require(body.form))
            #expect(form.map(\.name) == ["tag", "file", "tag", "tag"])
            #expect(form.map(\.bytes) == [[0xFF, 0xFE], [], [], Array("two".utf8)])
            #expect(form["tag"] == "\u{FFFD}\u{FFFD}" && form.all("tag").count == 3 && form["file"] == nil)
            #expect(form.file("file")?.upload?.size == 1)
        }
    }

    @Test("What says that it is a form and is none is refused")
    func malformed() async throws {
        try await UploadBench.run { bench in
            let uploads = bench.uploads()
            for body in [ByteBuffer(string: "no form"), ByteBuffer(string: "")] {
                let refusal = await #expect(throws: UploadRefusal.self) {
                    try await uploads.receive(UploadBench.body([body]), contentType: Self.form, length: nil)
                }
                #expect(refusal?.status.code == 400)
            }
        }
    }

    @Test(
        "A request that can be without a body is no form because of its type alone", arguments: ["GET", "HEAD", "DELETE", "POST"])
    func noBody(_ method: String) async throws {
        try await UploadBench.run { bench in
            for type in [Self.form, "multipart/form-data"] {
                func request(_ body: String) throws -> Request {
                    let head = HTTPRequest(
                        method: try #require(.init(method)), scheme: "http", authority: "front", path: "/",
                        headerFields: [.contentType: type])
                    return Request(head: head, body: UploadBench.body(body))
                }
                if method == "POST" {
                    await #expect(throws: UploadRefusal.self) { try await bench.uploads().receive(request("")) }
                } else {
                    guard case .none = try await bench.uploads().receive(request("")) else {
                        Issue.record("\(method) with \(type) has a body")
                        continue
                    }
                }
                await #expect(throws: UploadRefusal.self) { try await bench.uploads().receive(request("x")) }
            }
        }
    }

    @Test("Without a store longer bodies and files are 413, and fields of forms are read")
    func noStore() async throws {
        let uploads = Uploads(store: nil, rules: UploadRules(bodyLimit: 100))
        for (body, type) in [(String(repeating: "x", count: 101), nil), (FormReading.form("x"), Self.form)] {
            let refusal = await #expect(throws: UploadRefusal.self) {
                try await uploads.receive(UploadBench.body(body), contentType: type, length: nil)
            }
            #expect(refusal?.status.code == 413)
        }
        let field = "--b\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n--b--"
        guard case .form(let parts, _) = try await uploads.receive(UploadBench.body(field), contentType: Self.form, length: nil)
        else {
            Issue.record("no form")
            return
        }
        #expect(parts.map(\.name) == ["a"] && parts.map(\.value) == ["x"])
    }

    @Test("A store's errors become statuses: no room 507, trouble 503; nothing of the store's words reaches the browser")
    func storeErrors() async throws {
        let store = MemoryStore()
        let uploads = Uploads(store: store, rules: UploadRules(bodyLimit: 10))
        for (code, status) in [(UploadError.Code.full, 507), (.file, 503), (.tooLarge, 413)] {
            store.state.withLock { $0.failing = UploadError(code, "secret path") }
            let refusal = await #expect(throws: UploadRefusal.self) {
                try await uploads.receive(UploadBench.body(String(repeating: "x", count: 100)), contentType: nil, length: nil)
            }
            #expect(refusal?.status.code == status)
            #expect(refusal?.message.contains("secret") == false)
        }
        let (begun, ended) = store.state.withLock { ($0.begun, $0.ended) }
        #expect(begun == ended && begun == 3)
    }

    @Test("No more than a buffer is held: the next is read when the store has written the one before")
    func backPressure() async throws {
        let store = MemoryStore()
        let uploads = Uploads(store: store, rules: UploadRules(bodyLimit: 1000))
        let pieces = (0..<200).map { ByteBuffer(repeating: UInt8($0), count: 5000) }
        let body = try await uploads.receive(UploadBench.body(pieces), contentType: nil, length: 1_000_000)
        #expect(body.uploads.first?.size == 1_000_000)
        #expect(store.state.withLock { $0.longest } == 5000)
    }

    @Test("Running, it sweeps what is old, and what nobody writes to any more; nothing else")
    func sweeping() async throws {
        try await UploadBench.run { bench in
            let uploads = bench.uploads(UploadRules(bodyLimit: 10, age: .seconds(60)))
            func upload() async throws -> String {
                try await uploads.receive(UploadBench.body("more than ten"), contentType: nil, length: nil).uploads[0].token
            }
            let (old, fresh) = (try await upload(), try await upload())
            let draft = ".\(String(repeating: "d", count: 43)).part"
            for name in [draft, "README", "x.part"] {
                try "x".write(toFile: "\(bench.folder)/\(name)", atomically: false, encoding: .utf8)
            }
            for name in [old, draft, "README", "x.part"] {
                try FileManager.default.setAttributes(
                    [.modificationDate: Date(timeIntervalSinceNow: -61)], ofItemAtPath: "\(bench.folder)/\(name)")
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await uploads.run() }
                try await eventually("it was swept") { bench.names.count == 3 }
                group.cancelAll()
            }
            #expect(bench.names == ["README", "x.part", fresh].sorted())
        }
    }
}

extension FormPart {
    fileprivate func with(head: [UInt8]?) -> FormPart {
        var part = self
        part.head = head
        return part
    }
}
