// A tape played into a writer, in the order of the tape or with the keys sorted.
// Before it: a Node or a TokenBuffer. After it: a codec's bytes or another TokenBuffer.

extension Tape {
    /// Writes the values from one index up to another, which lie in the same container.
    func write<W: TokenWriter>(from start: Int, to end: Int, into writer: inout W) throws(CodecError) {
        try write(from: start, to: end, into: &writer) { (_, _) throws(CodecError) in }
    }

    /// The same; `splice` writes what the splices stand for, told by their payload.
    func write<W: TokenWriter>(
        from start: Int, to end: Int, into writer: inout W, splice: (Int, inout W) throws(CodecError) -> Void
    ) throws(CodecError) {
        var open: [(end: Int, isMap: Bool)] = []
        var index = start
        while true {
            while let last = open.last, last.end == index {
                open.removeLast()
                if last.isMap { try writer.endMap() } else { try writer.endArray() }
            }
            guard index < end else { return }
            let entry = entries[index]
            index += 1
            switch entry.kind {
            case .array:
                try writer.beginArray(count: entry.low)
                open.append((entry.high, false))
            case .map:
                try writer.beginMap(count: entry.low)
                open.append((entry.high, true))
            case .null where entry.flags & Entry.isSplice != 0: try splice(Int(entry.payload), &writer)
            default: try writeScalar(entry, into: &writer)
            }
        }
    }

    /// Writes the values from one index up to another with the keys of every map sorted. Goes as deep as the tape's limit at most.
    func writeSorted<W: TokenWriter>(from start: Int, to end: Int, into writer: inout W) throws(CodecError) {
        var index = start
        while index < end {
            let entry = entries[index]
            switch entry.kind {
            case .array:
                try writer.beginArray(count: entry.low)
                try writeSorted(from: index + 1, to: entry.high, into: &writer)
                try writer.endArray()
            case .map:
                try writer.beginMap(count: entry.low)
                for key in withView({ $0.canonicalKeys(ofMap: index) }) {
                    try writeScalar(entries[Int(key)], into: &writer)
                    try writeSorted(from: Int(key) + 1, to: next(Int(key) + 1), into: &writer)
                }
                try writer.endMap()
            default: try writeScalar(entry, into: &writer)
            }
            index = next(index)
        }
    }

    private func writeScalar<W: TokenWriter>(_ entry: Entry, into writer: inout W) throws(CodecError) {
        switch entry.kind {
        case .bool: try writer.bool(entry.payload != 0)
        case .int: try writer.int(Int64(bitPattern: entry.payload))
        case .uint: try writer.uint(entry.payload)
        case .double: try writer.double(Double(bitPattern: entry.payload))
        case .text where entry.flags & Entry.isKey != 0:
            try withBytes(of: entry) { (raw) throws(CodecError) in try writer.key(utf8: raw) }
        case .text: try withBytes(of: entry) { (raw) throws(CodecError) in try writer.text(utf8: raw) }
        case .binary: try withBytes(of: entry) { (raw) throws(CodecError) in try writer.binary(raw) }
        case .ext: try withBytes(of: entry) { (raw) throws(CodecError) in try writer.ext(type: entry.type, data: raw) }
        case .null, .array, .map: try writer.null()
        }
    }
}
