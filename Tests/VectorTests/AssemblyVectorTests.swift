import Logging
import TempestCodecs
import TempestProtocol
import TempestRedis
import Testing

@testable import Tempest

@Suite("Vectors of assembly")
struct AssemblyVectorTests {
    /// Who waits for the answers of one job: a call or a stream.
    private enum Waiting {
        case call(PendingCall)
        case stream(Correspondence)

        /// What its user would get now; nil while he waits.
        func take() throws -> Taken? {
            switch self {
            case .call(let call): return try call.result.map { .answer(try $0.get()) }
            case .stream(let correspondence):
                while let ready = correspondence.ready() {
                    guard let answer = try ready.get() else { return .end }
                    if answer.args.count > 0 { return .answer(answer) }
                }
                return nil
            }
        }
    }

    private enum Taken {
        case answer(Answer)
        case end
    }

    private func id(_ tagged: Value?) throws -> JobID {
        switch try #require(tagged).untagged {
        case .text(let text): .text(text)
        case .int(let integer): .integer(Int128(integer))
        case .uint(let integer): .integer(Int128(integer))
        default: throw VectorFile.Missing(what: "job_id")
        }
    }

    private func check(_ step: Value, _ waiting: Waiting, _ name: String) throws {
        if let wanted = step["error"] {
            let error = #expect(throws: CallError.self, "\(name)") { try waiting.take() }
            let code = error.map { $0.code == .interrupted ? "interrupted" : $0.remoteCode ?? "\($0.code)" }
            #expect(code == wanted["code"]?.asText, "\(name)")
            guard let message = wanted["message"]?.asText else { return }
            #expect(error?.message == message, "\(name)")
            #expect(error?.details == wanted["details"]?.untagged, "\(name)")
            return
        }
        switch (try waiting.take(), step["waits"], step["end"]) {
        case (nil, .bool(true)?, _), (.end?, nil, .bool(true)?): break
        case (.answer(let answer)?, nil, nil):
            let found: Value? = try TempestClient.decode(answer, as: Value?.self)
            let wanted = (step["value"] ?? .null).untagged
            #expect((found ?? .null) == wanted, "\(name)")
            #expect((answer.args.count == 0) == (step["nothing"] == true), "\(name)")
        case (let taken, _, _): Issue.record("\(name): found \(String(describing: taken))")
        }
    }

    @Test("What the callers get of the answers that come to an inbox")
    func inboxes() async throws {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let client = try TempestClient(redis: RedisConfiguration(url: "redis://127.0.0.1:1"), logger: logger)
        let queue = try QueueName("q")
        for vector in try VectorFile.list("assembly", "inboxes") {
            // Never opened: it is given what comes.
            let inbox = Inbox(
                queue, redis: client.redis, codecs: .standard, limits: .standard, clock: client.serverClock,
                counters: client.counters, logger: logger)
            VectorFile.run(vector.name) {
                var waiting: [JobID: Waiting] = [:]
                for job in vector["jobs"]?.asArray ?? [] {
                    let id = try id(job["job_id"])
                    if job["wants"]?.asText == "last" {
                        let call = PendingCall(id)
                        inbox.expect(id) { if case .answer(let answer) = $0 { call.receive(answer) } else { true } }
                        waiting[id] = .call(call)
                    } else {
                        let stream = Correspondence(
                            id, queue: queue, patience: .seconds(30), window: 0, mostWaiting: nil, client: client)
                        inbox.expect(id) { stream.hear($0) }
                        waiting[id] = .stream(stream)
                    }
                }
                var late: Int64 = 0
                for (number, step) in (vector["steps"]?.asArray ?? []).enumerated() {
                    if let bytes = step["answer"]?.bytes {
                        if case .late = inbox.deliver(bytes) { late += 1 }
                    } else {
                        try check(step, try #require(waiting[try id(step["take"])]), "\(vector.name): step \(number)")
                    }
                }
                #expect(late == vector["late"]?.asInt, "\(vector.name)")
            }
        }
        await client.shutdown()
    }
}
