// Types that read and write their tokens themselves: the same bytes and values as Codable, and errors with paths.

import TempestCodecs
import Testing

private struct Home: TokenCodable, Codable, Equatable {
    var street: String
    var zip: Int?

    init(street: String, zip: Int?) { (self.street, self.zip) = (street, zip) }

    init(reading node: Node) throws {
        var map = try node.map()
        street = try map.read("street")
        zip = try map.readIfPresent("zip")
    }

    func write<W: TokenWriter>(to writer: inout W) throws(CodecError) {
        try writer.beginMap(count: zip == nil ? 1 : 2)
        try writer.write("street", street)
        if let zip { try writer.write("zip", zip) }
        try writer.endMap()
    }
}

private struct Person: TokenCodable, Codable, Equatable {
    var id = 7
    var name = "Zoë 😀 \"\\ and a text of more than fifteen bytes"
    var score = 0.1
    var isOn = true
    var numbers = [1, -2, .max]
    var floats = [0.5, 1]
    var tags = ["a", "", "a tag of more than fifteen bytes"]
    var addresses = [Home(street: "Elm", zip: nil), Home(street: "Oak", zip: 0)]
    var picture: Bytes = [0xFF, 0]

    init() {}

    init(reading node: Node) throws {
        var map = try node.map()
        id = try map.read("id")
        name = try map.read("name")
        score = try map.read("score")
        isOn = try map.read("isOn")
        numbers = try map.read("numbers")
        floats = try map.read("floats")
        tags = try map.read("tags")
        addresses = try map.read("addresses")
        picture = try map.read("picture")
    }

    func write<W: TokenWriter>(to writer: inout W) throws(CodecError) {
        try writer.beginMap(count: 9)
        try writer.write("id", id)
        try writer.write("name", name)
        try writer.write("score", score)
        try writer.write("isOn", isOn)
        try writer.write("numbers", numbers)
        try writer.write("floats", floats)
        try writer.write("tags", tags)
        try writer.write("addresses", addresses)
        try writer.write("picture", picture)
        try writer.endMap()
    }
}

@Suite("Types that read and write tokens")
struct TokenCodableTests {
    @Test("The bytes are those of Codable, and come back as the same value", arguments: allCodecs)
    func alike(_ codec: any Codec) throws {
        let person = Person()
        let bytes = try codec.encode(person)
        #expect(bytes == (try codec.encode(encoding: person)))
        #expect(try codec.read(Person.self, from: bytes) == person)
        #expect(try codec.decode(Person.self, from: bytes) == person)
        var recording = TokenBuffer()
        try person.write(to: &recording)
        #expect(bytes == (try codec.encode(recording)))
    }

    @Test("Keys are found in whatever order they come, also in large maps")
    func order() throws {
        var pairs = (0..<100).map { ("other \($0)", Value($0)) }
        pairs.insert(("zip", 5), at: 3)
        pairs.append(("street", "Elm"))
        let bytes = try JSONCodec().encode(Value.map(ValueMap(pairs)))
        #expect(try JSONCodec().read(Home.self, from: bytes) == Home(street: "Elm", zip: 5))
    }

    @Test("Null and a missing key are nil where nil may be, and errors with the path elsewhere")
    func missing() throws {
        let codec = JSONCodec()
        #expect(try codec.read(Home.self, from: Array(#"{"street":"Elm","zip":null}"#.utf8)).zip == nil)
        let error = #expect(throws: DecodingError.self) {
            try codec.read([Home].self, from: Array(#"[{"street":"Elm"},{"zip":1}]"#.utf8))
        }
        guard case .keyNotFound(let key, let context) = error else {
            Issue.record("another error: \(String(describing: error))")
            return
        }
        #expect(key.stringValue == "street")
        #expect(context.codingPath.map(\.intValue) == [1])
    }

    @Test("A value of another kind is an error that names path, wish and find")
    func mismatch() throws {
        let cases = [
            (#"[{"street":1}]"#, "street", "expected text, found integer"),
            (#"[{"street":"","zip":"x"}]"#, "zip", "expected integer, found text"),
            (#"[{"street":"","zip":1.5}]"#, "zip", "expected a number that fits Int, found 1.5"),
        ]
        for (text, key, message) in cases {
            let error = #expect(throws: DecodingError.self) { try JSONCodec().read([Home].self, from: Array(text.utf8)) }
            let context: DecodingError.Context? =
                switch error {
                case .typeMismatch(_, let context), .dataCorrupted(let context): context
                default: nil
                }
            #expect(context?.codingPath.map(\.stringValue) == ["Index 0", key])
            #expect(context?.debugDescription == message)
        }
        #expect(throws: DecodingError.self) { try JSONCodec().read(Home.self, from: Array("[]".utf8)) }
    }

    @Test("A type that announces another count than it writes is refused", arguments: allCodecs)
    func counts(_ codec: any Codec) {
        struct Wrong: TokenWritable {
            var announced: Int
            func write<W: TokenWriter>(to writer: inout W) throws(CodecError) {
                try writer.beginMap(count: announced)
                try writer.write("a", 1)
                try writer.write("b", [1, 2])
                try writer.endMap()
            }
        }
        #expect(refusal { try codec.encode(Wrong(announced: 2)) } == nil)
        #expect(refusal { try codec.encode(Wrong(announced: 1)) }?.code == .syntax)
        #expect(refusal { try codec.encode(Wrong(announced: 3)) }?.code == .syntax)
    }
}
