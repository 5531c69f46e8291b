import HTTPTypes
import Testing

@testable import TempestFront

/// What decides a response for a file, without a file.
@Suite("Rules for files")
struct FileRulesTests {
    @Test(
        "Ranges are those of RFC 9110, section 14, and what is not one does not count",
        arguments: [
            ("bytes=0-0", 10, ByteRanges.parts([0..<1])), ("bytes=2-5", 10, .parts([2..<6])), ("bytes=7-", 10, .parts([7..<10])),
            ("bytes=-3", 10, .parts([7..<10])), ("bytes=-99", 10, .parts([0..<10])), ("bytes=9-9", 10, .parts([9..<10])),
            ("bytes=5-99999999999999999999999", 10, .parts([5..<10])), ("bytes=10-", 10, .unsatisfiable),
            ("bytes=10-12", 10, .unsatisfiable), ("bytes=-0", 10, .unsatisfiable),
            ("bytes=99999999999999999999999-", 10, .unsatisfiable), ("bytes=-99999999999999999999999", 10, .parts([0..<10])),
            ("bytes=5-2", 10, .whole), ("bytes=+1-2", 10, .whole), ("bytes=a-b", 10, .whole), ("bytes=", 10, .whole),
            ("bytes=,", 10, .whole), ("bytes=-", 10, .whole), ("bytes=1", 10, .whole), ("bytes=--1", 10, .whole),
            ("bytes=1-2-3", 10, .whole), ("bytes", 10, .whole), ("lines=0-1", 10, .whole), ("bytes=0x1-2", 10, .whole),
            ("BYTES=0-1", 10, .parts([0..<2])), ("bytes=0-1, 4-5", 10, .parts([0..<2, 4..<6])),
            ("bytes=8-,0-1", 10, .parts([8..<10, 0..<2])), ("bytes=0-1,,\t4-5,", 10, .parts([0..<2, 4..<6])),
            ("bytes=0-5,3-8", 10, .parts([0..<9])), ("bytes=8-9,0-3,2-8", 10, .parts([0..<10])),
            ("bytes=0-1,20-30", 10, .parts([0..<2])), ("bytes=20-,30-", 10, .unsatisfiable), ("bytes=0-1,a", 10, .whole),
            ("bytes=0-1,5-2", 10, .whole), ("bytes=0-,0-,0-,0-", 10, .parts([0..<10])), ("bytes=0-0", 0, .unsatisfiable),
            ("bytes=0-", 0, .unsatisfiable), ("bytes=-5", 0, .whole), ("bytes=-0", 0, .unsatisfiable),
        ])
    func ranges(_ header: String, _ size: Int, _ expected: ByteRanges) {
        #expect(ByteRanges(header, size: size, mostParts: 64) == expected)
    }

    @Test("More ranges than anybody needs are a wish for everything")
    func manyRanges() {
        func header(_ count: Int) -> String { "bytes=" + (0..<count).map { "\($0 * 2)-\($0 * 2)" }.joined(separator: ",") }
        guard case .parts(let parts) = ByteRanges(header(64), size: 10_000, mostParts: 64) else {
            Issue.record("64 parts are sent")
            return
        }
        #expect(parts.count == 64)
        #expect(ByteRanges(header(65), size: 10_000, mostParts: 64) == .whole)
        let overlapping = "bytes=" + Array(repeating: "0-", count: 257).joined(separator: ",")
        #expect(ByteRanges(overlapping, size: 10, mostParts: 64) == .whole)
    }

