// A service that runs as long as a snapshot of the configuration has it.

import ServiceLifecycle

/// Runs a part from its making to the end of its last owner.
final class RunningPart<Part: Service>: Sendable {
    let part: Part
    private let task: Task<Void, Never>
    /// The one whose service serves this part too.
    private let base: RunningPart?

    init(_ part: Part) {
        (self.part, base) = (part, nil)
        // Detached: it ends after the requests that use it, not with the signal that begins the front's end.
        task = Task.detached { try? await part.run() }
    }

    /// A part that shares what another one runs.
    init(_ part: Part, of base: RunningPart?) {
        (self.part, self.base) = (part, base?.base ?? base)
        task = Task {}
    }

    deinit { task.cancel() }

    /// Ends it, and waits for that.
    func stop() async {
        task.cancel()
        await task.value
        await base?.stop()
    }
}
