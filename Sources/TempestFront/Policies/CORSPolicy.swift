// Which pages of other origins may read a route's responses (the Fetch standard's CORS protocol), answered by the front.

import HTTPTypes
import Hummingbird

/// Cross-origin resource sharing of a route. The front answers preflights, and replaces what a worker says on the matter.
public struct CORSPolicy: Sendable, Equatable {
    public enum Origins: Sendable, Equatable {
        /// Pages of every origin.
        case any
        /// Exactly these, such as `https://example.com`.
        case these(Set<String>)
    }

    public var origins: Origins
    /// Methods besides those that need no leave.
    public var methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
    /// Request headers besides those that need no leave; nil: all that a page asks for.
    public var headers: [String]?
    /// Response headers that pages may read besides those that need no leave.
    public var exposed: [String] = []
    /// Whether requests with cookies are answered so that pages may read the answer.
    public var allowsCredentials = false
    /// How long a browser may remember a preflight's answer.
    public var maxAge = Duration.seconds(600)

    public init(origins: Origins) { self.origins = origins }

    /// Throws ``FrontConfigurationError`` for what browsers would not follow.
    func check() throws(FrontConfigurationError) {
        if allowsCredentials, origins == .any {
            throw FrontConfigurationError("cors: `credentials` needs `origins` by name: browsers do not take `*` with cookies")
        }
        if case .these(let these) = origins {
            if let problem = these.sorted().lazy.compactMap(PageOrigin.problem).first {
                throw FrontConfigurationError("cors: \(problem)")
            }
        }
        for name in methods + (headers ?? []) + exposed where HTTPField.Name(name) == nil {
            throw FrontConfigurationError("cors: \(name.debugDescription) is not a valid name")
        }
    }

    func allows(_ origin: String) -> Bool {
        switch origins {
        case .any: true
        case .these(let these): these.contains(origin)
        }
    }

    /// The answer to a preflight; nil when the request is none.
    func preflight(_ request: HTTPRequest) -> Response? {
        guard request.method == .options, let origin = request.headerFields[.origin],
            request.headerFields[.accessControlRequestMethod] != nil
        else { return nil }
        guard allows(origin) else {
            var response = Refusal(.forbidden, "Pages of this origin may not use this.").response
            response.headers[values: .vary] = [Self.vary]
            return response
        }
        var response = Response(status: .noContent)
        apply(origin: origin, to: &response.headers)
        response.headers[values: .accessControlExposeHeaders] = []
        response.headers[.accessControlAllowMethods] = methods.joined(separator: ", ")
        let allowed = headers ?? request.headerFields[values: .accessControlRequestHeaders]
        if !allowed.isEmpty { response.headers[.accessControlAllowHeaders] = allowed.joined(separator: ", ") }
        response.headers[.accessControlMaxAge] = "\(maxAge.components.seconds)"
        response.headers[values: .vary] = [Self.vary]
        return response
    }

    private static let vary = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"

    /// What a response says to a page of `origin`; nil: the request named none.
    func apply(origin: String?, to headers: inout HTTPFields) {
        for name in [
            HTTPField.Name.accessControlAllowOrigin, .accessControlAllowCredentials, .accessControlExposeHeaders,
            .accessControlAllowMethods, .accessControlAllowHeaders, .accessControlMaxAge,
        ] { headers[values: name] = [] }
        // Also where the page is not let in: a cache must not give its answer to others.
        if origins != .any { headers.addVary("Origin") }
        guard let origin, allows(origin) else { return }
        headers[.accessControlAllowOrigin] = origins == .any ? "*" : origin
        if allowsCredentials { headers[.accessControlAllowCredentials] = "true" }
        if !exposed.isEmpty { headers[.accessControlExposeHeaders] = exposed.joined(separator: ", ") }
    }
}

extension HTTPFields {
    /// Names one more request header that the response depends on.
    mutating func addVary(_ name: String) {
        let lines = self[values: .vary]
        let named = lines.flatMap { $0.split(separator: ",") }.map { $0.filter { $0 != " " }.lowercased() }
        if named.contains("*") || named.contains(name.lowercased()) { return }
        self[values: .vary] = lines + [name]
    }
}
