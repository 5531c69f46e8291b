// A map of dynamic values: text keys, unique, in order.
// Read from documents by Node.value; written as a map by every codec.

/// An ordered map with text keys. Equality ignores the order. Keys are equal when their UTF-8 is (unlike String's `==`, which takes
/// composed and decomposed letters for the same).
public struct ValueMap: Sendable {
    /// A key and its value. (Not a tuple: arrays of tuples are slower to make and to drop.)
    @usableFromInline
    struct Pair: Sendable {
        @usableFromInline var key: String
        @usableFromInline var value: Value
    }

    @usableFromInline private(set) var pairs: [Pair]

    /// An empty map.
    public init() {
        pairs = []
    }

    /// A map of pairs; of a key that is there several times the last value counts, at the place of the first.
    public init(_ pairs: some Sequence<(String, Value)>) {
        var places: [[UInt8]: Int] = [:]
        self.pairs = []
        for (key, value) in pairs {
            let place = places[Array(key.utf8), default: self.pairs.count]
            if place < self.pairs.count {
                self.pairs[place].value = value
            } else {
                places[Array(key.utf8)] = place
                self.pairs.append(Pair(key: key, value: value))
            }
        }
    }

    /// Pairs whose keys are known to differ.
    init(unique pairs: [Pair]) {
        self.pairs = pairs
    }

    /// The keys, in order.
    public var keys: [String] { pairs.map(\.key) }

    /// The value under a key. Setting adds the key at the end if it is new; setting nil removes it. Looks at every key.
    public subscript(key: String) -> Value? {
        get { pairs.first { Self.same($0.key, key) }?.value }
        set {
            let place = pairs.firstIndex { Self.same($0.key, key) }
            switch (place, newValue) {
            case (let place?, let value?): pairs[place].value = value
            case (let place?, nil): pairs.remove(at: place)
            case (nil, let value?): pairs.append(Pair(key: key, value: value))
            case (nil, nil): break
            }
        }
    }

    private static func same(_ left: String, _ right: String) -> Bool {
        left.utf8.elementsEqual(right.utf8)
    }
}

extension ValueMap: RandomAccessCollection {
    /// The place of the first pair.
    @inlinable public var startIndex: Int { 0 }
    /// The place after the last pair.
    @inlinable public var endIndex: Int { pairs.count }
    /// The pair at a place.
    @inlinable public subscript(position: Int) -> (key: String, value: Value) { (pairs[position].key, pairs[position].value) }
}

extension ValueMap: ExpressibleByDictionaryLiteral {
    /// A map of pairs.
    public init(dictionaryLiteral elements: (String, Value)...) {
        self.init(elements)
    }
}

extension ValueMap: Equatable {
    /// Whether the same keys have the same values, in whatever order.
    public static func == (left: ValueMap, right: ValueMap) -> Bool {
        guard left.count == right.count else { return false }
        // Values are compared once only: twice a level would be 2^64 times at the bottom.
        if zip(left.pairs, right.pairs).allSatisfy({ same($0.key, $1.key) }) {
            return zip(left.pairs, right.pairs).allSatisfy { $0.value == $1.value }
        }
        let order: (Pair, Pair) -> Bool = {
            $0.key.utf8.lexicographicallyPrecedes($1.key.utf8)
        }
        return zip(left.pairs.sorted(by: order), right.pairs.sorted(by: order))
            .allSatisfy { same($0.key, $1.key) && $0.value == $1.value }
    }
}
