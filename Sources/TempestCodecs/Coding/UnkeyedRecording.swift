// Arrays and single values in a recording.
// The other containers of the encoder; see SlotEncoder.

/// An array in the recording.
struct UnkeyedRecording: UnkeyedEncodingContainer {
    let encoder: SlotEncoder
    let failure: (any Error)?
    /// How many elements there are.
    private(set) var count = 0

    init(encoder: SlotEncoder, failure: (any Error)?) {
        self.encoder = encoder
        self.failure = failure
        // Asked for a second time, it goes on where it was.
        if failure == nil { count = encoder.recorder.count }
    }

    var codingPath: [any CodingKey] { encoder.codingPath }

    @inline(__always)
    private mutating func begin() throws -> Recorder {
        if let failure { throw failure }
        try encoder.recorder.checkTop(encoder)
        count += 1
        return encoder.recorder
    }

    @inline(__always)
    private mutating func record<T>(_ value: T, _ body: (T, inout Recording) throws(CodecError) -> Void) throws {
        try begin().record(value, body)
    }

    mutating func encodeNil() throws { try record(Never?.none) { (_, buffer) throws(CodecError) in try buffer.null() } }
    mutating func encode(_ value: Bool) throws {
        try record(value) { (value, buffer) throws(CodecError) in try buffer.bool(value) }
    }
    mutating func encode(_ value: String) throws {
        try record(value) { (value, buffer) throws(CodecError) in try buffer.text(value) }
    }
    mutating func encode(_ value: Double) throws {
        try record(value) { (value, buffer) throws(CodecError) in try buffer.double(value) }
    }
    mutating func encode(_ value: Float) throws { try encode(FloatRounding.widened(value)) }
    mutating func encode(_ value: Int) throws { try encode(Int64(value)) }
    mutating func encode(_ value: Int8) throws { try encode(Int64(value)) }
    mutating func encode(_ value: Int16) throws { try encode(Int64(value)) }
    mutating func encode(_ value: Int32) throws { try encode(Int64(value)) }
    mutating func encode(_ value: Int64) throws {
        try record(value) { (value, buffer) throws(CodecError) in try buffer.int(value) }
    }
    mutating func encode(_ value: UInt) throws { try encode(UInt64(value)) }
    mutating func encode(_ value: UInt8) throws { try encode(Int64(value)) }
    mutating func encode(_ value: UInt16) throws { try encode(Int64(value)) }
    mutating func encode(_ value: UInt32) throws { try encode(Int64(value)) }
    mutating func encode(_ value: UInt64) throws {
        try record(value) { (value, buffer) throws(CodecError) in try buffer.uint(value) }
    }
    mutating func encode(_ value: Int128) throws {
        try record(value) { (value, buffer) throws(CodecError) in try buffer.integer(value) }
    }
    mutating func encode(_ value: UInt128) throws {
        try record(value) { (value, buffer) throws(CodecError) in try buffer.integer(value) }
    }
    mutating func encode<T: Encodable>(_ value: T) throws {
        try begin().encode(value)
    }

    mutating func nestedContainer<NestedKey: CodingKey>(keyedBy keyType: NestedKey.Type) -> KeyedEncodingContainer<NestedKey> {
        makeChild(.map).container(keyedBy: keyType)
    }

    mutating func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { makeChild(.array).unkeyedContainer() }

    mutating func superEncoder() -> any Encoder { makeChild(.nothing) }

    private mutating func makeChild(_ opened: Recorder.Opened) -> SlotEncoder {
        guard let recorder = try? begin(), let child = try? recorder.makeChild(PathKey(index: count - 1), opened) else {
            return encoder.refusing
        }
        return child
    }
}

/// A value by itself in the recording.
struct SingleRecording: SingleValueEncodingContainer {
    let encoder: SlotEncoder

    var codingPath: [any CodingKey] { encoder.codingPath }

    @inline(__always)
    private func record<T>(_ value: T, _ body: (T, inout Recording) throws(CodecError) -> Void) throws {
        try encoder.recorder.open(.scalar, in: encoder)
        try encoder.recorder.record(value, body)
    }

    mutating func encodeNil() throws { try record(Never?.none) { (_, buffer) throws(CodecError) in try buffer.null() } }
    mutating func encode(_ value: Bool) throws {
        try record(value) { (value, buffer) throws(CodecError) in try buffer.bool(value) }
    }
    mutating func encode(_ value: String) throws {
        try record(value) { (value, buffer) throws(CodecError) in try buffer.text(value) }
    }
    mutating func encode(_ value: Double) throws {
        try record(value) { (value, buffer) throws(CodecError) in try buffer.double(value) }
    }
    mutating func encode(_ value: Float) throws { try encode(FloatRounding.widened(value)) }
    mutating func encode(_ value: Int) throws { try encode(Int64(value)) }
    mutating func encode(_ value: Int8) throws { try encode(Int64(value)) }
    mutating func encode(_ value: Int16) throws { try encode(Int64(value)) }
    mutating func encode(_ value: Int32) throws { try encode(Int64(value)) }
    mutating func encode(_ value: Int64) throws {
        try record(value) { (value, buffer) throws(CodecError) in try buffer.int(value) }
    }
    mutating func encode(_ value: UInt) throws { try encode(UInt64(value)) }
    mutating func encode(_ value: UInt8) throws { try encode(Int64(value)) }
    mutating func encode(_ value: UInt16) throws { try encode(Int64(value)) }
    mutating func encode(_ value: UInt32) throws { try encode(Int64(value)) }
    mutating func encode(_ value: UInt64) throws {
        try record(value) { (value, buffer) throws(CodecError) in try buffer.uint(value) }
    }
    mutating func encode(_ value: Int128) throws {
        try record(value) { (value, buffer) throws(CodecError) in try buffer.integer(value) }
    }
    mutating func encode(_ value: UInt128) throws {
        try record(value) { (value, buffer) throws(CodecError) in try buffer.integer(value) }
    }
    mutating func encode<T: Encodable>(_ value: T) throws {
        try encoder.recorder.open(.scalar, in: encoder)
        try encoder.recorder.encode(value)
    }
}
