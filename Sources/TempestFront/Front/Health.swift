// Whether the front lives, and whether it can do its work: for load balancers. Before it: /healthz, /readyz.

import HTTPTypes
import Hummingbird
import NIOCore
import Tempest

struct Health: Sendable {
    let clients: FrontClients
    let drain: Drain

    /// nil when the path is another.
    func respond(to path: some StringProtocol) -> Response? {
        switch path {
        case "/healthz": Self.answer(.ok, "ok\n")
        case "/readyz": ready()
        default: nil
        }
    }

    /// Ready is who can hear answers: each inbox is read, which is a blocking connection's doing, not what a PING would say.
    private func ready() -> Response {
        let inboxes = clients.readiness
        var lines = inboxes.sorted { $0.queue.description < $1.queue.description }.map {
            "\($0.queue): \($0.isReading ? "answers are heard" : "no answers are heard")"
        }
        if drain.isDraining { lines.append("about to stop") }
        let isReady = !drain.isDraining && inboxes.allSatisfy(\.isReading)
        return Self.answer(isReady ? .ok : .serviceUnavailable, lines.map { $0 + "\n" }.joined())
    }

    private static func answer(_ status: HTTPResponse.Status, _ text: String) -> Response {
        Response(
            status: status, headers: [.contentType: "text/plain; charset=utf-8", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}
