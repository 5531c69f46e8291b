// A group of workers that run the same command: what a person asks for.
// Read from a file by PlanReader or from the command line; each of its places is kept by a Slot.

/// Workers that run the same command.
package struct WorkerGroup: Sendable, Equatable {
    /// When a worker that has ended is started again.
    package enum Restart: String, Sendable, CaseIterable {
        case always
        /// Not after exit status 0.
        case onFailure = "on-failure"
        case never
    }

    /// How it is recognised that a worker takes jobs.
    package enum Ready: Sendable, Equatable {
        /// A process whose name begins with the worker's TEMPEST_PROCESS is registered on a queue.
        case registered
        /// It still runs so long after its start.
        case started(Duration)
    }

    /// What logs call it, and how its processes in Redis begin. 1 to 40 of `A-Z a-z 0-9 _ -`.
    package var name: String
    /// The program and its arguments; no shell reads them.
    package var command: [String]
    /// How many run, 1 to 1000. Default 1.
    package var count = 1
    /// Variables beside the supervisor's own.
    package var environment: [String: String] = [:]
    /// Where it runs; nil: where the supervisor does.
    package var directory: String?
    /// Resident bytes beyond which a worker is replaced; nil: none.
    package var memoryLimit: UInt64?
    /// Default always.
    package var restart = Restart.always
    /// What a worker gets between SIGTERM and SIGKILL. Default 30 s: more than the 25 s that workers give their handlers.
    package var grace = Duration.seconds(30)
    /// Default registered.
    package var ready = Ready.registered
    /// How long a worker may take to be ready before that is said, and a replacement is given up. Default 30 s.
    package var readyWithin = Duration.seconds(30)

    package init(name: String, command: [String]) {
        self.name = name
        self.command = command
    }

    /// Whether a name may stand in TEMPEST_PROCESS.
    package static func allows(name: String) -> Bool {
        (1...40).contains(name.utf8.count)
            && name.utf8.allSatisfy { byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                    || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
            }
    }

    package static let nameRule = "1 to 40 of A-Z a-z 0-9 _ -"
    package static let counts = 1...1000
}

extension Duration {
    /// Seconds with their fraction.
    package var inSeconds: Double {
        let (seconds, attoseconds) = self.components
        return Double(seconds) + Double(attoseconds) / 1e18
    }

    /// `12 s`, `0.5 s`.
    var text: String {
        let seconds = (self.inSeconds * 10).rounded() / 10
        return seconds == seconds.rounded() ? "\(Int(seconds)) s" : "\(seconds) s"
    }
}
