import TempestCodecs
import TempestProtocol
import Testing

@testable import Tempest

@Suite("Records of nodes, and notes")
struct NodeRecordTests {
    private let full = NodeRecord(
        id: "n-1", name: "mailer é", kind: "worker", language: "swift", version: "0.2.0", host: "host.example", pid: 7,
        started: 1_764_000_000_000, concurrency: 10, queues: ["mail": "mailer.01A", "b": "mailer.01B"], state: .quiet)

    @Test("A record that was written is read as it was")
    func roundTrip() throws {
        #expect(NodeRecord(json: full.json, field: "n-1") == full)
        let value = try JSONCodec().value(full.json)
        #expect(value["queues"] == ["b": "mailer.01B", "mail": "mailer.01A"] && value["state"] == "quiet" && value["pid"] == 7)
        #expect(!full.json.contains(UInt8(ascii: "\n")))
    }

    @Test("Whatever a program calls itself, its record can be read")
    func odd() throws {
        let odd = NodeRecord(
            id: "n", name: String(repeating: "é\n", count: 100), kind: "", language: "swift\u{1b}[2J", version: "",
            host: "h\u{0}",
            pid: 1, started: 1, concurrency: 1, queues: full.queues, state: .running)
        let read = try #require(NodeRecord(json: odd.json, field: "n"))
        #expect(read == odd && read.name == String(repeating: "é", count: 64))
        #expect(read.language == "swift[2J" && read.host == "h")
    }

    @Test("Small workers may leave out all but their queues; what nobody knows is ignored")
    func small() throws {
        let record = try #require(NodeRecord(json: Array(#"{"queues":{"q":"x.1"},"later":[{}],"host":null}"#.utf8), field: "x"))
        #expect((record.name, record.kind, record.host, record.pid) == ("x", "", "", 0))
        #expect(record.state == .running && record.queues == ["q": "x.1"] && record.started == 0)
    }

    @Test(
        "What is no record is none",
        arguments: [
            "", "garbage", "[]", "{}", #"{"id":"x"}"#, #"{"id":7,"queues":{}}"#, #"{"id":"","queues":{}}"#,
            #"{"id":"y","queues":{}}"#, #"{"id":"x","queues":[]}"#, #"{"id":"x","queues":{"a b":"p"}}"#,
            #"{"id":"x","queues":{"q":7}}"#, #"{"id":"x","queues":{"q":"p\u0000"}}"#,
            #"{"id":"x","queues":{},"state":"dancing"}"#,
            #"{"id":"x","queues":{},"host":"a\u001b[2J"}"#, #"{"id":"x","queues":{},"pid":-1}"#,
            #"{"id":"x","queues":{},"pid":"7"}"#, #"{"id":"x","queues":{},"started":1.5}"#,
            #"{"id":"x","queues":{},"started":18446744073709551615}"#,
            #"{"id":"x","queues":{},"name":"\#(String(repeating: "n", count: 129))"}"#,
            #"{"id":"x","queues":{},"deep":[[[[[1]]]]]}"#,
            #"{"id":"x","queues":{},"long":[\#(String(repeating: "0,", count: 5000))0]}"#,
        ])
    func broken(_ text: String) {
        #expect(NodeRecord(json: Array(text.utf8), field: "x") == nil)
    }

    @Test("A field that can be no id holds no record", arguments: ["", "a b", "x\u{1b}", String(repeating: "x", count: 129)])
    func field(_ field: String) {
        #expect(NodeRecord(json: Array(#"{"queues":{}}"#.utf8), field: field) == nil)
        #expect(NodeRecord(json: Array(#"{"queues":{}}"#.utf8)) == nil)
    }

    @Test("Notes are read, and counts are never below the jobs that are named")
    func notes() throws {
        let note = try #require(
            ProcessNote(json: Array(#"{"running":[["a","send","low",5],[18446744073709551615,"x","high",6]],"count":1}"#.utf8)))
        #expect(note.count == 2 && note.running.map(\.job) == ["a", "18446744073709551615"])
        #expect(note.running[0] == ProcessNote.Running(job: "a", action: "send", level: "low", started: 5))
        #expect(ProcessNote(json: Array(#"{"running":[],"count":90}"#.utf8))?.count == 90)
        #expect(ProcessNote(json: Array(#"{"running":[]}"#.utf8))?.count == 0)
    }

    @Test(
        "What is no note is none",
        arguments: [
            "", "x", "[]", "{}", #"{"running":{}}"#, #"{"running":[1]}"#, #"{"running":[["a","b","c"]]}"#,
            #"{"running":[["a","b","c",-1]]}"#, #"{"running":[["a","b\u0007","c",1]]}"#, #"{"running":[[null,"b","c",1]]}"#,
            #"{"running":[],"count":-1}"#, #"{"running":[],"count":1e30}"#, #"{"running":[],"count":"1"}"#,
        ])
    func noNote(_ text: String) {
        #expect(ProcessNote(json: Array(text.utf8)) == nil)
    }
}
