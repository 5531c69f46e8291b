// A command as people type it (`redis-cli` reads the same quotes, `nc` sends them): words between blanks, quoted where they hold some.
// Part of the parser.

enum InlineCommand {
    /// The words of a line. Quotes as in Redis: `"a\n\x00"` with escapes, `'it\'s'` as it stands.
    static func words(of line: ArraySlice<UInt8>) throws(CommandParser.Trouble) -> [[UInt8]] {
        var words: [[UInt8]] = []
        var rest = line
        while true {
            rest = rest.drop { isBlank($0) }
            guard let first = rest.first else { return words }
            var word: [UInt8] = []
            switch first {
            case UInt8(ascii: "\""): try quoted(&rest, into: &word)
            case UInt8(ascii: "'"): try apostrophed(&rest, into: &word)
            default:
                while let byte = rest.first, !isBlank(byte) {
                    if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") { throw unbalanced }
                    word.append(byte)
                    rest.removeFirst()
                }
            }
            words.append(word)
        }
    }

    private static let unbalanced = CommandParser.Trouble(message: "unbalanced quotes in request")

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) || byte == 0 }

    private static func quoted(_ rest: inout ArraySlice<UInt8>, into word: inout [UInt8]) throws(CommandParser.Trouble) {
        rest.removeFirst()
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "\""): return try mustEnd(rest)
            case UInt8(ascii: "\\"):
                guard let escape = rest.popFirst() else { throw unbalanced }
                switch escape {
                case UInt8(ascii: "x"):
                    if let high = rest.first.flatMap(hex), let low = rest.dropFirst().first.flatMap(hex) {
                        word.append(high << 4 | low)
                        rest = rest.dropFirst(2)
                    } else {
                        word.append(escape)
                    }
                case UInt8(ascii: "n"): word.append(0x0A)
                case UInt8(ascii: "r"): word.append(0x0D)
                case UInt8(ascii: "t"): word.append(0x09)
                case UInt8(ascii: "b"): word.append(0x08)
                case UInt8(ascii: "a"): word.append(0x07)
                default: word.append(escape)
                }
            default: word.append(byte)
            }
        }
        throw unbalanced
    }

    private static func apostrophed(_ rest: inout ArraySlice<UInt8>, into word: inout [UInt8]) throws(CommandParser.Trouble) {
        rest.removeFirst()
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "'") { return try mustEnd(rest) }
            if byte == UInt8(ascii: "\\"), rest.first == UInt8(ascii: "'") {
                word.append(rest.removeFirst())
            } else {
                word.append(byte)
            }
        }
        throw unbalanced
    }

    /// After a closing quote comes a blank or the end.
    private static func mustEnd(_ rest: ArraySlice<UInt8>) throws(CommandParser.Trouble) {
        if let next = rest.first, !isBlank(next) { throw unbalanced }
    }

    private static func hex(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46, 0x61...0x66: (byte | 0x20) - 0x61 + 10
        default: nil
        }
    }
}
