import Testing

@testable import TempestFront

/// Requests that a proxy before the front could read in another way.
@Suite(.serialized) struct FramingTests {
    static let refused: [(request: String, status: Int)] = [
        ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 400),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\nhello", 400),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello", 400),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\nhello", 400),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\nhello", 400),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5 5\r\n\r\nhello", 400),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\nhello", 400),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\nhello", 400),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 501),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n", 400),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n", 501),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400),
        ("POST /echo HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5 \r\nhello\r\n0\r\n\r\n", 400),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n", 400),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n", 400),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\n0\n\n", 400),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n", 400),
        ("GET /hello HTTP/1.1\r\nHost : a\r\n\r\n", 400),
        ("GET /hello HTTP/1.1\r\n Host: a\r\n\r\n", 400),
        ("GET /hello HTTP/1.1\r\nHost: a\r\nX: b\r\n folded\r\n\r\n", 400),
        ("GET /hello HTTP/1.1\r\nHost: a\r\nX: b\r\n\tfolded\r\n\r\n", 400),
        ("GET /hello HTTP/1.1\nHost: a\n\n", 505),
        ("GET /hello HTTP/1.1\r\nHost: a\r\nX: b\nY: c\r\n\r\n", 400),
        ("GET /hello HTTP/1.1\r\nHost: a\r\nX: b\rY: c\r\n\r\n", 400),
        ("GET /hello HTTP/1.1\r\nHost: a\r\nX: b\0c\r\n\r\n", 400),
        ("GET /hello HTTP/1.1\r\nHost: a\r\nX: b\u{1}c\r\n\r\n", 400),
        ("GET /hello HTTP/1.1\r\nHost: a\r\nX\0: b\r\n\r\n", 400),
        ("GET /hello HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n", 400),
        ("GET /hello HTTP/1.1\r\nHost: a\r\nX(y): b\r\n\r\n", 400),
        ("GET /hello HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", 400),
        ("GET /hello HTTP/1.1\r\n\r\n", 400),
        ("GET /hello HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        ("GET /hello HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
        ("GET /hello HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
        ("GET /hello HTTP/1.1\r\nHost: a@b\r\n\r\n", 400),
        ("GET http://b/hello HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET ftp://a/hello HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET hello HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /hello#x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /h\u{e9}llo HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /hello there HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", 501),
        ("GET /hello HTTP/1.2\r\nHost: a\r\n\r\n", 505),
        ("GET /hello HTTP/3.0\r\nHost: a\r\n\r\n", 505),
        ("GET /hello\r\n\r\n", 505),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        ("NONSENSE /hello HTTP/1.1\r\nHost: a\r\n\r\n", 501),
        ("\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}\u{fc}\u{3}\u{3}", 400),
    ]

    @Test(arguments: refused)
    func aRequestThatCouldBeMisreadIsRefusedAndNothingAfterItIsAnswered(_ request: String, _ status: Int) async throws {
        try await withServer(.front(limits: .brisk)) { port in
            let client = try await RawClient.connect(port)
            try await client.send(request + "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
            let text = try await client.end()
            // Which of both a parser finds first does not matter, as long as it is no answer to the second request.
            #expect(text.hasPrefix("HTTP/1.1 \(status) ") || text.hasPrefix("HTTP/1.1 4") && status >= 500, "\(text)")
            #expect(!text.contains("hello"))
            #expect(text.contains("\r\ndate: "), "\(text)")
            #expect(text.components("HTTP/1.1 ") == 1)
        }
    }

    @Test func whatIsStrictIsStillHTTP() async throws {
        try await withServer(.front(limits: .brisk)) { port in
            for request in [
                "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n", "GET /hello HTTP/1.1\r\nhost:a:80\r\nX:\t b\r\n\r\n",
                "GET /hello HTTP/1.0\r\n\r\n", "GET http://a/hello HTTP/1.1\r\nHost: A\r\n\r\n",
                "\r\nGET /hello HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "GET /hello HTTP/1.1\r\nHost: a\r\nX: gr\u{fc}n\r\n\r\n",
                "GET /hello?a=%20&b HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
            ] {
                let client = try await RawClient.connect(port)
                try await client.send(request)
                #expect(try await client.receive("hello").hasPrefix("HTTP/1.1 200 "), "\(request)")
                await client.close()
            }
            let old = try await RawClient.connect(port)
            try await old.send("GET /hello HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\nGET /hello HTTP/1.0\r\n\r\n")
            #expect(try await old.end().components("HTTP/1.") == 1)
            let spaced = try await RawClient.connect(port)
            for length in ["Content-Length: 3 ", "Transfer-Encoding: chunked "] {
                spaced.take { $0 = [] }
                let body = length.hasPrefix("C") ? "abc" : "3\r\nabc\r\n0\r\n\r\n"
                try await spaced.send("POST /echo HTTP/1.1\r\nHost: a \r\n\(length)\r\n\r\n\(body)")
                try await spaced.receive("abc")
            }
            let client = try await RawClient.connect(port)
            try await client.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
            try await client.receive("abc")
            try await client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\ndef")
            try await client.receive("def")
        }
    }

    @Test func pipelinedRequestsAreAnsweredInOrderAndABadOneAfterThem() async throws {
        try await withServer(.front(limits: .brisk)) { port in
            let client = try await RawClient.connect(port)
            let good = "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"
            try await client.send(good + good + good + "GET /hello HTTP/1.1\r\n\r\n" + good)
            let text = try await client.end()
            #expect(text.components("HTTP/1.1 200 ") == 3)
            #expect(text.components("HTTP/1.1 400 ") == 1)
            #expect(text.components("HTTP/1.1 ") == 4)
        }
    }

    @Test(arguments: [
        "close", "Close", "CLOSE", "TE, close", "close,keep-alive", "x\r\nConnection: close", "\t close ,", "close\t",
        "foo, close \t", "close\t, x",
    ])
    func aConnectionEndsWithTheRequestThatSaysSoHoweverItSaysIt(_ value: String) async throws {
        try await withServer(.front(limits: .brisk)) { port in
            let client = try await RawClient.connect(port)
            let good = "GET /hello HTTP/1.1\r\nHost: a\r\n"
            try await client.send(good + "\r\n" + good + "Connection: \(value)\r\n\r\n" + good + "\r\n")
            let text = try await client.end(within: .seconds(5))
            #expect(text.components("HTTP/1.1 200 ") == 2 && text.components("HTTP/1.1 ") == 2, "\(text)")
            #expect(text.lowercased().components("connection: close") == 1)
        }
    }

    @Test func aRequestForAnotherProtocolIsTheLastOfItsConnection() async throws {
        try await withServer(.front(limits: .brisk)) { port in
            let client = try await RawClient.connect(port)
            try await client.send("GET /hello HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n")
            let text = try await client.end()
            #expect(text.hasSuffix("hello"))
            #expect(text.lowercased().contains("connection: close"))
        }
    }
}

extension String {
    /// How often another string is in this one.
    func components(_ part: String) -> Int {
        var (count, rest) = (0, self[...])
        while let range = rest.firstRange(of: part) {
            count += 1
            rest = rest[range.upperBound...]
        }
        return count
    }
}
