// A map of a document as a keyed container.
// Opened by init(from:) of structs and dictionaries; the document finds the keys.

/// A map to decode from; keys are compared as bytes, and sorted ones are there for maps that are not small.
struct KeyedNodes<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let decoder: NodeDecoder

    var codingPath: [any CodingKey] { decoder.codingPath }

    var allKeys: [Key] {
        let view = decoder.view
        let end = decoder.entry.high
        var keys: [Key] = []
        keys.reserveCapacity(decoder.entry.low)
        var index = decoder.index + 1
        while index < end {
            if let key = Key(stringValue: view.string(view.entries[index])) { keys.append(key) }
            index = view.next(index + 1)
        }
        return keys
    }

    @inline(__always)
    private func find(_ key: some CodingKey) -> NodeDecoder? {
        let index = key.stringValue.withFastUTF8 { decoder.context.find($0, inMap: decoder.index) }
        return index.map { NodeDecoder(context: decoder.context, index: $0) }
    }

    @inline(__always)
    private func require(_ key: some CodingKey) throws -> NodeDecoder {
        guard let found = find(key) else { throw missing(key) }
        return found
    }

    @inline(never)
    private func missing(_ key: some CodingKey) -> DecodingError {
        .keyNotFound(
            key,
            DecodingError.Context(
                codingPath: codingPath, debugDescription: "the map has no key \(key.stringValue.debugDescription)"))
    }

    func contains(_ key: Key) -> Bool { find(key) != nil }
    func decodeNil(forKey key: Key) throws -> Bool { find(key)?.isNull() ?? true }

    func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try require(key).bool() }
    func decode(_ type: String.Type, forKey key: Key) throws -> String { try require(key).text() }
    func decode(_ type: Double.Type, forKey key: Key) throws -> Double { try require(key).double() }
    func decode(_ type: Float.Type, forKey key: Key) throws -> Float { try require(key).float() }
    func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try require(key).integer(type) }
    func decode(_ type: Int8.Type, forKey key: Key) throws -> Int8 { try require(key).integer(type) }
    func decode(_ type: Int16.Type, forKey key: Key) throws -> Int16 { try require(key).integer(type) }
    func decode(_ type: Int32.Type, forKey key: Key) throws -> Int32 { try require(key).integer(type) }
    func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 { try require(key).integer(type) }
    func decode(_ type: UInt.Type, forKey key: Key) throws -> UInt { try require(key).integer(type) }
    func decode(_ type: UInt8.Type, forKey key: Key) throws -> UInt8 { try require(key).integer(type) }
    func decode(_ type: UInt16.Type, forKey key: Key) throws -> UInt16 { try require(key).integer(type) }
    func decode(_ type: UInt32.Type, forKey key: Key) throws -> UInt32 { try require(key).integer(type) }
    func decode(_ type: UInt64.Type, forKey key: Key) throws -> UInt64 { try require(key).integer(type) }
    func decode(_ type: Int128.Type, forKey key: Key) throws -> Int128 { try require(key).integer(type) }
    func decode(_ type: UInt128.Type, forKey key: Key) throws -> UInt128 { try require(key).integer(type) }

    func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T {
        if let found = find(key) { return try found.decode(type) }
        if let optional = type as? any AbsentDecodable.Type, let absent = optional.absent as? T { return absent }
        throw missing(key)
    }

    func decodeIfPresent<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T? {
        guard let found = find(key), !found.isNull() else { return nil }
        return try found.decode(type)
    }

    func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<NestedKey> {
        try require(key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try require(key).unkeyedContainer()
    }

    func superDecoder() throws -> any Decoder {
        find(PathKey.super) ?? NodeDecoder(context: decoder.context, index: -1)
    }

    func superDecoder(forKey key: Key) throws -> any Decoder { try require(key) }
}
