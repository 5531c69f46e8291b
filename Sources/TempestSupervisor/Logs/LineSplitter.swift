// Bytes become lines: split at newlines, cut where they are too long, repaired where they are no UTF-8.
// Between a worker's pipe and the Journal. Pure.

/// One line of a worker, without its end.
package struct Line: Sendable, Equatable {
    package var text: String
    /// Bytes that were left out at its end.
    package var cut: Int

    package init(_ text: String, cut: Int = 0) { (self.text, self.cut) = (text, cut) }
}

package struct LineSplitter {
    /// Bytes of a line that are kept; the rest is counted and dropped.
    package static let longest = 64 * 1024

    private var line: [UInt8] = []
    private var cut = 0

    package init() {}

    /// The lines that these bytes end.
    package mutating func feed(_ bytes: some Collection<UInt8>) -> [Line] {
        var lines: [Line] = []
        var rest = bytes[...]
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            self.append(rest[..<end])
            lines.append(self.take())
            rest = rest[rest.index(after: end)...]
        }
        self.append(rest)
        return lines
    }

    /// What is left when the worker has closed its end; nil when that is nothing.
    package mutating func finish() -> Line? {
        self.line.isEmpty && self.cut == 0 ? nil : self.take()
    }

    private mutating func append(_ bytes: some Collection<UInt8>) {
        let kept = bytes.prefix(Self.longest - self.line.count)
        self.line.append(contentsOf: kept)
        self.cut += bytes.count - kept.count
    }

    private mutating func take() -> Line {
        if self.cut == 0, self.line.last == UInt8(ascii: "\r") { self.line.removeLast() }
        // A character that was cut in two is left out whole.
        if self.cut > 0 { self.cut += self.dropHalfCharacter() }
        defer { (self.line, self.cut) = ([], 0) }
        return Line(String(decoding: self.line, as: UTF8.self), cut: self.cut)
    }

    private mutating func dropHalfCharacter() -> Int {
        let tail = self.line.suffix(4)
        guard let start = tail.lastIndex(where: { $0 & 0xC0 != 0x80 }), self.line[start] >= 0xC0 else { return 0 }
        let length = self.line[start] >= 0xF0 ? 4 : self.line[start] >= 0xE0 ? 3 : 2
        let count = self.line.count - start
        guard count < length else { return 0 }
        self.line.removeLast(count)
        return count
    }
}
