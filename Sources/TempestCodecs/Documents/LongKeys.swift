// Keys that are too long to lie in a string itself, made once and shared: records name the same ones again and again.
// Before it: a tape's keys. After it: the keys of value maps.

/// The long keys that were met last.
struct LongKeys {
    private var met: [String] = []
    private var count = 0

    /// So many keys are made without a look at others: small documents hardly have any twice.
    private static let few = 16
    /// A power of two.
    private static let places = 64

    /// The key of these bytes, which are UTF-8; the same string as an earlier one where it is still known.
    @inline(never)
    mutating func string(_ start: UnsafeRawPointer, count length: Int, isASCII: Bool) -> String {
        count &+= 1
        guard count > Self.few else { return SmallText.string(start, count: length, isASCII: isASCII, packs: false) }
        if met.isEmpty { met = Array(repeating: "", count: Self.places) }
        // Of its length and its first and last bytes, the upper bits. Keys that differ between those alone take each other's place.
        let place = Int(truncatingIfNeeded: TapeView.fingerprint(start, length) &>> 58)
        let isKnown = met[place].withFastUTF8 { known in
            guard known.count == length, let other = known.baseAddress else { return false }
            return equalBytes(other, start, length)
        }
        if !isKnown { met[place] = SmallText.string(start, count: length, isASCII: isASCII, packs: false) }
        return met[place]
    }
}
