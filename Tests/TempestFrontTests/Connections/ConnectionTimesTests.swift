import NIOCore
import Testing

@testable import TempestFront

@Suite struct ConnectionTimesTests {
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000)

    private func times() -> ConnectionTimes { ConnectionTimes(limits: ConnectionLimits(), now: start) }

    @Test func aConnectionThatNeverAskedIsIdleAfterTenSeconds() {
        var times = times()
        #expect(
            times.look(start + .seconds(9), firstByte: nil, isBusy: false, wantsBody: false, waiting: false, taken: 0) == .fine)
        #expect(
            times.look(start + .seconds(10), firstByte: nil, isBusy: false, wantsBody: false, waiting: false, taken: 0) == .idle)
    }

    @Test func aConnectionWithoutANextRequestIsIdleAfterAMinute() {
        var times = times()
        times.responseEnded(start)
        #expect(
            times.look(start + .seconds(59), firstByte: nil, isBusy: false, wantsBody: false, waiting: false, taken: 0) == .fine)
        #expect(
            times.look(start + .seconds(60), firstByte: nil, isBusy: false, wantsBody: false, waiting: false, taken: 0) == .idle)
    }

    @Test func aHeaderHasTenSecondsFromItsFirstByteHoweverManyBytesFollow() {
        var times = times()
        let first = start + .seconds(5)
        #expect(
            times.look(first + .seconds(9), firstByte: first, isBusy: false, wantsBody: false, waiting: false, taken: 0) == .fine)
        #expect(
            times.look(first + .seconds(10), firstByte: first, isBusy: false, wantsBody: false, waiting: false, taken: 0)
                == .slowHeader)
    }

    @Test func aHeaderThatBeganDuringAResponseHasTenSecondsFromItsEnd() {
        var times = times()
        let first = start + .seconds(1)
        #expect(
            times.look(start + .seconds(40), firstByte: first, isBusy: true, wantsBody: false, waiting: false, taken: 0) == .fine)
        times.responseEnded(start + .seconds(40))
        #expect(
            times.look(start + .seconds(49), firstByte: first, isBusy: false, wantsBody: false, waiting: false, taken: 0) == .fine
        )
        #expect(
            times.look(start + .seconds(50), firstByte: first, isBusy: false, wantsBody: false, waiting: false, taken: 0)
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
            times.look(start + .seconds(second), firstByte: nil, isBusy: true, wantsBody: true, waiting: false, taken: 0)
        }
    }

    @Test func aBodyThatTheFrontDoesNotReadIsNotSlow() {
        var times = times()
        times.bodyBegins()
        for second in 1...100 as ClosedRange<Int64> {
            #expect(
                times.look(start + .seconds(second), firstByte: nil, isBusy: true, wantsBody: false, waiting: false, taken: 0)
                    == .fine
            )
        }
    }

    @Test func aResponseOfWhichAKibibyteASecondIsTakenIsFineAndOneOfWhichLessIsTakenIsNot() {
        var times = times()
        for second in 0...100 as ClosedRange<Int64> { #expect(look(&times, second, taken: Int(second) * 1024) == .fine) }
        // The span of 30 s that began at 90 ends at 120: 15 s of it brought nothing.
        for second in 101...119 as ClosedRange<Int64> { #expect(look(&times, second, taken: 105 * 1024) == .fine) }
        #expect(look(&times, 120, taken: 105 * 1024) == .stalled)
    }

    @Test func aByteNowAndThenDoesNotHelp() {
        var times = times()
        for second in 0...29 as ClosedRange<Int64> { #expect(look(&times, second, taken: 0) == .fine) }
        #expect(look(&times, 30, taken: 1) == .stalled)
    }

    @Test func whoseBytesDoNotWaitIsNotSlow() {
        var times = times()
        for second in 0...200 as ClosedRange<Int64> {
            #expect(look(&times, second, waiting: second % 29 != 0, taken: 0) == .fine)
        }
    }

    private func look(
        _ times: inout ConnectionTimes, _ second: Int64, waiting: Bool = true, taken: Int
    )
        -> ConnectionTimes.Verdict
    {
        times.look(
            start + .seconds(second), firstByte: nil, isBusy: true, wantsBody: false, waiting: waiting, taken: taken)
    }
}
