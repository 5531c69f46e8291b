// Something that happens once and stays so.

import Synchronization

final class Latch: Sendable {
    private let flag = Atomic(false)

    var isSet: Bool { self.flag.load(ordering: .acquiring) }

    /// True for whoever sets it.
    func set() -> Bool { !self.flag.exchange(true, ordering: .acquiringAndReleasing) }
}
