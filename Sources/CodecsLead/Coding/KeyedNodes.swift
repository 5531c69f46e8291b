// The members of a map for a Codable type: keys are compared as bytes, beginning where the last look-up ended, because most types
// ask for their keys in the order in which they were written.

struct KeyedNodes<Key: CodingKey>: KeyedDecodingContainerProtocol {
    private let decoder: NodeDecoder
    private let cursor: KeyCursor

    init(_ decoder: NodeDecoder) throws {
        guard decoder.node.kind == .map else { throw decoder.mismatch("map", [String: Any].self) }
        self.decoder = decoder
        cursor = KeyCursor(decoder.node)
    }

    var codingPath: [any CodingKey] { decoder.codingPath }
    var allKeys: [Key] { decoder.node.members.compactMap { Key(stringValue: $0.key) } }

    func contains(_ key: Key) -> Bool { cursor.find(key.stringValue) != nil }

    private func member(_ key: some CodingKey) throws -> NodeDecoder {
        guard let node = cursor.find(key.stringValue) else {
            throw DecodingError.keyNotFound(key, .init(codingPath: codingPath, debugDescription: "missing"))
        }
        return NodeDecoder(node: node, codingPath: codingPath + [key])
    }

    func decodeNil(forKey key: Key) throws -> Bool { try member(key).node.isNull }
    func decode(_: Bool.Type, forKey key: Key) throws -> Bool { try member(key).bool() }
    func decode(_: String.Type, forKey key: Key) throws -> String { try member(key).text() }
    func decode(_: Double.Type, forKey key: Key) throws -> Double { try member(key).double() }
    func decode(_: Float.Type, forKey key: Key) throws -> Float { Float(try member(key).double()) }
    func decode(_: Int.Type, forKey key: Key) throws -> Int { try member(key).integer(Int.self) }
    func decode(_: Int8.Type, forKey key: Key) throws -> Int8 { try member(key).integer(Int8.self) }
    func decode(_: Int16.Type, forKey key: Key) throws -> Int16 { try member(key).integer(Int16.self) }
    func decode(_: Int32.Type, forKey key: Key) throws -> Int32 { try member(key).integer(Int32.self) }
    func decode(_: Int64.Type, forKey key: Key) throws -> Int64 { try member(key).integer(Int64.self) }
    func decode(_: UInt.Type, forKey key: Key) throws -> UInt { try member(key).integer(UInt.self) }
    func decode(_: UInt8.Type, forKey key: Key) throws -> UInt8 { try member(key).integer(UInt8.self) }
    func decode(_: UInt16.Type, forKey key: Key) throws -> UInt16 { try member(key).integer(UInt16.self) }
    func decode(_: UInt32.Type, forKey key: Key) throws -> UInt32 { try member(key).integer(UInt32.self) }
    func decode(_: UInt64.Type, forKey key: Key) throws -> UInt64 { try member(key).integer(UInt64.self) }
    func decode<T: Decodable>(_: T.Type, forKey key: Key) throws -> T { try member(key).decode(T.self) }

    func nestedContainer<Nested: CodingKey>(keyedBy _: Nested.Type, forKey key: Key) throws -> KeyedDecodingContainer<Nested> {
        try member(key).container(keyedBy: Nested.self)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer { try member(key).unkeyedContainer() }
    func superDecoder() throws -> any Decoder { try member(PathKey("super")) }
    func superDecoder(forKey key: Key) throws -> any Decoder { try member(key) }
}

/// Finds members by key: a walk that goes on from the last one found, and, for a map that turns out to be asked out of order often, a
/// sorted index, so that many keys cost n log n and not n squared.
private final class KeyCursor {
    private let node: Node
    private var next: Int
    private var left: Int
    private var misses = 0
    private var sorted: [(key: [UInt8], value: Int)]?

    init(_ node: Node) {
        self.node = node
        (next, left) = (node.index + 1, node.count)
    }

    func find(_ key: String) -> Node? {
        let document = node.document
        if left > 0, document.isKey(next, key) {
            let value = next + 1
            (next, left) = (document.next(value), left - 1)
            return Node(document: document, index: value)
        }
        misses += 1
        if misses > 8, node.count > 16 { return search(key) }
        var index = node.index + 1
        for place in 0..<node.count {
            if document.isKey(index, key) {
                (next, left) = (document.next(index + 1), node.count - place - 1)
                return Node(document: document, index: index + 1)
            }
            index = document.next(index + 1)
        }
        return nil
    }

    private func search(_ key: String) -> Node? {
        let table = sorted ?? makeTable()
        sorted = table
        let wanted = Array(key.utf8)
        var (low, high) = (0, table.count)
        while low < high {
            let middle = (low + high) / 2
            if table[middle].key.lexicographicallyPrecedes(wanted) { low = middle + 1 } else { high = middle }
        }
        guard low < table.count, table[low].key == wanted else { return nil }
        return Node(document: node.document, index: table[low].value)
    }

    private func makeTable() -> [(key: [UInt8], value: Int)] {
        let document = node.document
        var table: [(key: [UInt8], value: Int)] = []
        var index = node.index + 1
        for _ in 0..<node.count {
            table.append((document.bytes(document.entries[index]), index + 1))
            index = document.next(index + 1)
        }
        return table.sorted { $0.key.lexicographicallyPrecedes($1.key) }
    }
}
