// Between Float and Double without a digit more or less (codecs.md, "Floats"): floats are float64 on the wire.

enum FloatRounding {
    /// The double that has the fewest digits of those that read back to this `Float`: 0.1 is written as 0.1, not as 0.10000000149011612.
    static func widened(_ value: Float) -> Double {
        let exact = Double(value)
        // A whole number has its digits already.
        if value.magnitude < 16_777_216, value == value.rounded(.towardZero) { return exact }
        guard let short = Double(value.description), Float(short) == value else { return exact }
        return short
    }

    /// The `Float` next to a number that was read as a double. Where the double is in the middle between two, the number may have been on
    /// either side of it: then its text decides, if the document is text.
    static func nearest(_ double: Double, written source: [UInt8], at offset: Int) -> Float {
        let near = Float(double)
        let isMiddle =
            Double(near) + Double(near.nextUp) == 2 * double || Double(near) + Double(near.nextDown) == 2 * double
        guard isMiddle, near.isFinite, offset < source.count else { return near }
        var text = source[offset...].prefix { Self.isOfNumber($0) }
        if source[text.endIndex...].first == UInt8(ascii: ":"), let count = Int(String(decoding: text, as: UTF8.self)) {
            text = source[(text.endIndex + 1)...].prefix(count)
        }
        return Float(String(decoding: text, as: UTF8.self)) ?? near
    }

    private static func isOfNumber(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || "+-.eE".utf8.contains(byte)
    }
}
