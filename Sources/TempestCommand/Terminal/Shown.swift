// Values and bytes as people read them in a terminal: control characters cannot get through.

import Tempest

enum Shown {
    /// A line of JSON; what JSON cannot hold (MessagePack's ext) as a description.
    static func json(_ value: Value) -> String {
        guard let bytes = try? JSONCodec().encode(value) else { return "\(value)" }
        return escapingControls(String(decoding: bytes, as: UTF8.self))
    }

    /// At most `width` characters, with an ellipsis.
    static func cut(_ text: String, to width: Int) -> String {
        text.count <= width ? text : text.prefix(max(0, width - 1)) + "…"
    }

    /// Bytes that are no job: text where they are, hexadecimal otherwise.
    static func bytes(_ bytes: [UInt8], most: Int = 200) -> String {
        let head = bytes.prefix(most)
        let text: String
        if let valid = String(validating: head, as: UTF8.self) {
            text = escapingControls(valid)
        } else {
            text = "0x" + head.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        }
        return bytes.count > most ? text + "… (\(bytes.count) bytes)" : text
    }

    /// C0, DEL and C1 are what terminals obey: shown as `\u{1b}`.
    static func escapingControls(_ text: String) -> String {
        var shown = ""
        for scalar in text.unicodeScalars {
            if scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) {
                shown += scalar.escaped(asASCII: true)
            } else {
                shown.unicodeScalars.append(scalar)
            }
        }
        return shown
    }
}
