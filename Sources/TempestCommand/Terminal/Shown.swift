// Values and bytes as people read them in a terminal: control characters cannot get through.

import Tempest

enum Shown {
    /// A line of JSON; what JSON cannot hold (MessagePack's ext) as a description.
    static func json(_ value: Value) -> String {
        guard let bytes = try? JSONCodec().encode(value) else { return escapingControls("\(value)") }
        return escaping(String(decoding: bytes, as: UTF8.self)) { scalar in
            // What JSON leaves as it is stands inside of strings: it stays JSON.
            scalar.utf16.map { unit in "\\u" + String(repeating: "0", count: 4 - hex(unit).count) + hex(unit) }.joined()
        }
    }

    /// JSON over several lines, two spaces a step.
    static func pretty(_ value: Value, indent: String = "") -> String {
        let inner = indent + "  "
        switch value {
        case .array(let elements) where !elements.isEmpty:
            return "[\n" + elements.map { inner + pretty($0, indent: inner) }.joined(separator: ",\n") + "\n\(indent)]"
        case .map(let map) where !map.isEmpty:
            let pairs = map.map { "\(inner)\(json(.text($0.key))): \(pretty($0.value, indent: inner))" }
            return "{\n" + pairs.joined(separator: ",\n") + "\n\(indent)}"
        default:
            return json(value)
        }
    }

    /// Bytes as a value: text where they are, binary (base64 in JSON) otherwise.
    static func value(_ bytes: [UInt8]) -> Value {
        String(validating: bytes, as: UTF8.self).map { .text($0) } ?? .binary(bytes)
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

    /// C0, DEL and C1 are what terminals obey, the marks of direction turn what follows around, and a byte order mark cannot be seen:
    /// shown as `\u{1b}`.
    static func escapingControls(_ text: String) -> String {
        escaping(text) { $0.escaped(asASCII: true) }
    }

    private static func escaping(_ text: String, _ escape: (Unicode.Scalar) -> String) -> String {
        var shown = ""
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0..<0x20, 0x7F...0x9F, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069, 0xFEFF: shown += escape(scalar)
            default: shown.unicodeScalars.append(scalar)
            }
        }
        return shown
    }

    private static func hex(_ unit: UInt16) -> String { String(unit, radix: 16) }
}
