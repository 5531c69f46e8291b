// The Encoder that an Encodable is given, and its keyed container.
// They are small structs that point to the recorder: nothing is allocated for a nested value.

/// The place of one value in a recording.
struct SlotEncoder: Encoder {
    // Three words: an existential that holds more takes memory of its own, for every nested value.
    let recorder: Recorder
    let slot: Int32
    let serial: Int32
    /// How many containers are around the value.
    let depth: Int32

    var codingPath: [any CodingKey] { recorder.path(Int(depth)) }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    /// What a container that cannot be opened is replaced by: asking for it cannot throw, writing to it does.
    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        KeyedEncodingContainer(KeyedRecording(encoder: self, failure: open(.map)))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        UnkeyedRecording(encoder: self, failure: open(.array))
    }

    func singleValueContainer() -> any SingleValueEncodingContainer {
        SingleRecording(encoder: self)
    }

    /// Opens a container; the error is kept for the first write.
    private func open(_ opened: Recorder.Opened) -> (any Error)? {
        do {
            try recorder.open(opened, in: self)
            return nil
        } catch {
            return error
        }
    }
}

/// A map in the recording.
struct KeyedRecording<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let encoder: SlotEncoder
    let failure: (any Error)?

    var codingPath: [any CodingKey] { encoder.codingPath }

    @inline(__always)
    private func begin(_ key: some CodingKey) throws -> Recorder {
        if let failure { throw failure }
        try encoder.recorder.checkTop(encoder)
        try encoder.recorder.key(key)
        return encoder.recorder
    }

    mutating func encodeNil(forKey key: Key) throws {
        try begin(key).record(Never?.none) { (_, buffer) throws(CodecError) in try buffer.null() }
    }
    mutating func encode(_ value: Bool, forKey key: Key) throws {
        try begin(key).record(value) { (value, buffer) throws(CodecError) in try buffer.bool(value) }
    }
    mutating func encode(_ value: String, forKey key: Key) throws {
        try begin(key).record(value) { (value, buffer) throws(CodecError) in try buffer.text(value) }
    }
    mutating func encode(_ value: Double, forKey key: Key) throws {
        try begin(key).record(value) { (value, buffer) throws(CodecError) in try buffer.double(value) }
    }
    mutating func encode(_ value: Float, forKey key: Key) throws { try encode(FloatRounding.widened(value), forKey: key) }
    mutating func encode(_ value: Int, forKey key: Key) throws { try encode(Int64(value), forKey: key) }
    mutating func encode(_ value: Int8, forKey key: Key) throws { try encode(Int64(value), forKey: key) }
    mutating func encode(_ value: Int16, forKey key: Key) throws { try encode(Int64(value), forKey: key) }
    mutating func encode(_ value: Int32, forKey key: Key) throws { try encode(Int64(value), forKey: key) }
    mutating func encode(_ value: Int64, forKey key: Key) throws {
        try begin(key).record(value) { (value, buffer) throws(CodecError) in try buffer.int(value) }
    }
    mutating func encode(_ value: UInt, forKey key: Key) throws { try encode(UInt64(value), forKey: key) }
    mutating func encode(_ value: UInt8, forKey key: Key) throws { try encode(Int64(value), forKey: key) }
    mutating func encode(_ value: UInt16, forKey key: Key) throws { try encode(Int64(value), forKey: key) }
    mutating func encode(_ value: UInt32, forKey key: Key) throws { try encode(Int64(value), forKey: key) }
    mutating func encode(_ value: UInt64, forKey key: Key) throws {
        try begin(key).record(value) { (value, buffer) throws(CodecError) in try buffer.uint(value) }
    }
    mutating func encode(_ value: Int128, forKey key: Key) throws {
        try begin(key).record(value) { (value, buffer) throws(CodecError) in try buffer.integer(value) }
    }
    mutating func encode(_ value: UInt128, forKey key: Key) throws {
        try begin(key).record(value) { (value, buffer) throws(CodecError) in try buffer.integer(value) }
    }
    mutating func encode<T: Encodable>(_ value: T, forKey key: Key) throws { try begin(key).encode(value) }

    mutating func nestedContainer<NestedKey: CodingKey>(
        keyedBy keyType: NestedKey.Type, forKey key: Key
    ) -> KeyedEncodingContainer<NestedKey> {
        makeChild(key, .map).container(keyedBy: keyType)
    }

    mutating func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        makeChild(key, .array).unkeyedContainer()
    }

    mutating func superEncoder() -> any Encoder { makeChild(PathKey.super, .nothing) }

    mutating func superEncoder(forKey key: Key) -> any Encoder { makeChild(key, .nothing) }

    /// An encoder for a value that is written later. Where it cannot be had, it is one that refuses everything.
    private func makeChild(_ key: any CodingKey, _ opened: Recorder.Opened) -> SlotEncoder {
        guard let child = try? begin(key).makeChild(key, opened) else { return encoder.refusing }
        return child
    }
}

extension SlotEncoder {
    /// An encoder whose turn it never is: every write to it throws.
    var refusing: SlotEncoder { SlotEncoder(recorder: recorder, slot: slot, serial: -1, depth: depth) }
}
