// What the comparison and this program say to each other: frames on stdin and stdout, a length of four bytes (big endian) before each.
// Before it: Tests/Differential/compare.py. After it: the answers of the peer.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Bytes that are taken from the front.
struct Intake {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    var isEmpty: Bool { position == bytes.count }

    mutating func byte() -> UInt8 {
        defer { position += 1 }
        return bytes[position]
    }

    mutating func number() -> Int {
        (0..<4).reduce(0) { value, _ in value << 8 | Int(byte()) }
    }

    mutating func block() -> [UInt8] {
        let count = number()
        defer { position += count }
        return Array(bytes[position..<position + count])
    }

    mutating func rest() -> [UInt8] {
        defer { position = bytes.count }
        return Array(bytes[position...])
    }
}

extension [UInt8] {
    mutating func append(number: Int) {
        for shift in [24, 16, 8, 0] { append(UInt8(truncatingIfNeeded: number >> shift)) }
    }

    /// Appends bytes with their length; nil is a length that no bytes have.
    mutating func append(block: [UInt8]?) {
        guard let block else { return append(number: 0xFFFF_FFFF) }
        append(number: block.count)
        append(contentsOf: block)
    }
}

/// The next frame; nil at the end of the input.
func readFrame() -> [UInt8]? {
    guard let length = readExactly(4) else { return nil }
    var intake = Intake(length)
    return readExactly(intake.number())
}

/// Writes a frame.
func writeFrame(_ payload: [UInt8]) {
    var frame: [UInt8] = []
    frame.reserveCapacity(payload.count + 4)
    frame.append(block: payload)
    var sent = 0
    while sent < frame.count {
        let count = frame.withUnsafeBytes { write(1, $0.baseAddress.map { $0 + sent }, $0.count - sent) }
        guard count > 0 else { fatalError("the comparison does not read any more") }
        sent += count
    }
}

private func readExactly(_ count: Int) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: count)
    var filled = 0
    while filled < count {
        let got = bytes.withUnsafeMutableBytes { read(0, $0.baseAddress.map { $0 + filled }, count - filled) }
        guard got > 0 else { return nil }
        filled += got
    }
    return bytes
}
