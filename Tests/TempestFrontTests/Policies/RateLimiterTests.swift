import Tempest
import TempestTesting
import Testing

@testable import TempestFront

@Suite struct RateLimiterTests {
    private static let second: Int64 = 1_000_000_000

    @Test func `a client may send its burst at once, and then as much as the rate brings`() throws {
        let limiter = RateLimiter(try RateLimit("2/s burst 3"))
        let start = 7 * Self.second
        for _ in 1...3 { #expect(limiter.admit("192.0.2.1", now: start) == nil) }
        #expect(limiter.admit("192.0.2.1", now: start) == 1)
        #expect(limiter.admit("192.0.2.2", now: start) == nil, "another client")
        #expect(limiter.admit("192.0.2.1", now: start + Self.second / 2) == nil)
        #expect(limiter.admit("192.0.2.1", now: start + Self.second / 2) != nil)
        for _ in 1...3 { #expect(limiter.admit("192.0.2.1", now: start + 60 * Self.second) == nil) }
        #expect(limiter.admit("192.0.2.1", now: start + 60 * Self.second) != nil)
    }

    @Test func `refused requests do not lengthen the wait`() throws {
        let limiter = RateLimiter(try RateLimit("1/m"))
        #expect(limiter.admit("192.0.2.1", now: 0) == nil)
        for _ in 1...100 { #expect(limiter.admit("192.0.2.1", now: Self.second) == 59) }
        #expect(limiter.admit("192.0.2.1", now: 60 * Self.second) == nil)
    }

    @Test func `addresses of one IPv6 network are one client, and IPv4 within IPv6 is IPv4`() throws {
        let limiter = RateLimiter(try RateLimit("1/h"))
        #expect(limiter.admit("2001:db8::1", now: 0) == nil)
        #expect(limiter.admit("2001:db8::ffff:2", now: 0) != nil)
        #expect(limiter.admit("2001:db8:0:1::1", now: 0) == nil)
        #expect(limiter.admit("::ffff:192.0.2.1", now: 0) == nil)
        #expect(limiter.admit("192.0.2.1", now: 0) != nil)
        #expect(limiter.admit(nil, now: 0) == nil)
    }

    @Test func `the table stays within its bound, whoever comes`() throws {
        let limiter = RateLimiter(try RateLimit("1/h"), most: 1000)
        for number in 0..<20_000 {
            _ = limiter.admit("10.\(number >> 16).\(number >> 8 & 255).\(number & 255)", now: Int64(number))
        }
        #expect(limiter.count <= 1000)
    }

    @Test(arguments: [
        "", "10", "10/d", "0/s", "a/s", "10/s burst", "10/s burst 0", "10/s peak 3", "-1/s", "10/s burst 3 4", "1/2/s",
    ])
    func `what is not a rate is refused with an example`(text: String) {
        let error = #expect(throws: FrontConfigurationError.self) { _ = try RateLimit(text) }
        #expect(error?.description.contains("10/s") == true)
    }

    @Test func `who sends too much is told 429 and when to come again, and others go on`() async throws {
        try await RunningFront.run {
            $0.routes[0].rate = RateLimit(requests: 2, period: .seconds(3600))
            $0.rules.trusted = try TrustedProxies(["127.0.0.1"])
        } handlers: { worker in
            worker.handle("url") { (_: JobContext, _: WebRequest) in WebAnswer(text: "fine") }
        } _: { front in
            for _ in 1...2 { #expect(try await front.get("/", "X-Forwarded-For: 192.0.2.7").status == 200) }
            let reply = try await front.get("/", "X-Forwarded-For: 192.0.2.7")
            #expect(reply.status == 429 && (reply.header("retry-after").flatMap(Int.init) ?? 0) > 1000)
            // What a client says of itself does not help it.
            #expect(try await front.get("/", "X-Forwarded-For: 203.0.113.1, 192.0.2.7").status == 429)
            #expect(try await front.get("/", "X-Forwarded-For: 192.0.2.8").status == 200)
        }
    }
}
