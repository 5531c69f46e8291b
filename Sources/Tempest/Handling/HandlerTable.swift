// Which handler answers which action: an exact look-up, never a name that becomes code. Before it: a job's envelope.

import Synchronization
import TempestCodecs
import TempestProtocol

/// Runs a job and says what to answer.
typealias Handler = @Sendable (JobContext) async throws -> HandlerReply

/// A handler and the rules that its jobs are run by, where they bring none of their own.
final class RegisteredHandler: Sendable {
    let body: Handler
    let retry: RetryPolicy
    let timeout: Duration?
    let pace = Pace()

    init(body: @escaping Handler, retry: RetryPolicy, timeout: Duration?) {
        (self.body, self.retry, self.timeout) = (body, retry, timeout)
    }
}

final class HandlerTable: Sendable {
    private let handlers = Mutex<[String: RegisteredHandler]>([:])

    func register(_ action: String, retry: RetryPolicy, timeout: Duration?, _ body: @escaping Handler) {
        precondition(
            EnvelopeText.isPlain(action, longest: Job.longestAction),
            "an action has 1 to \(Job.longestAction) bytes and no control characters: \(action.debugDescription)")
        handlers.withLock { handlers in
            precondition(handlers[action] == nil, "a handler for \(action.debugDescription) is registered already")
            handlers[action] = RegisteredHandler(body: body, retry: retry, timeout: timeout)
        }
    }

    /// The table as it stands; a worker takes it once, when it starts.
    var snapshot: [String: RegisteredHandler] { handlers.withLock { $0 } }
}

/// Takes a handler's arguments one by one out of the job.
struct ArgumentReader {
    private let args: Node
    private let wanted: Int
    private var index = 0

    init(_ args: Node, wanted: Int) throws(BadArguments) {
        guard args.count <= wanted else {
            throw BadArguments(message: "expected \(wanted) argument\(wanted == 1 ? "" : "s"), found \(args.count)")
        }
        (self.args, self.wanted) = (args, wanted)
    }

    /// The next argument; one that is missing decodes where the type is optional.
    mutating func next<T: Decodable>(_: T.Type) throws -> T {
        defer { index += 1 }
        guard index < args.count else { return try absent() }
        do {
            return try args[index].typed(T.self)
        } catch let error as DecodingError {
            throw BadArguments(message: DecodingTrouble.sentence(error, at: "args[\(index)]"))
        }
    }

    /// Apart, because to ask whether a type is optional costs every call that could ask it.
    @inline(never)
    private func absent<T>() throws -> T {
        if let absent = (T.self as? any ExpressibleByNilLiteral.Type)?.init(nilLiteral: ()) as? T { return absent }
        throw BadArguments(message: "expected \(wanted) argument\(wanted == 1 ? "" : "s"), found \(args.count)")
    }
}

/// The arguments are not what the handler takes: answered as `bad_args`.
struct BadArguments: Error {
    var message: String
}

/// Says where a value did not fit its type: `args[0].name: expected text, found integer`.
enum DecodingTrouble {
    static func sentence(_ error: DecodingError, at root: String) -> String {
        let (path, what): ([any CodingKey], String) =
            switch error {
            case .typeMismatch(_, let context), .dataCorrupted(let context):
                (context.codingPath, context.debugDescription)
            case .valueNotFound(_, let context):
                (context.codingPath, context.debugDescription)
            case .keyNotFound(let key, let context):
                (context.codingPath + [key], "missing")
            @unknown default: ([], "does not fit")
            }
        let place = path.reduce(into: root) { place, key in
            place += key.intValue.map { "[\($0)]" } ?? ".\(key.stringValue)"
        }
        // Scalars: a single character may have megabytes of them.
        return String("\(place): \(what)".unicodeScalars.prefix(1000))
    }
}
