// What a listening node says to a client, in RESP2 or RESP3 as the client has asked by HELLO. Made by the conversation, written to the
// connection.

indirect enum ListenerReply: Equatable {
    case status(String)
    case error(String)
    case integer(Int)
    case bulk([UInt8])
    /// Text that is shown as it is (`INFO`): a verbatim string in RESP3.
    case text(String)
    case array([ListenerReply])
    /// A map in RESP3, in RESP2 an array of keys and values.
    case map([(String, ListenerReply)])
    case null

    static let ok = ListenerReply.status("OK")

    func write(to bytes: inout [UInt8], version: Int) {
        switch self {
        case .status(let text): line("+", text, &bytes)
        case .error(let text): line("-", text, &bytes)
        case .integer(let number): line(":", "\(number)", &bytes)
        case .bulk(let content):
            line("$", "\(content.count)", &bytes)
            bytes += content
            bytes += "\r\n".utf8
        case .text(let text):
            if version >= 3 {
                line("=", "\(text.utf8.count + 4)", &bytes)
                bytes += "txt:".utf8
            } else {
                line("$", "\(text.utf8.count)", &bytes)
            }
            bytes += text.utf8
            bytes += "\r\n".utf8
        case .array(let elements):
            line("*", "\(elements.count)", &bytes)
            for element in elements { element.write(to: &bytes, version: version) }
        case .map(let entries):
            line(version >= 3 ? "%" : "*", "\(version >= 3 ? entries.count : entries.count * 2)", &bytes)
            for (key, value) in entries {
                Self.bulk(Array(key.utf8)).write(to: &bytes, version: version)
                value.write(to: &bytes, version: version)
            }
        case .null: bytes += (version >= 3 ? "_\r\n" : "$-1\r\n").utf8
        }
    }

    /// A line ends where it says: what comes from a client may hold line ends.
    private func line(_ mark: Character, _ text: String, _ bytes: inout [UInt8]) {
        bytes += String(mark).utf8
        bytes += text.utf8.map { $0 < 0x20 || $0 == 0x7F ? UInt8(ascii: " ") : $0 }
        bytes += "\r\n".utf8
    }

    static func == (left: ListenerReply, right: ListenerReply) -> Bool {
        var (first, second): ([UInt8], [UInt8]) = ([], [])
        left.write(to: &first, version: 3)
        right.write(to: &second, version: 3)
        return first == second
    }
}
