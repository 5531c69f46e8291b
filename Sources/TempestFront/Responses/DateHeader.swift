// The Date header of responses, written once a second.

import Synchronization

/// The current time as HTTP writes it.
final class DateHeader: Sendable {
    private let written = Mutex((date: HTTPDate.now, text: HTTPDate.now.text))

    var text: String {
        let now = HTTPDate.now
        return written.withLock { written in
            if written.date != now { written = (now, now.text) }
            return written.text
        }
    }
}
