// A map with text keys that keeps their order: what a JSON object, a MessagePack map and a tnetstring dictionary have in common.

/// A map in the order in which it was written; equality ignores the order.
public struct ValueMap: Sendable, RandomAccessCollection, ExpressibleByDictionaryLiteral {
    private var members: [(key: String, value: Value)] = []

    public init() {}

    /// Of pairs; a later one replaces an earlier one with the same key.
    public init(_ pairs: some Sequence<(String, Value)>) {
        for (key, value) in pairs { self[key] = value }
    }

    public init(dictionaryLiteral elements: (String, Value)...) { self.init(elements) }

    /// Of pairs whose keys are known to be unique.
    init(unique members: [(key: String, value: Value)]) { self.members = members }

    public var startIndex: Int { 0 }
    public var endIndex: Int { members.count }
    public subscript(position: Int) -> (key: String, value: Value) { members[position] }

    /// The value under a key; nil takes the key away. Looks through the keys one by one.
    public subscript(key: String) -> Value? {
        get { index(of: key).map { members[$0].value } }
        set {
            switch (index(of: key), newValue) {
            case (let index?, let value?): members[index].value = value
            case (let index?, nil): members.remove(at: index)
            case (nil, let value?): members.append((key, value))
            case (nil, nil): break
            }
        }
    }

    private func index(of key: String) -> Int? {
        members.firstIndex { $0.key.utf8.elementsEqual(key.utf8) }
    }

    /// The members with their keys sorted by UTF-8 bytes.
    var sorted: [(key: String, value: Value)] {
        members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
    }
}

extension ValueMap: Equatable {
    public static func == (a: ValueMap, b: ValueMap) -> Bool {
        guard a.count == b.count else { return false }
        return zip(a.sorted, b.sorted).allSatisfy { $0.key.utf8.elementsEqual($1.key.utf8) && $0.value == $1.value }
    }
}
