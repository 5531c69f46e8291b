import HTTPTypes
import NIOCore
import Tempest
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
                == MultipartPart(
                    name: Array("file".utf8), filename: Array("a.txt".utf8), type: Array("text/plain".utf8)))
        for cut in 0...bytes.count {
            #expect(try FormReading.read([bytes[..<cut], bytes[cut...]]) == whole, "cut at \(cut)")
        }
        for length in 1...7 {
            let pieces = stride(from: 0, to: bytes.count, by: length).map { bytes[$0..<min($0 + length, bytes.count)] }
            #expect(try FormReading.read(pieces) == whole, "pieces of \(length)")
        }
    }

    @Test("Repeats, empty files, odd names and bytes that are not UTF-8 read alike however the form is cut")
    func oddCuts() throws {
        func latin1(_ text: String) -> [UInt8] { text.unicodeScalars.map { UInt8($0.value) } }
        let heads: [[UInt8]] = [
            latin1(#"Content-Disposition: form-data; name="tag""#),
            latin1(#"Content-Disposition: form-data; name="f"; filename="""#),
            latin1(#"Content-Disposition: form-data; name="f"; filename="a\"b%22c\\d;e.txt""# + "\r\nContent-Type: text/x"),
            latin1("Content-Disposition: form-data; filename*=UTF-8''%e2%82%ac\r\nX-A: b"),
            latin1("Content-Disposition: form-data; name=\"\u{FF}\u{E9}\""),
            latin1(#"Content-Disposition: form-data; name="tag""#),
        ]
        let contents: [[UInt8]] = [[], [], [13, 10, 0xFF, 13], [45, 45, 99], [0xE9], latin1("two")]
        var bytes: [UInt8] = []
        for (head, content) in zip(heads, contents) {
            bytes += latin1("--b\r\n")
            bytes += head
            bytes += latin1("\r\n\r\n")
            bytes += content
            bytes += latin1("\r\n")
        }
        bytes += latin1("--b--")
        let whole = try FormReading.read([bytes[...]])
        #expect(whole.map(\.content) == contents)
        #expect(whole.map(\.head.head) == [nil, nil, heads[2], heads[3], nil, nil])
        for cut in 0...bytes.count { #expect(try FormReading.read([bytes[..<cut], bytes[cut...]]) == whole, "cut at \(cut)") }
        #expect(try FormReading.read(bytes.indices.map { bytes[$0...$0] }) == whole)
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
            #expect(UploadRefusal(refusal).status.code == 400)
        }
        #expect(throws: Never.self) { try FormReading.read([bytes[..<(bytes.count - 2)]]) }
    }

    @Test("Names, file names and types as browsers and curl write them")
    func heads() throws {
        func part(_ head: String) throws -> MultipartPart { try MultipartPart(Array(head.utf8)) }
        let table: [(String, String?, String?, String?)] = [
            (#"Content-Disposition: form-data; name="a""#, "a", nil, nil),
            (#"content-disposition:form-data;name=a"#, "a", nil, nil),
            (#"CONTENT-DISPOSITION: FORM-DATA; NAME="a b"; FILENAME="Grüße 🌪.txt""#, "a b", "Grüße 🌪.txt", nil),
            (#"Content-Disposition: form-data; name="a"; filename="C:\dir\x.txt""#, "a", #"C:\dir\x.txt"#, nil),
            (#"Content-Disposition: form-data; name="a"; filename="say \"hi\" \\o/""#, "a", #"say "hi" \o/"#, nil),
            (
                #"Content-Disposition: form-data; name="a"; filename="100%22 ../../etc/passwd""#, "a", "100\" ../../etc/passwd",
                nil
            ),
            (#"Content-Disposition: form-data; name=""; filename="""#, "", "", nil),
            (#"Content-Disposition: form-data; name="a;b=c"; filename*=UTF-8''x%e2%82%ac%22"#, "a;b=c", "x€\"", nil),
            (#"Content-Disposition: form-data; name="a"; filename="old"; filename*=iso-8859-1'de'gr%fc%dfe"#, "a", "grüße", nil),
            (#"Content-Disposition: form-data; name="a"; filename*0="one "; filename*1*=utf-8''tw%C3%B6"#, "a", "one twö", nil),
            (#"Content-Disposition: form-data; name="a"; filename*=koi8-r''x%e2"#, "a", "x%e2", nil),
            (#"Content-Disposition: form-data; name="a"; filename="=?UTF-8?B?w7w=?=""#, "a", "=?UTF-8?B?w7w=?=", nil),
            (#"Content-Disposition: form-data; name="a"; filename="a\"b%22c\\d;e.txt""#, "a", #"a"b"c\d;e.txt"#, nil),
            ("Content-Disposition: form-data", nil, nil, nil), ("Content-Disposition: form-data; filename=x", nil, "x", nil),
            ("Content-Type: image/png\r\nX-Other: y\r\nContent-Disposition: form-data; name=a;", "a", nil, "image/png"),
            (
                "Content-Disposition: form-data; name=a\r\nContent-Type: text/x-note; charset=koi8-r", "a", nil,
                "text/x-note; charset=koi8-r"
            ),
            (
                "Content-Disposition: form-data; name=a; filename=b\r\nContent-Type: multipart/mixed; boundary=x", "a", "b",
                "multipart/mixed; boundary=x"
            ),
            ("Content-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: 8bit", "a", nil, nil),
        ]
        for (head, name, filename, type) in table {
            let read = FormPart(try part(head))
            #expect(read.nameBytes.map { String(decoding: $0, as: UTF8.self) } == name, "\(head)")
            #expect(read.filename == filename && read.type == type, "\(head): \(read)")
        }
    }

    @Test(
        "Heads that could be read in two ways are refused",
        arguments: [
            "", "Content-Type: text/plain", "Content-Disposition: attachment; name=a",
            "Content-Disposition: form-data; name=a; filename*=UTF-8''x; filename*=UTF-8''y",
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
        let refusal = #expect(throws: FormError.self) { try FormReading.read("--b\r\n\(head)\r\n\r\nx\r\n--b--") }
        #expect(refusal?.code == .malformed, "\(refusal?.message ?? "")")
    }

    @Test("Names and types are the bytes that came; a head that browsers would write otherwise is kept as it came")
    func bytes() throws {
        let head =
            Array("Content-Disposition: form-data; name=\"".utf8) + [0xC3, 0x28] + Array("\"; filename=\"caf".utf8)
            + [0xE9] + Array(".txt\"\r\nContent-Type: x/".utf8) + [0xE9]
        let part = try MultipartPart(head)
        #expect(part.name == [0xC3, 0x28] && part.filename == Array("caf".utf8) + [0xE9] + Array(".txt".utf8))
        #expect(part.type == Array("x/".utf8) + [0xE9])
        #expect(part.head == nil)
        #expect(FormPart(part).filename == "caf\u{FFFD}.txt")
        let plain = [
            #"Content-Disposition: form-data; name="a""#, #"Content-Disposition: form-data; name="a%22b"; filename="""#,
            "Content-Disposition: form-data; name=\"a\"; filename=\"C:\\x\"\r\nContent-Type: text/plain",
            "Content-Disposition: form-data; name=\"a\"\r\nContent-Type: text/plain",
        ]
        for head in plain { #expect(try MultipartPart(Array(head.utf8)).head == nil, "\(head)") }
        let other = [
            "Content-Disposition: form-data; name=a", #"Content-Disposition: form-data; name="a\"b""#,
            #"Content-Disposition: form-data; filename="f"; name="a""#, "Content-Disposition: form-data; name=\"a\"\r\nX-A: b",
            #"Content-Disposition: form-data; name="a"; filename*=UTF-8''x"#, #"content-disposition: form-data; name="a""#,
            "Content-Type: text/plain\r\nContent-Disposition: form-data; name=\"a\"",
            #"Content-Disposition: form-data; name="a\\b""#,
        ]
        for head in other { #expect(try MultipartPart(Array(head.utf8)).head == Array(head.utf8), "\(head)") }
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
            let refusal = #expect(throws: FormError.self, "\(bad.prefix(40).debugDescription)") { try FormReading.read(bad) }
            #expect(refusal?.code == .malformed)
        }
        #expect(try FormReading.read("--b--").isEmpty)
        #expect(try FormReading.read("preamble\r\n--b \t\r\n\(head)x\r\n--b--\r\nepilogue").map(\.content) == [Array("x".utf8)])
    }

    @Test("Heads, parts and boundaries have limits")
    func limits() throws {
        let long = "--b\r\nContent-Disposition: form-data; name=\"\(String(repeating: "n", count: 17_000))\"\r\n\r\nx\r\n--b--"
        #expect(#expect(throws: FormError.self) { try FormReading.read(long) }?.code == .tooLarge)
        let endless = "--b\r\n" + String(repeating: "x\r\n", count: 20_000)
        #expect(#expect(throws: FormError.self) { try FormReading.read(endless) }?.code == .tooLarge)
        let part = "--b\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n"
        var limits = MultipartReader.Limits()
        limits.parts = 3
        #expect(try FormReading.read(String(repeating: part, count: 3) + "--b--", limits: limits).count == 3)
        let refusal = #expect(throws: FormError.self) {
            try FormReading.read(String(repeating: part, count: 4) + "--b--", limits: limits)
        }
        #expect(refusal?.code == .tooLarge)
        #expect(refusal.map { UploadRefusal($0).status.code } == 413)
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
            let refusal = #expect(throws: FormError.self, "\(bad)") { try MultipartBoundary.read(contentType: bad) }
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
