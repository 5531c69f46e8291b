import Tempest
import TempestTesting
import Testing

@testable import TempestFront

@Suite("What a path means")
struct RequestPathTests {
    @Test(
        "A path is what is left of it without encoding, empty segments and dots",
        arguments: [
            ("/admin/x", "/admin/x"), ("/%61dmin/x", "/admin/x"), ("/admin%2fx", "/admin/x"), ("//admin//x", "/admin/x"),
            ("/./admin/x", "/admin/x"), ("/a/../admin/x", "/admin/x"), ("/a/%2e%2E/admin/x", "/admin/x"),
            ("/../../admin/x", "/admin/x"),
            ("/admin/", "/admin/"), ("/", "/"), ("//", "/"), ("/..", "/"), ("/a.b/c..d", "/a.b/c..d"),
            ("/gr%C3%BC%C3%9Fe", "/grüße"),
            ("/%2561", "/%61"),
        ])
    func canonical(_ path: String, _ meaning: String) {
        #expect(RequestPath.canonical(path[...]) == meaning[...])
    }

    @Test("What nobody should write is no path", arguments: ["/%00", "/a%0d%0ab", "/%7f", "/%", "/%4", "/%zz", "/a%2"])
    func refused(_ path: String) {
        #expect(RequestPath.canonical(path[...]) == nil)
    }

    @Test("Hidden files are not seen", arguments: ["/.env", "/.git/config", "/a/.b"])
    func hidden(_ path: String) {
        #expect(!(FilePath(path[...])?.isVisible ?? false))
        #expect(FilePath("/.well-known/acme-challenge/x")?.isVisible == true)
    }

    @Test("A route for users is not gone around by writing its path in another way, neither to workers nor to files")
    func users() async throws {
        try await withTemporaryDirectory { folder in
            try await ProcessRunner("mkdir", ["-p", "\(folder)/public/admin"]).run { _ = try await $0.waitForExit() }
            try write("secret", to: "\(folder)/public/admin/p.txt")
            try write("secret", to: "\(folder)/public/.env")
            try write("open", to: "\(folder)/public/a.txt")
            try await RunningFront.run(["/admin/*=pages", "/*=pages"]) {
                $0.routes[0].requiresUser = true
                $0.sessions = SessionRules(isInsecure: true)
                $0.files = StaticFilesOptions(folder: "\(folder)/public")
            } handlers: { worker in
                worker.handle("url") { (_: JobContext, request: WebRequest) in WebAnswer(text: "worker \(request.url)") }
            } _: { front in
                let ways = [
                    "/admin/p.txt", "/%61dmin/p.txt", "//admin/p.txt", "/./admin/p.txt", "/admin%2fp.txt", "/x/../admin/p.txt",
                    "/%2e/admin/p.txt", "/admin", "/%61dmin",
                ]
                for way in ways {
                    let reply = try await front.get(way)
                    #expect(reply.status == 401, "\(way)")
                }
                let open = try await front.get("/a.txt")
                #expect(open.text == "open")
                #expect(try await front.get("/.env").text == "worker /.env")
                #expect(try await front.get("/%2eenv").text == "worker /%2eenv")
                #expect(try await front.get("/a%00").status == 400)
                #expect(try await front.get("//%00@evil.example").status == 400)
                #expect(try await front.get("//evil.example").text == "worker //evil.example")
            }
        }
    }
}
