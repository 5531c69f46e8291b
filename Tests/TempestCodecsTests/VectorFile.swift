// The vector files of the protocol, read with our own JSON codec.
// Every test of vectors loads a file through this; a missing file fails the test.

import Foundation
import TempestCodecs

/// A vector file and the shapes in it.
struct VectorFile {
    struct Broken: Error, CustomStringConvertible {
        let description: String
    }

    let root: Value

    init(_ name: String) throws {
        let url = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "protocol/vectors/\(name)")
        let data = try Data(contentsOf: url)
        root = try JSONCodec().value([UInt8](data))
    }

    /// The vectors under a key; at least one.
    func vectors(_ key: String) throws -> [Value] {
        try Self.some(root[key]?.asArray, key)
    }

    /// The vectors of a file that is an array; at least one.
    func vectors() throws -> [Value] {
        try Self.some(root.asArray, "an array")
    }

    private static func some(_ vectors: [Value]?, _ what: String) throws -> [Value] {
        guard let vectors, !vectors.isEmpty else { throw Broken(description: "the file has no \(what)") }
        return vectors
    }

    /// `{"utf8": "…"}` or `{"hex": "…"}`.
    static func bytes(_ value: Value?) throws -> [UInt8] {
        if let text = value?["utf8"]?.asText { return Array(text.utf8) }
        guard let hex = value?["hex"]?.asText else { throw Broken(description: "no bytes: \(String(describing: value))") }
        return try bytes(hex: hex)
    }

    static func bytes(hex: String) throws -> [UInt8] {
        let digits = Array(hex.utf8)
        return try stride(from: 0, to: digits.count, by: 2).map { index in
            guard index + 1 < digits.count,
                let byte = UInt8(String(decoding: digits[index...index + 1], as: UTF8.self), radix: 16)
            else { throw Broken(description: "no hex: \(hex)") }
            return byte
        }
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
            case ("binary", .text(let hex)): return .binary(try bytes(hex: hex))
            case ("array", .array(let elements)): return .array(try elements.map { try value($0) })
            case ("map", .array(let pairs)):
                return .map(
                    ValueMap(
                        try pairs.map { pair in
                            guard let key = pair[0]?.asText else { throw Broken(description: "no key: \(pair)") }
                            return (key, try value(pair[1]))
                        }))
            case ("ext", .array(let parts)):
                if let type = parts.first?.asInt, let hex = parts.last?.asText {
                    return .ext(type: Int8(type), data: try bytes(hex: hex))
                }
            default: break
            }
        default: break
        }
        throw Broken(description: "no tagged value: \(String(describing: tagged))")
    }
}

/// Whether two values are the same, maps in the same order and zeros of the same sign.
func identical(_ left: Value, _ right: Value) -> Bool {
    switch (left, right) {
    case (.double(let a), .double(let b)): a.bitPattern == b.bitPattern
    case (.array(let a), .array(let b)): a.count == b.count && zip(a, b).allSatisfy { identical($0, $1) }
    case (.map(let a), .map(let b)):
        a.count == b.count && zip(a, b).allSatisfy { $0.key.utf8.elementsEqual($1.key.utf8) && identical($0.value, $1.value) }
    default: left == right
    }
}
