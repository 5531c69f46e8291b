// Headers that a front puts on responses, by its configuration.

import HTTPTypes
import NIOHTTP1

/// Headers for all responses, or those of a route. They replace what a worker has set under the same name.
public struct HeaderRules: Sendable, Equatable {
    /// What the front says of the connection and of the body's bytes.
    private static let ours: Set<String> = [
        "connection", "content-encoding", "content-length", "content-range", "keep-alive", "proxy-connection", "te", "trailer",
        "transfer-encoding", "upgrade",
    ]

    private var fields: [HTTPField] = []
    private var removed: [HTTPField.Name] = []

    public init() {}

    /// Adds a rule: `value` is what the header becomes; an empty one takes the header away.
    ///
    /// - Throws: ``FrontConfigurationError`` for a name or a value that HTTP does not allow, and for headers that are the connection's.
    public mutating func set(_ name: String, to value: String) throws(FrontConfigurationError) {
        guard let field = HTTPField.Name(name) else {
            throw FrontConfigurationError("\(name.debugDescription) is not a valid header name")
        }
        guard !Self.ours.contains(field.canonicalName) else {
            throw FrontConfigurationError("the header \(name) is set by the front itself: leave it out")
        }
        guard HTTPField.isValidValue(value) else {
            throw FrontConfigurationError(
                "the value of \(name) is not that of a header: it has a line end or a control character")
        }
        if value.isEmpty { removed.append(field) } else { fields.append(HTTPField(name: field, value: value)) }
    }

    /// The same for a response of HTTP/1 that the front's connection makes itself.
    func apply(to headers: inout HTTPHeaders) {
        for name in removed { headers.remove(name: name.rawName) }
        for field in fields { headers.replaceOrAdd(name: field.name.rawName, value: field.value) }
    }

    func apply(to headers: inout HTTPFields) {
        if fields.isEmpty, removed.isEmpty { return }
        for name in removed { headers[values: name] = [] }
        for field in fields { headers[field.name] = field.value }
    }
}
