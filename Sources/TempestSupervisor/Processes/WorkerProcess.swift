// One incarnation of a worker: a process from its start to its end.
// Started by a Slot; its lines go to the Journal, its end to the Slot and the reaper.

import Subprocess
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

/// How a worker ended.
package enum Ending: Sendable, Equatable {
    case exited(Int32)
    case signalled(Int32)
    case notStarted(String)

    var isSuccess: Bool { self == .exited(0) }
}

final class WorkerProcess: Sendable {
    private enum State {
        /// Signals that were sent too early.
        case starting([Int32])
        case running(pid_t)
        case ended(pid_t?)
    }

    /// TEMPEST_PROCESS: how its processes in Redis begin, up to a dot.
    let name: String
    private let state = Mutex(State.starting([]))

    init(name: String) { self.name = name }

    /// Its process id, after its end too; nil before its start.
    var processID: Int32? {
        self.state.withLock { state in
            switch state {
            case .starting: nil
            case .running(let id): id
            case .ended(let id): id
            }
        }
    }

    /// Sends a signal to it; `group`: to all that it has started too. Before its start the signal waits, after its end it is dropped.
    func send(_ signal: Int32, group: Bool = false) {
        self.state.withLock { state in
            switch state {
            case .starting(let early): state = .starting(early + [signal])
            // Under the lock, so that the id is not somebody else's by now.
            case .running(let id): kill(group ? -id : id, signal)
            case .ended: break
            }
        }
    }

    /// Runs it to its end, and returns when its last lines are written.
    ///
    /// It leads a process group of its own: control-C on the terminal reaches the supervisor alone, which asks the workers once. What is
    /// left of the group when it ends is killed.
    ///
    /// - Parameter ended: called once, at the moment of its end, whoever still reads its lines.
    func run(
        _ words: [String], environment: [String: String], directory: String?, output: some LineSink,
        started: @escaping @Sendable (Int32) -> Void, ended: @escaping @Sendable (Ending) -> Void
    ) async {
        let pipes: (out: WorkerPipe, error: WorkerPipe)
        do {
            pipes = try WorkerPipe.pair()
        } catch {
            return ended(self.end(.notStarted("no pipe can be opened: \(error)")))
        }
        await withTaskGroup(of: Bool.self) { group in
            for (pipe, stream) in [(pipes.out, OutputStream.out), (pipes.error, .error)] {
                group.addTask {
                    await pipe.read(stream, into: output)
                    return true
                }
            }
            ended(await self.spawn(words, environment, directory, pipes, started))
            // A pipe that is still open is held by a daemon that it has left behind, or its lines find no reader.
            group.addTask {
                try? await Task.sleep(for: .seconds(2))
                return false
            }
            var open = 2
            while open > 0, await group.next() == true { open -= 1 }
            group.cancelAll()
        }
    }

    private func spawn(
        _ words: [String], _ environment: [String: String], _ directory: String?, _ pipes: (out: WorkerPipe, error: WorkerPipe),
        _ started: @escaping @Sendable (Int32) -> Void
    ) async -> Ending {
        var options = PlatformOptions()
        options.processGroupID = 0
        var changes: [Subprocess.Environment.Key: String?] = [:]
        for (name, value) in environment {
            if let key = Subprocess.Environment.Key(rawValue: name) { changes[key] = .some(value) }
        }
        do {
            let result = try await Subprocess.run(
                words[0].contains("/") ? .path(FilePath(words[0])) : .name(words[0]),
                arguments: Arguments(Array(words.dropFirst())),
                environment: .inherit.updating(changes), workingDirectory: directory.map { FilePath($0) },
                platformOptions: options,
                input: .none, output: .fileDescriptor(pipes.out.writer, closeAfterSpawningProcess: true),
                error: .fileDescriptor(pipes.error.writer, closeAfterSpawningProcess: true)
            ) { execution in
                self.begin(execution.processIdentifier.value)
                started(execution.processIdentifier.value)
            }
            // An empty group is no error that matters.
            kill(-result.processIdentifier.value, SIGKILL)
            switch result.terminationStatus {
            case .exited(let code): return self.end(.exited(code))
            case .signaled(let signal): return self.end(.signalled(signal))
            }
        } catch {
            return self.end(.notStarted("\(error)"))
        }
    }

    private func begin(_ id: pid_t) {
        self.state.withLock { state in
            if case .starting(let early) = state { for signal in early { kill(id, signal) } }
            state = .running(id)
        }
    }

    private func end(_ ending: Ending) -> Ending {
        self.state.withLock { state in
            if case .running(let id) = state { state = .ended(id) } else { state = .ended(nil) }
        }
        return ending
    }
}
