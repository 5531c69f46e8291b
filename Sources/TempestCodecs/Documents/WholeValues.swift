// Values and tapes written as a whole: the order of their tokens need not be checked, only how much they are.
// Before it: a codec's encode, or a FormWriter. After it: the codec's form.

/// The limits of a value that is written as a whole, and how much of them is used.
struct Bounds {
    let depth: Int
    let values: Int
    let bytes: Int
    let codec: String
    /// Open containers.
    var open: Int
    /// Values inside of the one that is written.
    var inside = 0

    init(_ nesting: Nesting, _ bytes: Int) {
        depth = nesting.depthLimit
        values = nesting.valueLimit
        open = nesting.depth
        self.bytes = bytes
        codec = nesting.name
    }

    /// Throws when there is too much. Asked when a container opens and before every text: a value may share parts and be far larger than
    /// it looks, but what else is between two questions is small.
    @inline(__always)
    func check(_ size: Int) throws(CodecError) {
        guard size <= bytes, inside <= values else { throw excess(size) }
    }

    /// Goes into a container of so many values.
    @inline(__always)
    mutating func enter(_ count: Int, _ size: Int) throws(CodecError) {
        guard open < depth else { throw CodecError(.depth, "\(codec): deeper than \(depth) containers") }
        open &+= 1
        inside &+= count
        try check(size)
    }

    @inline(never)
    private func excess(_ size: Int) -> CodecError {
        size > bytes
            ? CodecError(.size, "\(codec): over the limit of \(bytes) bytes")
            : CodecError(.values, "\(codec): more than \(values) values")
    }
}

// Whoever calls holds the value, and so all that is in it, whatever a form lets go of. `@_effects(releasenone)` says so to the compiler, which
// then does not retain each element while it is written: that was half of the time.

extension TokenForm {
    /// Writes a value. Written out where it is called: only containers are calls, one inside of the other.
    @inline(__always)
    mutating func put(_ value: Value, _ bounds: inout Bounds) throws(CodecError) {
        switch value {
        case .text(let string):
            try bounds.check(size &+ string.utf8.count)
            text(string)
        case .int(let value): int(value)
        case .double(let value):
            guard value.isFinite else { throw CodecError.notFinite(value, Self.codec) }
            double(value)
        case .bool(let value): bool(value)
        case .null: null()
        case .uint(let value): uint(value)
        case .map(let map): try putMap(map.pairs, &bounds)
        case .array(let array): try putArray(array, &bounds)
        case .binary(let bytes):
            try bounds.check(size &+ bytes.count)
            bytes.withUnsafeBytes { binary($0) }
        case .ext(let type, let data):
            try bounds.check(size &+ data.count)
            try data.withRawBytes { (raw) throws(CodecError) in try ext(type: type, data: raw) }
        }
    }

    /// As deep as the limit at most.
    @_effects(releasenone)
    private mutating func putArray(_ elements: [Value], _ bounds: inout Bounds) throws(CodecError) {
        try bounds.enter(elements.count, size)
        beginArray(count: elements.count)
        // A span's elements are looked at where they are: those of the array would be retained, each for itself.
        let elements = elements.span
        for place in elements.indices {
            if place > 0 { separate() }
            try put(elements[place], &bounds)
        }
        endArray()
        bounds.open &-= 1
    }

    /// As deep as the limit at most.
    @_effects(releasenone)
    private mutating func putMap(_ pairs: [ValueMap.Pair], _ bounds: inout Bounds) throws(CodecError) {
        try bounds.enter(2 &* pairs.count, size)
        beginMap(count: pairs.count)
        let pairs = pairs.span
        for place in pairs.indices {
            try bounds.check(size &+ pairs[place].key.utf8.count)
            if place > 0 { nextKey(pairs[place].key) } else { self.key(pairs[place].key, isOnly: pairs.count == 1) }
            try put(pairs[place].value, &bounds)
        }
        endMap()
        bounds.open &-= 1
    }
}

extension TokenForm {
    /// Writes the value at an index of a tape, and goes on to the next.
    @inline(__always)
    mutating func put(_ view: TapeView, _ index: inout Int, _ bounds: inout Bounds) throws(CodecError) {
        let entry = view.entries[index]
        index &+= 1
        switch entry.kind {
        case .text:
            try bounds.check(size &+ entry.low)
            text(view.bytes(entry))
        case .int: int(Int64(bitPattern: entry.payload))
        case .double: double(Double(bitPattern: entry.payload))
        case .bool: bool(entry.payload != 0)
        case .null: null()
        case .uint: uint(entry.payload)
        case .map: try putMap(view, &index, entry.low, &bounds)
        case .array: try putArray(view, &index, entry.low, &bounds)
        case .binary:
            try bounds.check(size &+ entry.low)
            binary(view.bytes(entry))
        case .ext: try ext(type: entry.type, data: view.bytes(entry))
        }
    }

    /// As deep as the limit at most; the tape may have had another one.
    private mutating func putArray(
        _ view: TapeView, _ index: inout Int, _ count: Int, _ bounds: inout Bounds
    ) throws(CodecError) {
        try bounds.enter(0, size)
        beginArray(count: count)
        for place in 0..<count {
            if place > 0 { separate() }
            try put(view, &index, &bounds)
        }
        endArray()
        bounds.open &-= 1
    }

    /// As deep as the limit at most; the tape may have had another one.
    private mutating func putMap(_ view: TapeView, _ index: inout Int, _ count: Int, _ bounds: inout Bounds) throws(CodecError) {
        try bounds.enter(0, size)
        beginMap(count: count)
        for place in 0..<count {
            if place > 0 { separate() }
            key(view.bytes(view.entries[index]), isOnly: count == 1)
            index &+= 1
            try put(view, &index, &bounds)
        }
        endMap()
        bounds.open &-= 1
    }
}
