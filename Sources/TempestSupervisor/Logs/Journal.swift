// Everything that the supervisor writes: its workers' lines and its own, whole lines one after another.
// Workers' lines wait for their turn (back-pressure); its own words never do, so that a stuck terminal stops no supervision.

import NIOPosix
import Synchronization
import Tempest

#if canImport(System)
import struct System.FileDescriptor
#else
import struct SystemPackage.FileDescriptor
#endif

final class Journal: Sendable {
    private let format: LineFormat
    private let target: FileDescriptor
    /// One thread: a write may block for as long as nobody reads.
    private let thread = NIOThreadPool(numberOfThreads: 1)
    private let words: AsyncStream<[UInt8]>
    private let wordsIn: AsyncStream<[UInt8]>.Continuation

    init(_ format: LineFormat, to target: FileDescriptor) {
        self.format = format
        self.target = target
        (self.words, self.wordsIn) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1000))
        self.thread.start()
    }

    /// Writes its own words until `finish`.
    func run() async {
        for await bytes in self.words { await self.write(bytes) }
    }

    /// Ends `run` once what was said is written.
    func finish() { self.wordsIn.finish() }

    /// Says something of the supervisor's own.
    func say(_ text: String) {
        let bytes = self.format.bytes(
            Line(text), worker: "tempest", colour: 9, processID: nil, stream: .error, milliseconds: WallClock.milliseconds())
        self.wordsIn.yield(bytes)
    }

    func lines(of worker: String, colour: Int, process: WorkerProcess) -> some LineSink {
        WorkerLines(journal: self, worker: worker, colour: colour, process: process)
    }

    private struct WorkerLines: LineSink {
        let journal: Journal
        let worker: String
        let colour: Int
        let process: WorkerProcess

        func write(_ lines: [Line], from stream: OutputStream) async {
            let time = WallClock.milliseconds()
            let id = self.process.processID
            await self.journal.write(
                lines.flatMap {
                    self.journal.format.bytes(
                        $0, worker: self.worker, colour: self.colour, processID: id, stream: stream, milliseconds: time)
                })
        }
    }

    /// Writes, and returns when it is written, or the task is cancelled: a terminal that takes nothing must not hold up the end.
    private func write(_ bytes: [UInt8]) async {
        let (target, done) = (self.target, Once())
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                done.wait(continuation)
                self.thread.submit { _ in
                    // Where nobody reads any more (EPIPE) the lines are dropped: workers go on without their logs.
                    _ = try? target.writeAll(bytes)
                    done.finish()
                }
            }
        } onCancel: {
            done.finish()
        }
    }

    /// Resumes one continuation once, whether it comes before or after the event.
    private final class Once: Sendable {
        private let state = Mutex<(continuation: CheckedContinuation<Void, Never>?, isDone: Bool)>((nil, false))

        func wait(_ continuation: CheckedContinuation<Void, Never>) {
            let isDone = self.state.withLock { state in
                if !state.isDone { state.continuation = continuation }
                return state.isDone
            }
            if isDone { continuation.resume() }
        }

        func finish() {
            let continuation = self.state.withLock { state in
                defer { state = (nil, true) }
                return state.continuation
            }
            continuation?.resume()
        }
    }
}
