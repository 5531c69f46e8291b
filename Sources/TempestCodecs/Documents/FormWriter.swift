// A document in the making in a codec's form, and what the rules of writing ask of it: order, counts, depth, UTF-8, sizes.
// Before it: the tokens of a FormWriting. After it: a codec's form.

/// One document in a codec's form, so far. ``FormWriting`` makes a codec's writer of it.
public struct FormWriter<Form: TokenForm> {
    var form: Form
    var nesting: Nesting
    private let limit: Int

    /// Nothing written yet.
    public init(_ form: Form, limits: Limits) {
        self.form = form
        nesting = Nesting(name: Form.codec, limits: limits)
        limit = limits.bytes
    }

    /// Hands out the bytes; throws unless exactly one complete value was written. Nothing may be written after it.
    mutating func complete() throws(CodecError) -> [UInt8] {
        try nesting.finish()
        try check()
        return form.finish()
    }

    /// Ends all writing: every token from here on is refused, and so is the end.
    mutating func breakDown() { nesting.breakDown() }

    // MARK: What comes before a token

    /// Takes a scalar.
    @inline(__always)
    mutating func begin() throws(CodecError) {
        separate()
        try nesting.value()
    }

    /// Opens a container.
    @inline(__always)
    mutating func begin(map: Bool, count: Int) throws(CodecError) {
        guard count >= 0, count < Int(UInt32.max) else { throw notCount(count) }
        separate()
        try nesting.begin(map: map, expected: count, start: 0)
    }

    /// Takes a key of so many bytes.
    @inline(__always)
    mutating func beginKey(_ count: Int) throws(CodecError) {
        if nesting.top.count > 0 { form.separate() }
        try nesting.key()
        try reserve(count)
    }

    /// Writes a key, and takes a scalar for it.
    @inline(__always)
    mutating func beginPair(_ key: String) throws(CodecError) {
        let isFirst = nesting.top.count == 0
        try nesting.pair()
        try reserve(key.utf8.count)
        if isFirst { form.key(key, isOnly: nesting.top.expected == 1) } else { form.nextKey(key) }
    }

    @inline(__always)
    private mutating func separate() {
        if !nesting.top.isMap, nesting.top.count > 0, nesting.depth > 0 { form.separate() }
    }

    // MARK: Checks
    // Mutating, though they change nothing: the others would be given a copy of everything, half a kilobyte, for every token.

    /// Throws if too much has been written.
    @inline(__always)
    mutating func check() throws(CodecError) {
        guard form.size <= limit else { throw nesting.tooBig(limit) }
    }

    /// Refuses before memory is taken.
    @inline(__always)
    mutating func reserve(_ count: Int) throws(CodecError) {
        guard count <= limit else { throw nesting.tooBig(limit) }
    }

    @inline(__always)
    mutating func check(finite value: Double) throws(CodecError) {
        guard value.isFinite else { throw CodecError.notFinite(value, Form.codec) }
    }

    @inline(__always)
    mutating func check(_ utf8: UnsafeRawBufferPointer, _ refusal: @autoclosure () -> String) throws(CodecError) {
        guard UTF8Check.isValid(utf8) else { throw CodecError(.text, "\(Form.codec): \(refusal())") }
    }

    @inline(never)
    private func notCount(_ count: Int) -> CodecError {
        CodecError(.syntax, "\(Form.codec): a container is opened with its count, not with \(count)")
    }
}

// MARK: Whole values

extension FormWriter {
    /// Writes a value with all that is in it.
    mutating func write(_ value: Value) throws(CodecError) {
        try begin()
        var bounds = Bounds(nesting, limit)
        try form.put(value, &bounds)
        try nesting.add(values: bounds.inside)
    }

    /// Writes the values from one index of a tape up to another.
    mutating func write(_ tape: Tape, from start: Int, to end: Int) throws(CodecError) {
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
                }
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
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
}
