// Percent signs of URLs and of forms: `%20` and, in forms, the plus sign.

/// `%xx` to bytes. A percent sign that two hexadecimal digits do not follow stays as it is.
package enum PercentCoding {
    package static func decode(_ text: some Collection<UInt8>, plusIsSpace: Bool = false) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var place = text.startIndex
        while place < text.endIndex {
            let byte = text[place]
            text.formIndex(after: &place)
            if byte == UInt8(ascii: "+"), plusIsSpace {
                bytes.append(0x20)
            } else if byte == UInt8(ascii: "%"), let high = digit(text, place), let low = digit(text, text.index(after: place)) {
                bytes.append(high << 4 | low)
                place = text.index(place, offsetBy: 2)
            } else {
                bytes.append(byte)
            }
        }
        return bytes
    }

    /// Names and values of `a=1&b=2`, in their order; a name without an equals sign has an empty value.
    package static func pairs(_ text: some Collection<UInt8>) -> [(name: [UInt8], value: [UInt8])] {
        text.split(separator: UInt8(ascii: "&")).map { pair in
            let name = pair.prefix { $0 != UInt8(ascii: "=") }
            let value = pair[name.endIndex...].dropFirst()
            return (decode(name, plusIsSpace: true), decode(value, plusIsSpace: true))
        }
    }

    private static func digit<Text: Collection<UInt8>>(_ text: Text, _ place: Text.Index) -> UInt8? {
        guard place < text.endIndex else { return nil }
        switch text[place] {
        case let byte where (0x30...0x39).contains(byte): return byte - 0x30
        case let byte where (0x41...0x46).contains(byte): return byte - 0x37
        case let byte where (0x61...0x66).contains(byte): return byte - 0x57
        default: return nil
        }
    }
}
