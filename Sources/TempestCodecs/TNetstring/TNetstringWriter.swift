// Tokens as tnetstring. A container's length stands before it and is known after it: a gap is left and closed at the end.
// Before it: a Value, Node or TokenBuffer. After it: bytes for Redis.

/// Writes one tnetstring, in time linear in its size however deep it is.
public struct TNetstringWriter: TokenWriter {
    /// What was left free before a container: room for nine digits and a colon, of which the last are used.
    private struct Gap {
        var start: Int
        var unused: Int
        /// The unused bytes of all the gaps before this one.
        var unusedBefore: Int
    }

    private static let room = 10

    private var output: [UInt8] = []
    private var gaps: [Gap] = []
    private var unused = 0
    private var nesting: Nesting
    private let limit: Int

    init(limits: Limits) {
        nesting = Nesting(name: "tnetstring", limits: limits)
        // A length has nine digits at most.
        limit = min(limits.bytes, 999_999_999)
        output.reserveCapacity(256)
    }

    /// Writes `0:~`.
    public mutating func null() throws(CodecError) {
        try nesting.value()
        output.append(contentsOf: "0:~".utf8)
        try check()
    }

    /// Writes `4:true!` or `5:false!`.
    public mutating func bool(_ value: Bool) throws(CodecError) {
        try nesting.value()
        output.append(contentsOf: value ? "4:true!".utf8 : "5:false!".utf8)
        try check()
    }

    /// Writes digits.
    public mutating func int(_ value: Int64) throws(CodecError) {
        try nesting.value()
        try number(UInt8(ascii: "#")) { IntegerText.append(value, to: &$0) }
    }

    /// Writes digits.
    public mutating func uint(_ value: UInt64) throws(CodecError) {
        try nesting.value()
        try number(UInt8(ascii: "#")) { IntegerText.append(value, to: &$0) }
    }

    /// Writes digits with a point; refuses NaN and the infinities.
    public mutating func double(_ value: Double) throws(CodecError) {
        guard value.isFinite else { throw CodecError(.number, "tnetstring: \(value) is no value, floats are finite") }
        try nesting.value()
        try number(UInt8(ascii: "^")) { FloatText.append(value, to: &$0) }
    }

    /// Writes text.
    public mutating func text(utf8: UnsafeRawBufferPointer) throws(CodecError) {
        guard UTF8Check.isValid(utf8) else { throw CodecError(.text, "tnetstring: text that is not valid UTF-8") }
        try nesting.value()
        try string(utf8)
    }

    /// Writes bytes as text: there is one form for both.
    public mutating func binary(_ bytes: UnsafeRawBufferPointer) throws(CodecError) {
        try nesting.value()
        try string(bytes)
    }

    /// Refuses: tnetstring has no form for it.
    public mutating func ext(type: Int8, data: UnsafeRawBufferPointer) throws(CodecError) {
        throw CodecError(.unencodable, "tnetstring: there is no form for an ext (type \(type)), send it as MessagePack")
    }

    /// Opens an array.
    public mutating func beginArray(count: Int) throws(CodecError) {
        try begin(map: false, count)
    }

    /// Closes the array.
    public mutating func endArray() throws(CodecError) {
        try end(map: false, UInt8(ascii: "]"))
    }

    /// Opens a map.
    public mutating func beginMap(count: Int) throws(CodecError) {
        try begin(map: true, count)
    }

    /// Writes a key.
    public mutating func key(utf8: UnsafeRawBufferPointer) throws(CodecError) {
        guard UTF8Check.isValid(utf8) else { throw CodecError(.text, "tnetstring: a key that is not valid UTF-8") }
        try nesting.key()
        try string(utf8)
    }

    /// Closes the map.
    public mutating func endMap() throws(CodecError) {
        try end(map: true, UInt8(ascii: "}"))
    }

    /// The bytes, with the gaps closed.
    consuming func finish() throws(CodecError) -> [UInt8] {
        try nesting.finish()
        var target = gaps.first?.start ?? output.count
        output.withUnsafeMutableBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            for (number, gap) in gaps.enumerated() {
                let start = gap.start + gap.unused
                let end = number + 1 < gaps.count ? gaps[number + 1].start : bytes.count
                // The stretches overlap: copyMemory allows for it.
                (base + target).copyMemory(from: base + start, byteCount: end - start)
                target += end - start
            }
        }
        output.removeLast(output.count - target)
        return output
    }

    private mutating func begin(map: Bool, _ count: Int) throws(CodecError) {
        try nesting.begin(map: map, expected: count, start: gaps.count)
        gaps.append(Gap(start: output.count, unused: 0, unusedBefore: unused))
        for _ in 0..<Self.room { output.append(UInt8(ascii: ":")) }
        // Ten bytes of room may be eight more than are used in the end; the check is not made before that is known.
    }

    private mutating func end(map: Bool, _ tag: UInt8) throws(CodecError) {
        let frame = try nesting.end(map: map)
        let gap = gaps[frame.start]
        var length = output.count - gap.start - Self.room - (unused - gap.unusedBefore)
        guard length <= 999_999_999 else { throw nesting.tooBig(limit) }
        var place = gap.start + Self.room - 1
        repeat {
            place -= 1
            output[place] = 48 + UInt8(length % 10)
            length /= 10
        } while length > 0
        gaps[frame.start].unused = place - gap.start
        unused += place - gap.start
        output.append(tag)
        try check()
    }

    private mutating func string(_ bytes: UnsafeRawBufferPointer) throws(CodecError) {
        guard bytes.count <= limit else { throw nesting.tooBig(limit) }
        IntegerText.append(UInt64(bytes.count), to: &output)
        output.append(UInt8(ascii: ":"))
        output.append(contentsOf: bytes)
        output.append(UInt8(ascii: ","))
        try check()
    }

    /// Writes a number, of at most 25 digits and signs, and then its length before it.
    private mutating func number(_ tag: UInt8, _ append: (inout [UInt8]) -> Void) throws(CodecError) {
        let start = output.count
        output.append(0)
        output.append(UInt8(ascii: ":"))
        append(&output)
        let length = output.count - start - 2
        if length < 10 {
            output[start] = 48 + UInt8(length)
        } else {
            output[start] = 48 + UInt8(length / 10)
            output.insert(48 + UInt8(length % 10), at: start + 1)
        }
        output.append(tag)
        try check()
    }

    /// What is sure to be left of the output: gaps that are still open count as two bytes.
    @inline(__always)
    private func check() throws(CodecError) {
        guard output.count - unused - nesting.depth * (Self.room - 2) <= limit else { throw nesting.tooBig(limit) }
    }
}
