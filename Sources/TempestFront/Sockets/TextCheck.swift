// Checks text that comes in pieces: a message that can no longer be UTF-8 is refused before the rest of it has come.

import TempestCodecs

/// Whether bytes that come one piece after another are UTF-8 (RFC 3629). The cost is linear in the bytes, however they are cut.
struct TextCheck {
    /// How many bytes the last character still needs.
    private var missing = 0
    /// The range of its next byte.
    private var next: ClosedRange<UInt8> = Self.tail

    private static let tail: ClosedRange<UInt8> = 0x80...0xBF

    /// Whether the text may end here: no character is cut.
    var isWhole: Bool { missing == 0 }

    /// Takes more bytes. False: no valid text begins like this. Nothing may be added after that.
    mutating func add(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var place = 0
        while missing > 0, place < bytes.count {
            guard step(bytes[place]) else { return false }
            place += 1
        }
        let end = Self.end(of: bytes, from: place)
        guard UTF8Check.isValid(UnsafeRawBufferPointer(rebasing: bytes[place..<end])) else { return false }
        for byte in bytes[end...] {
            guard step(byte) else { return false }
        }
        return true
    }

    /// Where the last character begins if it is cut; else where the bytes end.
    private static func end(of bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
        var place = bytes.count - 1
        while place >= start, place > bytes.count - 4 {
            switch bytes[place] {
            case 0x80...0xBF: place -= 1
            case 0xC0...0xDF: return bytes.count - place < 2 ? place : bytes.count
            case 0xE0...0xEF: return bytes.count - place < 3 ? place : bytes.count
            case 0xF0...0xFF: return bytes.count - place < 4 ? place : bytes.count
            default: return bytes.count
            }
        }
        return bytes.count
    }

    private mutating func step(_ byte: UInt8) -> Bool {
        if missing > 0 {
            guard next.contains(byte) else { return false }
            (missing, next) = (missing - 1, Self.tail)
            return true
        }
        switch byte {
        case 0...0x7F: break
        case 0xC2...0xDF: missing = 1
        case 0xE0: (missing, next) = (2, 0xA0...0xBF)
        case 0xED: (missing, next) = (2, 0x80...0x9F)
        case 0xE1...0xEF: missing = 2
        case 0xF0: (missing, next) = (3, 0x90...0xBF)
        case 0xF1...0xF3: missing = 3
        case 0xF4: (missing, next) = (3, 0x80...0x8F)
        default: return false
        }
        return true
    }
}
