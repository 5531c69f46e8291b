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
        let guessed = message(Array("[1,".utf8), "a")
        #expect(guessed.hasPrefix("a is not a valid document. json:") && guessed.contains("let the name end with .json"))
        // What the name says is not guessed at.
        let named = message(Array("{\"a\":}".utf8), "a.json")
        #expect(named == "a.json is not a valid document. json: expected a value, found \"}\", in $.a, at byte 5")
        let twice = message(Array("{\"b\":[{\"a\":1,\"a\":2}]}".utf8), "twice.json")
        #expect(twice.contains("the key \"a\" is in the map already, in $.b[0], at byte") && !twice.contains("let the name"))
        #expect(message([0x91, 0x01], "a.json").hasSuffix("It is msgpack, which its name does not say"))
        #expect(message([0xEF, 0xBB, 0xBF, 0x5B, 0x5D], "a").contains("begins with a byte order mark"))
        let deep = Array(String(repeating: "[", count: 100).utf8)
        #expect(message(deep, "deep.json").contains("over the limits"))
        #expect(!message(Array("[".utf8), "\u{1B}[31m.json").contains("\u{1B}"))
    }

    @Test("Lines of JSON are documents; empty ones are skipped, and a bad one is named by its number")
    func lines() throws {
        let text = "{\"a\":1}\r\n\n  \n[2]\n3"
        #expect(try PayloadFile.lines(Array(text.utf8), path: "a.ndjson", limits: .standard) == [["a": 1], [2], 3])
        func message(_ text: String) -> String {
            do {
                _ = try PayloadFile.lines(Array(text.utf8), path: "a.jsonl", limits: .standard)
                return ""
            } catch {
                return "\(error)"
            }
        }
        #expect(
            message("[1]\n\n[1,{\"b\":x}]\n")
                == "a.jsonl: line 3 is not a valid document. json: expected a value, found \"x\", in $[1].b, at byte 8 of the line"
        )
        #expect(message("\n \n") == "a.jsonl is empty: a payload is one document a line")
        let whole = #expect(throws: BenchError.self) { try parse(Array("{}\n{}\n".utf8), "a.json") }
        #expect(whole?.description.hasSuffix("To measure each line let the name end with .ndjson") == true)
    }

    @Test("A set of documents is written and read one by one, and refused by the number of the document")
    func sets() async throws {
        let documents: [Value] = [["a": 1], [2], 3]
        let bytes = try SetCandidates.encode(documents, .json).get()
        #expect(bytes == [Array("{\"a\":1}".utf8), Array("[2]".utf8), Array("3".utf8)])
        let candidates = SetCandidates.all(documents, codec: "json", bytes: bytes)
        #expect(candidates.count == 2 && candidates.allSatisfy { $0.bytes == 11 })
        for candidate in candidates { #expect(try await candidate.run(2) >= 0) }
        let refused = SetCandidates.encode([1, .ext(type: 1, data: [])], .json)
        #expect(throws: BenchError.self) { try refused.get() }
        #expect(Payload(name: "a", about: "", documents: [.binary([1])]).holdsBytes)
    }

    @Test("Files that cannot be read say so; what is too large is not read")
    func files() throws {
        #expect(throws: BenchError.self) { try Files.read("/nonexistent/payload.json", most: 100) }
        #expect(throws: BenchError.self) { try Files.read("/", most: 100) }
        // Without an end: only the bound can stop it.
        #expect(throws: BenchError("/dev/zero has more than 100 bytes, the limit of a document: measure a part of it")) {
            try Files.read("/dev/zero", most: 100, cure: "measure a part of it")
        }
        #expect(try Files.read("/dev/null", most: 100) == [])
    }
}
