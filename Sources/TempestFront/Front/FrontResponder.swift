// Who answers a request: health, a route's worker, a file, or the fallback's worker, in this order. Before it: Hummingbird's server.
// After it: HeldRequests.

import HTTPTypes
import Hummingbird
import Logging
import Metrics
import NIOCore
import Tempest

struct FrontResponder: HTTPResponder {
    typealias Context = FrontContext

    let table: RouteTable
    let requests: [PathPattern: HeldRequests]
    let health: Health?
    let parts: FrontParts
    let files: StaticFiles?
    let headers: HeaderRules
    let trusted: TrustedProxies
    let responses = (1...5).map { Counter(label: FrontMetric.responses, dimensions: [("status", "\($0)xx")]) }

    func respond(to request: Request, context: FrontContext) async throws -> Response {
        var response: Response
        do {
            let request = AwaitedBody.await(try Self.origin(request), on: context.channel)
            response = try await answer(request, context)
        } catch let error as CancellationError {
            // Nobody is there to be answered.
            throw error
        } catch {
            response = refused(error, request)
        }
        if !headers.isEmpty { headers.apply(to: &response.headers) }
        responses[min(max(Int(response.status.code) / 100, 1), 5) - 1].increment()
        return response
    }

    /// The request with path and query as its target, by which routes are found. The form that is for proxies, `http://host/path`, names
    /// the same path; HTTP/2 lets through what HTTP/1 has refused.
    private static func origin(_ request: Request) throws -> Request {
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
        Refusal(.badRequest, "The target of the request is no path.", headers: [.connection: "close"])
    }

    private func answer(_ request: Request, _ context: FrontContext) async throws -> Response {
        let target = request.head.path ?? "/"
        let path = Substring(target.utf8.prefix { $0 != UInt8(ascii: "?") })
        guard let meant = RequestPath.canonical(path) else { throw Self.noPath }
        if let health, let response = health.respond(to: path) { return response }
        if let response = try await parts.respond(to: request, path: path, context) { return response }
        if let held = table.find(meant.utf8) { return try await hold(request, held, context) }
        if let response = try await files?.answer(request.head, isLast: table.fallback == nil) { return response }
        if let held = table.fallback { return try await hold(request, held, context) }
        throw Refusal(.notFound, "There is nothing here.")
    }

    private func refused(_ error: any Error, _ request: Request) -> Response {
        let refusal = Refusal(error)
        let response = files?.errorPages.response(to: refusal, asked: request.headers) ?? refusal.response
        return request.method == .head ? response.createHeadResponse() : response
    }

    /// What the route says of all its responses holds for refusals too: a page must be able to read them.
    private func hold(_ request: Request, _ held: HeldRoute, _ context: FrontContext) async throws -> Response {
        let route = held.route
        var response: Response
        if let preflight = route.cors?.preflight(request.head) {
            response = preflight
        } else {
            do {
                response = try await ask(request, held, context)
            } catch let error as CancellationError {
                throw error
            } catch {
                response = refused(error, request)
            }
            route.cors?.apply(origin: request.headers[.origin], to: &response.headers)
        }
        if !route.headers.isEmpty { route.headers.apply(to: &response.headers) }
        return response
    }

    private func ask(_ request: Request, _ held: HeldRoute, _ context: FrontContext) async throws -> Response {
        if let limiter = held.limiter {
            let forwarded = HTTPField.Name("x-forwarded-for").map { request.headers[values: $0] } ?? []
            let client = ClientFacts.address(context.channel.remoteAddress, forwarded: forwarded, trusted: trusted)
            if let wait = limiter.admit(client, now: Int64(clamping: NIODeadline.now().uptimeNanoseconds)) {
                throw Refusal.tooMany(after: wait)
            }
        }
        guard let requests = requests[held.route.pattern] else {
            throw Refusal(.upgradeRequired, "This is for WebSockets.", headers: [.upgrade: "websocket"])
        }
        let (visit, refusal) = try await parts.visit(request, held.route)
        if let refusal { return refusal }
        do {
            return try await requests.respond(to: request, visit: visit, logger: context.logger, channel: context.channel)
        } catch {
            await visit.abandon?()
            throw error
        }
    }
}
