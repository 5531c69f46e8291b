// Tokens as JSON, without white space.
// Before it: a Value, Node or TokenBuffer. After it: bytes for Redis.

/// Writes one JSON document.
public struct JSONWriter: TokenWriter {
    private var output: [UInt8] = []
    private var nesting: Nesting
    private let limit: Int
    /// Where the dollar signs of a key begin that may look like the marker of binary, and where its key ends; text right after it
    /// decides.
    private var marker = (dollar: 0, end: -1)

    init(limits: Limits) {
        nesting = Nesting(name: "json", limits: limits)
        limit = limits.bytes
        output.reserveCapacity(256)
    }

    /// Writes `null`.
    public mutating func null() throws(CodecError) {
        try begin()
        output.append(contentsOf: "null".utf8)
        try check()
    }

    /// Writes `true` or `false`.
    public mutating func bool(_ value: Bool) throws(CodecError) {
        try begin()
        output.append(contentsOf: value ? "true".utf8 : "false".utf8)
        try check()
    }

    /// Writes digits.
    public mutating func int(_ value: Int64) throws(CodecError) {
        try begin()
        IntegerText.append(value, to: &output)
        try check()
    }

    /// Writes digits.
    public mutating func uint(_ value: UInt64) throws(CodecError) {
        try begin()
        IntegerText.append(value, to: &output)
        try check()
    }

    /// Writes digits with a point; refuses NaN and the infinities.
    public mutating func double(_ value: Double) throws(CodecError) {
        guard value.isFinite else { throw CodecError(.number, "json: \(value) is no value, floats are finite") }
        try begin()
        FloatText.append(value, to: &output)
        try check()
    }

    /// Writes a string.
    public mutating func text(utf8: UnsafeRawBufferPointer) throws(CodecError) {
        guard UTF8Check.isValid(utf8) else { throw CodecError(.text, "json: text that is not valid UTF-8") }
        if marker.end == output.count, Base64.decode(utf8) != nil {
            output.insert(UInt8(ascii: "$"), at: marker.dollar)
        }
        try begin()
        JSONText.append(utf8, to: &output)
        try check()
    }

    /// Writes the marker and base64.
    public mutating func binary(_ bytes: UnsafeRawBufferPointer) throws(CodecError) {
        try begin()
        guard bytes.count <= limit else { throw nesting.tooBig(limit) }
        output.append(contentsOf: #"{"$b64":""#.utf8)
        Base64.append(bytes, to: &output)
        output.append(contentsOf: #""}"#.utf8)
        try check()
    }

    /// Refuses: JSON has no form for it.
    public mutating func ext(type: Int8, data: UnsafeRawBufferPointer) throws(CodecError) {
        throw CodecError(.unencodable, "json: there is no form for an ext (type \(type)), send it as MessagePack")
    }

    /// Writes `[`.
    public mutating func beginArray(count: Int) throws(CodecError) {
        separate()
        try nesting.begin(map: false, expected: count, start: 0)
        output.append(UInt8(ascii: "["))
    }

    /// Writes `]`.
    public mutating func endArray() throws(CodecError) {
        _ = try nesting.end(map: false)
        output.append(UInt8(ascii: "]"))
        try check()
    }

    /// Writes `{`.
    public mutating func beginMap(count: Int) throws(CodecError) {
        separate()
        try nesting.begin(map: true, expected: count, start: 0)
        output.append(UInt8(ascii: "{"))
    }

    /// Writes a string and a colon.
    public mutating func key(utf8: UnsafeRawBufferPointer) throws(CodecError) {
        guard UTF8Check.isValid(utf8) else { throw CodecError(.text, "json: a key that is not valid UTF-8") }
        if nesting.top.count > 0 { output.append(UInt8(ascii: ",")) }
        try nesting.key()
        let start = output.count
        JSONText.append(utf8, to: &output)
        output.append(UInt8(ascii: ":"))
        if nesting.top.expected == 1, BinaryMarker.isLike(utf8) { marker = (start + 1, output.count) }
        try check()
    }

    /// Writes `}`.
    public mutating func endMap() throws(CodecError) {
        _ = try nesting.end(map: true)
        output.append(UInt8(ascii: "}"))
        try check()
    }

    consuming func finish() throws(CodecError) -> [UInt8] {
        try nesting.finish()
        return output
    }

    @inline(__always)
    private mutating func begin() throws(CodecError) {
        separate()
        try nesting.value()
    }

    @inline(__always)
    private mutating func separate() {
        if !nesting.top.isMap, nesting.top.count > 0 { output.append(UInt8(ascii: ",")) }
    }

    @inline(__always)
    private func check() throws(CodecError) {
        guard output.count <= limit else { throw nesting.tooBig(limit) }
    }
}
