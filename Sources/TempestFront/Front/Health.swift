// Whether the front lives, and whether it can do its work: for load balancers. Before it: /healthz, /readyz.

import HTTPTypes
import Hummingbird
import NIOCore
import Tempest

struct Health: Sendable {
    let clients: FrontClients
    /// Whose answers must be heard.
    let queues: Set<QueueName>
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
        guard drain.phase == .running else { return Self.answer(.serviceUnavailable, "about to stop\n") }
        let readings = Dictionary(clients.readiness.map { ($0.queue, $0.isReading) }) { $0 && $1 }
        // Anybody may ask: names of queues are not told.
        guard queues.allSatisfy({ readings[$0] == true }) else {
            return Self.answer(.serviceUnavailable, "answers cannot be heard\n")
        }
        return Self.answer(.ok, "ok\n")
    }

    private static func answer(_ status: HTTPResponse.Status, _ text: String) -> Response {
        Response(
            status: status, headers: [.contentType: "text/plain; charset=utf-8", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}
