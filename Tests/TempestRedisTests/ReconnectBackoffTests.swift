// The delays between attempts, with dice and a clock of the test's own.

import NIOCore
import Testing

@testable import TempestRedis

@Suite("The backoff")
struct ReconnectBackoffTests {
    /// Always the largest, or always the smallest number.
    struct Fixed: RandomNumberGenerator {
        let value: UInt64
        mutating func next() -> UInt64 { self.value }
    }

    @Test("doubles from 50 ms to 1 s, and draws from the upper half of each step")
    func grows() {
        var backoff = ReconnectBackoff()
        #expect(backoff.nextAttempt == nil)
        var now = NIODeadline.uptimeNanoseconds(1)
        var generator = SystemRandomNumberGenerator()
        for step in [50, 100, 200, 400, 800, 1000, 1000, 1000] {
            backoff.failed(now: now, using: &generator)
            let delay = (backoff.nextAttempt ?? now) - now
            #expect((TimeAmount.milliseconds(Int64(step)) * 1 >= delay) && delay >= .milliseconds(Int64(step / 2)))
            now = now + delay
        }
    }

    @Test("is jittered")
    func jittered() {
        var delays: Set<Int64> = []
        for _ in 0..<50 {
            var backoff = ReconnectBackoff()
            var generator = SystemRandomNumberGenerator()
            backoff.failed(now: .uptimeNanoseconds(0), using: &generator)
            delays.insert((backoff.nextAttempt ?? .uptimeNanoseconds(0)).uptimeNanosecondsForTests)
        }
        #expect(delays.count > 10)
    }

    @Test("begins anew after a connection that lasted, and goes on after one that did not")
    func afterLoss() {
        var generator = Fixed(value: .max)
        var backoff = ReconnectBackoff()
        backoff.failed(now: .uptimeNanoseconds(0), using: &generator)
        backoff.succeeded(now: .uptimeNanoseconds(0))
        #expect(backoff.nextAttempt == nil)
        var flapping = backoff
        flapping.lost(now: .uptimeNanoseconds(1_000_000), using: &generator)
        #expect(flapping.nextAttempt != nil)
        backoff.lost(now: .uptimeNanoseconds(3_000_000_000), using: &generator)
        #expect(backoff.nextAttempt == nil)
    }
}

extension NIODeadline {
    fileprivate var uptimeNanosecondsForTests: Int64 { (self - .uptimeNanoseconds(0)).nanoseconds }
}
