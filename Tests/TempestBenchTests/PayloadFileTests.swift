import TempestCodecs
import Testing

@testable import TempestBench

@Suite("Payloads from files")
struct PayloadFileTests {
    private func parse(_ bytes: [UInt8], _ path: String) throws -> (value: Value, codec: String) {
        try PayloadFile.parse(bytes, path: path, limits: .standard)
    }

    @Test(
        "The first byte tells the codec of arrays and maps, whatever the name",
        arguments: [("  [1]\n", "json"), ("4:1:1#]", "tnetstring"), ("\u{1}", "none")])
    func detected(_ text: String, _ codec: String) throws {
        if codec == "none" {
            #expect(throws: BenchError.self) { try parse(Array(text.utf8), "a.txt") }
        } else {
            let found = try parse(Array(text.utf8), "a.txt")
            #expect(found.codec == codec && found.value == [1])
        }
        #expect(try parse([0x91, 0x01], "payload").codec == "msgpack")
    }

    @Test("A bare scalar is told by the end of the name")
    func scalars() throws {
        #expect(try parse(Array("7".utf8), "seven.json").value == 7)
        #expect(try parse(Array("\"x\"\n".utf8), "x.json").value == "x")
        #expect(try parse([0x37], "fifty-five.msgpack").value == 55)
        #expect(try parse([0xC0], "nil.msgpack").value == .null)
        #expect(try parse(Array("1:7#".utf8), "seven").value == 7)
    }

    @Test("What is no document says why and what to do")
    func refused() throws {
        func message(_ bytes: [UInt8], _ path: String) -> String {
            do {
                _ = try parse(bytes, path)
                return ""
            } catch {
                return "\(error)"
            }
        }
        #expect(message([], "a.json") == "a.json is empty: a payload is one document")
        #expect(message([0x07], "a").contains("begins with 0x7") && message([0x07], "a").contains(".msgpack"))
        #expect(message(Array("[1,".utf8), "a").contains("json:") && message(Array("[1,".utf8), "a").contains("is in no codec"))
        let both = message(Array("{\"a\":}".utf8), "a.msgpack")
        #expect(both.contains("json:") && both.contains("msgpack:"))
        let deep = Array(String(repeating: "[", count: 100).utf8)
        #expect(message(deep, "deep.json").contains("over the limits"))
        #expect(!message(Array("[".utf8), "\u{1B}[31m.json").contains("\u{1B}"))
    }

    @Test("Files that cannot be read say so; what is too large is not read")
    func files() throws {
        #expect(throws: BenchError.self) { try Files.read("/nonexistent/payload.json", most: 100) }
        #expect(throws: BenchError.self) { try Files.read("/", most: 100) }
        // Without an end: only the bound can stop it.
        #expect(throws: BenchError("/dev/zero has more than 100 bytes, the limit of a document: measure a part of it")) {
            try Files.read("/dev/zero", most: 100)
        }
        #expect(try Files.read("/dev/null", most: 100) == [])
    }
}
