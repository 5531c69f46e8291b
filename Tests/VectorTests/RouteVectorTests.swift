import TempestCodecs
import TempestProtocol
import Testing

@Suite("Vectors of routes")
struct RouteVectorTests {
    private func job(_ bytes: [UInt8]) throws -> Job { try Job(bytes, codecs: .standard, limits: .standard) }

    private func job(meta: Value) throws -> Job {
        try job(JSONCodec().encode(Value.array(["x", [], "in", "j", meta])))
    }

    private func journey(_ vector: Value) throws -> Journey {
        let queue = try QueueName(vector["queue"]?.asText ?? "")
        return try #require(try Journey(job((vector["job"] ?? .null).bytes), queue: queue))
    }

    private func args(_ bytes: [UInt8]) throws -> [Value] {
        try #require(try CodecSet.standard.detect(bytes)?.value(bytes).asArray)
    }

    private func onward(_ journey: Journey, _ args: [Value], _ vector: Value) throws -> [Value] {
        var buffer = TokenBuffer()
        for value in args { try value.write(to: &buffer) }
        let fresh = vector["fresh"]?.asText ?? ""
        return try journey.onward(buffer, count: args.count, fresh: fresh, limits: .standard).map { job in
            ["queue": .text("\(job.queue)"), "level": .text("\(job.level)"), "job": .binary(job.payload)]
        }
    }

    private func wanted(_ vector: Value) -> [Value] {
        (vector["jobs"]?.asArray ?? []).map { job in
            ["queue": job["queue"] ?? .null, "level": job["level"] ?? .null, "job": .binary((job["job"] ?? .null).bytes)]
        }
    }

    @Test("Routes are followed that are as the protocol says")
    func valid() throws {
        for vector in try VectorFile.list("routes", "valid") {
            VectorFile.run(vector.name) { _ = try Journey(job(meta: vector["meta"] ?? .null), queue: QueueName("q")) }
        }
    }

    @Test("Others are refused")
    func invalid() throws {
        for vector in try VectorFile.list("routes", "invalid") {
            VectorFile.run(vector.name) {
                let job = try job(meta: vector["meta"] ?? .null)
                let queue = try QueueName("q")
                #expect(throws: RouteError.self, "\(vector.name)") { try Journey(job, queue: queue) }
            }
        }
    }

    @Test("What follows an answer, to the byte")
    func onward() throws {
        for vector in try VectorFile.list("routes", "onward") {
            VectorFile.run(vector.name) {
                let found = try onward(journey(vector), args((vector["args"] ?? .null).bytes), vector)
                #expect(found == wanted(vector), "\(vector.name)")
            }
        }
    }

    @Test("What follows when all are gathered")
    func gathered() throws {
        for vector in try VectorFile.list("routes", "gathered") {
            VectorFile.run(vector.name) {
                let results = (vector["results"]?.asArray ?? []).map(\.bytes)
                let (after, found) = try journey(vector).gathered(results, codecs: .standard, limits: .standard)
                if let gather = vector["gather"] {
                    let next = try #require(after.gather)
                    #expect(!after.hasSteps, "\(vector.name)")
                    #expect(
                        next.queue.description == gather["queue"]?.asText && next.id == gather["id"]?.asText, "\(vector.name)")
                    #expect(Int64(next.index) == gather["index"]?.asInt && Int64(next.count) == gather["count"]?.asInt)
                    #expect(try after.job.codec.encode(Value.array(found)) == (gather["result"] ?? .null).bytes, "\(vector.name)")
                } else if let answer = vector["args"] {
                    #expect(!after.hasSteps && after.gather == nil, "\(vector.name)")
                    #expect(try found == args(answer.bytes), "\(vector.name)")
                } else {
                    #expect(try onward(after, found, vector) == wanted(vector), "\(vector.name)")
                }
            }
        }
    }

    @Test("Answers bear the id that the caller knows")
    func answerIDs() throws {
        for vector in try VectorFile.list("routes", "answer_ids") {
            VectorFile.run(vector.name) {
                let found: Value =
                    switch try job((vector["job"] ?? .null).bytes).answerID {
                    case .text(let text): .text(text)
                    case .integer(let integer): Value(integer)
                    }
                #expect(found == vector["job_id"], "\(vector.name)")
            }
        }
    }
}
