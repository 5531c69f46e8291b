import Tempest
import TempestFront
import Testing

@Suite("Routes")
struct RouteTests {
    @Test("A pattern is a path or the beginning of paths, at whole steps")
    func patterns() throws {
        let table: [(String, [String], [String])] = [
            ("/api/*", ["/api", "/api/", "/api/x/y"], ["/apis", "/", "/ap", "/API"]),
            ("/api", ["/api"], ["/api/", "/api/x"]),
            ("/*", ["/", "/x", ""], []),
        ]
        for (text, yes, no) in table {
            let pattern = try PathPattern(text)
            for path in yes { #expect(pattern.matches(path.utf8), "\(text) \(path)") }
            for path in no { #expect(!pattern.matches(path.utf8), "\(text) \(path)") }
        }
    }

    @Test("A pattern is what it means: two that match the same are one")
    func meaning() throws {
        let (plain, encoded) = (try PathPattern("/a/*"), try PathPattern("/%61/*"))
        #expect(plain == encoded && plain.hashValue == encoded.hashValue)
        let (exact, folder) = (try PathPattern("/a"), try PathPattern("/a/"))
        #expect(exact != folder && exact != plain)
    }

    @Test(
        "What is no route is refused with a sentence",
        arguments: [
            "api=x", "/a b=x", "/a*=x", "/*/b=x", "/a", "/a=", "/a=b c", "/a=b:1", "/a?b=c", "/a=b/", "/a=/c",
            "//a=x", "/a/../b=x", "/./a=x", "/a//*=x", "/a/%2e%2e=x",
        ])
    func bad(_ text: String) {
        #expect(throws: FrontConfigurationError.self) {
            let route = try FrontRoute(text)
            _ = route
        }
    }

    @Test("A route of the command line may name a level and an action")
    func actions() throws {
        for (text, level, action) in [
            ("/*=q", Level.default, "url"), ("/*=q:high", .high, "url"), ("/*=q/serve", .default, "serve"),
            ("/a=q:high/pages/serve", .high, "pages/serve"),
        ] {
            let route = try FrontRoute(text)
            #expect(route.queue.description == "q" && route.level == level && route.action == action, "\(text)")
        }
    }

    @Test("The file is read strictly: what is not understood is named with its line")
    func files() throws {
        let good = """
            listen: "[::1]:9000"
            files: public
            trust: [10.0.0.0/8]
            routes:
              - {path: /api/*, queue: api, level: high, deadline: 2.5, pending: 7, codec: msgpack, action: page, window: 0}
              - {path: /on, queue: api, route: '[a@x,b@y:low],c'}
            """
        let settings = try FrontFile.read(good, file: "f.yaml")
        #expect(settings.host == "::1" && settings.port == 9000 && settings.files?.folder == "public")
        let route = try #require(settings.routes.first)
        #expect(route.queue.description == "api" && route.level == .high && route.deadline == .milliseconds(2500))
        #expect(route.pending == 7 && route.codec.name == "msgpack" && route.action == "page" && route.window == 0)
        #expect(route.route.steps.isEmpty)
        let onward: Route = [.all([.step("a", queue: "x"), .step("b", queue: "y", level: .low)]), .step("c")]
        #expect(settings.routes.last?.route == onward)
        let bad: [(String, String)] = [
            ("listen: here", "line 1"), ("lisen: a:1", "line 1: there is no setting \"lisen\""), ("routes: 3", "expected a list"),
            ("files: a\nroutes:\n  - {path: /a}", "line 3: the route has no `queue`"),
            ("routes:\n  - {path: /a, queue: q, codec: xml}", "there is no codec"),
            ("routes:\n  - {path: a, queue: q}", "no path pattern"),
            ("routes:\n  - {path: /a, queue: q, deadline: -1}", "seconds"),
            ("routes:\n  - {path: /a, queue: q, route: 'b@no queue'}", "line 2: `route`: route[0].queue: expected"),
            ("routes:\n  - {path: /a, queue: q, route: '[b'}", "line 2: `route`: a [ without its ]"),
            ("tls: {certificate: nowhere.pem, key: k}", "nowhere.pem"), ("- a", "expected a map"), ("", "is empty"),
            ("a: [", "f.yaml"),
        ]
        for (text, part) in bad {
            let error = #expect(throws: FrontConfigurationError.self) {
                let settings = try FrontFile.read(text, file: "f.yaml")
                _ = settings
            }
            #expect(error?.description.contains(part) == true, "\(text): \(error?.description ?? "")")
        }
    }
}
