import TempestCodecs
import TempestProtocol
import Testing

@testable import Tempest

@Suite("Delays between attempts")
struct RetryPolicyTests {
    @Test("They double from the first to the longest, by chance between half and the whole")
    func doubling() {
        let policy = RetryPolicy(first: .seconds(1), longest: .seconds(60))
        var random = SystemRandomNumberGenerator()
        for attempt in 1...100 {
            let whole = min(60_000, 1000 << Int64(min(attempt - 1, 20)))
            for _ in 0..<20 {
                let delay = policy.delay(after: attempt, .init(), using: &random)
                #expect((Int64(whole) / 2...Int64(whole)).contains(delay), "attempt \(attempt)")
            }
        }
    }

    @Test("The defaults take about twelve days")
    func defaults() {
        var random = SystemRandomNumberGenerator()
        let total = (1..<25).reduce(0) { $0 + RetryPolicy.standard.delay(after: $1, .init(), using: &random) }
        #expect((6 * 86_400_000...13 * 86_400_000).contains(total))
    }

    @Test("A job with a caller has one attempt, one without 25; the policy goes before that, the job before the policy")
    func limits() {
        #expect(RetryPolicy.standard.limit(.init(), hasCaller: true) == 1)
        #expect(RetryPolicy.standard.limit(.init(), hasCaller: false) == 25)
        #expect(RetryPolicy(attempts: 3).limit(.init(), hasCaller: true) == 3)
        #expect(RetryPolicy(attempts: 3).limit(.init(["attempts": 7]), hasCaller: false) == 7)
    }

    @Test("Nothing is longer than 365 days, and there are at most a million attempts")
    func bounds() {
        let (year, ever) = (365 * 86_400_000 as Int64, Duration.seconds(Int64.max))
        let policy = RetryPolicy(attempts: .max, first: ever, longest: ever)
        var random = SystemRandomNumberGenerator()
        for attempt in [1, 2, 60, 1_000_000] {
            #expect((year / 2...year).contains(policy.delay(after: attempt, .init(), using: &random)))
        }
        #expect(policy.limit(.init(), hasCaller: true) == 1_000_000)
        var meta: ValueMap = [:]
        JobOptions(attempts: .max, backoff: (ever, ever), timeout: ever, expires: ever).write(to: &meta, now: 5)
        let longest = Value.int(year)
        #expect(
            meta == ["attempts": 1_000_000, "backoff": [longest, longest], "timeout": longest, "expires_at": .int(year + 5)])
    }

    @Test(
        "A handler chooses any word as the code of its error but those that the protocol keeps",
        arguments: [
            ("not_found", "not_found"), ("handler", "handler"), ("timeout", "timeout"), ("bad_args", "bad_args"), ("a9_", "a9_"),
            ("expired", "handler"), ("refused", "handler"), ("unknown_action", "handler"), ("", "handler"), ("9a", "handler"),
            ("Two words", "handler"), ("é", "handler"), (String(repeating: "x", count: 64), String(repeating: "x", count: 64)),
            (String(repeating: "x", count: 65), "handler"),
        ])
    func codes(_ chosen: String, _ told: String) {
        let failure = HandlerError(code: chosen, message: "m", details: 1).failure
        #expect(failure == Failure(code: told, message: "m", details: 1))
    }
}
