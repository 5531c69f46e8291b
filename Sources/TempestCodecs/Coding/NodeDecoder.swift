// A Decodable read straight from the flat form of a document.
// Before it: a Node (an argument, an answer). After it: a value of the handler's types.

extension Node {
    /// Decodes the value as a type.
    ///
    /// Integral floats are taken for integers and integers for floats; binary that is UTF-8 for text; text and arrays of integers for
    /// bytes. Missing and null optionals are nil. Throws `DecodingError` whose path begins with `codingPath`, with messages such as
    /// "expected text, found integer".
    public func decode<T: Decodable>(_ type: T.Type, codingPath: [any CodingKey] = []) throws -> T {
        try NodeDecoder(context: DecodingState(document: document, root: index, path: codingPath), index: index).decode(type)
    }
}

/// What all decoders of one call share.
final class DecodingState {
    let document: Document
    /// Into the document, whose arrays stay where they are as long as this holds it.
    let view: TapeView
    let root: Int
    let path: [any CodingKey]

    init(document: Document, root: Int, path: [any CodingKey]) {
        self.document = document
        view = document.tape.withView { $0 }
        self.root = root
        self.path = path
    }

    /// Of the maps that are read, which key comes next: most types ask for keys in the order in which they are. Like all of a decoder it is
    /// for one thread at a time.
    @exclusivity(unchecked) private var expected = InlineArray<8, (map: Int32, key: Int32)>(repeating: (-1, 0))

    /// The index of the value under a key of the map at `map`; nil if it has none.
    @inline(__always)
    func find(_ key: UnsafeRawBufferPointer, inMap map: Int) -> Int? {
        let place = map & 7
        let (last, next) = expected[unchecked: place]
        guard let wanted = key.baseAddress, Int(last) == map, Int(next) < view.entries[map].high else { return search(key, map) }
        let candidate = view.entries[Int(next)]
        guard candidate.low == key.count, equalBytes(view.start(candidate), wanted, key.count) else { return search(key, map) }
        expected[unchecked: place].key = Int32(truncatingIfNeeded: view.next(Int(next) &+ 1))
        return Int(next) &+ 1
    }

    @inline(never)
    private func search(_ key: UnsafeRawBufferPointer, _ map: Int) -> Int? {
        guard let value = view.find(key, inMap: map, document.keys) else { return nil }
        expected[map & 7] = (Int32(truncatingIfNeeded: map), Int32(truncatingIfNeeded: view.next(value)))
        return value
    }

    /// How long the path from the document's root to ours is; it is not part of a decoder's.
    private lazy var depth = document.path(to: root).count

    /// The path to an index.
    func path(to index: Int) -> [any CodingKey] { path + document.path(to: index).dropFirst(depth) }
}

/// The place of one value in a document; small enough to be boxed without an allocation. Index -1: nothing is there (`super` of a
/// map that has none), which reads as null.
struct NodeDecoder: Decoder {
    let context: DecodingState
    let index: Int

