// Counts the places where a ready worker lives, and says when that is all of them.
// Told by Slots; read by people, and by programs that wait for the ready file.

import Synchronization

#if canImport(System)
import System
#else
import SystemPackage
#endif

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

final class Attendance: Sendable {
    private let journal: Journal
    private let file: String?
    private let state: Mutex<(ready: Int, total: Int)>

    init(journal: Journal, total: Int, file: String?) {
        self.journal = journal
        self.file = file
        self.state = Mutex((0, total))
    }

    /// A place has a ready worker now, or has lost it.
    func count(_ isReady: Bool) {
        let ready = self.state.withLock { state -> Int? in
            state.ready += isReady ? 1 : -1
            return isReady && state.ready == state.total ? state.ready : nil
        }
        guard let ready else { return }
        self.journal.say("ready: \(ready == 1 ? "1 worker" : "\(ready) workers")")
        guard let file = self.file else { return }
        do {
            let descriptor = try FileDescriptor.open(
                FilePath(file), .writeOnly, options: [.create, .truncate, .closeOnExec],
                permissions: [.ownerReadWrite, .groupRead, .otherRead])
            try descriptor.closeAfter { _ = try descriptor.writeAll("\(ready)\n".utf8) }
        } catch {
            self.journal.say("the ready file \(file) cannot be written: \(error)")
        }
    }

    /// A place has been given up.
    func leave() { self.state.withLock { $0.total -= 1 } }

    /// Takes the ready file away.
    func close() {
        if let file = self.file { unlink(file) }
    }
}
