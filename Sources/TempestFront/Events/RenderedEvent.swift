// From what somebody published to the bytes that every browser of the channel gets: rendered once, shared by all.
// Pure. Before it: a message of Redis, or an entry of the history. After it: EventListener.

import NIOCore
import TempestCodecs
import TempestProtocol

/// An event as it goes over the wire.
struct RenderedEvent: Sendable {
    /// The lines of the event and the empty one that ends it.
    let bytes: ByteBuffer
    /// Its place in the channel's history, if it has one.
    let id: HistoryID?
    /// Whether the stream ends with it.
    let isEnd: Bool

    /// What is wrong with a message, without any of it.
    enum Flaw: String, Error {
        case noJSON = "it is no JSON"
        case noArray = "it is none of [data], [event, data] and [event, data, {\"id\": id}]"
        case event = "its event is no text, or holds CR, LF or NUL"
        case id = "its id is neither text nor integer, or holds CR, LF or NUL"
        case data = "its data cannot be written as JSON"
        case length = "it is too long"
    }

    /// The word of a message that ends the stream.
    private static let unsubscribe = "$unsubscribe"

    /// Renders a message.
    ///
    /// - Parameters:
    ///   - message: JSON, as it was published or kept.
    ///   - id: the id of the history's entry; nil: the message's own, if it has one.
    ///   - longest: bytes that the message and the event may have.
    init(_ message: [UInt8], id entry: HistoryID? = nil, longest: Int) throws(Flaw) {
        guard message.count <= longest else { throw .length }
        let value: Value
        do { value = try JSONCodec().value(message, limits: .standard) } catch { throw .noJSON }
        guard case .array(let parts) = value, (1...3).contains(parts.count) else { throw .noArray }
        if parts.count == 3, parts[2].asMap == nil { throw .noArray }

        let end = parts[0].asText == Self.unsubscribe
        var lines = ByteBuffer()
        lines.reserveCapacity(minimumWritableBytes: message.count + 32)
        if let entry {
            Self.write("id", "\(entry)", to: &lines)
            self.id = entry
        } else {
            // Of an end that was kept the id comes second.
            self.id = try Self.writeID(parts.count == 3 ? parts[2] : end ? parts.last : nil, to: &lines)
        }
        if end {
            Self.write("event", "end", to: &lines)
            // Browsers drop an event that has no data at all.
            Self.write("data", "", to: &lines)
        } else {
            if parts.count > 1 {
                guard let event = parts[0].asText, ChannelName.isLine(event) else { throw .event }
                if !event.isEmpty { Self.write("event", event, to: &lines) }
            }
            try Self.write(data: parts[parts.count == 1 ? 0 : 1], to: &lines)
        }
        lines.writeInteger(UInt8(ascii: "\n"))
        guard lines.readableBytes <= longest else { throw .length }
        self.bytes = lines
        self.isEnd = end
    }

    private static func writeID(_ options: Value?, to lines: inout ByteBuffer) throws(Flaw) -> HistoryID? {
        let id: String
        switch options?["id"] {
        case nil, .null: return nil
        case .text(let text): id = text
        case .int(let number): id = "\(number)"
        case .uint(let number): id = "\(number)"
        default: throw .id
        }
        guard ChannelName.isLine(id) else { throw .id }
        // An empty one would make browsers forget the last.
        guard !id.isEmpty else { return nil }
        write("id", id, to: &lines)
        return HistoryID(id)
    }

    private static func write(_ field: StaticString, _ text: String, to lines: inout ByteBuffer) {
        lines.writeStaticString(field)
        lines.writeStaticString(": ")
        lines.writeString(text)
        lines.writeInteger(UInt8(ascii: "\n"))
    }

    private static func write(data: Value, to lines: inout ByteBuffer) throws(Flaw) {
        if case .text(let text) = data {
            self.write(lines: text, to: &lines)
        } else {
            let json: [UInt8]
            do { json = try JSONCodec().encode(data) } catch { throw .data }
            self.write(lines: String(decoding: json, as: UTF8.self), to: &lines)
        }
    }

    /// Every line of the text becomes a line of data: after a CR, LF or CRLF that came through, anything could stand.
    private static func write(lines text: String, to lines: inout ByteBuffer) {
        var text = text
        text.withUTF8 { utf8 in
            var start = 0
            while true {
                var end = start
                while end < utf8.count, utf8[end] != 0x0A, utf8[end] != 0x0D { end += 1 }
                lines.writeStaticString("data: ")
                lines.writeBytes(utf8[start..<end])
                lines.writeInteger(UInt8(ascii: "\n"))
                guard end < utf8.count else { return }
                let isPair = utf8[end] == 0x0D && end + 1 < utf8.count && utf8[end + 1] == 0x0A
                start = end + (isPair ? 2 : 1)
            }
        }
    }
}
