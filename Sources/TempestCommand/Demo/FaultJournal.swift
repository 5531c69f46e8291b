// What the fault harness (Tests/Faults) needs of a Swift worker: actions whose runs are written to a file that outlives kill -9. Before
// it: `tempest demo-worker --journal FILE`. After it: the harness reads the file and compares it with what was pushed and answered.

import Foundation
import Synchronization
import Tempest

/// A file to which every run of a job adds a line as it begins and another as it ends: `<job id> <pid> <ns> begin|end|cancelled`, ns by
/// CLOCK_MONOTONIC. A line is one write in append mode, so that lines of many processes never mix, and none is torn by SIGKILL.
///
/// The file is named on the command line, never by a job: who may push a job must not choose what is written to.
struct FaultJournal: Sendable {
    private let descriptor: Int32

    init(path: String) throws {
        descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw CommandFailure("cannot append to \(path): \(String(cString: strerror(errno))); name a file that may be written")
        }
    }

    /// Adds the actions of ``FaultPages``, those that are to be recorded (args: a number, milliseconds to nap, anything; they answer the
    /// number), and `poison`, which kills its own process as a handler that corrupts memory would.
    func register(on worker: Worker, recorded: [String]) {
        FaultPages { write($0, $1) }.register(on: worker)
        for action in recorded { worker.handle(dynamic: action, record) }
        worker.handle(dynamic: "poison") { context in
            write(context, "begin")
            kill(getpid(), SIGKILL)
            return .null
        }
    }

    private func record(_ context: JobContext) async throws -> Value {
        guard context.args.count >= 2, let number = context.args[0].int, let nap = Self.milliseconds(context.args[1]) else {
            throw HandlerError(code: "bad_args", message: "args: a number, milliseconds from 0 to 600000, and anything")
        }
        write(context, "begin")
        do {
            try await Task.sleep(for: .milliseconds(nap))
        } catch {
            write(context, "cancelled")
            throw error
        }
        write(context, "end")
        return .int(number)
    }

    private static func milliseconds(_ node: Node) -> Double? {
        let value = node.double ?? node.int.map { Double($0) }
        guard let value, value >= 0, value <= 600_000 else { return nil }
        return value
    }

    private func write(_ context: JobContext, _ event: String) { write("\(context.job.id)", event) }

    private func write(_ name: String, _ event: String) {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        let line = "\(name) \(getpid()) \(now.tv_sec * 1_000_000_000 + now.tv_nsec) \(event)\n"
        var bytes = Array(line.utf8)
        guard Foundation.write(descriptor, &bytes, bytes.count) == bytes.count else {
            // A run that is not on record would look like a lost job: better no worker than a wrong verdict.
            fatalError("cannot write to the journal: \(String(cString: strerror(errno)))")
        }
    }
}
