// The action of the demonstration, `wordcount`: the same definition in Swift, Python and Ruby, so that their answers must agree.

import Tempest

/// Line = LF; word = maximal run without space, tab, CR, LF, only ASCII letters lower-cased; character = Unicode scalar; the ten most
/// frequent words by count, then by UTF-8 bytes.
struct WordCount: Codable, Equatable, Sendable {
    struct Word: Codable, Equatable, Sendable {
        var word: String
        var count: Int

        init(word: String, count: Int) { (self.word, self.count) = (word, count) }

        init(from decoder: any Decoder) throws {
            var pair = try decoder.unkeyedContainer()
            word = try pair.decode(String.self)
            count = try pair.decode(Int.self)
        }

        func encode(to encoder: any Encoder) throws {
            var pair = encoder.unkeyedContainer()
            try pair.encode(word)
            try pair.encode(count)
        }
    }

    var language: String
    var lines = 0
    var words = 0
    var characters: Int
    var top: [Word]

    init(_ text: String) {
        language = "swift"
        characters = text.unicodeScalars.count
        var counts: [[UInt8]: Int] = [:]
        var word: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"), UInt8(ascii: "\n"):
                if byte == UInt8(ascii: "\n") { lines += 1 }
                if !word.isEmpty {
                    counts[word, default: 0] += 1
                    words += 1
                    word.removeAll(keepingCapacity: true)
                }
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): word.append(byte | 0x20)
            default: word.append(byte)
            }
        }
        if !word.isEmpty {
            counts[word, default: 0] += 1
            words += 1
        }
        top = counts.sorted { $0.value != $1.value ? $0.value > $1.value : $0.key.lexicographicallyPrecedes($1.key) }
            .prefix(10).map { Word(word: String(decoding: $0.key, as: UTF8.self), count: $0.value) }
    }

    /// Equal but for the language that counted.
    func agrees(with other: WordCount) -> Bool {
        (lines, words, characters) == (other.lines, other.words, other.characters) && top == other.top
    }
}