    var codingPath: [any CodingKey] { index < 0 ? context.path : context.path(to: index) }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    @inline(__always) var view: TapeView { context.view }
    @inline(__always) var entry: Entry { index < 0 ? Entry(.null, offset: 0) : context.view.entries[index] }
    var node: Node { Node(document: context.document, index: index) }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard entry.kind == .map else { throw mismatch([String: Any].self, "map") }
        if ObjectIdentifier(Key.self) == Self.keyOfDictionaries { try checkKeys() }
        return KeyedDecodingContainer(KeyedNodes(decoder: self))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        guard entry.kind == .array else { throw mismatch([Any].self, "array") }
        return UnkeyedNodes(decoder: self)
    }

    func singleValueContainer() throws -> any SingleValueDecodingContainer { SingleNode(decoder: self) }

    /// Decodes the value as a type. Those that need no `init(from:)` and the arrays that are met most go without a container.
    @inline(__always)
    func decode<T: Decodable>(_ type: T.Type) throws -> T {
        if T.self == String.self { return unsafeBitCast(try text(), to: T.self) }
        if T.self == Int.self { return unsafeBitCast(try integer(Int.self), to: T.self) }
        if T.self == Double.self { return unsafeBitCast(try double(), to: T.self) }
        if T.self == Bool.self { return unsafeBitCast(try bool(), to: T.self) }
        if T.self == [String].self { return unsafeBitCast(try array { try $0.text() }, to: T.self) }
        if T.self == [Int].self { return unsafeBitCast(try array { try $0.integer(Int.self) }, to: T.self) }
        if T.self == [Double].self { return unsafeBitCast(try array { try $0.double() }, to: T.self) }
        if T.self == [UInt8].self { return unsafeBitCast(try bytes(), to: T.self) }
        if T.self == Value.self, let value = (index < 0 ? Value.null : node.value) as? T { return value }
        return try decodeOther(type)
    }

    private func decodeOther<T: Decodable>(_ type: T.Type) throws -> T {
        let shape = CodingShape.of(T.self)
        if let collection = shape.readable {
            // An array and a dictionary are a reference each.
            var word: UInt = 0
            return try withUnsafeMutablePointer(to: &word) { word in
                let place = UnsafeMutableRawPointer(word)
                try collection.decode(self, into: place)
                return place.assumingMemoryBound(to: T.self).move()
            }
        }
        if let foundation = shape.foundation, index >= 0, !isNull() { return try decode(type, as: foundation) }
        return try T(from: self)
    }

    @inline(__always)
    private func array<E>(_ element: (NodeDecoder) throws -> E) throws -> [E] {
        let entry = entry
        guard entry.kind == .array else { throw mismatch([E].self, "array") }
        var elements: [E] = []
        elements.reserveCapacity(entry.low)
        var child = index + 1
        while child < entry.high {
            elements.append(try element(NodeDecoder(context: context, index: child)))
            child = view.next(child)
        }
        return elements
    }

    // MARK: Scalars

    @inline(__always)
    func isNull() -> Bool { entry.kind == .null }

    @inline(__always)
    func bool() throws -> Bool {
        guard let value = view.bool(entry) else { throw refusal(Bool.self, "bool") }
        return value
    }

    @inline(__always)
    func text() throws -> String {
        guard let value = view.text(entry) else { throw refusal(String.self, "text") }
        return value
    }

    @inline(__always)
    func integer<T: FixedWidthInteger>(_ type: T.Type) throws -> T {
        guard let value: T = view.integer(entry) else { throw refusal(type, "integer") }
        return value
    }

    @inline(__always)
    func double() throws -> Double {
        guard let value = view.double(entry) else { throw refusal(Double.self, "float") }
        return value
    }

    func float() throws -> Float {
        guard let value = view.float(entry, source: context.document.tape.source) else { throw refusal(Float.self, "float") }
        guard value.isFinite else { throw unfit(Float.self) }
        return value
    }

    /// What `Dictionary` asks for, as nothing else does.
    private static let keyOfDictionaries = _typeByName("s20_DictionaryCodingKeyV").map { ObjectIdentifier($0) }

    /// A dictionary of Swift has one of two keys that are the same text in other bytes (é as one scalar, or as e and an accent): the other
    /// would be lost.
    func checkKeys() throws {
        let (view, end) = (view, entry.high)
        var key = index + 1
        while key < end {
            let name = view.entries[key]
            // Texts in ASCII alone are equal as bytes or not at all.
            if name.flags & Entry.isASCII == 0, view.bytes(name).contains(where: { $0 >= 0x80 }) { return try compareKeys() }
            key = view.next(key + 1)
        }
    }

    private func compareKeys() throws {
        let (view, end) = (view, entry.high)
        var found: Set<String> = []
        var key = index + 1
        while key < end {
            let name = view.string(view.entries[key])
            guard found.insert(name).inserted else {
                throw DecodingError.dataCorrupted(
                    DecodingError.Context(
                        codingPath: codingPath,
                        debugDescription: "two keys are the same text, \(KeyText.quoted(name)), in other bytes"))
            }
            key = view.next(key + 1)
        }
    }

    func bytes() throws -> [UInt8] {
        let entry = entry
        switch entry.kind {
        case .binary, .text: return [UInt8](view.bytes(entry))
        case .array: return try array { try $0.integer(UInt8.self) }
        default: throw mismatch([UInt8].self, "binary")
        }
    }

    // MARK: Errors

    /// The error of a value that is no `expected`, or a number that the type does not hold.
    @inline(never)
    func refusal(_ type: any Any.Type, _ expected: String) -> DecodingError {
        let kind = entry.kind
        if expected == "integer", kind == .int || kind == .uint || kind == .double { return unfit(type) }
        return mismatch(type, expected)
    }

    /// The error of a value of another kind.
    @inline(never)
    func mismatch(_ type: any Any.Type, _ expected: String) -> DecodingError {
        let context = DecodingError.Context(
            codingPath: codingPath, debugDescription: "expected \(expected), found \(entry.kind)")
        return entry.kind == .null ? .valueNotFound(type, context) : .typeMismatch(type, context)
    }

    @inline(never)
    private func unfit(_ type: any Any.Type) -> DecodingError {
        .dataCorrupted(
            DecodingError.Context(
                codingPath: codingPath, debugDescription: "expected a number that fits \(type), found \(node.value)"))
    }
}

/// Types that have a value for what is missing.
protocol AbsentDecodable {
    static var absent: Self { get }
}

extension Optional: AbsentDecodable {
    static var absent: Wrapped? { nil }
}
