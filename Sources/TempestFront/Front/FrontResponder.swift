// Who answers a request: health, a route's worker, a file, or the fallback's worker, in this order. Before it: Hummingbird's server.
// After it: HeldRequests.

import HTTPTypes
import Hummingbird
import Logging
import Metrics
import NIOCore
import Tempest

/// A class, as are its parts: one per request would be copied member by member.
final class FrontResponder: HTTPResponder {
    typealias Context = FrontContext

    let table: RouteTable
    /// By their ``HeldRoute``.
    let requests: [ObjectIdentifier: HeldRequests]
    let health: Health?
    let parts: FrontParts
    let files: StaticFiles?
    let headers: HeaderRules
    let trusted: TrustedProxies
    /// What is said of all responses whose route says nothing else.
    let compresses: Bool
    let responses = (1...5).map { Counter(label: FrontMetric.responses, dimensions: [("status", "\($0)xx")]) }

    init(
        table: RouteTable, requests: [ObjectIdentifier: HeldRequests], health: Health?, parts: FrontParts, files: StaticFiles?,
        headers: HeaderRules, trusted: TrustedProxies, compresses: Bool
    ) {
        (self.table, self.requests, self.health, self.parts, self.files) = (table, requests, health, parts, files)
        (self.headers, self.trusted, self.compresses) = (headers, trusted, compresses)
    }

    func respond(to request: Request, context: FrontContext) async throws -> Response {
        var (response, held) = (Response(status: .notFound), HeldRoute?.none)
        var isPreflight = false
        do {
            let request = AwaitedBody.await(try Self.origin(request), on: context.channel)
            switch try await place(of: request, context) {
            case .response(let found): response = found
            case .route(let found):
                held = found
                if let preflight = found.route.cors?.preflight(request.head) {
                    (response, isPreflight) = (preflight, true)
                } else {
                    response = try await hold(request, found, context)
                }
            }
        } catch let error as CancellationError {
            // Nobody is there to be answered.
            throw error
        } catch {
            response = refused(error, request)
        }
        // What the route says of its responses holds for refusals too: a page must be able to read them.
        if !isPreflight { held?.route.cors?.apply(origin: request.headers[.origin], to: &response.headers) }
        headers.apply(to: &response.headers)
        held?.route.headers.apply(to: &response.headers)
        if held?.route.compresses ?? compresses { Compression.prepare(&response, for: request.head) }
        responses[min(max(Int(response.status.code) / 100, 1), 5) - 1].increment()
        return response.paced(on: context.channel)
    }

    /// The request with path and query as its target, by which routes are found. The form that is for proxies, `http://host/path`, names
    /// the same path; HTTP/2 lets through what HTTP/1 has refused.
    static func origin(_ request: Request) throws -> Request {
        let target = request.head.path ?? "/"
        guard target.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "#") }) else { throw noPath }
        if target.hasPrefix("/") || target == "*" && request.method == .options { return request }
        for scheme in ["http://", "https://"] where target.lowercased().hasPrefix(scheme) {
            let rest = target.dropFirst(scheme.count).drop { $0 != "/" && $0 != "?" }
            var head = request.head
            head.path = rest.hasPrefix("/") ? String(rest) : "/" + rest
            return Request(head: head, body: request.body)
        }
        throw noPath
    }

    private static var noPath: Refusal {
        Refusal(.badRequest, "The request names no path of this server.", headers: [.connection: "close"])
    }

    private enum Place {
        case response(Response)
        case route(HeldRoute)
    }

    private func place(of request: Request, _ context: FrontContext) async throws -> Place {
        let target = request.head.path ?? "/"
        let path = Substring(target.utf8.prefix { $0 != UInt8(ascii: "?") })
        guard let meant = RequestPath.canonical(path) else { throw Self.noPath }
        let found = table.find(meant.utf8)
        // A route that names a path of the front's own comes before it.
        if let found, found.comesFirst { return .route(found) }
        if let health, let response = health.respond(to: meant) { return .response(response) }
        if let response = try await parts.respond(to: request, path: meant, context) { return .response(response) }
        if let found { return .route(found) }
        if let response = try await files?.answer(request.head, isLast: table.fallback == nil) { return .response(response) }
        if let held = table.fallback { return .route(held) }
        throw Refusal(.notFound, "There is nothing here.")
    }

    private func refused(_ error: any Error, _ request: Request) -> Response {
        let refusal = Refusal(error)
        let response = files?.errorPages.response(to: refusal, asked: request.headers) ?? refusal.response
        return request.method == .head ? response.createHeadResponse() : response
    }

    private func hold(_ request: Request, _ held: HeldRoute, _ context: FrontContext) async throws -> Response {
        if let limiter = held.limiter {
            let client = ClientFacts.address(of: request.head, peer: context.channel.remoteAddress, trusted: trusted)
            if let wait = limiter.admit(client, now: Int64(clamping: NIODeadline.now().uptimeNanoseconds)) {
                throw Refusal.tooMany(after: wait)
            }
        }
        guard let requests = requests[ObjectIdentifier(held)] else {
            throw Refusal(.upgradeRequired, "This is for WebSockets.", headers: [.upgrade: "websocket", .connection: "upgrade"])
        }
        let (visit, refusal) = try await parts.visit(request, held.route, peer: context.channel.remoteAddress)
        if let refusal { return refusal }
        do {
            let logger = RequestLogger(context.logger, request)
            let response = try await requests.respond(to: request, visit: visit, logger: logger, channel: context.channel)
            return visit.held?.ending(with: response) ?? response
        } catch {
            await visit.held?.end()
            throw error
        }
    }
}
