// What a deploy says to a worker's process: the signals that Sidekiq's operators know. Beside a Worker's run.

import Dispatch
import ServiceLifecycle
import UnixSignals

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

extension Worker {
    /// Serves until the process is told to stop, and returns when that is done: what the `main` of a worker calls.
    ///
    /// SIGTERM or SIGINT: claims no more, waits up to ``WorkerOptions/grace`` for what runs, gives the rest back to the heads of their
    /// levels. A second one of them: gives back at once. SIGTSTP: claims no more, but goes on running what it has, until it is told to
    /// stop. Within a `ServiceGroup` use `run`, which heeds its graceful shutdown, instead.
    public func runUntilSignalled() async throws {
        // A stop signal's default is to halt the process, which would cost it its lease.
        signal(SIGTSTP, SIG_IGN)
        let quietly = DispatchSource.makeSignalSource(signal: SIGTSTP)
        quietly.setEventHandler { self.quiet() }
        quietly.resume()
        defer { quietly.cancel() }
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.run() }
            group.addTask {
                var isFirst = true
                for await _ in signals {
                    if isFirst { self.stop() } else { self.stop(grace: .zero) }
                    isFirst = false
                }
            }
            try await group.next()
            group.cancelAll()
        }
    }
}
