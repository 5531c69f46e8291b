// A tape seen through pointers: what runs over every value of a document works on this.
// Made for the length of a call, by a reader that is at work or from a Document.

/// The entries of a tape and the bytes that they point into, good no longer than the call that it was made for.
struct TapeView {
    let entries: UnsafePointer<Entry>
    let source: UnsafeRawPointer
    let side: UnsafeRawPointer
    /// Asked for once a view: a static constant that must be worked out costs a call at every look.
    private let packsText = SmallText.isKnownLayout

    init(entries: UnsafePointer<Entry>, source: UnsafeRawPointer, side: UnsafeRawPointer) {
        self.entries = entries
        self.source = source
        self.side = side
    }

    /// The index after the value at `index`.
    @inline(__always)
    func next(_ index: Int) -> Int {
        let entry = entries[index]
        return entry.isContainer ? entry.high : index + 1
    }

    /// Where the bytes of a text, binary, ext or key begin.
    @inline(__always)
    func start(_ entry: Entry) -> UnsafeRawPointer {
        (entry.flags & Entry.inSide != 0 ? side : source) + entry.high
    }

    /// The bytes of a text, binary, ext or key.
    @inline(__always)
    func bytes(_ entry: Entry) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: start(entry), count: entry.low)
    }

    /// The text of an entry; only valid UTF-8 gets into a tape.
    @inline(__always)
    func string(_ entry: Entry) -> String {
        SmallText.string(start(entry), count: entry.low, isASCII: entry.flags & Entry.isASCII != 0, packs: packsText)
    }
}

extension TapeView {
    /// How many containers are inside of each other in the first entries.
    func depth(_ count: Int) -> Int {
        var ends: [Int] = []
        var deepest = 0
        for index in 0..<count where entries[index].isContainer {
            while let end = ends.last, end <= index { ends.removeLast() }
            ends.append(entries[index].high)
            deepest = max(deepest, ends.count)
        }
        return deepest
    }

    /// How many bytes the first entries point to; those of a recording stand one after the other.
    func byteCount(_ count: Int) -> Int {
        var end = 0
        for index in 0..<count where entries[index].hasBytes { end = max(end, entries[index].high + entries[index].low) }
        return end
    }
}

extension Tape {
    /// Calls the body with pointers to everything.
    @inline(__always)
    func withView<R>(_ body: (TapeView) -> R) -> R {
        entries.withUnsafeBufferPointer { entries in
            source.withUnsafeBytes { source in
                side.withUnsafeBytes { side in
                    guard let first = entries.baseAddress else { preconditionFailure("an empty tape has no value") }
                    // Nothing is read through a pointer into no bytes: their entries have no length.
                    let none = UnsafeRawPointer(first)
                    return body(TapeView(entries: first, source: source.baseAddress ?? none, side: side.baseAddress ?? none))
                }
            }
        }
    }
}
