// The vector files of the protocol: what all codecs must carry, CBOR must too.
// Read with Tempest's JSON codec; a missing file fails the test.

import Foundation
import TempestCodecs

/// A file of protocol/vectors. Its shapes are described in the README there.
struct VectorFile {
    struct Broken: Error, CustomStringConvertible {
        let description: String
    }

    let root: Value

    init(_ name: String) throws {
        var folder = URL(filePath: #filePath)
        for _ in 0..<5 { folder.deleteLastPathComponent() }
        root = try JSONCodec().value([UInt8](Data(contentsOf: folder.appending(path: "protocol/vectors/\(name)"))))
    }

    /// The vectors under a key (without one: of a file that is an array); at least one.
    func vectors(_ key: String? = nil) throws -> [Value] {
        guard let vectors = (key.map { root[$0] } ?? root)?.asArray, !vectors.isEmpty else {
            throw Broken(description: "the file has no \(key ?? "vectors")")
        }
        return vectors
    }

    /// `{"utf8": "…"}` or `{"hex": "…"}`.
    static func bytes(_ value: Value?) throws -> [UInt8] {
        if let text = value?["utf8"]?.asText { return Array(text.utf8) }
        guard let digits = value?["hex"]?.asText else { throw Broken(description: "no bytes: \(String(describing: value))") }
        return hex(digits)
    }

    /// A tagged value.
    static func value(_ tagged: Value?) throws -> Value {
        switch tagged {
        case .null?: return .null
        case .bool(let bool)?: return .bool(bool)
        case .map(let map)?:
            guard map.count == 1, let tag = map.first else { break }
            switch (tag.key, tag.value) {
            case ("int", .text(let digits)):
                if let int = Int64(digits) { return .int(int) }
                if let uint = UInt64(digits) { return .uint(uint) }
            case ("float", .text(let digits)):
                if let double = Double(digits) { return .double(double) }
            case ("text", let text): return text
            case ("binary", .text(let digits)): return .binary(hex(digits))
            case ("array", .array(let elements)): return .array(try elements.map { try value($0) })
            case ("map", .array(let pairs)):
                return .map(
                    ValueMap(
                        try pairs.map { pair in
                            guard let key = pair[0]?.asText else { throw Broken(description: "no key: \(pair)") }
                            return (key, try value(pair[1]))
                        }))
            case ("ext", .array(let parts)):
                if let type = parts.first?.asInt, let digits = parts.last?.asText {
                    return .ext(type: Int8(type), data: hex(digits))
                }
            default: break
            }
        default: break
        }
        throw Broken(description: "no tagged value: \(String(describing: tagged))")
    }
}
