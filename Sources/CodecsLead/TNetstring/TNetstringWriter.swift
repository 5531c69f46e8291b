// Tokens to tnetstring bytes. A container's length stands before it but is known after it: a gap of ten bytes is left, filled at the
// end of the container, and what was left of all gaps is closed in one pass at the end of the document. Linear, however deep.

/// Writes one tnetstring document.
public struct TNetstringWriter: TokenWriter {
    private struct Gap {
        /// Where the gap begins.
        var place: Int
        /// Bytes of it that were not needed.
        var waste = 0
    }

    /// Nine digits and the colon.
    private static let gap = 10

    private var output: [UInt8] = []
    private var gaps: [Gap] = []
    private var open: [(gap: Int, wasteBefore: Int)] = []
    private var waste = 0
    private var nesting: Nesting

    init(_ limits: Limits) {
        nesting = Nesting(limits)
        output.reserveCapacity(256)
    }

    public mutating func null() throws(CodecError) {
        try nesting.value()
        output.append(contentsOf: "0:~".utf8)
    }
    public mutating func bool(_ value: Bool) throws(CodecError) {
        try nesting.value()
        output.append(contentsOf: value ? "4:true!".utf8 : "5:false!".utf8)
    }
    public mutating func int(_ value: Int64) throws(CodecError) {
        var text: [UInt8] = []
        DecimalText.append(value, to: &text)
        try scalar(text, UInt8(ascii: "#"))
    }
    public mutating func uint(_ value: UInt64) throws(CodecError) {
        var text: [UInt8] = []
        DecimalText.append(value, to: &text)
        try scalar(text, UInt8(ascii: "#"))
    }
    public mutating func double(_ value: Double) throws(CodecError) {
        try Nesting.finite(value)
        try scalar(FloatText.bytes(value), UInt8(ascii: "^"))
    }
    public mutating func text(utf8: UnsafeRawBufferPointer) throws(CodecError) { try scalar(utf8, UInt8(ascii: ",")) }
    public mutating func key(utf8: UnsafeRawBufferPointer) throws(CodecError) { try scalar(utf8, UInt8(ascii: ",")) }
    public mutating func binary(_ bytes: UnsafeRawBufferPointer) throws(CodecError) { try scalar(bytes, UInt8(ascii: ",")) }
    public mutating func ext(type: Int8, data: UnsafeRawBufferPointer) throws(CodecError) {
        throw CodecError(.unencodable, "tnetstring has no form for MessagePack's ext (type \(type))")
    }
    public mutating func beginArray(count: Int) throws(CodecError) { try begin() }
    public mutating func endArray() throws(CodecError) { try end(UInt8(ascii: "]")) }
    public mutating func beginMap(count: Int) throws(CodecError) { try begin() }
    public mutating func endMap() throws(CodecError) { try end(UInt8(ascii: "}")) }

    consuming func finish() throws(CodecError) -> [UInt8] {
        try nesting.check(bytes: output.count - waste)
        guard waste > 0 else { return output }
        var closed: [UInt8] = []
        closed.reserveCapacity(output.count - waste)
        var place = 0
        for gap in gaps {
            closed.append(contentsOf: output[place..<gap.place])
            place = gap.place + gap.waste
        }
        closed.append(contentsOf: output[place...])
        return closed
    }

    private mutating func scalar(_ bytes: some Collection<UInt8>, _ type: UInt8) throws(CodecError) {
        try nesting.value()
        DecimalText.append(UInt64(bytes.count), to: &output)
        output.append(UInt8(ascii: ":"))
        output.append(contentsOf: bytes)
        output.append(type)
        try nesting.check(bytes: output.count - waste)
    }

    private mutating func begin() throws(CodecError) {
        try nesting.begin()
        open.append((gaps.count, waste))
        gaps.append(Gap(place: output.count))
        output.append(contentsOf: repeatElement(0x30, count: Self.gap))
    }

    private mutating func end(_ type: UInt8) throws(CodecError) {
        guard let (index, wasteBefore) = open.popLast() else { return }
        nesting.end()
        let data = gaps[index].place + Self.gap
        let length = output.count - data - (waste - wasteBefore)
        guard length <= 999_999_999 else { throw CodecError(.size, "tnetstring holds at most 999999999 bytes in a container") }
        var digits: [UInt8] = []
        DecimalText.append(UInt64(length), to: &digits)
        digits.append(UInt8(ascii: ":"))
        gaps[index].waste = Self.gap - digits.count
        output.replaceSubrange((data - digits.count)..<data, with: digits)
        waste += gaps[index].waste
        output.append(type)
    }
}
