// How much of the room for uploads one client may take while its requests are held.

import Synchronization
import Tempest

/// Counts the bytes of requests that have not ended, by the address they come from.
final class AddressQuota: Sendable {
    /// Of one address, in bytes.
    let most: Int
    private let held = Mutex<[Network: Int]>([:])

    init(most: Int) { self.most = most }

    /// How many addresses have something there.
    var count: Int { held.withLock { $0.count } }

    /// A request's share. Without an address, as on a unix socket, it is not counted.
    func share(_ address: String?) -> AddressShare { AddressShare(self, address.flatMap { IPAddress($0) }.map { Network($0) }) }

    /// An address of IPv4, or the /64 of one of IPv6: whoever has one of these has all.
    struct Network: Hashable {
        private let bits: UInt128
        private let isIPv4: Bool

        init(_ address: IPAddress) { (bits, isIPv4) = (address.isIPv4 ? address.bits : address.bits >> 64, address.isIPv4) }
    }

    fileprivate func add(_ count: Int, _ address: Network) throws(UploadRefusal) {
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

    fileprivate func remove(_ count: Int, _ address: Network) {
        held.withLock { held in
            let rest = held[address, default: 0] - count
            held[address] = rest > 0 ? rest : nil
        }
    }
}

/// What one request has taken of its address's room. Given back when nobody holds it any more.
final class AddressShare: Sendable {
    private let quota: AddressQuota
    private let address: AddressQuota.Network?
    private let taken = Mutex(0)

    init(_ quota: AddressQuota, _ address: AddressQuota.Network?) { (self.quota, self.address) = (quota, address) }

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
