import Synchronization
import Tempest
import TempestFront
import TempestTesting
import Testing

@Suite("Sessions through a whole front", .timeLimit(.minutes(3)))
struct SessionWholeTests {
    /// Counts visits, logs in and out, and says what it was told of the session.
    private static func serve(_ worker: Worker) {
        worker.handle("url") { (context: JobContext, request: WebRequest) in
            guard let session = context.session else { return WebAnswer(status: 500, text: "no session") }
            switch request.path {
            case "/look": return WebAnswer(text: "cookies: \(request.headers["cookie"] ?? "none")")
            case "/login":
                try await session.set("user", to: "anna")
                return WebAnswer(headers: [("tempest-session", "rotate"), ("set-cookie", "theme=dark")])
            case "/logout": return WebAnswer(headers: [("tempest-session", "end")])
            case "/steal": return WebAnswer(headers: [("set-cookie", "tempest=\(String(repeating: "a", count: 43))")])
            default:
                let visits = (try await session.get("visits", as: Int.self) ?? 0) + 1
                try await session.set("visits", to: visits)
                return WebAnswer(text: "visit \(visits) of \(try await session.get("user", as: String.self) ?? "nobody")")
            }
        }
    }

    private static func withSessions<R: Sendable>(
        _ routes: [String] = ["/*=pages"], _ change: @escaping (inout FrontConfiguration) -> Void = { _ in },
        _ body: (RunningFront) async throws -> R
    ) async throws -> R {
        try await RunningFront.run(routes) {
            $0.sessions = SessionRules(isInsecure: true)
            change(&$0)
        } handlers: {
            serve($0)
        } _: {
            try await body($0)
        }
    }

    /// The pair `tempest=…` of the line that sets it.
    private func cookie(_ reply: Reply) throws -> String {
        let line = try #require(reply.all("set-cookie").first { $0.hasPrefix("tempest=") }, "\(reply)")
        return String(line.prefix { $0 != ";" })
    }

    @Test("The first field that a worker writes gives the cookie; the next request sees what was written")
    func visits() async throws {
        try await Self.withSessions { front in
            let looked = try await front.get("/look")
            #expect(looked.text == "cookies: none" && looked.header("set-cookie") == nil)
            let first = try await front.get("/")
            #expect(first.text == "visit 1 of nobody" && first.header("cache-control") == "private")
            let line = try #require(first.header("set-cookie"))
            #expect(line.contains("; Path=/; Max-Age=7776000; HttpOnly; SameSite=Lax") && !line.contains("Secure"))
            let cookie = try cookie(first)
            let second = try await front.get("/", "Cookie: \(cookie)")
            #expect(second.text == "visit 2 of nobody" && second.header("set-cookie") == nil)
            #expect(try await front.get("/").text == "visit 1 of nobody", "another browser has another session")
            let others = try await front.get("/look", "Cookie: a=1; \(cookie); b=2")
            #expect(others.text == "cookies: a=1; b=2", "workers never see the cookie")
            let invented = try await front.get("/", "Cookie: tempest=\(String(repeating: "a", count: 43))")
            #expect(try self.cookie(invented) != "tempest=\(String(repeating: "a", count: 43))")
            #expect(try await front.get("/steal", "Cookie: \(cookie)").header("set-cookie") == nil, "a worker chooses no id")
        }
    }

    @Test("At login the id is another one and the old one is dead; at logout the session and its cookie end")
    func rotation() async throws {
        try await Self.withSessions { front in
            let old = try cookie(try await front.get("/"))
            let login = try await front.get("/login", "Cookie: \(old)")
            #expect(login.header("tempest-session") == nil && login.all("set-cookie").contains("theme=dark"))
            let new = try cookie(login)
            #expect(new != old)
            #expect(try await front.get("/", "Cookie: \(new)").text == "visit 2 of anna")
            #expect(try await front.get("/", "Cookie: \(old)").text == "visit 1 of nobody")
            let logout = try await front.get("/logout", "Cookie: \(new)")
            #expect(logout.all("set-cookie").contains { $0.hasPrefix("tempest=;") && $0.contains("Max-Age=0") }, "\(logout)")
            #expect(try await front.get("/", "Cookie: \(new)").text == "visit 1 of nobody")
        }
    }

