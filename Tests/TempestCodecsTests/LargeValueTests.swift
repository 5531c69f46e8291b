// Documents of more values than the reader has room for: a Value is made of them in parts.
// It is the one that the whole document holds, and what is refused is refused in the same words.

import TempestCodecs
import Testing

@Suite("Values of large documents")
struct LargeValueTests {
    /// Wider than the standard ones, so that maps and arrays are open when the room is full.
    private static let limits = Limits(depth: 300)

    @Test("A value read in parts is the one that the whole document holds", arguments: allCodecs)
    func sameAsDocument(_ codec: any Codec) throws {
        for _ in 0..<2 {
            let seed = UInt64.random(in: 0 ... .max)
            var random = SeededRandom(seed: seed)
            let value = Self.tree(entries: 20_000, depth: 250, &random)
            let bytes = try codec.encode(value, limits: Self.limits, canonical: false)
            let read = try codec.value(bytes, limits: Self.limits)
            #expect(identical(read, value), "\(codec.name), seed \(seed)")
            #expect(identical(read, try codec.parse(bytes, limits: Self.limits).root.value), "\(codec.name), seed \(seed)")
        }
    }

    @Test("A container may be open whenever the room is full, empty or not", arguments: allCodecs)
    func everyPlace(_ codec: any Codec) throws {
        let parts: [Value] = [
            [], [:], ["a": 1], ["a": "text"], ["a": ["b": "text", "c": []]], [[["a": [1, 2]]], 3], ["$b64": "aGk="],
            ["$$b64": "aGk="], ["$b64": "no base64"], .binary([0xFF]), ["a": .binary([0xFF])], "a \"quoted\" text of some length",
        ]
        for value in parts {
            for count in 4089...4094 {
                let filling = [Value](repeating: 7, count: count)
                let after = [Value](repeating: value, count: 20)
                // In one of these the room is full right before the value, in another in the middle of it, in the next behind it.
                let array = Value.array(filling + after)
                let whole = count % 2 == 0 ? array : ["n": array, "z": 1]
                let bytes = try codec.encode(whole, limits: Self.limits, canonical: false)
                #expect(identical(try codec.value(bytes, limits: Self.limits), whole), "\(codec.name), \(count), \(value)")
            }
        }
    }

    @Test("What is wrong in a large document is said in the same words, by value and by document", arguments: allCodecs)
    func sameErrors(_ codec: any Codec) throws {
        var refused = 0
        for _ in 0..<15 {
            let seed = UInt64.random(in: 0 ... .max)
            var random = SeededRandom(seed: seed)
            var bytes = try codec.encode(Self.tree(entries: 12_000, depth: 60, &random))
            switch Int.random(in: 0..<3, using: &random) {
            case 0: bytes.removeLast(Int.random(in: 1..<bytes.count, using: &random))
            case 1: bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            default:
                let places = (0..<2).map { _ in Int.random(in: 0..<bytes.count, using: &random) }
                bytes.swapAt(places[0], places[1])
            }
            let document = Result { try codec.parse(bytes) }
            switch (document, Result { try codec.value(bytes) }) {
            case (.success(let document), .success(let value)): #expect(identical(document.root.value, value), "seed \(seed)")
            case (.failure(let one), .failure(let other)):
                refused += 1
                #expect("\(one)" == "\(other)", "seed \(seed)")
            case (let one, let other): Issue.record("\(codec.name), seed \(seed): \(one) and \(other)")
            }
        }
        #expect(refused > 4)
    }

    @Test("A key that is twice in a large map is found, wherever the two are", arguments: allCodecs)
    func twice(_ codec: any Codec) throws {
        let count = 9_000
        for (first, second) in [(0, 1), (0, count - 1), (4000, 4200), (2047, 2048), (2048, 5000), (count - 2, count - 1)] {
            let names = (0..<count).map { $0 == second ? "key \(first)" : "key \($0)" }
            for inner in [1, ["x": [1, 2]]] as [Value] {
                let bytes = try Self.map(codec, names, inner)
                let refusal = refusal { try codec.value(bytes) }
                #expect(refusal?.code == .duplicateKey, "\(first), \(second)")
                #expect(refusal?.message.contains("\"key \(first)\"") == true, "\(first), \(second)")
                #expect(refusal?.description == Self.description { try codec.parse(bytes) })
            }
        }
    }

    @Test("The limit of values counts those that have been taken", arguments: allCodecs)
    func limit(_ codec: any Codec) throws {
        let value = Value.array((0..<10_000).map { ["n": Value($0)] })
        let bytes = try codec.encode(value)
        #expect(identical(try codec.value(bytes, limits: Limits(values: 30_001)), value))
        #expect(refusal { try codec.value(bytes, limits: Limits(values: 30_000)) }?.code == .values)
        #expect(refusal { try codec.value(bytes, limits: Limits(values: 8192)) }?.code == .values)
    }

    @Test("What comes after many elements may be one long text: memory is taken for what is there")
    func longEnd() throws {
        let value = Value.array([Value](repeating: nil, count: 5000) + [.binary([UInt8](repeating: 0xFF, count: 15_000_000))])
        let read = try MessagePackCodec().value(MessagePackCodec().encode(value))
        #expect(identical(read, value))
        #expect((read.asArray?.capacity ?? .max) < 100_000)
    }

    /// A map with these names, which a Value cannot be: one of them may come twice.
    private static func map<C: Codec>(_ codec: C, _ names: [String], _ value: Value) throws -> [UInt8] {
        var writer = codec.makeWriter(limits: .standard)
        try writer.beginMap(count: names.count)
        for name in names {
            try writer.key(name)
            try writer.write(value)
        }
        try writer.endMap()
        return try codec.finish(writer)
    }

    private static func description(_ body: () throws -> Document) -> String? {
        do { _ = try body() } catch { return "\(error)" }
        return nil
    }

    /// A value of about so many entries, in wide and in deep containers; long keys come again and again.
    private static func tree(entries: Int, depth: Int, _ random: inout SeededRandom) -> Value {
        var left = entries
        func container(_ depth: Int) -> Value {
            let count = Int.random(in: 0..<(Bool.random(using: &random) ? 8 : 3000), using: &random)
            if Bool.random(using: &random) {
                var elements: [Value] = []
                while elements.count < count, left > 0 { elements.append(value(depth)) }
                return .array(elements)
            }
            var pairs: [(String, Value)] = []
            while pairs.count < count, left > 0 {
                let key = pairs.count % 3 == 0 ? "a key that no string holds in itself, \(pairs.count)" : "k\(pairs.count)"
                pairs.append((key, value(depth)))
            }
            return .map(ValueMap(pairs))
        }
        func value(_ depth: Int) -> Value {
            left -= 1
            switch Int.random(in: 0..<9, using: &random) {
            case 0, 1: return depth > 0 ? container(depth - 1) : nil
            case 2: return Value(Int.random(in: -300...70_000, using: &random))
            case 3: return .double(Double(Int.random(in: -9...9, using: &random)) / 8)
            case 4: return .text(String(repeating: "ü\n", count: Int.random(in: 0...20, using: &random)))
            case 5: return .bool(true)
            case 6: return .binary([0xFF, UInt8.random(in: 0...255, using: &random)])
            case 7: return nil
            default: return "plain text"
            }
        }
        var roots: [Value] = []
        while left > 0 { roots.append(container(depth)) }
        return .array(roots)
    }
}
