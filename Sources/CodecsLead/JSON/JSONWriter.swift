// Tokens to JSON bytes: compact, UTF-8 as it is, only what must be escaped.

/// Writes one JSON document.
public struct JSONWriter: TokenWriter {
    private var output: [UInt8] = []
    private var nesting: Nesting
    /// Whether a comma is due before the next element or key.
    private var needsComma = false
    /// A map of one member whose key may look like the marker of binary: written when its value is known.
    private var heldKey: [UInt8]?
    private var isSingle = false

    init(_ limits: Limits) {
        nesting = Nesting(limits)
        output.reserveCapacity(256)
    }

    public mutating func null() throws(CodecError) { try scalar("null") }
    public mutating func bool(_ value: Bool) throws(CodecError) { try scalar(value ? "true" : "false") }
    public mutating func int(_ value: Int64) throws(CodecError) {
        try begin()
        DecimalText.append(value, to: &output)
        needsComma = true
    }
    public mutating func uint(_ value: UInt64) throws(CodecError) {
        try begin()
        DecimalText.append(value, to: &output)
        needsComma = true
    }
    public mutating func double(_ value: Double) throws(CodecError) {
        try Nesting.finite(value)
        try begin()
        FloatText.append(value, to: &output)
        needsComma = true
    }

    public mutating func text(utf8: UnsafeRawBufferPointer) throws(CodecError) {
        if heldKey != nil { release(isMarker: Base64.decode(utf8) != nil) }
        try begin()
        quoted(utf8)
        needsComma = true
        try nesting.check(bytes: output.count)
    }

    public mutating func binary(_ bytes: UnsafeRawBufferPointer) throws(CodecError) {
        try begin()
        output.append(contentsOf: #"{"$b64":""#.utf8)
        Base64.append(bytes, to: &output)
        output.append(contentsOf: #""}"#.utf8)
        needsComma = true
        try nesting.check(bytes: output.count)
    }

    public mutating func ext(type: Int8, data: UnsafeRawBufferPointer) throws(CodecError) {
        throw CodecError(.unencodable, "JSON has no form for MessagePack's ext (type \(type))")
    }

    public mutating func beginArray(count: Int) throws(CodecError) {
        if heldKey != nil { release(isMarker: false) }
        try open(UInt8(ascii: "["))
        isSingle = false
    }

    public mutating func endArray() throws(CodecError) { close(UInt8(ascii: "]")) }

    public mutating func beginMap(count: Int) throws(CodecError) {
        if heldKey != nil { release(isMarker: false) }
        try open(UInt8(ascii: "{"))
        isSingle = count == 1
    }

    public mutating func key(utf8: UnsafeRawBufferPointer) throws(CodecError) {
        try nesting.value()
        if needsComma { output.append(UInt8(ascii: ",")) }
        needsComma = false
        if isSingle, BinaryMarker.escapes(utf8) != nil {
            heldKey = Array(utf8)
        } else {
            quoted(utf8)
            output.append(UInt8(ascii: ":"))
        }
        isSingle = false
    }

    public mutating func endMap() throws(CodecError) { close(UInt8(ascii: "}")) }

    consuming func finish() throws(CodecError) -> [UInt8] {
        try nesting.check(bytes: output.count)
        return output
    }

    private mutating func begin() throws(CodecError) {
        if heldKey != nil { release(isMarker: false) }
        try nesting.value()
        if needsComma { output.append(UInt8(ascii: ",")) }
    }

    private mutating func scalar(_ word: StaticString) throws(CodecError) {
        try begin()
        output.append(contentsOf: UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount))
        needsComma = true
    }

    private mutating func open(_ byte: UInt8) throws(CodecError) {
        try nesting.begin()
        if needsComma { output.append(UInt8(ascii: ",")) }
        output.append(byte)
        needsComma = false
    }

    private mutating func close(_ byte: UInt8) {
        nesting.end()
        output.append(byte)
        needsComma = true
        isSingle = false
    }

    /// Writes the key that was held back: with one `$` more where reading it would make binary of the map.
    private mutating func release(isMarker: Bool) {
        guard let key = heldKey else { return }
        heldKey = nil
        output.append(UInt8(ascii: "\""))
        if isMarker { output.append(UInt8(ascii: "$")) }
        output.append(contentsOf: key)
        output.append(contentsOf: "\":".utf8)
    }

    private mutating func quoted(_ utf8: UnsafeRawBufferPointer) {
        output.append(UInt8(ascii: "\""))
        var start = 0
        for (place, byte) in utf8.enumerated() where byte < 0x20 || byte == 0x22 || byte == 0x5C {
            output.append(contentsOf: utf8[start..<place])
            start = place + 1
            output.append(UInt8(ascii: "\\"))
            switch byte {
            case 0x22, 0x5C: output.append(byte)
            case 0x08: output.append(UInt8(ascii: "b"))
            case 0x09: output.append(UInt8(ascii: "t"))
            case 0x0A: output.append(UInt8(ascii: "n"))
            case 0x0C: output.append(UInt8(ascii: "f"))
            case 0x0D: output.append(UInt8(ascii: "r"))
            default:
                let digits = Array("0123456789abcdef".utf8)
                output.append(contentsOf: [
                    UInt8(ascii: "u"), 0x30, 0x30, digits[Int(byte >> 4)], digits[Int(byte & 15)],
                ])
            }
        }
        output.append(contentsOf: utf8[start...])
        output.append(UInt8(ascii: "\""))
    }
}

/// Integers in decimal, without a String between.
enum DecimalText {
    static func append(_ value: Int64, to output: inout [UInt8]) {
        if value < 0 { output.append(UInt8(ascii: "-")) }
        append(value.magnitude, to: &output)
    }

    static func append(_ value: UInt64, to output: inout [UInt8]) {
        guard value > 9 else { return output.append(0x30 + UInt8(value)) }
        var rest = value
        let start = output.count
        while rest > 0 {
            output.append(0x30 + UInt8(truncatingIfNeeded: rest % 10))
            rest /= 10
        }
        output[start...].reverse()
    }
}