    @Test("A browser cannot order what is the worker's to order")
    func ordered() async throws {
        try await Self.withSessions { front in
            let cookie = try cookie(try await front.get("/"))
            let reply = try await front.get("/", "Cookie: \(cookie)", "Tempest-Session: end")
            #expect(reply.text == "visit 2 of nobody" && reply.header("set-cookie") == nil)
        }
    }

    @Test("A route for users answers 401 or sends to the login before anything is queued, and opens to who is logged in")
    func users() async throws {
        try await Self.withSessions(["/private/*=nobody", "/members/*=nobody", "/inside/*=pages", "/*=pages"]) {
            for index in 0...2 { $0.routes[index].requiresUser = true }
            $0.routes[1].login = "/login"
        } _: { front in
            let visitor = try cookie(try await front.get("/"))
            for headers in ["Accept: */*", "Cookie: \(visitor)", "Cookie: tempest=x"] {
                let refused = try await front.get("/private/x", headers)
                #expect(refused.status == 401 && refused.header("cache-control") == "no-store")
                let sent = try await front.get("/members/x", headers)
                #expect(sent.status == 303 && sent.header("location") == "/login")
                #expect(try await front.get("/inside/x", headers).status == 401)
            }
            // By whatever target the path is named.
            let absolute = try await front.ask("GET http://test/private/x HTTP/1.1\r\nHost: test\r\n\r\n")
            #expect(absolute.status == 401, "\(absolute)")
            let upload = try await front.ask("POST /private HTTP/1.1\r\nHost: test\r\nContent-Length: 2\r\n\r\nhi")
            #expect(upload.status == 401)
            let queue = try await front.client.statistics(QueueName("nobody"))
            #expect(queue.waiting == 0 && queue.running == 0, "nothing was queued")
            let user = try cookie(try await front.get("/login", "Cookie: \(visitor)"))
            #expect(try await front.get("/inside/x", "Cookie: \(user)").text == "visit 2 of anna")
            _ = try await front.get("/logout", "Cookie: \(user)")
            #expect(try await front.get("/inside/x", "Cookie: \(user)").status == 401)
        }
    }

    @Test("A route for users without sessions is no configuration, for then everybody would be let in")
    func unguarded() throws {
        var configuration = FrontConfiguration()
        configuration.routes = [try FrontRoute("/private/*=pages")]
        configuration.routes[0].requiresUser = true
        let error = #expect(throws: FrontConfigurationError.self) { _ = try Front(configuration) }
        #expect(error?.description.contains("/private/*") == true && error?.description.contains("sessions") == true)
        configuration.sessions = SessionRules()
        configuration.routes[0].login = "//elsewhere.example/"
        #expect(throws: FrontConfigurationError.self) { _ = try Front(configuration) }
    }

    @Test("By TLS the cookie is of this host alone, and a browser keeps it")
    func secure() async throws {
        try await Curl.run {
            $0.sessions = SessionRules()
        } handlers: {
            Self.serve($0)
        } _: { curl, folder in
            let jar = "\(folder)/cookies"
            let first = try await curl("/", "-i", "-c", jar)
            let line = try #require(first.output.first { $0.lowercased().hasPrefix("set-cookie: __Host-tempest=".lowercased()) })
            for part in ["; Path=/;", "; HttpOnly", "; SameSite=Lax", "; Secure"] { #expect(line.contains(part), "\(line)") }
            #expect(!line.contains("Domain"))
            let second = try await curl("/", "-b", jar, "-c", jar)
            #expect(second.output == ["visit 2 of nobody"])
            let plain = try await curl("/", "-H", "Cookie: tempest=\(String(repeating: "a", count: 43))")
            #expect(plain.output == ["visit 1 of nobody"])
        }
    }
}
