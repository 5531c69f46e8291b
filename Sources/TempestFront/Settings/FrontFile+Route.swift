// The keys of a route in a front's file.

import Tempest
import TempestCodecs

extension FrontFile {
    static func route(_ node: SettingNode) throws(FrontConfigurationError) -> FrontRoute {
        let fields = try node.pairs("a route")
        guard let path = fields.first(where: { $0.key == "path" }) else { throw node.error("the route has no `path`") }
        guard let queue = fields.first(where: { $0.key == "queue" }) else { throw node.error("the route has no `queue`") }
        let (pattern, name) = (try path.text(), try queue.text())
        var route = try node.locating { () throws(FrontConfigurationError) in try FrontRoute("\(pattern)=\(name)") }
        try self.route.read(node, into: &route)
        if route.isSocket, let field = fields.first(where: { ofRequests.contains($0.key) }) {
            throw field.error("`\(field.key)` is for requests, and would do nothing for a WebSocket: leave it out")
        }
        return route
    }

    /// Keys of a route that a WebSocket does not have.
    private static let ofRequests: Set = [
        "deadline", "idle", "pending", "window", "body", "uploads", "cors", "gzip", "headers", "login",
    ]

    /// Reads one more route, which must fit to those before it.
    static func append(_ node: SettingNode, to settings: inout FrontConfiguration) throws(FrontConfigurationError) {
        let (new, others) = (try route(node), settings.routes)
        try node.locating { () throws(FrontConfigurationError) in try RouteTable.check(new, after: others) }
        settings.routes.append(new)
    }

    /// What a route needs of the rest of the file, wherever that stands.
    static func checkRoutes(_ list: SettingNode, of settings: FrontConfiguration) throws(FrontConfigurationError) {
        for (node, route) in zip(try list.list(), settings.routes) {
            try node.locating { () throws(FrontConfigurationError) in try settings.check(route) }
        }
    }

    /// A route with all its defaults.
    private static var sample: FrontRoute {
        do { return try FrontRoute("/*=pages") } catch { preconditionFailure("\(error)") }
    }

    static var route: SettingTable<FrontRoute> {
        SettingTable("a route", reference: sample) { make in
            [
                // Read before the others: they make the route.
                Setting("path", "which requests: a path, or `/api/*` for all below one; needed") { _, _ in },
                Setting("queue", "whose workers answer; needed") { _, _ in },
                Setting("level", default: "default", "the level of the queue") { node, route throws(FrontConfigurationError) in
                    let name = try node.text()
                    do { route.level = try Level(name) } catch { throw node.error("\(error)") }
                },
                make.text("action", default: "url", \.action, "of the jobs; a socket's default is `websocket`"),
                make.seconds("deadline", \.deadline, "seconds to the first answer; then 504", in: 0.001...86_400),
                make.integer(
                    "pending", \.pending, "requests that wait for their first answer at once; more are told 503",
                    in: 1...10_000_000),
                Setting(
                    "codec", default: "json", "of the jobs; msgpack and tnetstring carry binary bodies without base64"
                ) { node, route throws(FrontConfigurationError) in
                    let name = try node.text()
                    guard let codec = CodecSet.standard.named(name) else {
                        let names = CodecSet.standard.names.joined(separator: ", ")
                        throw node.error("there is no codec \(name.debugDescription); there are \(names)")
                    }
                    route.codec = codec
                },
                make.integer(
                    "window", \.window, "answers of a stream that wait in the front for a slow browser; 0: no back-pressure",
                    in: 0...10_000),
                Setting(
                    "route",
                    "what is done with the answer before it is the browser's: `resize@images,page` ([routes](../protocol/routes.md))"
                ) { node, route throws(FrontConfigurationError) in
                    let steps = try node.text()
                    do { route.route = try Route(steps) } catch { throw node.error("`route`: \(error)") }
                },
                Setting("body", default: "the front's", "bytes of the largest body that travels in a job; above it 413") {
                    node, route throws(FrontConfigurationError) in route.bodyLimit = try node.integer(0...(1 << 30))
                },
                Setting(
                    "rate",
                    "requests of one client, or WebSockets that it opens, such as `10/s`, `100/m` or `10/s burst 50`; more are told 429 with `Retry-After`. Counted in each front by address (IPv6: by /64), so set `trust` behind a proxy"
                ) { node, route throws(FrontConfigurationError) in
                    let text = try node.text()
                    route.rate = try node.locating { () throws(FrontConfigurationError) in try RateLimit(text) }
                },
                Setting("cors", "which pages of other origins may read responses: `*`, origins, or the map below") {
                    node, route throws(FrontConfigurationError) in route.cors = try FrontFile.policy(node)
                },
                Setting("gzip", default: "the front's", "whether responses are compressed") {
                    node, route throws(FrontConfigurationError) in route.compresses = try node.bool()
                },
                Setting("headers", "a map of headers for all responses of the route; an empty value takes a header away") {
                    node, route throws(FrontConfigurationError) in try FrontFile.headers(node, &route.headers)
                },
                Setting(
                    "again", default: "safe",
                    "which requests another worker runs again when the first one died while it ran them: `safe` (GET and other idempotent ones) or `always`"
                ) { node, route throws(FrontConfigurationError) in
                    let text = try node.text()
                    guard let again = FrontRoute.Again(rawValue: text) else {
                        throw node.error("`again`: expected safe or always, not \(text.debugDescription)")
                    }
                    route.again = again
                },
                Setting(
                    "idle", default: "`deadline`; of event streams none",
                    "seconds between two pieces of a stream; then it is broken off. Silent event streams are kept open by comments"
                ) { node, route throws(FrontConfigurationError) in route.idle = try node.seconds() },
                Setting(
                    "uploads", default: "false",
                    "whether bodies above `body` and files of forms are put aside: `true`, or the most bytes of an upload; without it longer bodies are told 413 and forms are bodies"
                ) { node, route throws(FrontConfigurationError) in
                    if Int(try node.text()) != nil {
                        (route.takesUploads, route.uploadLimit) = (true, try node.integer(1...(1 << 50)))
                    } else {
                        route.takesUploads = try node.bool()
                    }
                },
                make.bool(
                    "user", \.requiresUser, "only for sessions with a `user`; others are told 401 before anything is queued"),
                make.optionalText("login", \.login, "with `user`: the path that others are sent to instead of 401"),
                make.bool("socket", \.isSocket, "WebSockets, not requests"),
                Setting("origins", default: "the same host", "the pages that may open sockets, such as `https://example.com`") {
                    node, route throws(FrontConfigurationError) in route.origins = Set(try node.texts())
                },
                Setting("protocols", "subprotocols of sockets: the first that a page offers is chosen, unless a worker chooses") {
                    node, route throws(FrontConfigurationError) in route.protocols = try node.texts()
                },
                make.integer(
                    "message", \.socketLimits.message, "bytes of one message of a socket; above it 1009",
                    in: FrontRoute.messageRange),
                Setting("frame", default: "`message`", "bytes of one frame of a socket; above it 1009") {
                    node, route throws(FrontConfigurationError) in
                    route.socketLimits.frame = try node.integer(FrontRoute.messageRange)
                },
                make.bool(
                    "original", \.isOriginal, "the queue is served by workers of node-tempest ([original.md](original.md))"),
                make.bool(
                    "text_bodies", \.bodiesAreText,
                    "bodies are text in any case, for handlers of 2012 that know no `body_encoding`: what is no UTF-8 in them becomes U+FFFD, and is lost"
                ),
            ]
        }
    }
}