    @Test("Dates are read in the three forms and written in the first")
    func dates() {
        let now = HTTPDate(seconds: 1_795_000_000)
        for text in ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"] {
            #expect(HTTPDate(text, now: now)?.seconds == 784_111_777, "\(text)")
        }
        for seconds: Int64 in [0, 784_111_777, 951_782_400, 951_868_799, 1_709_164_800, 4_102_444_800, -1, -86_400 * 366] {
            let text = HTTPDate(seconds: seconds).text
            #expect(HTTPDate(text, now: now)?.seconds == seconds, "\(text)")
        }
        #expect(HTTPDate(seconds: 0).text == "Thu, 01 Jan 1970 00:00:00 GMT")
        #expect(HTTPDate(seconds: 951_782_400).text == "Tue, 29 Feb 2000 00:00:00 GMT")
        for text in [
            "", "yesterday", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 31 Feb 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Now 1994 08:49:37 GMT", "Sun, 6 Nov 1994 8:49:37 GMT",
            "Xyz, 06 Nov 1994 08:49:37 GMT", "784111777", "Sun, 06 Nov 99999999999999999999 08:49:37 GMT",
            "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 29 Feb 1900 08:49:37 GMT",
        ] {
            #expect(HTTPDate(text, now: now) == nil, "\(text)")
        }
    }

    @Test("Tags are read with the commas inside them, and what is not a tag makes the list empty")
    func tags() {
        #expect(EntityTagCondition(" * ") == .any)
        let list = [EntityTag(opaque: "a,b"), EntityTag(isWeak: true, opaque: ""), EntityTag(opaque: "c")]
        #expect(EntityTagCondition("\"a,b\",W/\"\" , ,\"c\"") == .list(list))
        for text in ["", "a", "\"a", "\"a\"b", "W/a", "\"a\", *", "w/\"a\"", "\"a\" \"b\""] {
            #expect(EntityTagCondition(text) == .list([]), "\(text)")
        }
    }

    @Test(
        "Conditions are evaluated in the order of RFC 9110, section 13.2.2",
        arguments: [
            (["if-match": "\"v\""], Preconditions.Outcome.proceed), (["if-match": "\"w\", \"v\""], .proceed),
            (["if-match": "*"], .proceed), (["if-match": "\"w\""], .failed), (["if-match": "W/\"v\""], .failed),
            (["if-match": ""], .failed), (["if-match": "v"], .failed),
            (["if-unmodified-since": same], .proceed), (["if-unmodified-since": later], .proceed),
            (["if-unmodified-since": earlier], .failed), (["if-unmodified-since": "yesterday"], .proceed),
            (["if-match": "\"v\"", "if-unmodified-since": earlier], .proceed),
            (["if-none-match": "\"v\""], .notModified), (["if-none-match": "W/\"v\""], .notModified),
            (["if-none-match": "\"a\", W/\"b\", \"v\""], .notModified), (["if-none-match": "*"], .notModified),
            (["if-none-match": "\"w\""], .proceed), (["if-none-match": "v"], .proceed),
            (["if-modified-since": same], .notModified), (["if-modified-since": later], .notModified),
            (["if-modified-since": earlier], .proceed), (["if-modified-since": "yesterday"], .proceed),
            (["if-none-match": "\"w\"", "if-modified-since": later], .proceed),
            (["if-none-match": "\"v\"", "if-modified-since": earlier], .notModified),
            (["if-match": "\"w\"", "if-none-match": "\"v\""], .failed),
            (["if-match": "\"v\"", "if-none-match": "\"v\""], .notModified),
            (["if-unmodified-since": earlier, "if-none-match": "\"v\""], .failed),
        ])
    func conditions(_ headers: [String: String], _ expected: Preconditions.Outcome) throws {
        var fields = HTTPFields()
        for (name, value) in headers { fields[try #require(HTTPField.Name(name))] = value }
        let validators = Validators(tags: [EntityTag(opaque: "v")], modified: HTTPDate(seconds: 784_111_777))
        #expect(Preconditions.evaluate(fields, validators, now: HTTPDate(seconds: 1_795_000_000)) == expected)
    }

    private static let earlier = "Sun, 06 Nov 1994 08:49:36 GMT"
    private static let same = "Sun, 06 Nov 1994 08:49:37 GMT"
    private static let later = "Sun, 06 Nov 1994 08:49:38 GMT"

    @Test(
        "A range depends on the very version: a strong tag, or the very date",
        arguments: [
            (nil, true), ("\"v\"", true), ("W/\"v\"", false), ("\"w\"", false), ("\"w\", \"v\"", false), (same, true),
            (later, false),
            (earlier, false), ("*", false), ("", false),
        ])
    func ifRange(_ header: String?, _ expected: Bool) {
        var fields = HTTPFields()
        fields[.ifRange] = header
        let validators = Validators(tags: [EntityTag(opaque: "v")], modified: HTTPDate(seconds: 784_111_777))
        #expect(Preconditions.allowsRange(fields, validators, now: HTTPDate(seconds: 1_795_000_000)) == expected)
    }

    @Test(
        "The compressed file is sent that the client likes best, and none to those who do not name one",
        arguments: [
            (nil, nil), ("gzip, deflate, br", .brotli), ("gzip", .gzip), ("x-gzip", .gzip), ("GZIP", .gzip),
            ("br;q=0.5, gzip", .gzip),
            ("br;q=0, gzip;q=0", nil), ("*", .brotli), ("*;q=0", nil), ("br;q=0, *", .gzip), ("identity", nil), ("", nil),
            ("identity;q=1, gzip;q=0.5", nil), ("identity;q=0.5, gzip;q=0.8", .gzip), ("gzip;q=0.001", .gzip), ("gzip;q=2", nil),
            ("gzip;q=", nil), ("deflate, zstd", nil), ("gzip ; q=1.0 ,br ; q=0.999", .gzip),
        ] as [(String?, ContentCoding?)])
    func codings(_ header: String?, _ expected: ContentCoding?) {
        #expect(ContentCoding.choose(header, of: [.brotli, .gzip]) == expected)
        #expect(ContentCoding.choose(header, of: []) == nil)
    }

    @Test(
        "A page is for those who ask for pages",
        arguments: [
            ("text/html,application/xhtml+xml,*/*;q=0.8", nil, true), ("*/*", nil, true), (nil, nil, true), ("text/*", nil, true),
            ("application/json", nil, false), ("application/json, text/plain, */*", nil, false), ("text/html;q=0", nil, false),
            ("image/avif,image/webp,*/*;q=0.8", nil, false), ("*/*", "empty", false), ("*/*", "script", false),
            ("text/html", "document", true),
        ] as [(String?, String?, Bool)])
    func pages(_ accept: String?, _ destination: String?, _ expected: Bool) throws {
        var fields = HTTPFields()
        fields[.accept] = accept
        fields[try #require(HTTPField.Name("sec-fetch-dest"))] = destination
        #expect(QualityList.acceptsPages(fields) == expected)
    }

    @Test(
        "A cache rule fits a path or a name",
        arguments: [
            ("*.html", "/index.html", true), ("*.html", "/a/b.html", true), ("*.html", "/a.html/b", false),
            ("/assets/*", "/assets/a/b.js", true),
            ("/assets/*", "/x/assets/a", false), ("app.*.js", "/x/app.1a2b.js", true), ("app.*.js", "/x/my-app.1a2b.js", false),
            ("*", "/x", true), ("/*", "/x/y", true), ("/a*b*c", "/a-b-b-c", true), ("/a*b*c", "/a-c-b", false), ("x", "/x", true),
        ])
    func cacheRules(_ pattern: String, _ path: String, _ expected: Bool) throws {
        #expect(try CacheRule(pattern, "no-cache").matches(path) == expected)
    }

    @Test("Paths stay in the folder, and are written again as they should be in a header")
    func paths() {
        for (path, encoded) in [
            ("/a/b", "/a/b"), ("/sp%20ace", "/sp%20ace"), ("//a//b/", "/a/b/"), ("/x/../a", "/a"), ("/./a/.", "/a"), ("/", "/"),
            ("/a%2Fb", "/a/b"), ("/%5Cevil.example", "/%5Cevil.example"), ("/c%C3%A4t", "/c%C3%A4t"), ("/%e4", "/%E4"),
            ("/a..b.txt", "/a..b.txt"),
            ("/...", "/..."), ("/a%25b%3F%23", "/a%25b%3F%23"),
        ] {
            #expect(FilePath(path[...])?.encoded == encoded, "\(path)")
        }
        for path in [
            "/..", "/a/../..", "/%2e%2e/etc", "/..%2fetc", "/a%00", "/a%0d%0ab", "/%", "/%zz", "/a/..%2f..%2fetc/passwd",
        ] {
            #expect(FilePath(path[...]) == nil, "\(path)")
        }
        for (path, isVisible) in [
            ("/.git/config", false), ("/a/.env", false), ("/%2eenv", false), ("/.well-known/x", true), ("/a.b", true),
        ] {
            #expect(FilePath(path[...])?.isVisible == isVisible, "\(path)")
        }
    }

    @Test(
        "Types have a charset where they are text",
        arguments: [
            ("a.html", "text/html; charset=utf-8"), ("A.HTML", "text/html; charset=utf-8"),
            ("a.mjs", "text/javascript; charset=utf-8"),
            ("a.json", "application/json; charset=utf-8"), ("a.svg", "image/svg+xml; charset=utf-8"),
            ("a.wasm", "application/wasm"),
            ("a.webp", "image/webp"), ("a.avif", "image/avif"), ("a.woff2", "font/woff2"),
            ("a.js.map", "application/json; charset=utf-8"),
            ("a.webmanifest", "application/manifest+json; charset=utf-8"), ("a.tar.gz", "application/gzip"),
            ("a.epub", "application/epub+zip"),
            ("a", "application/octet-stream"), ("a.", "application/octet-stream"), ("/x.html/a", "application/octet-stream"),
        ])
    func types(_ name: String, _ expected: String) {
        #expect(FileType.of(name) == expected)
        #expect(
            FileType.of("/x/\(name)", more: ["a": "application/json"])
                == (name == "a" || name == "/x.html/a" ? "application/json" : expected))
    }
}
