import NIOCore
import Testing

@testable import TempestFront

@Suite struct ConnectionTimesTests {
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000)

    private func times() -> ConnectionTimes { ConnectionTimes(limits: ConnectionLimits(), now: start) }

    @Test func aConnectionThatNeverAskedIsIdleAfterTenSeconds() {
        var times = times()
        #expect(times.look(start + .seconds(9), firstByte: nil, isBusy: false, wantsBody: false, waiting: 0, sent: 0) == .fine)
        #expect(times.look(start + .seconds(10), firstByte: nil, isBusy: false, wantsBody: false, waiting: 0, sent: 0) == .idle)
    }

    @Test func aConnectionWithoutANextRequestIsIdleAfterAMinute() {
        var times = times()
        times.responseEnded(start)
        #expect(times.look(start + .seconds(59), firstByte: nil, isBusy: false, wantsBody: false, waiting: 0, sent: 0) == .fine)
        #expect(times.look(start + .seconds(60), firstByte: nil, isBusy: false, wantsBody: false, waiting: 0, sent: 0) == .idle)
    }

    @Test func aHeaderHasTenSecondsFromItsFirstByteHoweverManyBytesFollow() {
        var times = times()
        let first = start + .seconds(5)
        #expect(times.look(first + .seconds(9), firstByte: first, isBusy: false, wantsBody: false, waiting: 0, sent: 0) == .fine)
        #expect(
            times.look(first + .seconds(10), firstByte: first, isBusy: false, wantsBody: false, waiting: 0, sent: 0)
                == .slowHeader)
    }

    @Test func aHeaderThatBeganDuringAResponseHasTenSecondsFromItsEnd() {
        var times = times()
        let first = start + .seconds(1)
        #expect(times.look(start + .seconds(40), firstByte: first, isBusy: true, wantsBody: false, waiting: 0, sent: 0) == .fine)
        times.responseEnded(start + .seconds(40))
        #expect(times.look(start + .seconds(49), firstByte: first, isBusy: false, wantsBody: false, waiting: 0, sent: 0) == .fine)
        #expect(
            times.look(start + .seconds(50), firstByte: first, isBusy: false, wantsBody: false, waiting: 0, sent: 0)
                == .slowHeader)
    }

    @Test func aBodyBringsItsRateInEachWindow() {
        var times = times()
        times.bodyBegins()
        for second in 1...9 as ClosedRange<Int64> {
            times.bodyCame(1200)
            #expect(look(&times, second) == .fine)
        }
        times.bodyCame(1200)
        #expect(look(&times, 10) == .fine)
        // What it brought before does not help it in the next window.
        for second in 11...19 as ClosedRange<Int64> { #expect(look(&times, second) == .fine) }
        #expect(look(&times, 20) == .slowBody)

        func look(_ times: inout ConnectionTimes, _ second: Int64) -> ConnectionTimes.Verdict {
            times.look(start + .seconds(second), firstByte: nil, isBusy: true, wantsBody: true, waiting: 0, sent: 0)
        }
    }

    @Test func aBodyThatTheFrontDoesNotReadIsNotSlow() {
        var times = times()
        times.bodyBegins()
        for second in 1...100 as ClosedRange<Int64> {
            #expect(
                times.look(start + .seconds(second), firstByte: nil, isBusy: true, wantsBody: false, waiting: 0, sent: 0) == .fine
            )
        }
    }

    @Test func aResponseThatIsTakenSlowlyIsFineAndOneThatIsNotTakenIsStalled() {
        var times = times()
        for second in 1...100 as ClosedRange<Int64> {
            let verdict = times.look(
                start + .seconds(second), firstByte: nil, isBusy: true, wantsBody: false, waiting: 10_000 - Int(second),
                sent: 10_000)
            #expect(verdict == .fine)
        }
        #expect(
            times.look(start + .seconds(129), firstByte: nil, isBusy: true, wantsBody: false, waiting: 9900, sent: 10_000)
                == .fine)
        // More is written, but nothing more is taken.
        #expect(
            times.look(start + .seconds(130), firstByte: nil, isBusy: true, wantsBody: false, waiting: 10_000, sent: 10_100)
                == .stalled)
    }
}
