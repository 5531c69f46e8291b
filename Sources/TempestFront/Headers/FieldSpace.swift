// The spaces and tabs around the value of a header, which are no part of it (RFC 9112, 5.1).

import NIOHTTP1

extension HTTPHeaders {
    /// Takes away those behind values, which NIO's decoder leaves. False: there were none.
    mutating func trimValues() -> Bool {
        guard contains(where: { $0.value.utf8.last.map(FieldSpace.contains) ?? false }) else { return false }
        self = HTTPHeaders(map { ($0.name, FieldSpace.trimmed($0.value)) })
        return true
    }
}

enum FieldSpace {
    static func contains(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    static func trimmed(_ value: String) -> String {
        value.utf8.lastIndex { !contains($0) }.map { String(value[...$0]) } ?? ""
    }
}
