import TempestTesting
import Testing

@testable import TempestRedis

@Suite("The parser of a listening node")
struct CommandParserTests {
    /// Everything that comes out of bytes, fed in pieces of a size.
    private func commands(_ bytes: [UInt8], pieces: Int = .max, limits: ListenerLimits = ListenerLimits()) throws -> [[String]] {
        var parser = CommandParser(limits: limits)
        var commands: [[String]] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            parser.feed(rest.prefix(pieces))
            rest = rest.dropFirst(pieces)
            while let command = try parser.next() { commands.append(command.words.map { String(decoding: $0, as: UTF8.self) }) }
        }
        return commands
    }

    private func commands(_ text: String, pieces: Int = .max, limits: ListenerLimits = ListenerLimits()) throws -> [[String]] {
        try commands(Array(text.utf8), pieces: pieces, limits: limits)
    }

    @Test("Arrays, lines and empty commands, torn anywhere", arguments: [1, 2, 3, 7, 64])
    func pieces(_ size: Int) throws {
        let text =
            "*3\r\n$3\r\nurl\r\n$1\r\n7\r\n$7\r\n[\"a\r\n\"]\r\n\r\n*0\r\n*-1\r\nPING\n  echo  \"a b\"  'c d'\r\n*1\r\n$0\r\n\r\n"
        #expect(try commands(text, pieces: size) == [["url", "7", "[\"a\r\n\"]"], ["PING"], ["echo", "a b", "c d"], [""]])
    }

    @Test(
        "Quotes in lines are Redis' own",
        arguments: [
            (#""a\n\x41\"\\z""#, ["a\nA\"\\z"]), (#"'it\'s' x"#, ["it's", "x"]), (#""" b"#, ["", "b"]), (#""\xZZ""#, ["xZZ"]),
            ("a\tb", ["a", "b"]),
        ])
    func quotes(_ line: String, _ words: [String]) throws {
        #expect(try commands(line + "\r\n") == [words])
    }

    @Test(
        "What is no command is refused with its reason",
        arguments: [
            ("*99999999999\r\n", "multibulk"), ("*999999999999999\r\n", "count string"), ("*65\r\n", "at most 64"),
            ("*x\r\n", "multibulk"), ("*01\r\n", "multibulk"),
            ("*+1\r\n", "multibulk"), ("*\r\n", "multibulk"), ("*1\r\n:1\r\n", "expected '$'"), ("*1\r\n$-1\r\n", "bulk length"),
            ("*1\r\n$99999999\r\n", "at most"), ("*1\r\n$9223372036854775807\r\n", "count string"),
            ("*1\r\n$3\r\nabcde", "does not end"),
            ("*2\r\n$16777215\r\n", ""), ("\"a\r\n", "quotes"), ("\"a\"b\r\n", "quotes"), ("a\"b\r\n", "quotes"),
            ("'a\r\n", "quotes"),
        ])
    func refused(_ text: String, _ reason: String) throws {
        // One of them is fine: what it claims may still come.
        if reason.isEmpty {
            #expect(try commands(text) == [])
        } else {
            let trouble = #expect(throws: CommandParser.Trouble.self) { try commands(text) }
            #expect(trouble?.message.contains(reason) == true, "\(trouble?.message ?? "")")
        }
    }

    @Test("A claim allocates nothing, and words of one command are limited together")
    func claims() throws {
        var parser = CommandParser()
        parser.feed("*2\r\n$16777216\r\nabc".utf8)
        #expect(try parser.next() == nil)
        #expect(parser.unfinished == 3 && parser.isWithinCommand)
        var limits = ListenerLimits()
        limits.wordBytes = 10
        #expect(try commands("*2\r\n$5\r\nabcde\r\n$5\r\nabcde\r\n", limits: limits) == [["abcde", "abcde"]])
        #expect(throws: CommandParser.Trouble.self) { try commands("*2\r\n$5\r\nabcde\r\n$6\r\nabcdef\r\n", limits: limits) }
    }

    @Test("A line without an end, or a head of one, is refused before it fills the memory", arguments: ["a", "*", "$"])
    func endless(_ first: String) throws {
        var parser = CommandParser()
        let start = first == "$" ? "*1\r\n$" : first
        parser.feed(start.utf8)
        let trouble = #expect(throws: CommandParser.Trouble.self) {
            for _ in 0..<100 {
                parser.feed([UInt8](repeating: 0x31, count: 1024))
                _ = try parser.next()
            }
        }
        #expect(trouble?.message.hasPrefix("too big") == true)
        #expect(parser.unfinished <= 70 << 10)
    }

    @Test("Random bytes never crash it, and what it keeps is never more than what came")
    func random() {
        var generator = SeededRandom(7)
        let alphabet = Array("*$\r\n0123456789-ab\"'\\x ".utf8)
        for _ in 0..<5000 {
            var parser = CommandParser()
            let bytes = (0..<Int.random(in: 1...60, using: &generator)).map { _ in alphabet.randomElement(using: &generator) ?? 0
            }
            parser.feed(bytes)
            do { while let command = try parser.next() { #expect(!command.words.isEmpty) } } catch {}
            #expect(parser.unfinished <= bytes.count)
        }
    }
}
