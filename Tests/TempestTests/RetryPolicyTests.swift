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
}
