// Canonical order, for any codec: maps with their keys sorted by UTF-8 bytes.

struct CanonicalTokens: TokenWritable {
    private let document: Document

    init(_ buffer: TokenBuffer) {
        document = Document(entries: buffer.entries, source: buffer.bytes, aside: [])
    }

    func write<W: TokenWriter>(to writer: inout W) throws(CodecError) {
        var index = 0
        while index < document.entries.count {
            try write(index, to: &writer)
            index = document.next(index)
        }
    }

    private func write<W: TokenWriter>(_ index: Int, to writer: inout W) throws(CodecError) {
        let entry = document.entries[index]
        switch entry.kind {
        case .array:
            try writer.beginArray(count: entry.count)
            var child = index + 1
            for _ in 0..<entry.count {
                try write(child, to: &writer)
                child = document.next(child)
            }
            try writer.endArray()
        case .map:
            var keys: [Int] = []
            var key = index + 1
            for _ in 0..<entry.count {
                keys.append(key)
                key = document.next(key + 1)
            }
            let sorted = keys.map { ($0, document.bytes(document.entries[$0])) }.sorted { $0.1.lexicographicallyPrecedes($1.1) }
            try writer.beginMap(count: entry.count)
            for (key, bytes) in sorted {
                try withBytes(bytes) { (bytes) throws(CodecError) in try writer.key(utf8: bytes) }
                try write(key + 1, to: &writer)
            }
            try writer.endMap()
        default: try document.write(index, to: &writer)
        }
    }
}
