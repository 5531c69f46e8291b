// What is measured in one way. Before it: a Stage. After it: figures.

/// A load: `queue`, `call`, `wake` or `front`.
package enum LoadKind: String, Sendable, CaseIterable {
    case queue, call, wake, front

    /// In a sentence, for the report.
    var about: String {
        switch self {
        case .queue:
            "jobs pushed by one producer; jobs waiting, claimed, decoded, handled with typed arguments, answered and settled"
        case .call: "a caller pushes a job and waits for its answer, one after the other, and many callers at once"
        case .wake: "a raw RPUSH to an idle worker, until its handler runs; and what an idle worker uses"
        case .front: "requests over HTTP, held until a worker has answered, beside a plain Hummingbird route"
        }
    }
}

/// Runs a load.
package struct LoadBench: Sendable {
    let kind: LoadKind
    let settings: LoadSettings

    package init(_ kind: LoadKind, _ settings: LoadSettings) { (self.kind, self.settings) = (kind, settings) }

    /// `say`: lines for who watches; `progress`: what is being measured, over and over.
    package func run(say: @Sendable (String) -> Void, progress: @Sendable (String) -> Void) async throws -> LoadReport {
        var report = LoadReport(kind, settings)
        if let warning = report.warning { say(warning) }
        let (figures, notes, version) = try await Stage.run(settings) { stage in
            let version = try await RedisCost.now(stage.redis).version
            let (figures, notes) =
                switch kind {
                case .queue: try await QueueLoad(stage: stage).run(progress)
                case .call: try await CallLoad(stage: stage).run(progress)
                case .wake: try await WakeLoad(stage: stage).run(progress)
                case .front: try await FrontLoad(stage: stage).run(progress)
                }
            return (figures, notes, version)
        }
        let costs = "us/job and us/request are processor time, of all threads of a process"
        (report.figures, report.notes) = (figures, notes + (figures.contains { $0.unit.hasPrefix("us/") } ? [costs] : []))
        report.versions.append(("Redis", version))
        return report
    }
}
