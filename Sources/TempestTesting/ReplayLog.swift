// A list that grows, and that any number of readers follow from its beginning.
// Holds what a child process wrote and how it ended; ChildProcess fills it.

import Synchronization

/// Every stream of it yields all elements, the past ones first, and ends when the log is finished.
final class ReplayLog<Element: Sendable>: Sendable {
    private struct State {
        var elements: [Element] = []
        var isFinished = false
        var readers: [Int: AsyncStream<Element>.Continuation] = [:]
        var nextReader = 0
    }

    private let state = Mutex(State())

    var elements: [Element] { self.state.withLock { $0.elements } }

    func append(_ element: Element) {
        self.state.withLock { state in
            guard !state.isFinished else { return }
            state.elements.append(element)
            for reader in state.readers.values { reader.yield(element) }
        }
    }

    func finish() {
        let readers = self.state.withLock { state in
            state.isFinished = true
            defer { state.readers = [:] }
            return Array(state.readers.values)
        }
        // Outside the lock: finishing calls onTermination.
        for reader in readers { reader.finish() }
    }

    func stream(from start: Int = 0) -> AsyncStream<Element> {
        let (stream, continuation) = AsyncStream.makeStream(of: Element.self)
        let (reader, isFinished) = self.state.withLock { state in
            for element in state.elements.dropFirst(start) { continuation.yield(element) }
            defer { state.nextReader += 1 }
            if !state.isFinished { state.readers[state.nextReader] = continuation }
            return (state.nextReader, state.isFinished)
        }
        if isFinished {
            continuation.finish()
        } else {
            continuation.onTermination = { _ in _ = self.state.withLock { $0.readers.removeValue(forKey: reader) } }
        }
        return stream
    }
}
