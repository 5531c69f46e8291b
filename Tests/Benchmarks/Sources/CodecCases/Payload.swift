// What is read and written: about 120 bytes of JSON, as small jobs are.
// Fixed: a change of it makes all counts new.

import TempestCodecs

/// The payload as a type.
struct Payload: Codable, Sendable {
    struct Nested: Codable, Sendable {
        var a = "alpha"
        var b = "beta gamma"
        var c = "d\u{E9}l\u{E1}"
    }

    var id = 123_456
    var name = "a name of some length"
    var n = [1, 22, 333, 4444, 55555]
    var nested = Nested()

    /// The same as a dynamic value.
    static let value: Value = [
        "id": 123_456, "name": "a name of some length", "n": [1, 22, 333, 4444, 55555],
        "nested": ["a": "alpha", "b": "beta gamma", "c": "d\u{E9}l\u{E1}"],
    ]
}
