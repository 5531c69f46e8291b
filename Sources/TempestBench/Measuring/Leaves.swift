// Visits every leaf of a value, so that decoding lazily would save nothing.
// Before it: a decoded Value. After it: the sink.

import TempestCodecs

enum Leaves {
    /// A number that depends on every leaf and every key.
    ///
    /// It only looks (which the compiler is told): retaining what it looks at would be measured as the codec's time.
    @_effects(readonly)
    static func visit(_ value: Value) -> Int {
        switch value {
        case .null: 1
        case .bool(let bool): bool ? 3 : 2
        case .int(let int): Int(truncatingIfNeeded: int)
        case .uint(let uint): Int(truncatingIfNeeded: uint)
        case .double(let double): Int(truncatingIfNeeded: double.bitPattern)
        case .text(let text): text.utf8.count
        case .binary(let bytes): bytes.count
        case .ext(_, let data): data.count
        case .array(let array): visit(array)
        case .map(let map): visit(map)
        }
    }

    @_effects(readonly)
    private static func visit(_ array: [Value]) -> Int {
        var folded = 0
        for value in array { folded &+= visit(value) }
        return folded
    }

    @_effects(readonly)
    private static func visit(_ map: ValueMap) -> Int {
        var folded = 0
        for (key, value) in map { folded &+= key.utf8.count &+ visit(value) }
        return folded
    }
}
