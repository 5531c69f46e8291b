import TempestCodecs
import Testing

@testable import Tempest

@Suite("What handlers ask of a request")
struct WebRequestTests {
    private static func form(_ type: String, _ body: String) -> WebRequest {
        WebRequest(method: "POST", url: "/", headers: ["content-type": type], body: Array(body.utf8))
    }

    @Test("A query has its names in order: the first value by subscript, all by all")
    func query() {
        let query = WebRequest(url: "/p?q=one+two&tag=a&tag=b&%74ag=%C3%BC&empty&bad=%ZZ%f#x=y?z").query
        #expect(query["q"] == "one two" && query["tag"] == "a" && query.all("tag") == ["a", "b", "ü"])
        #expect(query["empty"] == "" && query["bad"] == "%ZZ%f" && query["missing"] == nil)
        #expect(query.map(\.name) == ["q", "tag", "tag", "tag", "empty", "bad"])
        #expect(WebRequest(url: "/p").query.isEmpty && WebRequest(url: "/p?").query.isEmpty)
        #expect(WebRequest(url: "/?a=%ff").query["a"] == "\u{FFFD}" && WebRequest(url: "/?a=b?c").query["a"] == "b?c")
    }

    @Test("Cookies are found by name, the first of several")
    func cookies() {
        let cookies = WebRequest(url: "/", headers: ["cookie": #"a=1; b="two"; a=3;c==; d"#]).cookies
        #expect(cookies["a"] == "1" && cookies["b"] == "two" && cookies.all("a") == ["1", "3"])
        #expect(cookies["c"] == "=" && cookies["d"] == nil)
        #expect(WebRequest(url: "/").cookies.isEmpty)
    }

    @Test("A form in the body is read in both ways of browsers, without any setting of the front")
    func forms() async throws {
        let encoded = Self.form("application/x-www-form-urlencoded; charset=utf-8", "title=gr%C3%BC%C3%9Fe&tag=a+b&tag=c&x=%FF")
            .form
        #expect(encoded["title"] == "grüße" && encoded["tag"] == "a b" && encoded.all("tag") == ["a b", "c"])
        #expect(encoded.map(\.name) == ["title", "tag", "tag", "x"] && encoded[3].bytes == [0xFF])
        let multipart = Self.form(
            "multipart/form-data; boundary=b",
            "--b\r\nContent-Disposition: form-data; name=\"tag\"\r\n\r\none\r\n"
                + "--b\r\nContent-Disposition: form-data; name=\"doc\"; filename=\"\"\r\n\r\n\r\n"
                + "--b\r\nContent-Disposition: form-data; name=\"doc\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\nhi\r\n"
                + "--b\r\nContent-Disposition: form-data; name=\"tag\"\r\n\r\ntwo\r\n--b--\r\n"
        ).form
        #expect(multipart["tag"] == "one" && multipart.all("tag") == ["one", "two"] && multipart["doc"] == nil)
        #expect(multipart.map(\.isFile) == [false, true, true, false])
        let file = try #require(multipart.file("doc"))
        #expect(file.filename == "a.txt" && file.type == "text/plain" && file.upload == nil)
        #expect(try await file.content() == Array("hi".utf8))
        #expect(multipart.files("doc").count == 1 && multipart.files.count == 1)
    }

    @Test("What says it is a form and is none has no parts, and the reason")
    func malformed() {
        for (type, body, code) in [
            ("multipart/form-data; boundary=b", "no form", FormError.Code.truncated),
            ("multipart/form-data", "--b--", .malformed),
            ("multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=a\r\n\r\nx", .truncated),
            ("application/x-www-form-urlencoded", String(repeating: "a&", count: 1000), .tooLarge),
            (
                "multipart/form-data; boundary=b",
                String(repeating: "--b\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n", count: 1001) + "--b--", .tooLarge
            ),
        ] {
            let request = Self.form(type, body)
            #expect(request.form.isEmpty && request.form.problem?.code == code, "\(type): \(request.form)")
            #expect(#expect(throws: FormError.self) { try request.readForm() }?.code == code)
        }
        #expect(Self.form("text/plain", "a=b").form.isEmpty && Self.form("text/plain", "a=b").form.problem == nil)
        #expect(WebRequest(url: "/").form.isEmpty)
    }

    @Test("JSON is read into a type, and what is not JSON throws")
    func json() throws {
        struct Order: Decodable, Equatable { var item: String, count: Int }
        let request = Self.form("application/json", #"{"item": "tea", "count": 3}"#)
        #expect(try request.json(as: Order.self) == Order(item: "tea", count: 3))
        let order: Order = try request.json()
        #expect(order.count == 3)
        for bad in ["", "{", #"{"item": 3}"#] {
            #expect(throws: (any Error).self, "\(bad)") { try Self.form("application/json", bad).json(as: Order.self) }
        }
    }

    @Test(
        "A request with a form, uploads and headers of any bytes is the same after each codec", arguments: CodecSet.standard.names
    )
    func codable(_ name: String) throws {
        let codec = try #require(CodecSet.standard.named(name))
        let upload = try #require(
            UploadReference(token: String(repeating: "t", count: 43), size: 1, sha256: String(repeating: "0", count: 64)))
        var odd = FormPart(MultipartPart(name: [0xFF], filename: [0xE9], type: [0xE9], head: [0xFE, 0x41]), upload: upload)
        odd.bytes = []
        var request = WebRequest(
            url: "/", headers: ["x-a": "café", "x-b": "ü"],
            form: [FormPart(name: "tag", value: "one"), odd, FormPart(name: "f", filename: ""), FormPart(name: "tag", value: "")])
        request.latin1Headers = ["x-a"]
        for bytes in [try codec.encode(encoding: request), try codec.encode(request)] {
            for read in [try codec.decode(WebRequest.self, from: bytes), try WebRequest(reading: codec.parse(bytes).root)] {
                #expect(read.form == request.form, "\(name)")
                #expect(read.uploads == [upload] && read.form[1].upload == upload)
                #expect(read.headerBytes("x-a") == Array("caf".utf8) + [0xE9] && read.headerBytes("x-b") == Array("ü".utf8))
            }
        }
    }

    @Test("A form as fronts write it in JSON: what is not UTF-8 is base64; a part of an upload that is not there is refused")
    func wire() throws {
        func read(_ form: String) throws -> WebForm {
            let json = #"{"method":"POST","url":"/","headers":{},"form":\#(form)}"#
            return try WebRequest(reading: JSONCodec().parse(Array(json.utf8)).root).form
        }
        let form = try read(
            #"[{"name":"/w==","name_encoding":"base64","value":"6Q==","value_encoding":"base64"},{"name":"f","filename":""}]"#)
        #expect(form[0].nameBytes == [0xFF] && form[0].bytes == [0xE9])
        #expect(form[1].isFile && form[1].upload == nil && form.files.isEmpty)
        for bad in [
            #"{"a":"b"}"#, #"[{"name":"f","filename":"x","upload":0}]"#, #"[{"name":"f","upload":-1}]"#,
            #"[{"name":"!","name_encoding":"base64"}]"#, #"[{"name":"x","name_encoding":"rot13"}]"#, "[3]",
        ] {
            #expect(throws: (any Error).self, "\(bad)") { try read(bad) }
        }
    }
}
