// Calls to queues that workers of node-tempest serve (`ClientOptions.original`): the same calls, streams and correspondences, by the direct
// way. Between them and DirectInbox.

import NIOCore
import TempestCodecs
package import TempestProtocol
import TempestRedis

extension TempestClient {
    /// Whether the workers of a queue were written for node-tempest.
    package func isOriginal(_ queue: QueueName) -> Bool { options.original.queues.contains(queue.description) }

    /// As `correspond`. Throws ``CallError`` too: `.badAction` for an action that Redis has a command for.
    func correspondDirectly(_ letter: Letter, patience: Duration) async throws -> Correspondence {
        let deadline = NIODeadline.now() + .nanoseconds(patience.nanoseconds)
        // Refused before anything is opened for it.
        let letter = try direct.number(letter)
        // No credits: nobody would wait for them.
        let correspondence = Correspondence(
            letter.id, queue: letter.queue, patience: patience, window: 0, mostWaiting: Correspondence.mostWaiting, client: self)
        try begin(letter.id) {
            correspondence.finish(.failure(CallError(.closed, "the client was shut down", job: letter.id)))
        }
        do {
            try await again(until: deadline, unless: { false }) { try await direct.open().get() }
            direct.expect(letter) { _ = correspondence.receive($0) }
            correspondence.arm()
            try await again(until: deadline, unless: { correspondence.isAnswered }) { try await direct.push(letter) }
            counters.add(to: MetricName.pushed, ["queue": letter.queue.description])
            return correspondence
        } catch {
            correspondence.end()
            throw error
        }
    }

    /// The last answer to a call.
    func directAnswer(
        to job: JobRequest, _ queue: QueueName, _ level: Level, _ timeout: Duration, _ route: Value?
    ) async throws -> Answer {
        let correspondence = try await correspondDirectly(letter(job, queue, level, route), patience: timeout)
        defer { correspondence.end() }
        var last: Answer?
        while let answer = try await correspondence.next() {
            last = answer
            correspondence.used()
        }
        guard let last else { throw CallError(.badAnswer, "there was no answer", job: correspondence.id) }
        return last
    }

    /// Answers as they come. The original's workers do not say which is the last: then it is the first.
    func directStream<Element: Decodable & Sendable>(
        _ job: JobRequest, _ queue: QueueName, _ level: Level, _ timeout: Duration, _ route: Value?, of _: Element.Type
    ) async throws -> AnswerStream<Element> {
        AnswerStream(try await correspondDirectly(letter(job, queue, level, route), patience: timeout))
    }

    private func letter(_ job: JobRequest, _ queue: QueueName, _ level: Level, _ route: Value?) throws -> Letter {
        guard route == nil else {
            throw CallError(.badAction, "workers of the original follow no routes, and \(queue) is served by them")
        }
        return Letter(job.action, args: job.args, count: job.count, queue: queue, level: level, codec: JSONCodec())
    }
}
