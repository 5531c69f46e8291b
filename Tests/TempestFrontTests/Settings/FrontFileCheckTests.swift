import Tempest
import TempestTesting
import Testing

@testable import TempestFront

/// Settings that are right each for itself, and wrong together or for nobody: refused with the line, before anything runs.
@Suite struct FrontFileCheckTests {
    private static func problem(_ text: String) -> String {
        let error = #expect(throws: FrontConfigurationError.self, "\(text)") {
            let settings = try FrontFile.read(text, file: "front.yaml", checksFolders: true)
            _ = settings
        }
        return error?.description ?? ""
    }

    @Test func `what depends on another setting is refused where it stands`() {
        let files: [(text: String, line: Int, part: String)] = [
            ("listen: :80\nredirect: :81\nroutes: [{path: /*, queue: q}]\n", 2, "set `tls`"),
            ("routes:\n  - {path: /a, queue: q}\n  - {path: /b, queue: q, uploads: true}\n", 3, "set `uploads`"),
            ("routes: [{path: /*, queue: q}]\nsub: ['JOB:{user}:*']\n", 2, "set `sessions`"),
            ("sub: [news]\nuploads: {folder: /no/such/folder}\n", 2, "/no/such/folder"),
            ("sub: [news]\nuploads: {folder: /proc/uploads}\n", 2, "cannot be made in /proc"),
            ("sub: [news]\nuploads: {folder: /tmp, url: 10.0.0.7/uploads/}\n", 2, "such as http://10.0.0.7:8080/uploads/"),
            ("sub: [news]\nuploads: {folder: /tmp, url: 'ftp://a/'}\n", 2, "such as http://"),
            ("sub: [news]\nuploads: {folder: /tmp, url: 'http:///a/'}\n", 2, "such as http://"),
            ("sub: [news]\nuploads: {folder: /tmp, url: 'http://a/b'}\n", 2, "http://a/b/"),
            ("routes: [{path: /*, queue: q}]\nfiles: /no/such/folder\n", 2, "/no/such/folder"),
            ("routes:\n  - {path: /*, queue: q, origins: [https://a.example]}\n", 2, "set `socket: true`"),
            ("listen: :80\nroutes: [{path: /*, queue: q, deadline: 0}]\n", 2, "`deadline`"),
            ("files:\n  folder: /tmp\n  cache: {'/a/*': 1y}\n", 3, "1y"),
            ("files:\n  folder: /tmp\n  cache: {'/a/*': -5}\n", 3, "-5"),
            ("sub: [news]\nfiles: {folder: /tmp, fallback: ../etc/passwd}\n", 2, "leads out of /tmp"),
            ("sub: [news]\nfiles: {folder: /etc, errors: {404: a/../../x}}\n", 2, "leads out of /etc"),
            ("sub: [news]\nlisten: unix:/no/such/front.sock\n", 2, "no folder /no/such"),
            ("sub: [news]\ndeadline: 5\n", 2, "a setting of a route"), ("sub: [news]\nmode: 660\n", 2, "unix socket"),
            (
                "sub: [news]\ntls:\n  certificate: \"-----BEGIN CERTIFICATE-----\\nsecret\"\n  key: /tmp/none.pem\n", 3,
                "names of PEM files"
            ),
            ("sub: [news]\nheaders: {Authorization: \"secret\\n\"}\n", 2, "the value of Authorization"),
            ("routes:\n  - {path: /*, queue: q, cors: 'https://secret@a.example'}\n", 2, "no password"),
            ("sub: [news]\nheaders: {Content-Encoding: gzip}\n", 2, "Content-Encoding"),
            ("routes:\n  - {path: /*, queue: q, login: /login}\n", 2, "user: true"),
            ("sub: [news]\nuploads:\n  folder: /tmp\n  age: 5\n  folder: /var\n", 5, "`folder`: a key is there twice"),
            ("sub: [news]\nroutes:\n  - path: /a\n    queue: q\n    cors: {origins: '*'}\n    path: /b\n", 6, "`path`"),
            ("routes:\n  - {path: /a, queue: q, path: /b}\n  - {path: /c, queue: q}\n", 2, "`path`"),
            ("sub: [news]\r\nlame: 1\r\npath_x: 3\r\nlame: 2\r\n", 4, "`lame`"),
            ("'lame': 1\nlamer: 1\n\"lame\" : 2\n", 3, "`lame`"),
            ("sub: [news]\nroutes: {a: 1, a: 2}\n", 2, "`a`"), ("sub: [news\nroutes: x\n", 2, ""),
            ("sub: [news]\n\tfiles: secret-of-mine\n", 2, ""), ("sub: [news]\nfiles: \"\u{1}\"\n", 2, "control characters"),
        ]
        for file in files {
            let text = Self.problem(file.text)
            #expect(text.hasPrefix("front.yaml, line \(file.line): ") && text.contains(file.part), "\(file.text): \(text)")
            #expect(!text.contains("secret") && !text.contains("\n"))
        }
    }

    @Test(arguments: [
        "deadline: 5", "idle: 5", "pending: 5", "window: 5", "body: 5", "uploads: true", "cors: '*'", "gzip: true",
        "headers: {a: b}",
        "login: /login",
    ])
    func `a setting of requests is refused where it would do nothing, with a WebSocket`(setting: String) {
        let text = Self.problem("uploads: {folder: /tmp}\nroutes:\n  - {path: /*, queue: q, socket: true, \(setting)}\n")
        let key = setting.prefix { $0 != ":" }
        #expect(text.hasPrefix("front.yaml, line 3: `\(key)` is for requests"), "\(text)")
    }

    @Test func `origins that no browser names are refused, for sockets and for CORS`() {
        let bad = [
            "example.com", "https://*.example", "*.example", "https://a.example/", "https://a.example:443", "http://a.example:80",
            "https://A.example", "https://", "https://a b", "https://a.example:0", "https://a.example:x", "https://a:1:2", "null",
            "https://grüße.example", "//a.example", "https://[::1", "https://a.example?x", ":https://a",
        ]
        for origin in bad {
            let socket = Self.problem(
                "routes:\n  - {path: /*, queue: q, socket: true, origins: [https://fine.example, '\(origin)']}\n")
            let page = Self.problem("routes:\n  - {path: /*, queue: q, cors: {origins: [https://fine.example, '\(origin)']}}\n")
            for text in [socket, page] {
                #expect(text.hasPrefix("front.yaml, line 2: ") && text.contains(origin.debugDescription), "\(origin): \(text)")
            }
        }
        for origin in [
            "https://a.example", "http://localhost:3000", "https://[::1]:8443", "http://10.0.0.1", "capacitor://localhost",
        ] {
            #expect(PageOrigin.problem(origin) == nil, "\(origin)")
        }
    }

    @Test func `one address cannot be listened on for requests and for redirects`() throws {
        func isRefused(_ listen: String, _ redirect: String) throws -> Bool {
            try ListenAddress(listen).isTaken(by: ListenAddress(redirect))
        }
        for (one, other) in [(":80", ":80"), (":80", "127.0.0.1:80"), ("0.0.0.0:80", "0.0.0.0:80"), ("unix:/a", "unix:/a")] {
            #expect(try isRefused(one, other) && isRefused(other, one))
        }
        for (one, other) in [
            (":80", ":81"), ("127.0.0.1:80", "127.0.0.2:80"), ("127.0.0.1:0", "127.0.0.1:0"), ("unix:/a", ":80"),
        ] {
            #expect(try !isRefused(one, other))
        }
    }

    @Test func `what is set besides the file counts before settings are compared`() throws {
        let text = "routes:\n  - {path: /*, queue: q, user: true, uploads: true}\n"
        let settings = try FrontFile.read(text, file: "front.yaml") { settings throws(FrontConfigurationError) in
            settings.sessions = SessionRules()
            settings.uploads = UploadSettings(folder: "/tmp")
        }
        #expect(settings.routes.count == 1)
    }
}
