// How much of the room for uploads one client may take while its requests are held.

import Synchronization

/// Counts the bytes of requests that have not ended, by the address they come from.
final class AddressQuota: Sendable {
    /// Of one address, in bytes.
    let most: Int
    private let held = Mutex<[ClientNetwork: Int]>([:])

    init(most: Int) { self.most = most }

    /// How many addresses have something there.
    var count: Int { held.withLock { $0.count } }

    /// A request's share. Without an address, as on a unix socket, it is not counted.
    func share(_ address: String?) -> AddressShare { AddressShare(self, ClientNetwork(address)) }

    fileprivate func add(_ count: Int, _ address: ClientNetwork) throws(UploadRefusal) {
        let isAdmitted = held.withLock { held in
            let sum = held[address, default: 0] + count
            guard sum <= most else { return false }
            held[address] = sum
            return true
        }
        guard isAdmitted else {
            throw UploadRefusal(
                .crowded, "your requests bring more than \(most) bytes of uploads at once: wait until some are answered")
        }
    }

    fileprivate func remove(_ count: Int, _ address: ClientNetwork) {
        held.withLock { held in
            let rest = held[address, default: 0] - count
            held[address] = rest > 0 ? rest : nil
        }
    }
}

/// What one request has taken of its address's room. Given back when nobody holds it any more.
final class AddressShare: Sendable {
    private let quota: AddressQuota
    private let address: ClientNetwork?
    private let taken = Mutex(0)

    init(_ quota: AddressQuota, _ address: ClientNetwork?) { (self.quota, self.address) = (quota, address) }

    deinit { end() }

    /// Throws `UploadRefusal.crowded` when the address has too much there already.
    func admit(_ count: Int) throws(UploadRefusal) {
        guard let address else { return }
        try quota.add(count, address)
        taken.withLock { $0 += count }
    }

    func end() {
        let count = taken.withLock { taken in
            defer { taken = 0 }
            return taken
        }
        if let address, count > 0 { quota.remove(count, address) }
    }
}
