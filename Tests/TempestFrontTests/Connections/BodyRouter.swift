// Responses that keep what their head promises, and some that do not.

import HTTPTypes
import Hummingbird
import NIOCore

/// What goes wrong in the middle of a body.
struct Torn: Error {}

/// `/exact`, `/short` and `/long` promise ten bytes; `/torn` promises nothing and breaks; `/odd` has headers of a connection; `/big` is
/// endless enough; `/wide` has headers of 2,000 bytes, `count` of them.
func bodyRouter() -> Router<BasicRequestContext> {
    let router = Router()
    func measured(_ path: RouterPath, _ pieces: [String]) {
        router.on(path, method: .get) { _, _ in
            Response(
                status: .ok, headers: [.contentLength: "10"],
                body: ResponseBody { writer in
                    for piece in pieces { try await writer.write(ByteBuffer(string: piece)) }
                    try await writer.finish(nil)
                })
        }
    }
    measured("/exact", ["01234", "56789"])
    measured("/short", ["01234", "567"])
    measured("/long", ["01234", "56789x", "yz"])
    router.get("/torn") { _, _ in
        Response(
            status: .ok,
            body: ResponseBody { writer in
                try await writer.write(ByteBuffer(string: "half"))
                throw Torn()
            })
    }
    router.get("/unknown") { _, _ in
        Response(
            status: .ok,
            body: ResponseBody { writer in
                try await writer.write(ByteBuffer(string: "all of it"))
                try await writer.finish(nil)
            })
    }
    router.get("/odd") { _, _ in
        var headers: HTTPFields = [.connection: "upgrade", .upgrade: "websocket", .transferEncoding: "chunked", .server: "odd"]
        for name in ["proxy-connection", "keep-alive"] { if let name = HTTPField.Name(name) { headers[name] = "x" } }
        return Response(status: .upgradeRequired, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: "odd")))
    }
    router.head("/talks") { _, _ in "talk" }
    router.get("/hello") { _, _ in "hello" }
    router.post("/echo") { request, _ in
        Response(status: .ok, body: .init(byteBuffer: try await request.body.collect(upTo: 1 << 20)))
    }
    router.post("/refused") { _, _ in Response(status: .forbidden) }
    router.get("/headers") { request, _ in HTTPField.Name("x-name").flatMap { request.headers[$0] } ?? "" }
    router.get("/wide") { request, _ in
        let count = request.uri.queryParameters.get("count", as: Int.self) ?? 9
        var headers = HTTPFields()
        for number in 0..<count {
            headers.append(HTTPField(name: .setCookie, value: "c\(number)=" + String(repeating: "v", count: 2000)))
        }
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: "wide")))
    }
    router.get("/big") { _, _ in
        Response(
            status: .ok,
            body: ResponseBody { writer in
                for _ in 0..<1000 { try await writer.write(ByteBuffer(repeating: 0x61, count: 1 << 16)) }
                try await writer.finish(nil)
            })
    }
    return router
}
