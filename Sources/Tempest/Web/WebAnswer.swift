// What a handler answers to a browser: written as `[status, headers, body]` (protocol/http.md, "Requests: the answer"). Before it: a
// WebRequest. After it: the front, which writes it to the browser.

import TempestCodecs

/// The answer to a browser, or the head and the first piece of one that is streamed.
///
/// A handler returns it; or, to stream, first says `context.send(WebAnswer(…))`, then `context.send(piece)` with each further piece
/// (a String or `Bytes`), and returns nothing.
public struct WebAnswer: Codable, Sendable {
    /// 200 to 599.
    public var status: Int
    /// In the order in which they are sent; a name may come several times (`set-cookie`).
    public var headers: [(name: String, value: String)]
    public var body: [UInt8]

    public init(status: Int = 200, headers: [(name: String, value: String)] = [], body: some Sequence<UInt8>) {
        (self.status, self.headers, self.body) = (status, headers, Array(body))
    }

    public init(status: Int = 200, headers: [(name: String, value: String)] = []) {
        self.init(status: status, headers: headers, body: [])
    }

    /// `text/plain; charset=utf-8`.
    public init(status: Int = 200, text: String) {
        self.init(status: status, headers: [("content-type", "text/plain; charset=utf-8")], body: text.utf8)
    }

    /// `text/html; charset=utf-8`.
    public init(status: Int = 200, html: String) {
        self.init(status: status, headers: [("content-type", "text/html; charset=utf-8")], body: html.utf8)
    }

    public init(from decoder: any Decoder) throws {
        var list = try decoder.unkeyedContainer()
        status = try list.decode(Int.self)
        let map = list.isAtEnd ? [:] : try list.decode([String: Lines].self)
        headers = map.sorted { $0.key < $1.key }.flatMap { name, lines in lines.values.map { (name, $0) } }
        body = list.isAtEnd ? [] : try list.decode(Bytes?.self)?.bytes ?? []
    }

    public func encode(to encoder: any Encoder) throws {
        var list = encoder.unkeyedContainer()
        try list.encode(status)
        var lines = list.nestedContainer(keyedBy: Name.self)
        var seen: Set<String> = []
        for (name, value) in headers where seen.insert(name).inserted {
            let values = headers.filter { $0.name == name }.map(\.value)
            if values.count == 1 {
                try lines.encode(value, forKey: Name(name))
            } else {
                try lines.encode(values, forKey: Name(name))
            }
        }
        if let text = String(validating: body, as: UTF8.self) { try list.encode(text) } else { try list.encode(Bytes(body)) }
    }

    /// One line or several.
    private struct Lines: Decodable {
        var values: [String]

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let line = try? container.decode(String.self) {
                values = [line]
            } else if let number = try? container.decode(Int.self) {
                values = ["\(number)"]
            } else {
                values = try container.decode([String].self)
            }
        }
    }

    private struct Name: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }
        init(_ name: String) { stringValue = name }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }
}
