// Actions that a worker has no handler for, and that its log has named: once is enough.

import Synchronization

final class Strangers: Sendable {
    /// How many are remembered: whoever may push can make up names.
    private static let most = 1000

    private let seen = Mutex<Set<String>>([])

    /// Whether the action was not here before; false from the thousandth on.
    func isNew(_ action: String) -> Bool {
        seen.withLock { $0.count < Self.most && $0.insert(action).inserted }
    }
}
