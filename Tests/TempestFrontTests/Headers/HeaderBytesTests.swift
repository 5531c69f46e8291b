import Testing

@testable import TempestFront

@Suite("Header values of any bytes")
struct HeaderBytesTests {
    @Test("Every value comes back in its bytes, and only what is not UTF-8 is escaped")
    func roundTrip() {
        let letters: [UInt8] = [0x41, 0x20, 0x7E, 0x80, 0xBF, 0xC3, 0xA9, 0xE9, 0xEF, 0x9E, 0x9F, 0xF7, 0xFF]
        var dice = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            let value = (0..<Int.random(in: 0...9, using: &dice)).map { _ in letters.randomElement(using: &dice) ?? 0 }
            let text = HeaderBytes.escape(value)
            #expect(HeaderBytes.unescaped(text.utf8) == value, "\(value)")
            if let plain = String(validating: value, as: UTF8.self), !HeaderBytes.isEscaped(plain) { #expect(text == plain) }
            let (read, isLatin1) = HeaderBytes.text(text)
            #expect(isLatin1 == (String(validating: value, as: UTF8.self) == nil), "\(value)")
            #expect((isLatin1 ? read.unicodeScalars.map { UInt8($0.value) } : Array(read.utf8)) == value, "\(value)")
        }
    }

    @Test("The characters that stand for bytes are themselves only when they are escaped")
    func marks() {
        for scalar in [0xF77F, 0xF780, 0xF7FF, 0xF800] as [UInt32] {
            let text = String(Unicode.Scalar(scalar).map(Character.init) ?? "?")
            #expect(HeaderBytes.isEscaped(HeaderBytes.escape(text.utf8)) == (0xF780...0xF7FF).contains(scalar))
            #expect(HeaderBytes.text(HeaderBytes.escape(text.utf8)).text == text)
        }
    }
}
