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
        /// It has ended after SIGTERM; what it has started has not.
        case left(pid_t)
        case ended(pid_t?)
    }

    /// TEMPEST_PROCESS: how its processes in Redis begin, up to a dot.
    let name: String
    private let state = Mutex(State.starting([]))
    /// Whether it was asked to end.
    private let isAsked = Mutex(false)
    private let orphans: Orphans

    init(name: String, orphans: Orphans) {
        self.name = name
        self.orphans = orphans
    }

    /// Its process id, after its end too; nil before its start.
    var processID: Int32? {
        self.state.withLock { state in
            switch state {
            case .starting: nil
            case .running(let id), .left(let id): id
            case .ended(let id): id
            }
        }
    }

    /// Sends a signal to it; `group`: to all that it has started too. Before its start the signal waits, after its end it is dropped.
    ///
    /// Only the first process of the group is asked to end: it may have children that finish its jobs, and a program that hands signals
    /// on would give its child each of them twice. When it has ended, the others are asked.
    func send(_ signal: Int32, group: Bool = false) {
        if signal == SIGTERM { self.isAsked.withLock { $0 = true } }
        self.state.withLock { state in
            switch state {
            case .starting(let early): state = .starting(early + [signal])
            // Under the lock, so that the id is not somebody else's by now.
            case .running(let id): kill(group ? -id : id, signal)
            case .left(let id): kill(-id, signal)
            case .ended: break
            }
        }
    }

    /// Runs it to its end, and returns when its last lines are written.
    ///
    /// It leads a process group of its own: control-C on the terminal reaches the supervisor alone, which asks the workers once. When it
    /// ends because it was asked, what is left of the group gets SIGTERM, and has ended when all have; when it ends for another reason,
    /// what is left is killed.
    ///
    /// - Parameters:
    ///   - left: called when it has ended and others of its group have not.
    ///   - ended: called once, at the moment of its end, whoever still reads its lines.
    func run(
        _ words: [String], environment: [String: String], directory: String?, output: some LineSink,
        started: @escaping @Sendable (Int32) -> Void, left: @escaping @Sendable (Ending) -> Void,
        ended: @escaping @Sendable (Ending) -> Void
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
            ended(await self.spawn(words, environment, directory, pipes, started, left))
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
        _ started: @escaping @Sendable (Int32) -> Void, _ left: @escaping @Sendable (Ending) -> Void
    ) async -> Ending {
        var options = PlatformOptions()
        options.processGroupID = 0
        var changes: [Subprocess.Environment.Key: String?] = [:]
        for (name, value) in environment {
            if let key = Subprocess.Environment.Key(rawValue: name) { changes[key] = .some(value) }
        }
        self.orphans.willStart()
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
            let ending: Ending =
                switch result.terminationStatus {
                case .exited(let code): .exited(code)
                case .signaled(let signal): .signalled(signal)
                }
            let id = result.processIdentifier.value
            if self.isAsked.withLock(\.self), ending != .signalled(SIGKILL) { await self.outlast(id) { left(ending) } }
            // An empty group is no error that matters.
            kill(-id, SIGKILL)
            self.orphans.ended(id)
            return self.end(ending)
        } catch {
            if let id = self.processID { self.orphans.ended(id) } else { self.orphans.notStarted() }
            return self.end(.notStarted("\(error)"))
        }
    }

    /// Asks what is left of its group to end, and waits until it has; the place kills it when its time is over.
    private func outlast(_ id: pid_t, _ left: () -> Void) async {
        // A moment for what ends by itself with its worker, such as the process that beats for it.
        guard await self.isAlive(id, for: .milliseconds(200), lookingEvery: .milliseconds(20)) else { return }
        self.state.withLock { $0 = .left(id) }
        left()
        self.send(SIGTERM)
        self.send(SIGCONT)
        // Each look reads all of /proc.
        while await self.isAlive(id, for: .seconds(10), lookingEvery: .milliseconds(250)) {}
    }

    /// Whether its group still lives after that time.
    private func isAlive(_ id: pid_t, for time: Duration, lookingEvery pause: Duration) async -> Bool {
        let end = ContinuousClock.now + time
        while ProcessGroup.isAlive(id) {
            guard ContinuousClock.now < end, (try? await Task.sleep(for: pause)) != nil else {
                return !Task.isCancelled
            }
        }
        return false
    }

    private func begin(_ id: pid_t) {
        self.orphans.started(id)
        self.state.withLock { state in
            if case .starting(let early) = state { for signal in early { kill(id, signal) } }
            state = .running(id)
        }
    }

    private func end(_ ending: Ending) -> Ending {
        self.state.withLock { state in
            switch state {
            case .running(let id), .left(let id): state = .ended(id)
            case .starting, .ended: state = .ended(nil)
            }
        }
        return ending
    }
}
