import Testing

@testable import TempestProtocol

@Suite struct DurationTests {
    @Test func `durations are whole numbers, and the longest ones do not turn round`() {
        let longest: Int64 = 1 << 61
        let cases: [(Duration, Int64)] = [
            (.zero, 0), (.nanoseconds(7), 7), (.milliseconds(1500), 1_500_000_000), (.seconds(-3), -3_000_000_000),
            (.seconds(9_000_000), 9_000_000_000_000_000), (.seconds(10_000_000_000), longest), (.seconds(Int64.max), longest),
            (.seconds(Int64.min), -longest), (.seconds(9_223_372_036) + .milliseconds(999), longest),
            (.seconds(-10_000_000_000), -longest),
        ]
        for (duration, expected) in cases {
            #expect(duration.nanoseconds == expected, "\(duration)")
            #expect(duration.milliseconds == expected / 1_000_000, "\(duration)")
        }
    }
}
