// One place of a group, kept alive: does what SlotLogic decides.
// Started by Supervisor; starts WorkerProcesses, has them watched until they are ready and reaped when they are gone.

import Synchronization
import Tempest

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// One place, such as `web.1`.
final class Slot: Sendable {
    private enum Message: Sendable {
        case event(SlotLogic.Event)
        /// Look at how much it occupies.
        case weigh
        case signal(Int32)
    }

    private struct State {
        var processes: [Int: WorkerProcess] = [:]
        var rolling: CheckedContinuation<Bool, Never>?
        var isOver = false
    }

    /// Shared by all places.
    struct Surroundings: Sendable {
        let journal: Journal
        let readiness: ReadyWatch
        let reaper: ChildReaper
        let orphans: Orphans
        /// What stands before every command.
        let prefix: [String]
        let redisURL: String
    }

    /// Between the second SIGTERM and SIGKILL: enough to give jobs back.
    private static let respite = Duration.seconds(2)

    let name: String
    let group: WorkerGroup
    private let colour: Int
    private let around: Surroundings
    private let served: @Sendable (Bool) -> Void
    private let messages: AsyncStream<Message>
    private let inbox: AsyncStream<Message>.Continuation
    private let state = Mutex(State())

    /// - Parameter served: told when a ready worker lives here, or no longer does.
    init(
        _ group: WorkerGroup, index: Int, colour: Int, around: Surroundings, served: @escaping @Sendable (Bool) -> Void
    ) {
        self.name = "\(group.name).\(index)"
        self.group = group
        self.colour = colour
        self.around = around
        self.served = served
        (self.messages, self.inbox) = AsyncStream.makeStream()
    }

    /// Asks its workers to end; the second time asks again.
    func stop() { self.inbox.yield(.event(.stop)) }

    func send(_ signal: Int32) { self.inbox.yield(.signal(signal)) }

    /// Puts a new worker in the place of the old one.
    ///
    /// Returns whether the new one is ready, and so the old one asked to end; when it is not, the old one lives on. One caller at a time.
    func replace() async -> Bool {
        await withCheckedContinuation { continuation in
            let isOver = self.state.withLock { state in
                if !state.isOver { state.rolling = continuation }
                return state.isOver
            }
            if isOver { continuation.resume(returning: true) } else { self.inbox.yield(.event(.replace(.rolling))) }
        }
    }

    /// Keeps the place until it is stopped, or its worker has ended and is not to be started again, and what it held is reaped.
    ///
    /// Returns whether all is as it should be.
    func run() async -> Bool {
        await withDiscardingTaskGroup { processes in
            let result = await withDiscardingTaskGroup { timers in
                defer { timers.cancelAll() }
                if self.group.memoryLimit != nil { timers.addTask { await self.weighAgainAndAgain() } }
                return await self.serve(&processes, &timers)
            }
            self.answerRolling(true) { $0.isOver = true }
            return result
        }
    }

    private func serve(_ processes: inout DiscardingTaskGroup, _ timers: inout DiscardingTaskGroup) async -> Bool {
        let clock = ContinuousClock()
        var logic = SlotLogic(name: self.name, group: self.group)
        var actions = logic.begin(now: clock.now)
        var messages = self.messages.makeAsyncIterator()
        while true {
            for action in actions {
                if case .finish(let success) = action { return success }
                self.perform(action, &processes, &timers)
            }
            guard let message = await messages.next() else { return false }
            switch message {
            case .event(let event):
                actions = logic.handle(event, now: clock.now)
            case .signal(let signal):
                actions = []
                for process in self.state.withLock({ Array($0.processes.values) }) { process.send(signal) }
            case .weigh:
                actions = []
                if let number = logic.settled, let bytes = self.occupied(number), bytes > self.group.memoryLimit ?? .max {
                    actions = logic.handle(.replace(.memory(bytes)), now: clock.now)
                }
            }
        }
    }

