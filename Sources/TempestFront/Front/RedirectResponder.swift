// Sends browsers from plain HTTP to https. Before it: a connection of the port for `redirect`. After it: the browser comes back by TLS.

import HTTPTypes
import Hummingbird

struct RedirectResponder: Sendable {
    /// Where the front listens by TLS.
    let port: Int
    let files: StaticFiles?

    /// What certificate authorities ask for before there is a certificate (RFC 8555, 8.3).
    private static let challenges = "/.well-known/acme-challenge/"

    func respond(to request: Request) async throws -> Response {
        do {
            let request = try FrontResponder.origin(request)
            if let path = request.head.path, path.hasPrefix(Self.challenges),
                let response = try await files?.answer(request.head, isLast: true)
            {
                return response
            }
            return try redirect(request.head)
        } catch let refusal as Refusal {
            return request.method == .head ? refusal.response.createHeadResponse() : refusal.response
        }
    }

    private func redirect(_ head: HTTPRequest) throws(Refusal) -> Response {
        guard let host = Self.host(head.authority ?? ""), let path = head.path, path.hasPrefix("/") else {
            throw Refusal(.badRequest, "This is for https, and the request does not say where.")
        }
        // 301 lets clients make a GET of everything; 308 keeps method and body (RFC 9110, 15.4).
        let status: HTTPResponse.Status = head.method == .get || head.method == .head ? .movedPermanently : .permanentRedirect
        return Response(status: status, headers: [.location: "https://\(host)\(port == 443 ? "" : ":\(port)")\(path)"])
    }

    /// A host without its port; nil when there is none. Its characters were checked with the request.
    private static func host(_ authority: String) -> Substring? {
        let host: Substring
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { return nil }
            host = authority[...end]
        } else {
            host = authority.prefix { $0 != ":" }
        }
        return host.isEmpty ? nil : host
    }
}
