// Rendering, ids and patterns: pure.

import NIOCore
import Tempest
import Testing

@testable import TempestFront

@Suite("The bytes of an event")
struct RenderedEventTests {
    static func render(_ message: String, id: HistoryID? = nil) throws -> (text: String, id: HistoryID?, isEnd: Bool) {
        let event = try RenderedEvent(Array(message.utf8), id: id, longest: 1000)
        return (String(buffer: event.bytes), event.id, event.isEnd)
    }

    @Test(
        "are lines of fields and an empty one",
        arguments: [
            (#"["hello"]"#, "data: hello\n\n"),
            (#"["price","12"]"#, "event: price\ndata: 12\n\n"),
            (#"["","x"]"#, "data: x\n\n"),
            (#"[""]"#, "data: \n\n"),
            (#" [ "a" , "b" , { "id" : "7" } ] "#, "id: 7\nevent: a\ndata: b\n\n"),
            (#"["a","b",{"id":7}]"#, "id: 7\nevent: a\ndata: b\n\n"),
            (#"["a","b",{"id":""}]"#, "event: a\ndata: b\n\n"),
            (#"["a","b",{}]"#, "event: a\ndata: b\n\n"),
            (#"[{"a":[1,2.5,null,"\n"]}]"#, #"data: {"a":[1,2.5,null,"\n"]}"# + "\n\n"),
            (#"[null]"#, "data: null\n\n"),
            (#"["é😀"]"#, "data: é😀\n\n"),
        ])
    func shapes(_ message: String, _ expected: String) throws {
        #expect(try Self.render(message).text == expected)
    }

    @Test(
        "give every line of the data a field of its own, however it ends",
        arguments: [
            (#"["a\nb"]"#, "data: a\ndata: b\n\n"),
            (#"["a\rb"]"#, "data: a\ndata: b\n\n"),
            (#"["a\r\nb"]"#, "data: a\ndata: b\n\n"),
            (#"["a\n\rb"]"#, "data: a\ndata: \ndata: b\n\n"),
            (#"["a\n\nevent: evil\rid: 1"]"#, "data: a\ndata: \ndata: event: evil\ndata: id: 1\n\n"),
            (#"["a\r\n"]"#, "data: a\ndata: \n\n"),
            (#"["\r"]"#, "data: \ndata: \n\n"),
        ])
    func injection(_ message: String, _ expected: String) throws {
        #expect(try Self.render(message).text == expected)
    }

    @Test(
        "are refused where a line could be smuggled in, or there is no event",
        arguments: [
            (#"["a\nb","c"]"#, RenderedEvent.Flaw.event), (#"["a\rb","c"]"#, .event), (#"["a\u0000","c"]"#, .event),
            (#"[1,"c"]"#, .event), (#"[null,"c"]"#, .event),
            (#"["a","b",{"id":"1\ndata: evil"}]"#, .id), (#"["a","b",{"id":"1\r"}]"#, .id),
            (#"["a","b",{"id":"\u0000"}]"#, .id), (#"["a","b",{"id":[]}]"#, .id),
            ("", .noJSON), ("hello", .noJSON), ("[1", .noJSON), (#"["a"] x"#, .noJSON), ("[\"\u{1}\"]", .noJSON),
            (#""a""#, .noArray), ("{}", .noArray), ("[]", .noArray), (#"["a","b","c"]"#, .noArray),
            (#"["a","b",{},1]"#, .noArray), ("[\"" + String(repeating: "a", count: 1000) + "\"]", .length),
            // Short as a message, long as an event.
            ("[\"" + String(repeating: #"\n"#, count: 300) + "\"]", .length),
        ])
    func flaws(_ message: String, _ flaw: RenderedEvent.Flaw) {
        #expect(throws: flaw) { try Self.render(message) }
    }

    @Test("end the stream, kept or not", arguments: [#"["$unsubscribe"]"#, #"["$unsubscribe",{"id":"5-1"}]"#])
    func end(_ message: String) throws {
        let event = try Self.render(message)
        #expect(event.isEnd)
        #expect(event.text.hasSuffix("event: end\ndata: \n\n"))
    }

    @Test("bear the id of the history, also where the message has another")
    func ids() throws {
        let id = try #require(HistoryID("1700000000000-3"))
        let event = try Self.render(#"["a","b",{"id":"9"}]"#, id: id)
        #expect(event.text == "id: 1700000000000-3\nevent: a\ndata: b\n\n")
        #expect(event.id == id)
        #expect(try Self.render(#"["a","b",{"id":"5-1"}]"#).id == HistoryID(milliseconds: 5, number: 1))
        #expect(try Self.render(#"["a","b",{"id":"mine"}]"#).id == nil)
    }

    @Test(
        "of what is no id of a history are not read from",
        arguments: [
            "", "-", "1", "1-", "-1", "1-2-3", "a-1", "+1-1", "1--1", " 1-1", "1-1\n", "18446744073709551616-0", "１-1",
            String(repeating: "1", count: 60) + "-1",
        ])
    func badIDs(_ text: String) {
        #expect(HistoryID(text) == nil)
    }

    @Test("have ids in the order of their messages")
    func order() throws {
        let ids = ["0-0", "0-1", "9-0", "10-0", "10-9", "10-10", "18446744073709551615-18446744073709551615"]
        let read = try ids.map { try #require(HistoryID($0)) }
        #expect(read == read.sorted())
        #expect(read.map(\.description) == ids)
    }
}

@Suite("A pattern of channels")
struct ChannelPatternTests {
    @Test(
        "matches whole names, with a star for anything",
        arguments: [
            ("news", "news", true), ("news", "news2", false), ("news", "new", false), ("*", "a", true), ("n*", "n", true),
            ("n*", "m", false), ("*s", "news", true), ("*s", "newsy", false), ("a*b*c", "abc", true), ("a*b*c", "aXbbYc", true),
            ("a*b*c", "acb", false), ("user:*:news", "user:7:news", true), ("user:*:news", "user:7:newsy", false),
            ("**", "a", true), (".*", "a", false), (".*", ".a", true),
            ("a*a*a*a*a*a*a*a*b", String(repeating: "a", count: 128), false),
        ])
    func matching(_ pattern: String, _ name: String, _ isMatch: Bool) throws {
        #expect(try ChannelPattern(pattern).matches(ChannelName(name)) == isMatch)
    }

    @Test(
        "is refused when it could match nothing",
        arguments: ["", "a b", "a?", "[ab]", "a/b", "é", String(repeating: "a", count: 129)])
    func refusal(_ pattern: String) {
        #expect(throws: NameError.self) { try ChannelPattern(pattern) }
    }
}
