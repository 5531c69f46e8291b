// Durations as whole numbers. People say "for ever" by the longest duration there is: nothing here overflows for it.

extension Duration {
    /// More than anybody waits, and little enough that a moment from now on can still be written: 73 years.
    private static let longestNanoseconds: Int64 = 1 << 61

    /// In nanoseconds; what is longer than 73 years counts as these.
    package var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, isTooLong) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        guard !isTooLong else { return seconds < 0 ? -Self.longestNanoseconds : Self.longestNanoseconds }
        let (sum, overflows) = product.addingReportingOverflow(attoseconds / 1_000_000_000)
        guard !overflows else { return seconds < 0 ? -Self.longestNanoseconds : Self.longestNanoseconds }
        return min(max(sum, -Self.longestNanoseconds), Self.longestNanoseconds)
    }

    /// In milliseconds, rounded towards zero; what is longer than 73 years counts as these.
    package var milliseconds: Int64 { nanoseconds / 1_000_000 }
}
