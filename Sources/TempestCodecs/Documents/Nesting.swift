// The state machine of a document in the making: what may come next, and how deep and how many values it is.
// Every builder, recorder and writer asks it before it takes a token.

/// Keeps the open containers of a document; refuses tokens that do not fit and those over the limits.
struct Nesting: Sendable {
    /// An open container, or the root: 16 bytes, because a writer keeps many.
    struct Frame: Sendable {
        private var startBits: UInt32
        fileprivate var countBits: UInt32 = 0
        fileprivate var expectedBits: UInt32
        /// Whether keys are wanted.
        let isMap: Bool
        /// Whether the next token must be a key.
        var needsKey: Bool

        /// `start`: the owner's mark, where the container began, -1: the root. `expected`: elements or pairs announced, -1: not known.
        init(start: Int, expected: Int, isMap: Bool) {
            startBits = UInt32(truncatingIfNeeded: start)
            expectedBits = UInt32(truncatingIfNeeded: expected)
            self.isMap = isMap
            needsKey = isMap
        }

        /// The owner's mark: where the container began.
        var start: Int { startBits == .max ? -1 : Int(startBits) }
        /// Elements or pairs so far.
        var count: Int { Int(countBits) }
        /// Elements or pairs announced; -1: not known.
        var expected: Int { expectedBits == .max ? -1 : Int(expectedBits) }
    }

    /// The innermost container; the root when `depth` is 0.
    private(set) var top: Frame
    /// The root and the containers around the innermost one. Most documents have few: those need no array.
    private var near: InlineArray<8, Frame>
    private var far: [Frame] = []
    /// The number of open containers.
    private(set) var depth = 0
    private(set) var values = 0
    private var isBroken = false
    let name: String
    let depthLimit: Int
    let valueLimit: Int

    /// `roots`: how many values there may be outside of containers, -1: any number.
    init(name: String, limits: Limits, roots: Int = 1) {
        self.name = name
        depthLimit = limits.depth
        valueLimit = limits.values
        top = Frame(start: -1, expected: roots, isMap: false)
        near = InlineArray(repeating: top)
    }

    /// Takes a value, scalar or container.
    @inline(__always)
    mutating func value(at offset: Int? = nil) throws(CodecError) {
        guard !top.needsKey, top.countBits != top.expectedBits || top.isMap, values < valueLimit else {
            throw refusal(key: false, offset)
        }
        values += 1
        if top.isMap { top.needsKey = true } else { top.countBits &+= 1 }
    }

    /// Takes a key.
    @inline(__always)
    mutating func key(at offset: Int? = nil) throws(CodecError) {
        guard top.needsKey, top.countBits != top.expectedBits, values < valueLimit else { throw refusal(key: true, offset) }
        values += 1
        top.needsKey = false
        top.countBits &+= 1
    }

    /// Takes a key and a scalar for it.
    @inline(__always)
    mutating func pair() throws(CodecError) {
        guard top.needsKey, top.countBits != top.expectedBits, values &+ 1 < valueLimit else { throw refusal(key: true, nil) }
        values &+= 2
        top.countBits &+= 1
    }

    /// Opens a container (and takes it as a value).
    @inline(__always)
    mutating func begin(map: Bool, expected: Int, start: Int, at offset: Int? = nil) throws(CodecError) {
        // Refused before it is counted: whoever catches the error may go on.
        guard depth < depthLimit else { throw tooDeep(offset) }
        try value(at: offset)
        if depth < 8 { near[depth] = top } else { far.append(top) }
        depth &+= 1
        top = Frame(start: start, expected: expected, isMap: map)
    }

    /// Closes the innermost container and hands it out.
    @inline(__always)
    mutating func end(map: Bool, at offset: Int? = nil) throws(CodecError) -> Frame {
        guard depth > 0, top.isMap == map, top.needsKey == map, top.expectedBits == top.countBits || top.expectedBits == .max
        else {
            throw incomplete(map, offset)
        }
        let closed = top
        depth &-= 1
        top = depth < 8 ? near[depth] : far.removeLast()
        return closed
    }

    /// Refuses everything from here on.
    mutating func breakDown() {
        isBroken = true
        values = valueLimit
    }

    /// Checks that exactly the values that were wanted are there.
    func finish(at offset: Int? = nil) throws(CodecError) {
        if isBroken { throw broken() }
        guard depth == 0, top.expected < 0 || top.count == top.expected else {
            throw CodecError(.syntax, "\(name): the document is not complete", at: offset)
        }
    }

    /// Takes the values inside of one that is written as a whole.
    @inline(__always)
    mutating func add(values count: Int) throws(CodecError) {
        guard values &+ count <= valueLimit else { throw CodecError(.values, "\(name): more than \(valueLimit) values") }
        values += count
    }

    /// The error of a container that is too deep.
    func tooDeep(_ offset: Int?) -> CodecError {
        CodecError(.depth, "\(name): deeper than \(depthLimit) containers", at: offset)
    }

    /// The error of too many bytes.
    func tooBig(_ limit: Int) -> CodecError {
        CodecError(.size, "\(name): over the limit of \(limit) bytes")
    }

    private func broken() -> CodecError {
        CodecError(.syntax, "\(name): something was refused before; the writer can only be thrown away")
    }

    @inline(never)
    private func incomplete(_ map: Bool, _ offset: Int?) -> CodecError {
        guard depth > 0, top.isMap == map, top.needsKey == map else {
            return CodecError(.syntax, "\(name): the \(map ? "map" : "array") is not open or not complete", at: offset)
        }
        return CodecError(.syntax, "\(name): \(top.expected) elements were announced but \(top.count) written", at: offset)
    }

    @inline(never)
    private func refusal(key: Bool, _ offset: Int?) -> CodecError {
        if isBroken { return broken() }
        if values >= valueLimit || (key && top.needsKey && top.countBits != top.expectedBits) {
            return CodecError(.values, "\(name): more than \(valueLimit) values", at: offset)
        }
        if key || top.needsKey {
            return CodecError(.syntax, "\(name): \(key ? "a key where none belongs" : "a value where a key belongs")", at: offset)
        }
        if depth == 0 { return CodecError(.trailing, "\(name): more than one value", at: offset) }
        return CodecError(.syntax, "\(name): more than the \(top.expected) elements that were announced", at: offset)
    }
}
