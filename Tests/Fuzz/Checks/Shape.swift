// What is measured of values: how deep, how many, and whether two are the same to the last bit.
// Used by the checks of codecs and envelopes.

import TempestCodecs

/// Depth and number of values, as protocol/codecs.md counts them.
struct Shape {
    var depth = 0
    var values = 0
    var hasExt = false

    init(_ value: Value) {
        measure(value, depth: 0)
    }

    private mutating func measure(_ value: Value, depth outer: Int) {
        values += 1
        switch value {
        case .array(let array):
            depth = max(depth, outer + 1)
            for element in array { measure(element, depth: outer + 1) }
        case .map(let map):
            depth = max(depth, outer + 1)
            values += map.count
            for (_, element) in map { measure(element, depth: outer + 1) }
        case .ext: hasExt = true
        default: break
        }
    }

    func fits(_ limits: Limits) -> Bool {
        depth <= limits.depth && values <= limits.values
    }
}

/// Whether two values are the same: maps in the same order, floats to the bit, integers in the same case.
func identical(_ left: Value, _ right: Value) -> Bool {
    switch (left, right) {
    case (.double(let a), .double(let b)): a.bitPattern == b.bitPattern
    case (.int(let a), .int(let b)): a == b
    case (.uint(let a), .uint(let b)): a == b
    case (.int, .uint), (.uint, .int): false
    case (.array(let a), .array(let b)): a.count == b.count && zip(a, b).allSatisfy { identical($0, $1) }
    case (.map(let a), .map(let b)):
        a.count == b.count && zip(a, b).allSatisfy { $0.key.utf8.elementsEqual($1.key.utf8) && identical($0.value, $1.value) }
    default: left == right
    }
}

/// The value as tnetstring brings it back: binary that is UTF-8 is text there (protocol/codecs.md).
func afterTNetstring(_ value: Value) -> Value {
    switch value {
    case .binary(let bytes):
        if let text = String(validating: bytes, as: UTF8.self) { .text(text) } else { value }
    case .array(let array): .array(array.map(afterTNetstring))
    case .map(let map): .map(ValueMap(map.map { ($0.key, afterTNetstring($0.value)) }))
    default: value
    }
}
