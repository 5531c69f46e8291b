import Tempest
import TempestCodecs
import TempestFront
import TempestTesting
import Testing

@Suite("Forms through a whole front", .timeLimit(.minutes(2)))
struct FormWholeTests {
    /// Repeats, an input that was left empty, a file, and bytes that are not UTF-8.
    private static let form: [UInt8] = {
        let parts: [(String, [UInt8])] = [
            ("Content-Disposition: form-data; name=\"tag\"", Array("one".utf8)),
            ("Content-Disposition: form-data; name=\"doc\"; filename=\"\"\r\nContent-Type: application/octet-stream", []),
            ("Content-Disposition: form-data; name=\"doc\"; filename=\"a\\\"b%22c\\\\d;e.txt\"\r\nContent-Type: text/x", [1, 2]),
            ("Content-Disposition: form-data; name=\"tag\"", [0xFF]),
            ("Content-Disposition: form-data; name=\"note\"\r\nContent-Type: text/markdown", Array("# hi".utf8)),
            ("Content-Disposition: form-data; name=\"tag\"", []),
        ]
        return parts.flatMap { Array("--b\r\n\($0.0)\r\n\r\n".utf8) + $0.1 + [13, 10] } + Array("--b--\r\n".utf8)
    }()

    private static func serve(_ worker: Worker, _ folder: String) {
        worker.handle("serve") { (_: JobContext, request: WebRequest) in
            var lines: [String] = []
            for part in request.form {
                let size = try await part.upload?.bytes(in: folder).count ?? part.bytes.count
                lines.append("\(part.name) \(part.filename ?? "-") \(part.type ?? "-") \(size)")
            }
            lines.append(request.form.all("tag").joined(separator: ","))
            return WebAnswer(text: lines.joined(separator: "\n"))
        }
    }

    @Test(
        "The parts arrive in their order, with a folder for uploads and without one",
        arguments: ["json", "msgpack", "tnetstring"],
        [true, false])
    func parts(_ codec: String, _ hasFolder: Bool) async throws {
        try await withTemporaryDirectory { folder in
            try await RunningFront.run(["/*=pages:default/serve"]) {
                $0.routes[0].codec = try #require(CodecSet.standard.named(codec))
                if hasFolder { $0.uploads = UploadSettings(folder: folder) }
            } handlers: {
                Self.serve($0, folder)
            } _: { front in
                let head =
                    "POST / HTTP/1.1\r\nHost: t\r\nContent-Type: multipart/form-data; boundary=b\r\n"
                    + "Content-Length: \(Self.form.count)\r\n\r\n"
                let reply = try await front.ask(head, body: Self.form)
                #expect(
                    reply.text == """
                        tag - - 3
                        doc  application/octet-stream 0
                        doc a"b"c\\d;e.txt text/x 2
                        tag - - 1
                        note - text/markdown 4
                        tag - - 0
                        one,\u{FFFD},
                        """, "\(reply)")
            }
        }
    }
}
