import Tempest
import Testing

@testable import TempestSupervisor

@Suite("Lines of workers")
struct LineTests {
    private func lines(_ chunks: [[UInt8]]) -> [Line] {
        var splitter = LineSplitter()
        var lines: [Line] = []
        for chunk in chunks { lines += splitter.feed(chunk) }
        if let last = splitter.finish() { lines.append(last) }
        return lines
    }

    @Test("Lines come whole, however the bytes come", arguments: [1, 2, 3, 7, 100])
    func split(_ size: Int) {
        let bytes = Array("a\n\nbü\r\nc\u{1F600}d".utf8)
        let chunks = stride(from: 0, to: bytes.count, by: size).map { Array(bytes[$0..<min($0 + size, bytes.count)]) }
        #expect(lines(chunks) == [Line("a"), Line(""), Line("bü"), Line("c\u{1F600}d")])
        #expect(lines([]) == [])
        #expect(lines([Array("a\n".utf8)]) == [Line("a")])
    }

    @Test("A very long line is cut between characters, and the next one is whole")
    func long() {
        let longest = LineSplitter.longest
        #expect(lines([Array(repeating: 0x61, count: longest)])[0].cut == 0)
        let text = String(repeating: "a", count: longest - 1) + "üxyz"
        #expect(
            lines([Array(text.utf8), Array("\nb".utf8)]) == [Line(String(repeating: "a", count: longest - 1), cut: 5), Line("b")])
        let flood = Array(repeating: UInt8(ascii: "x"), count: 1 << 20)
        var splitter = LineSplitter()
        for _ in 0..<4 { #expect(splitter.feed(flood).isEmpty) }
        #expect(splitter.finish()?.cut == (4 << 20) - longest)
        #expect(splitter.finish() == nil)
    }

    @Test("Bytes that are no UTF-8 are replaced")
    func repaired() {
        #expect(lines([[0x61, 0xFF, 0x62, 0x0A]]) == [Line("a\u{FFFD}b")])
    }

    private func format(_ line: Line, _ format: LineFormat, _ stream: OutputStream = .out) -> String {
        String(
            decoding: format.bytes(
                line, worker: "web.1", colour: 0, processID: 7, stream: stream, milliseconds: 1_700_000_000_005), as: UTF8.self)
    }

    @Test("People see who has written it")
    func people() {
        #expect(format(Line("hi"), .people(width: 7, coloured: false)) == "web.1   | hi\n")
        #expect(format(Line("hi", cut: 9), .people(width: 5, coloured: false)) == "web.1 | hi … (9 more bytes were cut)\n")
        #expect(format(Line("hi"), .people(width: 5, coloured: true)) == "\u{1B}[36mweb.1 | \u{1B}[0mhi\u{1B}[0m\n")
    }

    @Test("Programs get one object a line, objects nested")
    func json() throws {
        let time = "2023-11-14T22:13:20.005Z"
        #expect(
            format(Line(#"say "hi""#), .json, .error)
                == #"{"time":"\#(time)","worker":"web.1","pid":7,"stream":"stderr","line":"say \"hi\""}"# + "\n")
        #expect(
            format(Line(#" {"level": "info", "n": [1.5]}"#), .json)
                == #"{"time":"\#(time)","worker":"web.1","pid":7,"stream":"stdout","message":{"level":"info","n":[1.5]}}"# + "\n")
        for line in [Line("{no json"), Line("[1]"), Line(#"{"a":1}"#, cut: 3), Line("7")] {
            let value = try JSONCodec().value(Array(format(line, .json).utf8))
            #expect(value["line"] == .text(line.text) && value["message"] == nil)
        }
        #expect(format(Line("a", cut: 3), .json).hasSuffix(#""line":"a","cut":3}"# + "\n"))
    }

    @Test("An object that is as deep as can be read stays a line", arguments: [62, 63, 64, 65])
    func deep(_ depth: Int) throws {
        let text = String(repeating: #"{"a":"#, count: depth) + "1" + String(repeating: "}", count: depth)
        let value = try JSONCodec().value(Array(format(Line(text), .json).utf8))
        #expect((value["message"] == nil) == (depth > 63))
        #expect((value["line"] == .text(text)) == (depth > 63))
    }
}
