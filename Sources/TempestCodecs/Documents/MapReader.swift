// A map of a document, read by a type that reads itself.
// Opened by Node.map(); hands out the values under the keys.

/// Reads the values of a map by their keys. Keys that come in the order in which they are asked for are found at once, whatever the
/// size of the map; others are looked for.
public struct MapReader {
    private let document: Document
    /// Into the document, whose arrays stay where they are as long as this holds it.
    private let view: TapeView
    private let map: Int
    private let end: Int
    /// The key after the one that was found last.
    private var next: Int

    init(_ node: Node) {
        document = node.document
        view = node.document.tape.withView { $0 }
        map = node.index
        end = view.entries[map].high
        next = map + 1
    }

    /// How many pairs the map has.
    public var count: Int { view.entries[map].low }

    /// The value under a key, of a type that reads itself. Throws `DecodingError` if there is none.
    public mutating func read<T: TokenReadable>(_ key: StaticString) throws -> T { try T(reading: node(key)) }

    /// The same, nil if there is no such key or its value is null.
    public mutating func readIfPresent<T: TokenReadable>(_ key: StaticString) throws -> T? {
        guard let node = nodeIfPresent(key), !node.isNull else { return nil }
        return try T(reading: node)
    }

    /// The value under a key, whatever it is. Throws `DecodingError` if there is none.
    public mutating func node(_ key: StaticString) throws -> Node {
        guard let index = find(key) else { throw missing(key) }
        return Node(document: document, index: index)
    }

    /// The value under a key, whatever it is; nil if there is none.
    public mutating func nodeIfPresent(_ key: StaticString) -> Node? {
        find(key).map { Node(document: document, index: $0) }
    }

    /// The text under a key.
    public mutating func read(_ key: StaticString) throws -> String { try scalar(key, "text") { $0.text($1) } }

    /// The integer under a key.
    public mutating func read(_ key: StaticString) throws -> Int { try scalar(key, "integer") { $0.integer($1) } }

    /// The float under a key.
    public mutating func read(_ key: StaticString) throws -> Double { try scalar(key, "float") { $0.double($1) } }

    /// The bool under a key.
    public mutating func read(_ key: StaticString) throws -> Bool { try scalar(key, "bool") { $0.bool($1) } }

    /// The texts under a key.
    public mutating func read(_ key: StaticString) throws -> [String] { try scalars(key, "text") { $0.text($1) } }

    /// The integers under a key.
    public mutating func read(_ key: StaticString) throws -> [Int] { try scalars(key, "integer") { $0.integer($1) } }

    /// The floats under a key.
    public mutating func read(_ key: StaticString) throws -> [Double] { try scalars(key, "float") { $0.double($1) } }

    @inline(__always)
    private mutating func scalar<T>(_ key: StaticString, _ expected: String, _ read: (TapeView, Entry) -> T?) throws -> T {
        guard let index = find(key) else { throw missing(key) }
        guard let value = read(view, view.entries[index]) else {
            throw Node(document: document, index: index).mismatch(T.self, expected)
        }
        return value
    }

    @inline(__always)
    private mutating func scalars<T>(_ key: StaticString, _ expected: String, _ read: (TapeView, Entry) -> T?) throws -> [T] {
        guard let index = find(key) else { throw missing(key) }
        return try Node(document: document, index: index).scalars(expected, read)
    }

    /// The index of the value under a key.
    @inline(__always)
    private mutating func find(_ key: StaticString) -> Int? {
        let (start, count) = (UnsafeRawPointer(key.utf8Start), key.utf8CodeUnitCount)
        if next < end {
            let candidate = view.entries[next]
            if candidate.low == count, equalBytes(view.start(candidate), start, count) {
                let value = next &+ 1
                next = view.next(value)
                return value
            }
        }
        return search(start, count)
    }

    @inline(never)
    private mutating func search(_ start: UnsafeRawPointer, _ count: Int) -> Int? {
        let key = UnsafeRawBufferPointer(start: start, count: count)
        guard let value = view.find(key, inMap: map, document.keys) else { return nil }
        next = view.next(value)
        return value
    }

    @inline(never)
    private func missing(_ key: StaticString) -> DecodingError {
        .keyNotFound(
            PathKey(stringValue: "\(key)"),
            DecodingError.Context(
                codingPath: document.path(to: map), debugDescription: "the map has no key \("\(key)".debugDescription)"))
    }
}
