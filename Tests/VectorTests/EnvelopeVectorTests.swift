import TempestCodecs
import TempestProtocol
import Testing

@Suite("Vectors of the envelope")
struct EnvelopeVectorTests {
    private func parsed(_ bytes: [UInt8]) throws(Malformed) -> Job { try Job(bytes, codecs: .standard, limits: .standard) }

    private func id(_ id: JobID) -> Value {
        switch id {
        case .text(let text): .text(text)
        case .integer(let integer): Value(integer)
        }
    }

    private func check(_ job: Job, _ vector: Value) {
        let fields = vector["job"] ?? .null
        #expect(job.codec.name == vector["codec"]?.asText, "\(vector.name)")
        #expect(Value.text(job.action) == fields["action"]?.untagged, "\(vector.name)")
        #expect(job.args.value == fields["args"]?.untagged, "\(vector.name)")
        #expect((job.respondTo.map { .text($0) } ?? .null) == fields["respond_to"]?.untagged, "\(vector.name)")
        #expect(id(job.id) == fields["job_id"]?.untagged, "\(vector.name)")
        let meta = (fields["meta"] ?? .null).untagged
        #expect(.map(job.meta) == (meta.isNull ? [:] : meta), "\(vector.name)")
    }

    @Test("Jobs are read and written to the byte")
    func jobs() throws {
        for vector in try VectorFile.list("envelope", "jobs") {
            let bytes = (vector["bytes"] ?? .null).bytes
            VectorFile.run("\(vector.name)") {
                let job = try parsed(bytes)
                check(job, vector)
                guard case .inbox(let inbox)? = job.address else {
                    // Only inboxes of the caller's own queue are written by a client, and jobs that nobody waits for.
                    guard job.address == nil else { return }
                    #expect(try job.codec.encode(try draft(job, nil)) == bytes, "\(vector.name)")
                    return
                }
                #expect(try job.codec.encode(try draft(job, inbox)) == bytes, "\(vector.name)")
            }
        }
    }

    private func draft(_ job: Job, _ inbox: InboxID?) throws -> JobDraft {
        var args = TokenBuffer()
        for argument in job.args.elements { try argument.write(to: &args) }
        return try JobDraft(
            action: job.action, args: args, count: job.args.count, respondTo: inbox, id: job.id, meta: job.meta)
    }

    @Test("Other forms of a job are read")
    func readable() throws {
        for vector in try VectorFile.list("envelope", "readable") {
            VectorFile.run("\(vector.name)") { check(try parsed((vector["bytes"] ?? .null).bytes), vector) }
        }
    }

    @Test("What is no job has its reason")
    func invalid() throws {
        for vector in try VectorFile.list("envelope", "invalid") {
            do throws(Malformed) {
                _ = try parsed((vector["bytes"] ?? .null).bytes)
                Issue.record("\(vector.name) was accepted")
            } catch {
                #expect(error.reason.rawValue == vector["reason"]?.asText, "\(vector.name): \(error.detail)")
            }
        }
    }

    @Test("Answers are read and written to the byte")
    func answers() throws {
        for vector in try VectorFile.list("envelope", "answers") {
            let bytes = (vector["bytes"] ?? .null).bytes
            let fields = vector["answer"] ?? .null
            VectorFile.run("\(vector.name)") {
                let answer = try Answer(bytes, codecs: .standard, limits: .standard)
                #expect(Value.text(answer.action) == fields["action"]?.untagged, "\(vector.name)")
                #expect(id(answer.id) == fields["job_id"]?.untagged, "\(vector.name)")
                #expect(answer.args.value == fields["args"]?.untagged, "\(vector.name)")
                let meta = (fields["meta"] ?? .null).untagged
                #expect(.map(answer.meta) == (meta.isNull ? [:] : meta), "\(vector.name)")
                var args = TokenBuffer()
                for argument in answer.args.elements { try argument.write(to: &args) }
                let draft = AnswerDraft(
                    action: answer.action, id: answer.id, args: args, count: answer.args.count, meta: answer.meta)
                #expect(try answer.codec.encode(draft) == bytes, "\(vector.name)")
            }
        }
    }

    @Test("respond_to is an inbox, an inbox elsewhere, a direct address, or nothing of these")
    func addresses() throws {
        for vector in try VectorFile.list("addresses") {
            let text = vector["respond_to"]?.asText ?? ""
            let (kind, inbox, queue): (String, String?, String?) =
                switch Address(text) {
                case .inbox(let inbox)?: ("inbox", inbox.description, nil)
                case .elsewhere(let inbox, let queue)?: ("elsewhere", inbox.description, queue.description)
                case .direct?: ("direct", nil, nil)
                case nil: ("invalid", nil, nil)
                }
            #expect(kind == vector["kind"]?.asText, "\(text.debugDescription)")
            #expect(inbox == vector["inbox"]?.asText, "\(text.debugDescription)")
            #expect(queue == vector["queue"]?.asText, "\(text.debugDescription)")
            if case .direct(let host, let port)? = Address(text) {
                #expect(host == vector["host"]?.asText && Int64(port) == vector["port"]?.asInt, "\(text.debugDescription)")
            }
        }
    }
}
