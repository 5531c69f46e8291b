// The rules of writing, the same for every codec: order, counts, depth, UTF-8, sizes.
// Before it: whoever gives tokens. After it: a codec's form.

/// Writes one document in a codec's form; refuses what makes no document and holds to the limits. ``FormWriting`` makes a codec's writer
/// of it.
public struct FormWriter<Form: TokenForm> {
    private var form: Form
    private var nesting: Nesting
    private let limit: Int

    /// A writer for one document.
    public init(_ form: Form, limits: Limits) {
        self.form = form
        nesting = Nesting(name: Form.codec, limits: limits)
        limit = limits.bytes
    }

    /// Writes null.
    public mutating func null() throws(CodecError) {
        try begin()
        form.null()
        try check()
    }

    /// Writes a bool.
    public mutating func bool(_ value: Bool) throws(CodecError) {
        try begin()
        form.bool(value)
        try check()
    }

    /// Writes an integer.
    public mutating func int(_ value: Int64) throws(CodecError) {
        try begin()
        form.int(value)
        try check()
    }

    /// Writes an integer.
    public mutating func uint(_ value: UInt64) throws(CodecError) {
        try begin()
        form.uint(value)
        try check()
    }

    /// Writes a float; refuses NaN and the infinities.
    public mutating func double(_ value: Double) throws(CodecError) {
        guard value.isFinite else { throw notFinite(value) }
        try begin()
        form.double(value)
        try check()
    }

    /// Writes text.
    public mutating func text(_ value: String) throws(CodecError) {
        // Strings are UTF-8 already.
        try begin()
        try reserve(value.utf8.count)
        form.text(value)
        try check()
    }

    /// Writes text that is given as UTF-8.
    public mutating func text(utf8: UnsafeRawBufferPointer) throws(CodecError) {
        guard UTF8Check.isValid(utf8) else { throw CodecError(.text, "\(Form.codec): text that is not valid UTF-8") }
        try begin()
        try reserve(utf8.count)
        form.text(utf8)
        try check()
    }

    /// Writes bytes.
    public mutating func binary(_ bytes: UnsafeRawBufferPointer) throws(CodecError) {
        try begin()
        try reserve(bytes.count)
        form.binary(bytes)
        try check()
    }

    /// Writes a MessagePack extension; codecs without a form for it refuse.
    public mutating func ext(type: Int8, data: UnsafeRawBufferPointer) throws(CodecError) {
        try begin()
        try reserve(data.count)
        try form.ext(type: type, data: data)
        try check()
    }

    /// Opens an array.
    public mutating func beginArray(count: Int) throws(CodecError) {
        separate()
        try nesting.begin(map: false, expected: try checked(count), start: 0)
        form.beginArray(count: count)
    }

    /// Closes the array.
    public mutating func endArray() throws(CodecError) {
        _ = try nesting.end(map: false)
        form.endArray()
        try check()
    }

    /// Opens a map.
    public mutating func beginMap(count: Int) throws(CodecError) {
        separate()
        try nesting.begin(map: true, expected: try checked(count), start: 0)
        form.beginMap(count: count)
    }

    /// Writes a key.
    public mutating func key(_ key: String) throws(CodecError) {
        try beginKey()
        try reserve(key.utf8.count)
        form.key(key, isOnly: nesting.top.expected == 1)
        try check()
    }

    /// Writes a key that is given as UTF-8.
    public mutating func key(utf8: UnsafeRawBufferPointer) throws(CodecError) {
        guard UTF8Check.isValid(utf8) else { throw CodecError(.text, "\(Form.codec): a key that is not valid UTF-8") }
        try beginKey()
        try reserve(utf8.count)
        form.key(utf8, isOnly: nesting.top.expected == 1)
        try check()
    }

    /// Closes the map.
    public mutating func endMap() throws(CodecError) {
        _ = try nesting.end(map: true)
        form.endMap()
        try check()
    }

    /// Hands out the bytes; throws unless exactly one complete value was written.
    public consuming func finish() throws(CodecError) -> [UInt8] {
        try nesting.finish()
        try check()
        return form.finish()
    }

    // MARK: Checks

    @inline(__always)
    private mutating func begin() throws(CodecError) {
        separate()
        try nesting.value()
    }

    @inline(__always)
    private mutating func beginKey() throws(CodecError) {
        if nesting.top.count > 0 { form.separate() }
        try nesting.key()
    }

    @inline(__always)
    private mutating func separate() {
        if !nesting.top.isMap, nesting.top.count > 0, nesting.depth > 0 { form.separate() }
    }

    private func checked(_ count: Int) throws(CodecError) -> Int {
        guard count >= 0, count <= Int(UInt32.max) else {
            throw CodecError(.syntax, "\(Form.codec): a container is opened with its count, not with \(count)")
        }
        return count
    }

    @inline(__always)
    private func check() throws(CodecError) {
        guard form.size <= limit else { throw nesting.tooBig(limit) }
    }

    /// Refuses before memory is taken.
    @inline(__always)
    private func reserve(_ count: Int) throws(CodecError) {
        guard count <= limit else { throw nesting.tooBig(limit) }
    }

    @inline(never)
    private func notFinite(_ value: Double) -> CodecError {
        CodecError(.number, "\(Form.codec): \(value) is no value, floats are finite")
    }
}

// MARK: Whole values

extension FormWriter {
    /// Writes a value with all that is in it: the order of its tokens need not be checked.
    public mutating func write(_ value: Value) throws(CodecError) {
        try begin()
        var inside = 0
        try form.put(value, depth: nesting.depth, Bounds(nesting, limit), &inside)
        try nesting.add(values: inside)
        try check()
    }

