// protocol/vectors, the authority: read with our own JSON codec, handed to the tests as tagged values.

import Foundation
import TempestCodecs
import Testing

enum VectorFile {
    static func load(_ name: String) throws -> Value {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let data = try Data(contentsOf: root.appendingPathComponent("protocol/vectors/\(name).json"))
        return try JSONCodec().value([UInt8](data))
    }

    static func list(_ name: String, _ part: String? = nil) throws -> [Value] {
        let file = try load(name)
        guard let list = (part.map { file[$0] } ?? file)?.asArray, !list.isEmpty else {
            throw Missing(what: "\(name) \(part ?? "")")
        }
        return list
    }

    /// Runs the checks of one vector: an error in it is an issue with its name, and the others still run.
    static func run(_ name: String, _ body: () throws -> Void) {
        do { try body() } catch { Issue.record("\(name): \(error)") }
    }

    struct Missing: Error { var what: String }
}

extension Value {
    var name: String { self["name"]?.asText ?? "?" }

    /// `{"utf8": …}` or `{"hex": …}`.
    var bytes: [UInt8] {
        if let text = self["utf8"]?.asText { return Array(text.utf8) }
        return Self.hex(self["hex"]?.asText ?? "")
    }

    static func hex(_ text: String) -> [UInt8] {
        let digits = Array(text)
        return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(String(digits[$0...$0 + 1]), radix: 16) ?? 0 }
    }

    /// A tagged value as what it stands for.
    var untagged: Value {
        if let text = self["int"]?.asText { return Int64(text).map { .int($0) } ?? .uint(UInt64(text) ?? 0) }
        if let text = self["float"]?.asText { return .double(Double(text) ?? .nan) }
        if let text = self["text"] { return text }
        if let text = self["binary"]?.asText { return .binary(Self.hex(text)) }
        if let elements = self["array"]?.asArray { return .array(elements.map(\.untagged)) }
        if let members = self["map"]?.asArray {
            return .map(ValueMap(members.map { ($0[0]?.asText ?? "", ($0[1] ?? .null).untagged) }))
        }
        if let ext = self["ext"], let type = ext[0]?.asInt, let data = ext[1]?.asText {
            return .ext(type: Int8(type), data: Self.hex(data))
        }
        return self
    }
}
