// Which requests another worker may run again after a worker died while running them.

import HTTPTypes

extension FrontRoute {
    /// What becomes of a request whose worker ended while its handler ran.
    public enum Again: String, Sendable, CaseIterable {
        /// Another worker runs it if that does no harm: its method is idempotent, or it has an `Idempotency-Key`. Otherwise the browser is
        /// told 502, because the request may have been carried out.
        case safe
        /// Another worker runs it in any case: the handlers of this route may be run twice.
        case always

        /// Whether this request must not be run again once it was begun.
        func isOnce(_ request: HTTPRequest) -> Bool {
            guard self == .safe, !Self.idempotent.contains(request.method) else { return false }
            return (request.headerFields[Self.key] ?? "").isEmpty
        }

        /// Whether the messages of a socket must not be run again.
        var isOnceForMessages: Bool { self == .safe }

        /// RFC 9110, 9.2.2. Of other methods nothing is known.
        private static let idempotent: Set<HTTPRequest.Method> = [.get, .head, .options, .trace, .put, .delete]
        private static let key = HTTPField.Name("idempotency-key")!
    }
}
