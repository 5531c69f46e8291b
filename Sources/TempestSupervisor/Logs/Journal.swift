// Everything that the supervisor writes: its workers' lines and its own, whole lines one after another.
// Workers' lines wait while the buffer is full (back-pressure); once nobody has read for some seconds they are dropped and counted, so
// that a stuck reader stops neither workers nor supervision.

import Tempest

#if canImport(System)
import struct System.FileDescriptor
#else
import struct SystemPackage.FileDescriptor
#endif

final class Journal: Sendable {
    private let format: LineFormat
    private let writer: LineWriter

    init(_ format: LineFormat, to target: FileDescriptor) {
        self.format = format
        self.writer = LineWriter(to: target) { dropped, time in
            let lines = dropped == 1 ? "1 line was" : "\(dropped) lines were"
            return format.bytes(
                Line("\(lines) dropped: nobody read this output for \(time.text)"),
                worker: "tempest", colour: 9, processID: nil, stream: .error, milliseconds: WallClock.milliseconds())
        }
    }

    /// Returns when all is written, or the time is over.
    func finish(within time: Duration) async {
        let end = ContinuousClock.now + time
        while !self.writer.isIdle, ContinuousClock.now < end {
            guard (try? await Task.sleep(for: .milliseconds(5))) != nil else { return }
        }
    }

    /// Says something of the supervisor's own.
    func say(_ text: String) {
        let bytes = self.format.bytes(
            Line(text), worker: "tempest", colour: 9, processID: nil, stream: .error, milliseconds: WallClock.milliseconds())
        self.writer.add(bytes, lines: 1, isOwn: true)
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
            let bytes = lines.flatMap {
                self.journal.format.bytes(
                    $0, worker: self.worker, colour: self.colour, processID: id, stream: stream, milliseconds: time)
            }
            while !self.journal.writer.add(bytes, lines: lines.count) {
                // Cancelled: the end is not held up.
                guard (try? await Task.sleep(for: .milliseconds(10))) != nil else { return }
            }
        }
    }
}
