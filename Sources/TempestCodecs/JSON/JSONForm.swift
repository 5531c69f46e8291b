// Tokens as JSON, without white space.
// Before it: a FormWriting, which has checked them. After it: bytes for Redis.

/// Writes one document of JSON.
public struct JSONWriter: BufferedWriting {
    /// The rules and the form.
    public var base: FormWriter<JSONForm>

    /// A writer for one document.
    init(limits: Limits) { base = FormWriter(JSONForm(OutputBuffer()), limits: limits) }

    init(base: FormWriter<JSONForm>) { self.base = base }
}

/// The form of JSON (RFC 8259).
public struct JSONForm: BufferedForm {
    private var output: OutputBuffer
    /// Where the dollar signs of a key begin that may look like the marker of binary, and where its key ends; text right after it
    /// decides.
    private var marker = (dollar: 0, end: -1)

    /// Asked for once a document: a static constant that must be worked out costs a call at every look.
    private let packsText = SmallText.isKnownLayout

    init(_ output: OutputBuffer) { self.output = output }

    /// `json`.
    public static var codec: String { "json" }
    /// Bytes so far.
    public var size: Int { output.count }

    /// Writes `null`.
    public mutating func null() { output.append("null") }
    /// Writes `true` or `false`.
    public mutating func bool(_ value: Bool) { if value { output.append("true") } else { output.append("false") } }
    /// Writes digits.
    @_effects(releasenone)
    public mutating func int(_ value: Int64) {
        output.write(upTo: IntegerText.longest) { IntegerText.write(value, to: $0) }
    }
    /// Writes digits.
    @_effects(releasenone)
    public mutating func uint(_ value: UInt64) {
        output.write(upTo: IntegerText.longest) { IntegerText.write(value, to: $0) }
    }
    /// Writes digits with a point.
    @_effects(releasenone)
    public mutating func double(_ value: Double) {
        output.write(upTo: FloatText.longest) { FloatText.write(value, to: $0) }
    }

    /// Writes a string.
    @_effects(releasenone)
    public mutating func text(_ utf8: UnsafeRawBufferPointer) {
        if marker.end == output.count, Base64.decode(utf8) != nil { output.insert(UInt8(ascii: "$"), at: marker.dollar) }
        JSONText.append(utf8, to: &output)
    }

    /// Writes a string.
    @_effects(releasenone)
    public mutating func text(_ string: String) {
        let bits = SmallText.bits(string)
        if packsText, bits.isSmall, marker.end != output.count, JSONText.append(small: bits, to: &output) { return }
        string.withFastUTF8 { text($0) }
    }

    /// Writes the marker and base64.
    @_effects(releasenone)
    public mutating func binary(_ bytes: UnsafeRawBufferPointer) {
        output.append(#"{"$b64":""#)
        output.write(upTo: Base64.count(of: bytes.count)) { Base64.encode(bytes, to: $0) }
        output.append(#""}"#)
    }

    /// Writes a comma.
    public mutating func separate() { output.append(UInt8(ascii: ",")) }
    /// Writes `[`.
    public mutating func beginArray(count: Int) { output.append(UInt8(ascii: "[")) }
    /// Writes `]`.
    public mutating func endArray() { output.append(UInt8(ascii: "]")) }
    /// Writes `{`.
    public mutating func beginMap(count: Int) { output.append(UInt8(ascii: "{")) }

    /// Writes a string and a colon.
    @_effects(releasenone)
    public mutating func key(_ utf8: UnsafeRawBufferPointer, isOnly: Bool) {
        let start = output.count
        JSONText.append(utf8, to: &output)
        output.append(UInt8(ascii: ":"))
        if isOnly, BinaryMarker.isLike(utf8) { marker = (start + 1, output.count) }
    }

    /// Writes a string and a colon.
    @_effects(releasenone)
    public mutating func key(_ string: String, isOnly: Bool) {
        let bits = SmallText.bits(string)
        if packsText, bits.isSmall, !isOnly, JSONText.append(small: bits, colon: true, to: &output) { return }
        string.withFastUTF8 { key($0, isOnly: isOnly) }
    }

    /// Writes a comma, a string and a colon.
    @_effects(releasenone)
    public mutating func nextKey(_ string: String) {
        let bits = SmallText.bits(string)
        if packsText, bits.isSmall, JSONText.append(small: bits, comma: true, colon: true, to: &output) { return }
        output.append(UInt8(ascii: ","))
        string.withFastUTF8 { key($0, isOnly: false) }
    }

    /// Writes `}`.
    public mutating func endMap() { output.append(UInt8(ascii: "}")) }

    /// Hands out the bytes.
    public mutating func finish() -> [UInt8] { output.finish() }
}
