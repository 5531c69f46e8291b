// Containers that types ask for by themselves: nested ones, super coders, several at once, and their misuse.
// And the paths that errors name.

import TempestCodecs
import Testing

@Suite("Coding containers and paths")
struct CodingContainerTests {
    enum Key: String, CodingKey { case a, b, c, d }

    /// Fills two nested containers by turns, after its own fields.
    struct Interleaved: Encodable {
        func encode(to encoder: any Encoder) throws {
            var root = encoder.container(keyedBy: Key.self)
            var list = root.nestedUnkeyedContainer(forKey: .a)
            var map = root.nestedContainer(keyedBy: Key.self, forKey: .b)
            try list.encode(1)
            try map.encode("x", forKey: .c)
            var inner = list.nestedContainer(keyedBy: Key.self)
            try root.encode(true, forKey: .d)
            try list.encode([2, 3])
            try inner.encode(9, forKey: .a)
            #expect(list.count == 3)
        }
    }

    class Base: Codable {
        var base = 1
    }

    final class Derived: Base {
        var own = "o"

        override init() { super.init() }

        required init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Key.self)
            own = try container.decode(String.self, forKey: .a)
            try super.init(from: container.superDecoder())
        }

        override func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Key.self)
            try super.encode(to: container.superEncoder())
            try container.encode(own, forKey: .a)
        }
    }

    @Test("Nested containers may be filled by turns", arguments: allCodecs)
    func interleaved(_ codec: any Codec) throws {
        let value = try codec.value(codec.encode(encoding: [Interleaved()]))
        #expect(identical(value, [["a": [1, ["a": 9], [2, 3]], "b": ["c": "x"], "d": true]]))
    }

    @Test("Super encoders and decoders carry a superclass", arguments: allCodecs)
    func inheritance(_ codec: any Codec) throws {
        let derived = Derived()
        derived.base = 5
        derived.own = "x"
        let bytes = try codec.encode(encoding: derived)
        #expect(identical(try codec.value(bytes), ["super": ["base": 5], "a": "x"]))
        let back = try codec.decode(Derived.self, from: bytes)
        #expect(back.base == 5)
        #expect(back.own == "x")
    }

    @Test("Nested containers are decoded by hand")
    func nestedDecoding() throws {
        struct Picked: Decodable {
            var first: Int
            var rest: [String] = []
            init(from decoder: any Decoder) throws {
                var list = try decoder.container(keyedBy: Key.self).nestedUnkeyedContainer(forKey: .a)
                #expect(list.count == 4)
                first = try list.nestedContainer(keyedBy: Key.self).decode(Int.self, forKey: .b)
                #expect(try list.decodeNil())
                while !list.isAtEnd { rest.append(try list.decode(String.self)) }
                #expect(list.currentIndex == 4)
            }
        }
        let picked = try decode(Picked.self, #"{"a":[{"b":3},null,"x","y"]}"#)
        #expect(picked.first == 3)
        #expect(picked.rest == ["x", "y"])
    }

    @Test("Errors of decoding name the path, what was expected and what was found")
    func paths() {
        #expect(
            message { try decode([Address].self, #"[{"street":"","tags":{}},{"street":"","tags":{"t":[1,"x"]}}]"#) }
                == "1.tags.t.1: expected integer, found text")
        #expect(message { try decode(Address.self, #"{"street":7,"tags":{}}"#) } == "street: expected text, found integer")
        #expect(message { try decode(Address.self, #"{"tags":{}}"#) } == #": the map has no key "street""#)
        #expect(message { try decode([Address].self, "[7]") } == "0: expected map, found integer")
        #expect(message { try decode([Int].self, "{}") } == ": expected array, found map")
        #expect(message { try decode([Int].self, "[null]") } == "0: expected integer, found null")
        #expect(message { try decode([String: Bool].self, #"{"k":1.5}"#) } == "k: expected bool, found float")
    }

    @Test("A node is decoded with the path that leads to it")
    func outerPath() throws {
        let node = try JSONCodec().parse(Array(#"["f",[{"name":1}]]"#.utf8)).root[1][0]
        struct Named: Decodable { var name: String }
        #expect(message { try node.decode(Named.self, codingPath: [Key.a]) } == "a.name: expected text, found integer")
    }

    @Test("Errors of encoding name the path", arguments: allCodecs)
    func encodingPaths(_ codec: any Codec) {
        struct Inner: Encodable { var x = [1.0, .infinity] }
        struct Outer: Encodable { var list = [Inner()] }
        #expect(message { try codec.encode(encoding: Outer()) }?.hasPrefix("list.0.x.1: ") == true)
        #expect(message { try codec.encode(encoding: ["k": Double.nan]) }?.hasPrefix("k: ") == true)
    }

    @Test("A value that encodes nothing at all, or twice, is refused")
    func misuse() {
        struct Nothing: Encodable { func encode(to encoder: any Encoder) throws {} }
        struct Twice: Encodable {
            func encode(to encoder: any Encoder) throws {
                var container = encoder.singleValueContainer()
                try container.encode(1)
                try container.encode(2)
            }
        }
        struct Both: Encodable {
            func encode(to encoder: any Encoder) throws {
                var list = encoder.unkeyedContainer()
                try list.encode(1)
                var map = encoder.container(keyedBy: Key.self)
                try map.encode(2, forKey: .a)
            }
        }
        #expect(message { try JSONCodec().encode(encoding: Nothing()) } == ": Nothing encoded nothing")
        #expect(throws: EncodingError.self) { try JSONCodec().encode(encoding: Twice()) }
        #expect(throws: EncodingError.self) { try JSONCodec().encode(encoding: Both()) }
    }

    @Test("A field that encodes nothing is an empty map, as it is for Foundation", arguments: allCodecs)
    func nothing(_ codec: any Codec) throws {
        struct Nothing: Encodable { func encode(to encoder: any Encoder) throws {} }
        struct Opened: Encodable { func encode(to encoder: any Encoder) throws { _ = encoder.singleValueContainer() } }
        struct Outer: Encodable {
            var a = Nothing()
            var b = Opened()
            var c = [Nothing()]
        }
        #expect(identical(try codec.value(codec.encode(encoding: Outer())), ["a": [:], "b": [:], "c": [[:]]]))
    }

    @Test(
        "Of a key that is encoded twice the last value counts, and nested containers under one key come together",
        arguments: allCodecs)
    func sameKey(_ codec: any Codec) throws {
        struct SameKey: Encodable {
            func encode(to encoder: any Encoder) throws {
                var map = encoder.container(keyedBy: Key.self)
                try map.encode([[1], [2, 3]], forKey: .a)
                var nested = map.nestedContainer(keyedBy: Key.self, forKey: .b)
                try nested.encode("first", forKey: .a)
                try map.encode(["k": [1]], forKey: .a)
                var again = map.nestedContainer(keyedBy: Key.self, forKey: .b)
                try again.encode("second", forKey: .b)
                try nested.encode("third", forKey: .a)
                var list = map.nestedUnkeyedContainer(forKey: .c)
                try list.encode(1)
                var more = map.nestedUnkeyedContainer(forKey: .c)
                try more.encode(2)
                try map.encode([["deep": [true]]], forKey: .a)
            }
        }
        let found = try codec.value(codec.encode(encoding: ["x": SameKey(), "y": SameKey()]))
        let one: Value = ["b": ["a": "third", "b": "second"], "c": [1, 2], "a": [["deep": [true]]]]
        #expect(found["x"] == one && found["y"] == one, "\(found)")
    }

    @Test("A large map whose keys come twice is merged in linear time")
    func manyKeys() throws {
        struct Many: Encodable {
            func encode(to encoder: any Encoder) throws {
                var map = encoder.container(keyedBy: Name.self)
                for round in 0..<2 {
                    for number in 0..<50_000 { try map.encode([round, number], forKey: Name(stringValue: "k\(number)")) }
                }
            }
            struct Name: CodingKey {
                var stringValue: String
                var intValue: Int? { nil }
                init(stringValue: String) { self.stringValue = stringValue }
                init?(intValue: Int) { nil }
            }
        }
        let found = try JSONCodec().value(JSONCodec().encode(encoding: Many()))
        #expect(found.asMap?.count == 50_000)
        #expect(found["k7"] == [1, 7])
    }

    @Test("A container that is used after its encode(to:) refuses")
    func staleContainer() {
        final class Keeper { var list: (any UnkeyedEncodingContainer)? }
        struct Keeping: Encodable {
            let keeper: Keeper
            func encode(to encoder: any Encoder) throws {
                var list = encoder.unkeyedContainer()
                try list.encode(1)
                keeper.list = list
            }
        }
        struct Outer: Encodable {
            func encode(to encoder: any Encoder) throws {
                let keeper = Keeper()
                var list = encoder.unkeyedContainer()
                try list.encode(Keeping(keeper: keeper))
                try keeper.list?.encode(2)
            }
        }
        #expect(throws: EncodingError.self) { try JSONCodec().encode(encoding: Outer()) }
    }

    @Test("A type that holds itself is refused before the stack is used up")
    func endless() {
        struct Endless: Encodable {
            func encode(to encoder: any Encoder) throws {
                var container = encoder.singleValueContainer()
                try container.encode(self)
            }
        }
        struct Deep: Encodable {
            func encode(to encoder: any Encoder) throws {
                var list = encoder.unkeyedContainer()
                try list.encode(self)
            }
        }
        #expect(throws: EncodingError.self) { try JSONCodec().encode(encoding: Endless()) }
        #expect(throws: EncodingError.self) { try JSONCodec().encode(encoding: Deep()) }
    }
}
