// The third and fourth word of a direct answer: the args as JSON, and meta for nodes that read it. Made of an answer in its envelope, or
// made an answer of.

import TempestCodecs
import TempestProtocol
import TempestRedis

enum DirectPayload {
    /// What is sent to a node for an answer; nil: a node of the original, which knows no errors, cannot be told.
    static func words(for answer: Answer, to job: Job, readsMeta: Bool) throws(CodecError) -> [RedisArgument]? {
        var words: [RedisArgument] = [.init(answer.action), .init("\(answer.id)")]
        if let error = answer.error, !readsMeta {
            guard isRequest(job) else { return nil }
            words.append(.init(try page(for: error)))
            return words
        }
        words.append(.init(try JSONCodec().encode(Args(args: answer.args))))
        if readsMeta, !answer.meta.isEmpty { words.append(.init(try JSONCodec().encode(Value.map(answer.meta)))) }
        return words
    }

    /// The answer that came in two words. Throws ``Malformed``.
    static func answer(_ direct: DirectAnswer, id: JobID, limits: Limits) throws(Malformed) -> Answer {
        let codec = JSONCodec()
        var meta = ValueMap()
        let args: Node
        do {
            let root = try codec.parse(direct.payload, limits: limits).root
            // A worker that answers with a bare value means that one.
            args = root.kind == .array ? root : try codec.parse([0x5B] + direct.payload + [0x5D], limits: limits).root
            if let bytes = direct.meta {
                guard case .map(let map) = try codec.parse(bytes, limits: limits).root.value else {
                    throw Malformed(.badEnvelope, "meta is not a map")
                }
                meta = map
            }
        } catch let malformed as Malformed {
            throw malformed
        } catch {
            throw Malformed(.badCodec, "\(error)")
        }
        let size = direct.payload.count + (direct.meta?.count ?? 0)
        return Answer(action: direct.action, id: id, args: args, meta: meta, codec: codec, size: size)
    }

    /// Whether a job is a browser's request, whose front can be told of a failure by a page.
    private static func isRequest(_ job: Job) -> Bool {
        guard job.args.count == 1, job.args[0].kind == .map, case .map(let request) = job.args[0].value else { return false }
        guard case .text? = request["method"], case .text? = request["url"] else { return false }
        return true
    }

    /// `[status, headers, body]` with no word of what happened: that is for the log.
    private static func page(for error: Failure) throws(CodecError) -> [UInt8] {
        let (status, reason): (Int64, String) =
            switch error.code {
            case Failure.expired, Failure.timeout: (504, "Gateway Timeout")
            case Failure.cancelled: (503, "Service Unavailable")
            case Failure.unknownAction, Failure.poison, Failure.interrupted, Failure.badAnswer: (502, "Bad Gateway")
            default: (500, "Internal Server Error")
            }
        let headers: Value = ["content-type": "text/plain; charset=utf-8"]
        return try JSONCodec().encode(Value.array([.int(status), headers, .text(reason + "\n")]))
    }

    /// Args as they stand; a sole `[status, headers, body]` takes their place, because the original's fronts look for its elements there.
    private struct Args: TokenWritable {
        let args: Node

        private var isPage: Bool {
            guard args.count == 1, args[0].kind == .array, (2...3).contains(args[0].count), let status = args[0][0].int else {
                return false
            }
            return (100...599).contains(status) && args[0][1].kind == .map
        }

        func write<W: TokenWriter>(to writer: inout W) throws(CodecError) {
            try (isPage ? args[0] : args).write(to: &writer)
        }
    }
}
