// The responses of the port without TLS: a redirect to https, and what certificate authorities look for.

import HTTPTypes
import Hummingbird

struct RedirectResponder: Sendable {
    /// Where the front listens by TLS.
    let port: Int
    let files: StaticFiles?

    /// Where a certificate authority looks for proof that a host is ours, by plain HTTP (RFC 8555, 8.3).
    private static let challenges = "/.well-known/acme-challenge/"

    func respond(to request: Request, context: FrontContext) async throws -> Response {
        do {
            let request = try FrontResponder.origin(request)
            if let response = try await challenge(request.head) { return response.paced(on: context.channel) }
            return try redirect(request.head)
        } catch let refusal as Refusal {
            return request.method == .head ? refusal.response.createHeadResponse() : refusal.response
        }
    }

    /// nil: it is another path, or there is no such file.
    private func challenge(_ head: HTTPRequest) async throws -> Response? {
        let path = Substring((head.path ?? "/").prefix { $0 != "?" })
        // As it is meant: `..` leads out of the folder.
        guard let files, let meant = RequestPath.canonical(path), meant.hasPrefix(Self.challenges) else { return nil }
        // By the path as it was sent: what is decoded twice means something else.
        return try await files.answer(head, isLast: true, hasFallback: false)
    }

    private func redirect(_ head: HTTPRequest) throws(Refusal) -> Response {
        guard let host = Self.host(head.authority ?? ""), let path = head.path, path.hasPrefix("/") else {
            throw Refusal(.badRequest, "This port redirects to https, but the request has no Host or no path.")
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
