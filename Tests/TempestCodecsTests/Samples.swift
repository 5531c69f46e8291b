// Types and values that several tests send through the codecs.
// Every kind of Codable container is among them.

import TempestCodecs

struct Address: Codable, Equatable {
    var street: String
    var zip: UInt16?
    var tags: [String: [Int]]
}

enum Event: Codable, Equatable {
    case started
    case moved(x: Double, y: Double)
    case named(String)
}

/// One field of every sort.
struct Sample: Codable, Equatable {
    var name = "Zoë 😀 \u{0}\"\\"
    var small: Int8 = -128
    var largest = UInt64.max
    var lowest = Int64.min
    var tiny = Double.leastNonzeroMagnitude
    var minusZero = -0.0
    var half: Float = 0.5
    var isOn = true
    var absent: String?
    var present: Int? = 7
    var bytes: [UInt8] = [0xFF, 0x00, 0x80]
    var wrapped: Bytes = [0xC3, 0x28]
    var noBytes: [UInt8]? = []
    var grid: [[Int]] = [[], [1], [2, 3]]
    var address = Address(street: "Elm", zip: nil, tags: ["a": [1, -1], "": []])
    var others: [Address?] = [nil, Address(street: "", zip: 65535, tags: [:])]
    var events: [Event] = [.started, .moved(x: 1, y: -0.5), .named("n")]
    var byNumber: [Int: String] = [1: "one", -2: "minus two"]
    var anything: Value = ["k": [1, 2.5, nil, true, "t"], "big": Value(UInt64.max)]
}

/// The codecs, with a name for the output of tests.
let allCodecs: [any Codec] = [.json, .messagePack, .tnetstring]

/// Values that every codec carries and gives back as they are.
let commonValues: [Value] = [
    nil, true, false, 0, -1, 127, 128, 255, 256, 65535, 65536, 4_294_967_296, Value(Int64.max), Value(Int64.min),
    Value(UInt64.max),
    Value(UInt64(Int64.max) + 1), 0.0, -0.0, 1.0, 0.1, .double(.leastNonzeroMagnitude), .double(.greatestFiniteMagnitude), 1e21,
    1e-7, 123456789.25, "", "a",
    .text(String(repeating: "ü", count: 200)), .text(String(repeating: "x", count: 70_000)), "\u{1}\n\"\\/\u{7F}\u{2028}",
    .binary([0xFF]), .binary([0x80, 0x81, 0xFE]), [], [:], [[[]]], ["a": ["b": ["c": nil]]], ["$b64": "aGk="], ["$$b64": ""],
    ["é": 1, "e\u{301}": 2], .array((0..<300).map { Value($0) }),
    .map(ValueMap((0..<300).map { ("key \($0 * 7 % 300)", Value($0)) })),
]

/// Random numbers that can be had again from their seed (SplitMix64).
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
