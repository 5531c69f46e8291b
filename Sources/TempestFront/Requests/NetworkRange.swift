// A range of addresses, `10.0.0.0/8`. Before it: configuration. After it: whether somebody is of it.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

struct NetworkRange: Sendable {
    private let bytes: [UInt8]
    private let bits: Int

    init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let bytes = Self.bytes(String(parts[0])) else { return nil }
        let all = bytes.count * 8
        guard parts.count == 1 || Int(parts[1]).map({ (0...all).contains($0) }) == true else { return nil }
        (self.bytes, bits) = (bytes, parts.count == 1 ? all : Int(parts[1]) ?? all)
    }

    func contains(_ address: String) -> Bool {
        guard let other = Self.bytes(address), other.count == bytes.count else { return false }
        for place in 0..<bits where (bytes[place / 8] ^ other[place / 8]) & (0x80 >> UInt8(place % 8)) != 0 { return false }
        return true
    }

    /// Four or sixteen; an IPv4 address that is written as IPv6 is IPv4.
    private static func bytes(_ text: String) -> [UInt8]? {
        if let v4 = read(AF_INET, text, count: 4) { return v4 }
        guard let v6 = read(AF_INET6, text, count: 16) else { return nil }
        let isMapped = v6[..<10].allSatisfy { $0 == 0 } && v6[10] == 0xFF && v6[11] == 0xFF
        return isMapped ? Array(v6[12...]) : v6
    }

    private static func read(_ family: Int32, _ text: String, count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        return inet_pton(family, text, &bytes) == 1 ? bytes : nil
    }
}
