// The elements of an array for a Codable type, one after the other.

struct UnkeyedNodes: UnkeyedDecodingContainer {
    private let decoder: NodeDecoder
    private var index: Int
    private(set) var currentIndex = 0

    init(_ decoder: NodeDecoder) throws {
        // An array of integers may have come as binary.
        guard decoder.node.kind == .array else { throw decoder.mismatch("array", [Any].self) }
        self.decoder = decoder
        index = decoder.node.index + 1
    }

    var codingPath: [any CodingKey] { decoder.codingPath }
    var count: Int? { decoder.node.count }
    var isAtEnd: Bool { currentIndex >= decoder.node.count }

    private func peek() throws -> NodeDecoder {
        let path = codingPath + [PathKey(currentIndex)]
        guard !isAtEnd else {
            throw DecodingError.valueNotFound(
                Any.self, .init(codingPath: path, debugDescription: "the array has only \(decoder.node.count) elements"))
        }
        return NodeDecoder(node: Node(document: decoder.node.document, index: index), codingPath: path)
    }

    private mutating func take<R>(_ body: (NodeDecoder) throws -> R) throws -> R {
        let result = try body(peek())
        index = decoder.node.document.next(index)
        currentIndex += 1
        return result
    }

    mutating func decodeNil() throws -> Bool {
        guard try peek().node.isNull else { return false }
        return try take { _ in true }
    }

    mutating func decode(_: Bool.Type) throws -> Bool { try take { try $0.bool() } }
    mutating func decode(_: String.Type) throws -> String { try take { try $0.text() } }
    mutating func decode(_: Double.Type) throws -> Double { try take { try $0.double() } }
    mutating func decode(_: Float.Type) throws -> Float { try take { Float(try $0.double()) } }
    mutating func decode(_: Int.Type) throws -> Int { try take { try $0.integer(Int.self) } }
    mutating func decode(_: Int8.Type) throws -> Int8 { try take { try $0.integer(Int8.self) } }
    mutating func decode(_: Int16.Type) throws -> Int16 { try take { try $0.integer(Int16.self) } }
    mutating func decode(_: Int32.Type) throws -> Int32 { try take { try $0.integer(Int32.self) } }
    mutating func decode(_: Int64.Type) throws -> Int64 { try take { try $0.integer(Int64.self) } }
    mutating func decode(_: UInt.Type) throws -> UInt { try take { try $0.integer(UInt.self) } }
    mutating func decode(_: UInt8.Type) throws -> UInt8 { try take { try $0.integer(UInt8.self) } }
    mutating func decode(_: UInt16.Type) throws -> UInt16 { try take { try $0.integer(UInt16.self) } }
    mutating func decode(_: UInt32.Type) throws -> UInt32 { try take { try $0.integer(UInt32.self) } }
    mutating func decode(_: UInt64.Type) throws -> UInt64 { try take { try $0.integer(UInt64.self) } }
    mutating func decode<T: Decodable>(_: T.Type) throws -> T { try take { try $0.decode(T.self) } }

    mutating func nestedContainer<Nested: CodingKey>(keyedBy _: Nested.Type) throws -> KeyedDecodingContainer<Nested> {
        try take { try $0.container(keyedBy: Nested.self) }
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer { try take { try $0.unkeyedContainer() } }
    mutating func superDecoder() throws -> any Decoder { try take { $0 } }
}

/// A step of a coding path that is no key of the user's type.
struct PathKey: CodingKey {
    let stringValue: String
    let intValue: Int?

    init(_ text: String) { (stringValue, intValue) = (text, nil) }
    init(_ index: Int) { (stringValue, intValue) = (String(index), index) }
    init?(stringValue: String) { self.init(stringValue) }
    init?(intValue: Int) { self.init(intValue) }
}
