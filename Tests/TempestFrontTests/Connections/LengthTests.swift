import NIOCore
import TempestTesting
import Testing

@testable import TempestFront

/// Nobody may take a part of a response for the whole.
@Suite(.serialized) struct LengthTests {
    @Test func aPromiseIsKeptOrBrokenInTheOpen() {
        var promised = PromisedLength("10")
        var taken = [promised.take(4)]
        #expect(promised.isShort)
        taken.append(promised.take(6))
        #expect(!promised.isShort && !promised.isExceeded)
        taken.append(promised.take(1))
        #expect(promised.isExceeded && taken == [4, 6, 0])
        var free = PromisedLength()
        let all = free.take(100)
        #expect(all == 100 && !free.isShort && !free.isExceeded)
    }

    private func ask(_ request: String, _ body: @escaping @Sendable (RawClient) async throws -> Void) async throws {
        try await withServer(.front(limits: .brisk), router: bodyRouter()) { port in
            let client = try await RawClient.connect(port)
            try await client.send(request)
            try await body(client)
            await client.close()
        }
    }

    @Test func aBodyOfThePromisedLengthIsSentWithIt() async throws {
        try await ask("GET /exact HTTP/1.1\r\nHost: a\r\n\r\nGET /hello HTTP/1.1\r\nHost: a\r\n\r\n") { client in
            let text = try await client.receive("hello")
            #expect(text.lowercased().contains("content-length: 10\r\n") && text.contains("0123456789HTTP/1.1 200"))
        }
    }

    @Test func aBodyThatIsTooLongIsCutSoThatTheNextResponseBeginsWhereItShould() async throws {
        try await ask("GET /long HTTP/1.1\r\nHost: a\r\n\r\nGET /hello HTTP/1.1\r\nHost: a\r\n\r\n") { client in
            let text = try await client.receive("hello")
            #expect(text.contains("0123456789HTTP/1.1 200") && !text.contains("9x"))
        }
    }

    @Test(arguments: ["1.0", "1.1"]) func aBodyThatIsTooShortIsBrokenOff(_ version: String) async throws {
        try await ask("GET /short HTTP/\(version)\r\nHost: a\r\nConnection: keep-alive\r\n\r\n") { client in
            let text = try await client.end()
            #expect(text.isEmpty || text.lowercased().contains("content-length: 10\r\n") && !text.contains("89"))
            if version == "1.0" { #expect(client.wasReset) }
        }
    }

    @Test func nothingIsSentAsABodyOfHEAD() async throws {
        try await ask("HEAD /talks HTTP/1.1\r\nHost: a\r\n\r\nGET /hello HTTP/1.1\r\nHost: a\r\n\r\n") { client in
            let text = try await client.receive("hello")
            #expect(text.components("HTTP/1.1 200") == 2 && !text.contains("talk"), "\(text)")
        }
    }

    @Test func aStreamThatBreaksHasNoLastChunk() async throws {
        try await ask("GET /torn HTTP/1.1\r\nHost: a\r\n\r\n") { client in
            let text = try await client.end()
            #expect(text.hasSuffix("4\r\nhalf\r\n"), "\(text)")
        }
    }

    @Test func aStreamThatBreaksIsResetForAClientToWhomAnEndIsTheWhole() async throws {
        for more in ["", "Connection: keep-alive\r\n"] {
            try await ask("GET /torn HTTP/1.0\r\n\(more)\r\n") { client in
                try await client.end()
                #expect(client.wasReset)
            }
        }
    }

    @Test func aStreamThatEndsIsNotResetForIt() async throws {
        try await ask("GET /unknown HTTP/1.0\r\nConnection: keep-alive\r\n\r\n") { client in
            let text = try await client.end()
            #expect(text.hasSuffix("all of it") && text.lowercased().contains("connection: close") && !client.wasReset)
        }
    }

    @Test func whatIsKeptForHTTP10IsSaidToBe() async throws {
        let request = "GET /exact HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"
        try await ask(request + request) { client in
            try await eventually("both come") { client.text.components("0123456789") == 2 }
            #expect(client.text.lowercased().components("connection: keep-alive") == 2)
        }
        try await ask("GET /exact HTTP/1.0\r\n\r\n") { client in
            let text = try await client.end().lowercased()
            #expect(text.contains("connection: close"))
        }
    }

    @Test func anUpgradeThatIsAskedForIsNamedInConnection() async throws {
        try await ask("GET /odd HTTP/1.1\r\nHost: a\r\n\r\n") { client in
            let text = try await client.receive("odd\r\n").lowercased()
            #expect(text.contains("connection: upgrade\r\n") && text.contains("upgrade: websocket\r\n"))
            #expect(!text.contains("proxy-connection"))
        }
    }

    @Test func aReaderWithAByteNowAndThenIsCut() async throws {
        var limits = ConnectionLimits.brisk
        limits.writeStall = .milliseconds(500)
        limits.writeRate = 1 << 20
        try await withServer(.front(limits: limits), router: bodyRouter()) { [limits] port in
            let client = try await RawClient.connect(port, reads: false)
            try await client.send("GET /big HTTP/1.1\r\nHost: a\r\n\r\n")
            let channel = try client.channel
            try await eventually(within: .seconds(20), "it is cut (\(limits.writeStall))") {
                channel.read()
                return client.isClosed
            }
        }
    }
}