    private func perform(
        _ action: SlotLogic.Action, _ processes: inout DiscardingTaskGroup, _ timers: inout DiscardingTaskGroup
    ) {
        switch action {
        case .launch(let number):
            self.launch(number, &processes, &timers)
        case .terminate(let number):
            self.process(number)?.send(SIGTERM)
            // One that was halted could not hear it.
            self.process(number)?.send(SIGCONT)
            self.after(self.group.grace, .graceOver(number), &timers)
        case .terminateAgain(let number):
            self.process(number)?.send(SIGTERM)
        case .terminateAtOnce(let number):
            // To all: a program in between that has kept the first one to itself will not hand this one on either.
            self.process(number)?.send(SIGTERM, group: true)
            self.after(Self.respite, .respiteOver(number), &timers)
        case .kill(let number):
            self.process(number)?.send(SIGKILL, group: true)
        case .wait(let delay, let number):
            self.after(delay, .start(number), &timers)
        case .served(let isServed):
            self.served(isServed)
        case .replaced(let success):
            self.answerRolling(success)
        case .say(let text):
            self.around.journal.say(text)
        case .finish:
            break
        }
    }

    private func launch(_ number: Int, _ processes: inout DiscardingTaskGroup, _ timers: inout DiscardingTaskGroup) {
        let random = String(Identifier.random().suffix(12))
        let process = WorkerProcess(name: "\(self.name).\(random)", orphans: self.around.orphans)
        self.state.withLock { $0.processes[number] = process }
        let environment = self.group.environment.merging(["TEMPEST_PROCESS": process.name, "REDIS_URL": self.around.redisURL]) {
            // A group may have a Redis of its own choosing for its own purposes, but jobs are reaped where the supervisor looks.
            _, ours in ours
        }
        let words = self.around.prefix + self.group.command
        processes.addTask {
            await withDiscardingTaskGroup { reaping in
                let ended = AsyncStream<Ending>.makeStream()
                reaping.addTask {
                    for await ending in ended.stream {
                        self.around.readiness.forget(process.name)
                        self.inbox.yield(.event(.ended(number, ending)))
                        self.state.withLock { $0.processes[number] = nil }
                        await self.around.reaper.reap(process.name, worker: self.name)
                    }
                }
                await process.run(
                    words, environment: environment, directory: self.group.directory,
                    output: self.around.journal.lines(of: self.name, colour: self.colour, process: process),
                    started: { self.around.journal.say("\(self.name) is started, process \($0)") },
                    left: {
                        self.around.journal.say(
                            "\(self.name) \($0.text), but processes that it has started still run: SIGTERM to them, and the rest of its grace"
                        )
                    },
                    ended: {
                        ended.continuation.yield($0)
                        ended.continuation.finish()
                    })
            }
        }
        switch self.group.ready {
        case .registered:
            self.around.readiness.watch(process.name) { self.inbox.yield(.event(.ready(number))) }
            self.after(self.group.readyWithin, .late(number), &timers)
            self.after(SlotLogic.registers, .unregistered(number), &timers)
        case .started(let time):
            self.after(time, .ready(number), &timers)
        }
    }

    private func after(_ delay: Duration, _ event: SlotLogic.Event, _ timers: inout DiscardingTaskGroup) {
        timers.addTask {
            guard (try? await Task.sleep(for: delay)) != nil else { return }
            self.inbox.yield(.event(event))
        }
    }

    private func process(_ number: Int) -> WorkerProcess? { self.state.withLock { $0.processes[number] } }

    private func answerRolling(_ success: Bool, _ change: (inout State) -> Void = { _ in }) {
        let continuation = self.state.withLock { state in
            defer { state.rolling = nil }
            change(&state)
            return state.rolling
        }
        continuation?.resume(returning: success)
    }

    // MARK: Memory

    private func weighAgainAndAgain() async {
        while (try? await Task.sleep(for: .seconds(1))) != nil { self.inbox.yield(.weigh) }
    }

    private func occupied(_ number: Int) -> UInt64? { self.process(number)?.processID.flatMap { ResidentSize.of($0) } }
}
