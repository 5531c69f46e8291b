// Codable types out of a document, straight from the flat parse: a decoder is a document, an index and the path to it.

extension Node {
    /// This value as a `Codable` type. Throws `DecodingError`, whose path begins with `codingPath`.
    ///
    /// Integral floats are taken for integers and integers for floats; text for bytes, because tnetstring has one type for both.
    public func decode<T: Decodable>(_: T.Type = T.self, codingPath: [any CodingKey] = []) throws -> T {
        try NodeDecoder(node: self, codingPath: codingPath).decode(T.self)
    }
}

struct NodeDecoder: Decoder {
    let node: Node
    let codingPath: [any CodingKey]
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy _: Key.Type) throws -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(try KeyedNodes<Key>(self))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer { try UnkeyedNodes(self) }

    func singleValueContainer() throws -> any SingleValueDecodingContainer { self }

    func mismatch(_ wanted: String, _ type: Any.Type) -> DecodingError {
        let context = DecodingError.Context(
            codingPath: codingPath, debugDescription: "expected \(wanted), found \(node.kind)")
        return node.isNull ? .valueNotFound(type, context) : .typeMismatch(type, context)
    }

    func integer<T: FixedWidthInteger>(_: T.Type) throws -> T {
        let value: T?
        switch node.kind {
        case .int: value = T(exactly: node.int ?? 0)
        case .uint: value = T(exactly: node.uint ?? 0)
        case .double: value = T(exactly: node.double ?? 0.5)
        default: throw mismatch("integer", T.self)
        }
        guard let value else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: codingPath, debugDescription: "\(node.value) does not fit \(T.self)"))
        }
        return value
    }

    func double() throws -> Double {
        switch node.kind {
        case .double: return node.double ?? 0
        case .int: return Double(node.int ?? 0)
        case .uint: return Double(node.uint ?? 0)
        default: throw mismatch("float", Double.self)
        }
    }

    func text() throws -> String {
        guard let text = node.text else { throw mismatch("text", String.self) }
        return text
    }

    func bool() throws -> Bool {
        guard let bool = node.bool else { throw mismatch("bool", Bool.self) }
        return bool
    }
}

extension NodeDecoder: SingleValueDecodingContainer {
    func decodeNil() -> Bool { node.isNull }
    func decode(_: Bool.Type) throws -> Bool { try bool() }
    func decode(_: String.Type) throws -> String { try text() }
    func decode(_: Double.Type) throws -> Double { try double() }
    func decode(_: Float.Type) throws -> Float { Float(try double()) }
    func decode(_: Int.Type) throws -> Int { try integer(Int.self) }
    func decode(_: Int8.Type) throws -> Int8 { try integer(Int8.self) }
    func decode(_: Int16.Type) throws -> Int16 { try integer(Int16.self) }
    func decode(_: Int32.Type) throws -> Int32 { try integer(Int32.self) }
    func decode(_: Int64.Type) throws -> Int64 { try integer(Int64.self) }
    func decode(_: UInt.Type) throws -> UInt { try integer(UInt.self) }
    func decode(_: UInt8.Type) throws -> UInt8 { try integer(UInt8.self) }
    func decode(_: UInt16.Type) throws -> UInt16 { try integer(UInt16.self) }
    func decode(_: UInt32.Type) throws -> UInt32 { try integer(UInt32.self) }
    func decode(_: UInt64.Type) throws -> UInt64 { try integer(UInt64.self) }

    func decode<T: Decodable>(_: T.Type) throws -> T {
        // Types with a form of their own in the value model.
        if T.self == Value.self { return node.value as! T }
        if T.self == [UInt8].self, node.kind == .binary || node.kind == .text { return (node.bytes ?? []) as! T }
        return try T(from: self)
    }
}
