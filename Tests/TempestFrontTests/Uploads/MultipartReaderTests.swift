import HTTPTypes
import NIOCore
import Testing

@testable import TempestFront

@Suite("Multipart forms")
struct MultipartReaderTests {
    /// Content that looks like boundaries and line ends, without being one.
    static let tricky = "\r\n-\r\r\n--\r\n--B\r\n\r\n--a\n--b\r--b-- --b\r\n-- b\r\r"

    @Test("A form cut at every position, and in single bytes, reads alike", arguments: ["", "x", tricky, "\r", "\r\n", "\r\n--"])
    func everyCut(_ content: String) throws {
        let bytes = Array(FormReading.form(content).utf8)
        let whole = try FormReading.read([bytes[...]])
        #expect(whole.count == 2)
        #expect(whole.map { String(decoding: $0.content, as: UTF8.self) } == ["Grüße", content])
        #expect(
            whole[1].head
                == (try MultipartPart(
                    Array("content-disposition:form-data;name=file;filename=a.txt\r\nContent-Type: text/plain".utf8))))
        for cut in 0...bytes.count {
            #expect(try FormReading.read([bytes[..<cut], bytes[cut...]]) == whole, "cut at \(cut)")
        }
        for length in 1...7 {
            let pieces = stride(from: 0, to: bytes.count, by: length).map { bytes[$0..<min($0 + length, bytes.count)] }
            #expect(try FormReading.read(pieces) == whole, "pieces of \(length)")
        }
    }

    @Test("A form that ends anywhere before its last boundary is refused")
    func truncated() {
        let bytes = Array(FormReading.form("content").utf8)
        // Without the line end after the last boundary it is whole.
        for end in 0..<(bytes.count - 2) {
            let outcome = FormReading.outcome([bytes[..<end]])
            guard case .failure(let refusal) = outcome else {
                Issue.record("ended at \(end): \(outcome)")
                continue
            }
            #expect(refusal.code == .truncated)
            #expect(refusal.status.code == 400)
        }
        #expect(throws: Never.self) { try FormReading.read([bytes[..<(bytes.count - 2)]]) }
    }

    @Test("Names, file names and types as browsers and curl write them")
    func heads() throws {
        func part(_ head: String) throws -> MultipartPart { try MultipartPart(Array(head.utf8)) }
        let table: [(String, String, String?, String?)] = [
            (#"Content-Disposition: form-data; name="a""#, "a", nil, nil),
            (#"content-disposition:form-data;name=a"#, "a", nil, nil),
            (#"CONTENT-DISPOSITION: FORM-DATA; NAME="a b"; FILENAME="Grüße 🌪.txt""#, "a b", "Grüße 🌪.txt", nil),
            (#"Content-Disposition: form-data; name="a"; filename="C:\dir\x.txt""#, "a", #"C:\dir\x.txt"#, nil),
            (#"Content-Disposition: form-data; name="a"; filename="say \"hi\" \\o/""#, "a", #"say "hi" \o/"#, nil),
            (
                #"Content-Disposition: form-data; name="a"; filename="100%22 ../../etc/passwd""#, "a", "100%22 ../../etc/passwd",
                nil
            ),
            (#"Content-Disposition: form-data; name=""; filename="""#, "", "", nil),
            (#"Content-Disposition: form-data; name="a;b=c"; filename*=UTF-8''x"#, "a;b=c", nil, nil),
            ("Content-Type: image/png\r\nX-Other: y\r\nContent-Disposition: form-data; name=a;", "a", nil, "image/png"),
            ("Content-Disposition: form-data; name=a\r\nContent-Type: \(String(repeating: "x", count: 300))", "a", nil, nil),
            (
                "Content-Disposition: form-data; name=a; filename=b\r\nContent-Type: multipart/mixed; boundary=x", "a", "b",
                "multipart/mixed; boundary=x"
            ),
            ("Content-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: 8bit", "a", nil, nil),
        ]
        for (head, name, filename, type) in table {
            let part = try part(head)
            #expect(part.name == name && part.filename == filename && part.type == type, "\(head): \(part)")
        }
    }

    @Test(
        "Heads that could be read in two ways are refused",
        arguments: [
            "", "Content-Type: text/plain", "Content-Disposition: form-data", "Content-Disposition: attachment; name=a",
            "Content-Disposition: form-data; name=a; name=b", "Content-Disposition: form-data; name=a; filename=b; FileName=c",
            "Content-Disposition: form-data; name=a\r\nContent-Disposition: form-data; name=b",
            "Content-Disposition: form-data; name=a\r\nContent-Type: text/plain\r\nContent-Type: text/html",
            "Content-Disposition: form-data;\r\n name=a", "Content-Disposition: form-data; name=\"a",
            "Content-Disposition: form-data; name",
            "Content-Disposition: form-data; name=\"a\"b", "Content-Disposition: form-data name=a",
            "Content-Disposition : form-data; name=a",
            ": x\r\nContent-Disposition: form-data; name=a", "x\r\nContent-Disposition: form-data; name=a",
            "Content-Disposition: form-data; name=\"a\u{0}\"", "Content-Disposition: form-data; name=\"a\rb\"",
            "Content-Disposition: form-data; name=\"a\nb\"",
            "Content-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: base64",
            "Content-Disposition: form-data; name=a\r\nContent-Type: multipart/mixed; boundary=x",
        ])
    func badHeads(_ head: String) {
        let refusal = #expect(throws: UploadRefusal.self) { try FormReading.read("--b\r\n\(head)\r\n\r\nx\r\n--b--") }
        #expect(refusal?.code == .malformed, "\(refusal?.message ?? "")")
    }

    @Test("A head that is not UTF-8 is refused")
    func badText() {
        let head = Array("Content-Disposition: form-data; name=\"".utf8) + [0xC3, 0x28] + Array("\"".utf8)
        #expect(throws: UploadRefusal.self) { try MultipartPart(head) }
    }

    @Test("What goes on after a boundary is refused; spaces do not, a preamble and an epilogue are passed over up to a limit")
    func around() throws {
        let head = "Content-Disposition: form-data; name=a\r\n\r\n"
        for bad in [
            "--bb\r\n\(head)x\r\n--bb--", "--b\r\n\(head)x\r\n--b-x", "--b\r\n\(head)x\r\n--bx\r\n--b--",
            "--b\n\(head)x\r\n--b--",
            "--b\(String(repeating: " ", count: 65))\r\n\(head)x\r\n--b--", "--b-\r\n\(head)x\r\n--b--",
            String(repeating: "p", count: 5000) + "\r\n--b--", "--b--" + String(repeating: "e", count: 5000),
        ] {
            let refusal = #expect(throws: UploadRefusal.self, "\(bad.prefix(40).debugDescription)") { try FormReading.read(bad) }
            #expect(refusal?.code == .malformed)
        }
        #expect(try FormReading.read("--b--").isEmpty)
        #expect(try FormReading.read("preamble\r\n--b \t\r\n\(head)x\r\n--b--\r\nepilogue").map(\.content) == [Array("x".utf8)])
    }

    @Test("Heads, parts and boundaries have limits")
    func limits() throws {
        let long = "--b\r\nContent-Disposition: form-data; name=\"\(String(repeating: "n", count: 17_000))\"\r\n\r\nx\r\n--b--"
        #expect(#expect(throws: UploadRefusal.self) { try FormReading.read(long) }?.code == .tooLarge)
        let endless = "--b\r\n" + String(repeating: "x\r\n", count: 20_000)
        #expect(#expect(throws: UploadRefusal.self) { try FormReading.read(endless) }?.code == .tooLarge)
        let part = "--b\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n"
        var limits = MultipartReader.Limits()
        limits.parts = 3
        #expect(try FormReading.read(String(repeating: part, count: 3) + "--b--", limits: limits).count == 3)
        let refusal = #expect(throws: UploadRefusal.self) {
            try FormReading.read(String(repeating: part, count: 4) + "--b--", limits: limits)
        }
        #expect(refusal?.code == .tooLarge)
        #expect(refusal?.status.code == 413)
    }

    @Test("The boundary is read from the content type, and must be one")
    func boundaries() throws {
        let good: [(String?, String?)] = [
            (nil, nil), ("text/plain", nil), ("multipart/mixed; boundary=x", nil), ("multipart/form-data; boundary=x", "x"),
            ("Multipart/Form-Data;charset=utf-8;Boundary=\"a b\"", "a b"),
            ("multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW", "----WebKitFormBoundary7MA4YWxkTrZu0gW"),
        ]
        for (type, boundary) in good {
            #expect(try MultipartBoundary.read(contentType: type).map { String(decoding: $0, as: UTF8.self) } == boundary)
        }
        for bad in [
            "multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=\"\"",
            "multipart/form-data; boundary=a; boundary=b", "multipart/form-data; boundary=\"a \"",
            "multipart/form-data; boundary=\"a\rb\"",
            "multipart/form-data; boundary=\(String(repeating: "a", count: 71))", "multipart/form-data; boundary=a\"b",
            "multipart/form-data; boundary=\"ä\"",
        ] {
            let refusal = #expect(throws: UploadRefusal.self, "\(bad)") { try MultipartBoundary.read(contentType: bad) }
            #expect(refusal?.code == .malformed)
        }
    }

    @Test("A big content passes through without being gathered")
    func streaming() throws {
        var reader = MultipartReader(boundary: Array("b".utf8))
        reader.feed(ByteBuffer(string: "--b\r\nContent-Disposition: form-data; name=a; filename=f\r\n\r\n"))
        #expect(try reader.next() != nil)
        let chunk = ByteBuffer(repeating: UInt8(ascii: "\r"), count: 64 << 10)
        var passed = 0
        for _ in 0..<16 {
            reader.feed(chunk)
            while let event = try reader.next() {
                guard case .data(let data) = event else { continue }
                passed += data.readableBytes
                #expect(data.readableBytes <= chunk.readableBytes + 5)
            }
        }
        // All but what could be the beginning of a boundary was handed out.
        #expect((16 * (64 << 10) - 5...16 * (64 << 10)).contains(passed))
    }
}
