// How many requests of a route one client may send.

import TempestProtocol

/// A number of requests in a time, for each client's address. Addresses of IPv6 count by their network of 64 bits.
public struct RateLimit: Sendable, Equatable {
    /// At least 1.
    public var requests: Int
    public var period: Duration
    /// How many may come at once; the number of requests unless said otherwise.
    public var burst: Int

    public init(requests: Int, period: Duration, burst: Int? = nil) {
        (self.requests, self.period, self.burst) = (requests, period, burst ?? requests)
    }

    /// From `10/s`, `100/m`, `1000/h`, or with a burst `10/s burst 50`. Throws ``FrontConfigurationError``.
    public init(_ text: String) throws(FrontConfigurationError) {
        let words = text.split(separator: " ")
        let parts = words.first.map { $0.split(separator: "/", omittingEmptySubsequences: false) } ?? []
        let periods: [Substring: Duration] = ["s": .seconds(1), "m": .seconds(60), "h": .seconds(3600)]
        guard parts.count == 2, let requests = Int(parts[0]), (1...1_000_000).contains(requests), let period = periods[parts[1]],
            words.count == 1 || words.count == 3 && words[1] == "burst"
        else { throw Self.misread(text) }
        var burst: Int?
        if words.count == 3 {
            guard let number = Int(words[2]), (1...1_000_000).contains(number) else { throw Self.misread(text) }
            burst = number
        }
        self.init(requests: requests, period: period, burst: burst)
    }

    private static func misread(_ text: String) -> FrontConfigurationError {
        FrontConfigurationError(
            "\(text.debugDescription) is not a rate: requests and s, m or h, such as 10/s or 100/m, or with a burst, 10/s burst 50"
        )
    }

    /// Nanoseconds that one request is worth.
    var interval: Int64 { max(1, period.nanoseconds / Int64(requests)) }
}
