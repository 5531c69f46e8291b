// Where a value is in its document, for errors.
// Asked by decoders and by types that read themselves, when a value does not fit.

/// Finds the path to a value by walking down from the root: nothing is kept of it while documents are read.
///
/// It remembers the way to the value that was asked for last. Types that try one thing after the other ask at every element: each goes
/// on from where the last one was, or a hostile array would cost the square of its length.
struct PathFinder: Sendable {
    /// A container on the way, and which of its elements it goes on with.
    private struct Level {
        var container: Int
        /// The element's entry; of a map the key's.
        var child: Int
        var place = 0
    }

    private var trail: [Level] = []

    /// The path from the document's root to the value at an index; very long keys are cut in it, because it stands in the texts of errors.
    mutating func path(to index: Int, in view: TapeView) -> [any CodingKey] {
        guard index > 0 else { return [] }
        while let last = trail.last, last.container >= index || index >= view.entries[last.container].high { trail.removeLast() }
        if trail.isEmpty { trail.append(Level(container: 0, child: 1)) }
        while true {
            var level = trail.removeLast()
            if level.child > index { level = Level(container: level.container, child: level.container + 1) }
            let isMap = view.entries[level.container].kind == .map
            while true {
                let end = view.next(isMap ? level.child + 1 : level.child)
                if index < end { break }
                level.child = end
                level.place += 1
            }
            trail.append(level)
            let value = isMap ? level.child + 1 : level.child
            guard value < index else { break }
            trail.append(Level(container: value, child: value + 1))
        }
        return trail.map { level in
            view.entries[level.container].kind == .map
                ? PathKey(stringValue: KeyText.cut(view.string(view.entries[level.child]))) : PathKey(index: level.place)
        }
    }
}
