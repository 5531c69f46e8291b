// What a scalar of a document is worth to a type: the conversions that are allowed, in one place.
// Asked by the decoder and by types that read themselves.

extension TapeView {
    /// A bool; nil for any other kind.
    @inline(__always)
    func bool(_ entry: Entry) -> Bool? { entry.kind == .bool ? entry.payload != 0 : nil }

    /// Text, also that was sent as binary that is UTF-8; nil for any other kind.
    @inline(__always)
    func text(_ entry: Entry) -> String? {
        if entry.kind == .text { return string(entry) }
        guard entry.kind == .binary, UTF8Check.isValid(bytes(entry)) else { return nil }
        return string(entry)
    }

    /// An integer or integral float that fits; nil for any other. A float from 2^53 on may have been another integer when it was written.
    @inline(__always)
    func integer<T: FixedWidthInteger>(_ entry: Entry) -> T? {
        switch entry.kind {
        case .int: T(exactly: Int64(bitPattern: entry.payload))
        case .uint: T(exactly: entry.payload)
        case .double:
            Double(bitPattern: entry.payload).magnitude < 9_007_199_254_740_992
                ? T(exactly: Double(bitPattern: entry.payload)) : nil
        default: nil
        }
    }

    /// The nearest `Float` of a float or an integer; nil for any other kind. `source`: what the document was read from.
    func float(_ entry: Entry, source: [UInt8]) -> Float? {
        switch entry.kind {
        case .int: Float(Int64(bitPattern: entry.payload))
        case .uint: Float(entry.payload)
        case .double: FloatRounding.nearest(Double(bitPattern: entry.payload), written: source, at: Int(entry.offset))
        default: nil
        }
    }

    /// A float or an integer as a float; nil for any other kind.
    @inline(__always)
    func double(_ entry: Entry) -> Double? {
        switch entry.kind {
        case .double: Double(bitPattern: entry.payload)
        case .int: Double(Int64(bitPattern: entry.payload))
        case .uint: Double(entry.payload)
        default: nil
        }
    }
}
