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

    /// Writes a key and text.
    public mutating func write(_ key: String, _ value: String) throws(CodecError) {
        try beginPair(key)
        try reserve(value.utf8.count)
        form.text(value)
        try check()
    }

    /// Writes a key and an integer.
    public mutating func write(_ key: String, _ value: Int) throws(CodecError) {
        try beginPair(key)
        form.int(Int64(value))
        try check()
    }

    /// Writes a key and a float; refuses NaN and the infinities.
    public mutating func write(_ key: String, _ value: Double) throws(CodecError) {
        guard value.isFinite else { throw notFinite(value) }
        try beginPair(key)
        form.double(value)
        try check()
    }

    /// Writes a key and a bool.
    public mutating func write(_ key: String, _ value: Bool) throws(CodecError) {
        try beginPair(key)
        form.bool(value)
        try check()
    }

    /// Closes the map.
    public mutating func endMap() throws(CodecError) {
        _ = try nesting.end(map: true)
        form.endMap()
        try check()
    }

    /// Hands out the bytes; throws unless exactly one complete value was written.
    public consuming func finish() throws(CodecError) -> [UInt8] { try complete() }

    /// The same without a copy of the writer, which must not be used any more.
    mutating func complete() throws(CodecError) -> [UInt8] {
        try nesting.finish()
        try check()
        return form.finish()
    }

    // MARK: Checks

    /// Ends all writing: every token from here on is refused, and so is the end.
    mutating func breakDown() { nesting.breakDown() }

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
    private mutating func beginPair(_ key: String) throws(CodecError) {
        let isFirst = nesting.top.count == 0
        try nesting.pair()
        try reserve(key.utf8.count)
        if isFirst { form.key(key, isOnly: nesting.top.expected == 1) } else { form.nextKey(key) }
    }

    @inline(__always)
    private mutating func separate() {
        if !nesting.top.isMap, nesting.top.count > 0, nesting.depth > 0 { form.separate() }
    }

    private func checked(_ count: Int) throws(CodecError) -> Int {
        guard count >= 0, count < Int(UInt32.max) else {
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
        var bounds = Bounds(nesting, limit)
        try form.put(value, &bounds)
        try nesting.add(values: bounds.inside)
        try check()
    }

    /// The bytes of a value that is the whole document.
    @inline(__always)
    static func bytes(_ value: Value, _ form: consuming Form, _ limits: Limits) throws(CodecError) -> [UInt8] {
        var bounds = Bounds(Nesting(name: Form.codec, limits: limits), limits.bytes)
        try form.put(value, &bounds)
        bounds.inside += 1
        try bounds.check(form.size)
        return form.finish()
    }

    /// Writes an array of integers.
    public mutating func write(_ integers: [Int]) throws(CodecError) {
        try beginWhole(integers.count)
        for place in 0..<integers.count {
            if place > 0 { form.separate() }
            form.int(Int64(integers[place]))
        }
        try endWhole()
    }

    /// Writes an array of floats; refuses NaN and the infinities.
    public mutating func write(_ floats: [Double]) throws(CodecError) {
        try beginWhole(floats.count)
        for place in 0..<floats.count {
            if place > 0 { form.separate() }
            guard floats[place].isFinite else { throw notFinite(floats[place]) }
            form.double(floats[place])
        }
        try endWhole()
    }

    /// Writes an array of texts.
    public mutating func write(_ texts: [String]) throws(CodecError) {
        try beginWhole(texts.count)
        for place in 0..<texts.count {
            if place > 0 { form.separate() }
            try reserve(form.size &+ texts[place].utf8.count)
            form.text(texts[place])
        }
        try endWhole()
    }

    @inline(__always)
    private mutating func beginWhole(_ count: Int) throws(CodecError) {
        try begin()
        guard nesting.depth < nesting.depthLimit else { throw nesting.tooDeep(nil) }
        try nesting.add(values: count)
        form.beginArray(count: count)
    }

    @inline(__always)
    private mutating func endWhole() throws(CodecError) {
        form.endArray()
        try check()
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

    /// The bytes of the one value that a recording holds: the same, without a writer.
    @inline(__always)
    static func bytes(_ view: TapeView, _ count: Int, _ form: consuming Form, _ limits: Limits) throws(CodecError) -> [UInt8] {
        var bounds = Bounds(Nesting(name: Form.codec, limits: limits), limits.bytes)
        bounds.inside = count
        var index = 0
        try form.put(view, &index, &bounds)
        try bounds.check(form.size)
        return form.finish()
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
                    var bounds = Bounds(nesting, limit)
                    try form.put(view, &index, &bounds)
                    try nesting.add(values: index - first - 1)
                    try check()
                }
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }
}
