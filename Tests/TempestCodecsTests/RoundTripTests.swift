// Values through the codecs and back, and from one codec to another.
// What comes out is what went in, in the same order.

import TempestCodecs
import Testing

@Suite("Round trips of values")
struct RoundTripTests {
    @Test("A value comes back as it was", arguments: allCodecs)
    func values(_ codec: any Codec) throws {
        for value in commonValues {
            let bytes = try codec.encode(value)
            #expect(identical(try codec.value(bytes), value), "\(value)")
            #expect(try codec.encode(try codec.parse(bytes).root) == bytes, "the node of \(value) is written differently")
        }
    }

    @Test("A document goes from any codec to any other", arguments: allCodecs, allCodecs)
    func transcode(_ from: any Codec, _ to: any Codec) throws {
        for value in commonValues {
            let node = try from.parse(try from.encode(value)).root
            #expect(identical(try to.value(try to.encode(node)), value), "\(value)")
        }
    }

    @Test("An ext goes through MessagePack with its type and bytes")
    func ext() throws {
        for count in [0, 1, 2, 3, 4, 8, 16, 17, 256, 65_536] {
            for type in [Int8.min, -1, 0, 127] {
                let value = Value.ext(type: type, data: [UInt8](repeating: 7, count: count))
                let node = try MessagePackCodec().parse(try MessagePackCodec().encode(value)).root
                #expect(node.value == value)
                #expect(node.extType == type)
            }
        }
        #expect(refusal { try JSONCodec().encode(.ext(type: 1, data: [0]) as Value) }?.code == .unencodable)
        #expect(refusal { try TNetstringCodec().encode(.ext(type: 1, data: [0]) as Value) }?.code == .unencodable)
    }

    @Test("Binary that is UTF-8 comes back from tnetstring as text, and typed as bytes")
    func binaryAsText() throws {
        let bytes = try TNetstringCodec().encode(.binary(Array("hi".utf8)) as Value)
        #expect(try TNetstringCodec().value(bytes) == "hi")
        #expect(try TNetstringCodec().decode([UInt8].self, from: bytes) == Array("hi".utf8))
    }

    @Test("Canonical bytes do not depend on the order of keys, at any depth", arguments: allCodecs)
    func canonical(_ codec: any Codec) throws {
        let one: Value = ["b": ["z": 1, "é": 2, "a": 3], "a": [["y": 1, "x": 2]], "B": nil, "": 0]
        let other: Value = ["": 0, "a": [["x": 2, "y": 1]], "B": nil, "b": ["é": 2, "a": 3, "z": 1]]
        let bytes = try codec.encode(one, canonical: true)
        #expect(try codec.encode(other, canonical: true) == bytes)
        #expect(try codec.encode(one) != bytes)
        #expect(try codec.value(bytes) == one)
        #expect(try codec.parse(bytes).root.members.map(\.key) == ["", "B", "a", "b"])
    }

    @Test("tnetstring is written in linear time however deep and wide it is")
    func linearNesting() throws {
        var value: Value = .text(String(repeating: "x", count: 1_000_000))
        for _ in 0..<64 { value = [value] }
        let bytes = try TNetstringCodec().encode(value)
        #expect(try TNetstringCodec().value(bytes) == value)
        let wide = Value.array((0..<100_000).map { [Value($0)] })
        #expect(try TNetstringCodec().value(try TNetstringCodec().encode(wide)) == wide)
    }

    @Test("Floats of random bits come back as they were", arguments: allCodecs)
    func randomFloats(_ codec: any Codec) throws {
        let seed = UInt64.random(in: 0 ... .max)
        print("seed of random floats: \(seed)")
        var random = SeededRandom(seed: seed)
        for _ in 0..<5_000 {
            let value = Double(bitPattern: random.next())
            guard value.isFinite else { continue }
            let bytes = try codec.encode(.double(value) as Value)
            #expect(try codec.value(bytes).asDouble?.bitPattern == value.bitPattern, "\(value), seed \(seed)")
        }
    }

    @Test("The description of a value is short and shows everything")
    func description() {
        let value: Value = ["a": [nil, true, -1, 1.0, "x\n"], "b": .binary([0, 255]), "c": .ext(type: -1, data: [10])]
        #expect(value.description == #"{"a":[null,true,-1,1.0,"x\n"],"b":b"00ff","c":ext(-1, "0a")}"#)
    }
}

@Suite("Maps of values")
struct ValueMapTests {
    @Test("A map keeps its order, and equality ignores it")
    func order() {
        var map: ValueMap = ["b": 1, "a": 2]
        #expect(map.map(\.key) == ["b", "a"])
        #expect(map == ["a": 2, "b": 1])
        #expect(map != ["a": 2, "b": 2])
        map["c"] = 3
        map["b"] = nil
        map["a"] = 4
        #expect(map.map(\.key) == ["a", "c"])
        #expect(map["a"] == 4)
        #expect(map["b"] == nil)
    }

    @Test("Keys are equal when their bytes are")
    func bytes() {
        let map: ValueMap = ["é": 1, "e\u{301}": 2]
        #expect(map.count == 2)
        #expect(map["é"] == 1)
        #expect(map["e\u{301}"] == 2)
        #expect(Value.text("é") != .text("e\u{301}"))
    }

    @Test("Equality of deep maps takes no more than one look at every value")
    func deepEquality() {
        var left: Value = 1
        var right: Value = 2
        for _ in 0..<60 {
            left = ["a": left, "b": 0]
            right = ["a": right, "b": 0]
        }
        #expect(left != right)
    }

    @Test("Integers compare by what they are worth")
    func integers() {
        #expect(Value.uint(1) == .int(1))
        #expect(Value(UInt64.max) == .uint(.max))
        #expect(Value(5 as UInt8) == 5)
        #expect(Value.int(1) != .double(1))
    }
}
