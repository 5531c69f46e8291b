// Which subprotocol a WebSocket speaks (RFC 6455, 1.9 and 4.2.2): what the page offers, and what the route or a worker chooses.

import NIOHTTP1

struct Subprotocols: Sendable, Equatable {
    /// What the page offers, in the order of its preference; what is not a token is left out.
    let offered: [String]
    /// What is chosen so far.
    private(set) var chosen: String?

    /// - Parameter known: of the route: the first of the page's that is among them is chosen.
    init(_ headers: HTTPHeaders, known: [String]) {
        var offered: [String] = []
        for name in headers[canonicalForm: "sec-websocket-protocol"].map(String.init)
        where Self.isToken(name) && !offered.contains(name) {
            offered.append(name)
        }
        (self.offered, chosen) = (offered, offered.first(where: known.contains))
    }

    /// A worker's choice, which comes before the route's; nil: none. False: the page does not offer it, and could not accept it.
    mutating func choose(_ name: String?) -> Bool {
        if let name, !offered.contains(name) { return false }
        chosen = name
        return true
    }

    /// Whether browsers will fail the connection: they offered some, and none was chosen.
    var isUnmet: Bool { !offered.isEmpty && chosen == nil }

    /// For the log.
    var list: String { offered.joined(separator: ", ").prefix(200).debugDescription }

    /// Whether a text may be the name of a subprotocol (RFC 9110, 5.6.2).
    static func isToken(_ name: String) -> Bool {
        !name.isEmpty
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
                }
            }
    }
}
