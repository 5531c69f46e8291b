// Sizes as people write them: 512MB. Between a plan's memory limit and the resident size that it is compared with.

package enum ByteSize {
    private static let units: [(name: String, bytes: UInt64)] = [
        ("KB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("KIB", 1 << 10), ("MIB", 1 << 20), ("GIB", 1 << 30),
        ("K", 1_000), ("M", 1_000_000), ("G", 1_000_000_000), ("B", 1),
    ]

    package static let rule = "a size such as 512MB, 1.5GB or 768MiB, of 1MB at least"

    /// Bytes, or nil when the text is no size of 1 MB to 1 EB.
    package static func parse(_ text: String) -> UInt64? {
        let upper = text.uppercased()
        guard let unit = units.first(where: { upper.hasSuffix($0.name) }) else { return nil }
        let digits = upper.dropLast(unit.name.count).trimmed
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (48...57).contains($0) || $0 == UInt8(ascii: ".") }),
            let number = Double(digits)
        else { return nil }
        let bytes = number * Double(unit.bytes)
        return (1e6...1e18).contains(bytes) ? UInt64(bytes) : nil
    }

    /// `512 MB`, for messages.
    package static func text(_ bytes: UInt64) -> String {
        bytes >= 10_000_000_000 ? "\(bytes / 1_000_000_000) GB" : "\(bytes / 1_000_000) MB"
    }
}

extension Substring {
    fileprivate var trimmed: Substring {
        var text = self
        while text.last == " " { text.removeLast() }
        return text
    }
}
