// The three containers of the encoder: each puts what it is given into the encoder that it came from.

struct KeyedTokens<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let encoder: TokenEncoder
    var codingPath: [any CodingKey] { encoder.codingPath }

    private func put(_ value: Value, _ key: Key) { encoder.set(key.stringValue, .value(value)) }

    func encodeNil(forKey key: Key) { put(.null, key) }
    func encode(_ value: Bool, forKey key: Key) { put(.bool(value), key) }
    func encode(_ value: String, forKey key: Key) { put(.text(value), key) }
    func encode(_ value: Double, forKey key: Key) throws { put(try TokenEncoder.finite(value, codingPath + [key]), key) }
    func encode(_ value: Float, forKey key: Key) throws { put(try TokenEncoder.finite(Double(value), codingPath + [key]), key) }
    func encode(_ value: Int, forKey key: Key) { put(Value(value), key) }
    func encode(_ value: Int8, forKey key: Key) { put(Value(value), key) }
    func encode(_ value: Int16, forKey key: Key) { put(Value(value), key) }
    func encode(_ value: Int32, forKey key: Key) { put(Value(value), key) }
    func encode(_ value: Int64, forKey key: Key) { put(Value(value), key) }
    func encode(_ value: UInt, forKey key: Key) { put(Value(value), key) }
    func encode(_ value: UInt8, forKey key: Key) { put(Value(value), key) }
    func encode(_ value: UInt16, forKey key: Key) { put(Value(value), key) }
    func encode(_ value: UInt32, forKey key: Key) { put(Value(value), key) }
    func encode(_ value: UInt64, forKey key: Key) { put(Value(value), key) }

    func encode<T: Encodable>(_ value: T, forKey key: Key) throws {
        encoder.set(key.stringValue, try TokenEncoder.element(value, codingPath + [key]))
    }

    private func nested(_ key: any CodingKey) -> TokenEncoder {
        let nested = TokenEncoder(codingPath + [key])
        encoder.set(key.stringValue, .encoder(nested))
        return nested
    }

    func nestedContainer<Nested: CodingKey>(keyedBy _: Nested.Type, forKey key: Key) -> KeyedEncodingContainer<Nested> {
        nested(key).container(keyedBy: Nested.self)
    }
    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer { nested(key).unkeyedContainer() }
    func superEncoder() -> any Encoder { nested(PathKey("super")) }
    func superEncoder(forKey key: Key) -> any Encoder { nested(key) }
}

struct UnkeyedTokens: UnkeyedEncodingContainer {
    let encoder: TokenEncoder
    var codingPath: [any CodingKey] { encoder.codingPath }
    var count: Int { encoder.count }

    private var path: [any CodingKey] { codingPath + [PathKey(count)] }
    private func put(_ value: Value) { encoder.append(.value(value)) }

    func encodeNil() { put(.null) }
    func encode(_ value: Bool) { put(.bool(value)) }
    func encode(_ value: String) { put(.text(value)) }
    func encode(_ value: Double) throws { put(try TokenEncoder.finite(value, path)) }
    func encode(_ value: Float) throws { put(try TokenEncoder.finite(Double(value), path)) }
    func encode(_ value: Int) { put(Value(value)) }
    func encode(_ value: Int8) { put(Value(value)) }
    func encode(_ value: Int16) { put(Value(value)) }
    func encode(_ value: Int32) { put(Value(value)) }
    func encode(_ value: Int64) { put(Value(value)) }
    func encode(_ value: UInt) { put(Value(value)) }
    func encode(_ value: UInt8) { put(Value(value)) }
    func encode(_ value: UInt16) { put(Value(value)) }
    func encode(_ value: UInt32) { put(Value(value)) }
    func encode(_ value: UInt64) { put(Value(value)) }
    func encode<T: Encodable>(_ value: T) throws { encoder.append(try TokenEncoder.element(value, path)) }

    private func nested() -> TokenEncoder {
        let nested = TokenEncoder(path)
        encoder.append(.encoder(nested))
        return nested
    }

    func nestedContainer<Nested: CodingKey>(keyedBy _: Nested.Type) -> KeyedEncodingContainer<Nested> {
        nested().container(keyedBy: Nested.self)
    }
    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { nested().unkeyedContainer() }
    func superEncoder() -> any Encoder { nested() }
}

struct SingleToken: SingleValueEncodingContainer {
    let encoder: TokenEncoder
    var codingPath: [any CodingKey] { encoder.codingPath }

    private func put(_ value: Value) { encoder.content = .scalar(value) }

    func encodeNil() { put(.null) }
    func encode(_ value: Bool) { put(.bool(value)) }
    func encode(_ value: String) { put(.text(value)) }
    func encode(_ value: Double) throws { put(try TokenEncoder.finite(value, codingPath)) }
    func encode(_ value: Float) throws { put(try TokenEncoder.finite(Double(value), codingPath)) }
    func encode(_ value: Int) { put(Value(value)) }
    func encode(_ value: Int8) { put(Value(value)) }
    func encode(_ value: Int16) { put(Value(value)) }
    func encode(_ value: Int32) { put(Value(value)) }
    func encode(_ value: Int64) { put(Value(value)) }
    func encode(_ value: UInt) { put(Value(value)) }
    func encode(_ value: UInt8) { put(Value(value)) }
    func encode(_ value: UInt16) { put(Value(value)) }
    func encode(_ value: UInt32) { put(Value(value)) }
    func encode(_ value: UInt64) { put(Value(value)) }

    func encode<T: Encodable>(_ value: T) throws {
        switch try TokenEncoder.element(value, codingPath) {
        case .value(let value): encoder.content = .scalar(value)
        case .encoder(let inner): encoder.content = inner.content
        }
    }
}
