// A pipe from a worker's standard output or error: its bytes become lines.
// Read only as fast as the lines are taken: a worker that floods waits in its write, and no memory grows.

import NIOCore
import NIOPosix

#if canImport(System)
import struct System.FileDescriptor
#else
import struct SystemPackage.FileDescriptor
#endif

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Where a line came from.
package enum OutputStream: String, Sendable {
    case out = "stdout"
    case error = "stderr"
}

/// Takes the lines of one worker. Returns when they are on their way, so that nothing is read faster than it is written.
protocol LineSink: Sendable {
    func write(_ lines: [Line], from stream: OutputStream) async
}

struct WorkerPipe: Sendable {
    let reader: FileDescriptor
    let writer: FileDescriptor

    /// One for each stream.
    static func pair() throws -> (out: WorkerPipe, error: WorkerPipe) {
        let out = try WorkerPipe()
        do {
            return (out, try WorkerPipe())
        } catch {
            try? out.reader.close()
            try? out.writer.close()
            throw error
        }
    }

    private init() throws {
        (self.reader, self.writer) = try FileDescriptor.pipe()
        // The other workers must not hold it open.
        _ = fcntl(self.reader.rawValue, F_SETFD, FD_CLOEXEC)
        _ = fcntl(self.writer.rawValue, F_SETFD, FD_CLOEXEC)
    }

    /// Reads to the end, or until the task is cancelled. Closes the reading side.
    func read(_ stream: OutputStream, into sink: some LineSink) async {
        guard
            let channel = try? await NIOPipeBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .takingOwnershipOfDescriptor(
                    input: self.reader.rawValue,
                    channelInitializer: { channel in
                        channel.eventLoop.makeCompletedFuture {
                            try NIOAsyncChannel<ByteBuffer, Never>(
                                wrappingChannelSynchronously: channel,
                                configuration: .init(backPressureStrategy: .init(lowWatermark: 1, highWatermark: 4)))
                        }
                    })
        else { return }
        var splitter = LineSplitter()
        try? await channel.executeThenClose { inbound in
            for try await buffer in inbound {
                let lines = splitter.feed(buffer.readableBytesView)
                if !lines.isEmpty { await sink.write(lines, from: stream) }
            }
        }
        // A last line without its end is one too.
        if let last = splitter.finish() { await sink.write([last], from: stream) }
    }
}