    /// The bytes of a value that is the whole document.
    @inline(__always)
    consuming func bytes(of value: Value) throws(CodecError) -> [UInt8] {
        let bounds = Bounds(nesting, limit)
        var inside = 1
        try form.put(value, depth: 0, bounds, &inside)
        try bounds.check(form.size, inside)
        return form.finish()
    }

    /// Writes a node with all that is in it.
    public mutating func write(_ node: Node) throws(CodecError) {
        try write(node.document.tape, from: node.index, to: node.document.tape.next(node.index))
    }

    /// Writes all the values of a recording.
    public mutating func write(_ recording: TokenBuffer) throws(CodecError) {
        try recording.nesting.finish()
        try write(recording.tape, from: 0, to: recording.tape.entries.count)
    }

    private mutating func write(_ tape: Tape, from start: Int, to end: Int) throws(CodecError) {
        guard start < end else { return }
        var failure: CodecError?
        tape.withView { view in
            do throws(CodecError) {
                var index = start
                while index < end {
                    try begin()
                    let first = index
                    try put(view, &index, depth: nesting.depth)
                    try nesting.add(values: index - first - 1)
                    try check()
                }
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }

    /// As deep as the tape, whose limit may be another one than ours.
    private mutating func put(_ view: TapeView, _ index: inout Int, depth: Int) throws(CodecError) {
        let entry = view.entries[index]
        index &+= 1
        switch entry.kind {
        case .text: form.text(view.bytes(entry))
        case .int: form.int(Int64(bitPattern: entry.payload))
        case .double: form.double(Double(bitPattern: entry.payload))
        case .bool: form.bool(entry.payload != 0)
        case .null: form.null()
        case .uint: form.uint(entry.payload)
        case .map:
            guard depth < nesting.depthLimit else { throw nesting.tooDeep(nil) }
            form.beginMap(count: entry.low)
            for place in 0..<entry.low {
                if place > 0 { form.separate() }
                form.key(view.bytes(view.entries[index]), isOnly: entry.low == 1)
                index &+= 1
                try put(view, &index, depth: depth &+ 1)
                try check()
            }
            form.endMap()
        case .array:
            guard depth < nesting.depthLimit else { throw nesting.tooDeep(nil) }
            form.beginArray(count: entry.low)
            for place in 0..<entry.low {
                if place > 0 { form.separate() }
                try put(view, &index, depth: depth &+ 1)
                try check()
            }
            form.endArray()
        case .binary: form.binary(view.bytes(entry))
        case .ext: try form.ext(type: entry.type, data: view.bytes(entry))
        }
    }
}

/// The limits of a value that is written as a whole.
struct Bounds {
    let depth: Int
    let values: Int
    let bytes: Int
    let codec: String

    init(_ nesting: Nesting, _ bytes: Int) {
        depth = nesting.depthLimit
        values = nesting.valueLimit
        self.bytes = bytes
        codec = nesting.name
    }

    /// Throws when there is too much already: a value may share parts and be far larger than it looks.
    @inline(__always)
    func check(_ size: Int, _ inside: Int) throws(CodecError) {
        guard size <= bytes, inside <= values else { throw excess(size) }
    }

    /// Throws before a text is written that is too long by itself.
    @inline(__always)
    func check(text count: Int) throws(CodecError) {
        guard count <= bytes else { throw excess(count) }
    }

    @inline(never)
    private func excess(_ size: Int) -> CodecError {
        size > bytes
            ? CodecError(.size, "\(codec): over the limit of \(bytes) bytes")
            : CodecError(.values, "\(codec): more than \(values) values")
    }

    @inline(never)
    func tooDeep() -> CodecError { CodecError(.depth, "\(codec): deeper than \(depth) containers") }

    @inline(never)
    func notFinite(_ value: Double) -> CodecError {
        CodecError(.number, "\(codec): \(value) is no value, floats are finite")
    }
}

extension TokenForm {
    /// Writes a value, as deep as the limit at most.
    mutating func put(_ value: Value, depth: Int, _ bounds: Bounds, _ inside: inout Int) throws(CodecError) {
        switch value {
        case .text(let string):
            try bounds.check(text: string.utf8.count)
            text(string)
        case .int(let value): int(value)
        case .double(let value):
            guard value.isFinite else { throw bounds.notFinite(value) }
            double(value)
        case .bool(let value): bool(value)
        case .null: null()
        case .uint(let value): uint(value)
        case .map(let map):
            guard depth < bounds.depth else { throw bounds.tooDeep() }
            let pairs = map.pairs
            beginMap(count: pairs.count)
            for place in 0..<pairs.count {
                if place > 0 { separate() }
                try bounds.check(text: pairs[place].key.utf8.count)
                key(pairs[place].key, isOnly: pairs.count == 1)
                try put(pairs[place].value, depth: depth &+ 1, bounds, &inside)
                try bounds.check(size, inside)
            }
            inside &+= 2 &* pairs.count
            endMap()
        case .array(let array):
            guard depth < bounds.depth else { throw bounds.tooDeep() }
            beginArray(count: array.count)
            for place in 0..<array.count {
                if place > 0 { separate() }
                try put(array[place], depth: depth &+ 1, bounds, &inside)
                try bounds.check(size, inside)
            }
            inside &+= array.count
            endArray()
        case .binary(let bytes):
            try bounds.check(text: bytes.count)
            bytes.withUnsafeBytes { binary($0) }
        case .ext(let type, let data):
            try bounds.check(text: data.count)
            try data.withRawBytes { (raw) throws(CodecError) in try ext(type: type, data: raw) }
        }
    }
}
