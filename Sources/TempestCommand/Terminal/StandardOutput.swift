// Where every command writes its result, and nothing else does: what cannot be written is one sentence, a closed pipe none.
// Before it: a command's lines or bytes. After it: a terminal, a file, or the next program of a pipe.

import Foundation
import TempestBench

enum StandardOutput {
    /// Who reads has enough, as `head` has: the program cleans up and ends as other tools do, by SIGPIPE, and says nothing.
    struct IsClosed: Error {}

    /// A line. Throws ``IsClosed``, or ``CommandFailure`` if it cannot be written.
    static func say(_ line: String) throws { try write(Array("\(line)\n".utf8)) }

    /// Text that brings its line ends. Throws as ``say(_:)`` does.
    static func write(_ text: String) throws { try write(Array(text.utf8)) }

    /// Bytes, all of them and at once. Throws as ``say(_:)`` does.
    static func write(_ bytes: [UInt8]) throws {
        let error = written(bytes, to: STDOUT_FILENO)
        guard error != 0 else { return }
        if error == EPIPE { throw IsClosed() }
        throw CommandFailure("standard output cannot be written: \(String(cString: strerror(error)))")
    }

    /// Ends the program as one ends that writes into a closed pipe.
    static func endByClosedPipe() -> Never {
        signal(SIGPIPE, SIG_DFL)
        raise(SIGPIPE)
        // Blocked by whoever started the program: the status that a shell would have said.
        Foundation.exit(128 + SIGPIPE)
    }

    /// Writes all bytes; 0, or the error's number. SIGPIPE, which would end the program before it has cleaned up, is caught in this
    /// thread alone: child processes would inherit that it is ignored.
    static func written(_ bytes: [UInt8], to descriptor: Int32) -> Int32 {
        var (pipe, before, pending) = (sigset_t(), sigset_t(), sigset_t())
        sigemptyset(&pipe)
        sigaddset(&pipe, SIGPIPE)
        sigpending(&pending)
        let wasPending = sigismember(&pending, SIGPIPE) == 1
        pthread_sigmask(SIG_BLOCK, &pipe, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        let error = Files.writeAll(bytes, to: descriptor)
        if error == EPIPE, !wasPending {
            sigpending(&pending)
            var taken: Int32 = 0
            if sigismember(&pending, SIGPIPE) == 1 { sigwait(&pipe, &taken) }
        }
        return error
    }
}
