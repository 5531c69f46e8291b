// Commands out of the bytes of a client: arrays of bulk strings, as clients send them, or lines, as people type them. Pure; what a
// command means is the conversation's. Bytes are kept only as they come: a length that is claimed allocates nothing.

struct CommandParser {
    /// What is no command; the connection is closed after it has been told.
    struct Trouble: Error, Equatable {
        let message: String
    }

    /// A command, and whether it was typed.
    struct Command: Equatable {
        var words: [[UInt8]]
        var isInline = false
    }

    private enum State: Equatable {
        case start
        /// So many words of an array are still to come.
        case head(left: Int)
        /// The bytes of a word, and the words after it.
        case word(length: Int, left: Int)
    }

    /// Digits of the largest number that is read: more are refused before they are counted.
    private static let mostDigits = 10

    private let limits: ListenerLimits
    private var bytes: [UInt8] = []
    private var position = 0
    private var state = State.start
    private var words: [[UInt8]] = []
    private var wordBytes = 0

    init(limits: ListenerLimits = ListenerLimits()) { self.limits = limits }

    /// Bytes of a command that is not complete yet.
    var unfinished: Int { bytes.count - position + wordBytes }

    /// Whether a command has begun and not ended.
    var isWithinCommand: Bool { state != .start || position < bytes.count }

    mutating func feed(_ more: some Sequence<UInt8>) {
        // What was read makes room before the buffer grows.
        if position == bytes.count {
            // Nor is the room of a large command kept for small ones.
            if bytes.capacity > limits.lineBytes { bytes = [] } else { bytes.removeAll(keepingCapacity: true) }
            position = 0
        } else if position > 0 {
            bytes.removeFirst(position)
            position = 0
        }
        bytes.append(contentsOf: more)
    }

    /// The next command; nil until more bytes have come.
    mutating func next() throws(Trouble) -> Command? {
        while true {
            switch state {
            case .start:
                guard position < bytes.count else { return nil }
                guard bytes[position] == UInt8(ascii: "*") else {
                    guard let line = try line() else { return nil }
                    let words = try InlineCommand.words(of: line)
                    if words.isEmpty { continue }
                    guard words.count <= limits.words else { throw Trouble(message: "more than \(limits.words) words") }
                    return Command(words: words, isInline: true)
                }
                guard let line = try line() else { return nil }
                guard let count = Self.number(line.dropFirst()) else { throw Trouble(message: "invalid multibulk length") }
                guard count <= limits.words else { throw Trouble(message: "invalid multibulk length: at most \(limits.words)") }
                // As Redis: an empty command is none.
                if count > 0 { state = .head(left: count) }
            case .head(let left):
                guard position < bytes.count else { return nil }
                guard bytes[position] == UInt8(ascii: "$") else { throw Trouble(message: "expected '$'") }
                guard let line = try line() else { return nil }
                guard let length = Self.number(line.dropFirst()), length >= 0 else {
                    throw Trouble(message: "invalid bulk length")
                }
                guard length <= limits.wordBytes - wordBytes else {
                    throw Trouble(message: "invalid bulk length: a command has at most \(limits.wordBytes) bytes")
                }
                state = .word(length: length, left: left)
            case .word(let length, let left):
                guard bytes.count - position >= length + 2 else { return nil }
                let end = position + length
                guard bytes[end] == 0x0D, bytes[end + 1] == 0x0A else {
                    throw Trouble(message: "a word does not end where it should")
                }
                words.append(Array(bytes[position..<end]))
                wordBytes += length
                position = end + 2
                if left > 1 {
                    state = .head(left: left - 1)
                } else {
                    defer { (words, wordBytes, state) = ([], 0, .start) }
                    return Command(words: words)
                }
            }
        }
    }

    /// A line without its end; nil when it is not complete.
    private mutating func line() throws(Trouble) -> ArraySlice<UInt8>? {
        let rest = bytes[position...]
        let isHead = rest.first == UInt8(ascii: "*") || rest.first == UInt8(ascii: "$")
        let longest = isHead ? Self.mostDigits + 4 : limits.lineBytes
        guard let end = rest.prefix(longest + 1).firstIndex(of: 0x0A) else {
            if rest.count > longest { throw Trouble(message: "too big \(isHead ? "count string" : "inline request")") }
            return nil
        }
        position = end + 1
        return rest[..<(end > rest.startIndex && bytes[end - 1] == 0x0D ? end - 1 : end)]
    }

    /// Plain digits, or `-1`; nil for all else.
    private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
        if digits.elementsEqual("-1".utf8) { return -1 }
        guard (1...mostDigits).contains(digits.count), digits.first != UInt8(ascii: "0") || digits.count == 1 else { return nil }
        var number = 0
        for digit in digits {
            guard (0x30...0x39).contains(digit) else { return nil }
            number = number * 10 + Int(digit - 0x30)
        }
        return number
    }
}
