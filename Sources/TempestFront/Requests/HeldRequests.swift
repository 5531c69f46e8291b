// A browser's request, held until a worker answers: from request to job, from answers to response. Before it: a route. After it: the
// browser.

import HTTPTypes
public import Hummingbird
import Logging
import Metrics
import NIOCore
import Synchronization
public import Tempest

/// Turns the requests of one route into jobs, and their answers into responses. Usable in any Hummingbird application:
///
/// ```swift
/// let held = HeldRequests(route, client: client)
/// router.on("api/**", method: .get) { request, context in try await held.respond(to: request, context: context) }
/// ```
public final class HeldRequests: Sendable {
    /// Bounds and beliefs that all routes share.
    public struct Rules: Sendable {
        /// The largest body that travels in a job, bytes.
        public var body = 1 << 20
        public var trusted = TrustedProxies.none
        public var isTLS = false

        public init() {}
    }

    private let clients: FrontClients
    private let rules: Rules
    private let held: HeldRoute
    private let watch: ConnectionWatch
    private let drain: Drain
    /// As meta has it.
    private let route: Value?
    private let pending: Gauge
    private let duration: Metrics.Timer

    public convenience init(_ route: FrontRoute, client: TempestClient, rules: Rules = Rules()) {
        self.init(HeldRoute(route), clients: FrontClients(client), rules: rules, watch: ConnectionWatch(), drain: Drain())
    }

    init(_ held: HeldRoute, clients: FrontClients, rules: Rules, watch: ConnectionWatch, drain: Drain) {
        (self.held, self.clients, self.rules, self.watch, self.drain) = (held, clients, rules, watch, drain)
        let dimensions = [("route", held.route.pattern.description), ("queue", held.route.queue.description)]
        // A front has checked it. In another application the first worker does: the browser never gets what comes in the middle.
        route = held.route.route.steps.isEmpty ? Value?.none : held.route.route.value
        pending = Gauge(label: FrontMetric.pending, dimensions: dimensions)
        duration = Metrics.Timer(label: FrontMetric.duration, dimensions: dimensions)
    }

    /// Holds the request until its first answer, and answers the browser; never throws but for a cancelled task.
    public func respond(to request: Request, context: some RequestContext & ConnectionContext) async throws -> Response {
        try await respond(to: request, visit: Visit(), logger: RequestLogger(context.logger, request), channel: context.channel)
            .paced(on: context.channel)
    }

    func respond(to request: Request, visit: Visit, logger: RequestLogger, channel: any Channel) async throws -> Response {
        guard !drain.isOver else { throw drain.refusal }
        guard held.enter() else { throw Refusal.busy("Too many requests wait.") }
        pending.record(held.count)
        let start = NIODeadline.now()
        defer {
            held.leave()
            pending.record(held.count)
            duration.recordNanoseconds((NIODeadline.now() - start).nanoseconds)
        }
        let letter = try await letter(request, visit, channel)
        let client = held.route.isOriginal ? clients.main : clients.client(on: channel.eventLoop)
        let correspondence = try await client.correspond(
            letter, patience: held.route.deadline, window: held.route.window)
        let hold = watch.hold(channel) { correspondence.end() }
        let place = drain.hold { correspondence.end() }
        let holding = Holding(correspondence, watch, channel, hold, drain, place)
        do {
            return try await first(of: holding, request.method, visit, logger, channel)
        } catch {
            holding.end()
            if Task.isCancelled || !channel.isActive { throw CancellationError() }
            if drain.isOver { throw letter.isOnce ? Refusal.doubt : drain.refusal }
            logger.warning(
                "a request was not answered as it should be",
                ["job_id": "\(letter.id)", "queue": "\(letter.queue)", "error": "\(error)"])
            throw Refusal(error, mustNotRepeat: letter.isOnce)
        }
    }

    private func letter(_ request: Request, _ visit: Visit, _ channel: any Channel) async throws -> Letter {
        let facts = ClientFacts(request.head, peer: channel.remoteAddress, isTLS: rules.isTLS, trusted: rules.trusted)
        var writer = RequestWriter(head: request.head, facts: facts, isJSON: held.route.codec.name == "json")
        (writer.form, writer.uploads) = (visit.form, visit.uploads)
        writer.cookies = visit.cookies
        writer.bodyIsText = held.route.bodiesAreText
        writer.body = visit.body
        if !visit.isReceived { writer.body = try await body(of: request) }
        var meta = ValueMap()
        if let session = visit.session { meta["session"] = .text(session) }
        if let route { meta["route"] = route }
        if held.route.again.isOnce(request.head) { meta["once"] = true }
        return Letter(
            held.route.action, args: try writer.write(), count: 1, queue: held.route.queue, level: held.route.level,
            codec: held.route.codec, meta: meta)
    }

    private func body(of request: Request) async throws -> ByteBuffer? {
        let limit = held.route.bodyLimit ?? rules.body
        if let length = request.headers[.contentLength] {
            guard let length = Int(length), length >= 0 else {
                throw Refusal(.badRequest, "The length of the body is no number.")
            }
            guard length <= limit else { throw Self.tooLarge }
            if length == 0 { return nil }
        } else if request.headers[.transferEncoding] == nil, request.method == .get || request.method == .head {
            return nil
        }
        do {
            return try await request.body.collect(upTo: limit)
        } catch is NIOTooManyBytesError {
            throw Self.tooLarge
        }
    }

    private static var tooLarge: Refusal {
        Refusal(.contentTooLarge, "The body is too large.", headers: [.connection: "close"])
    }

    // MARK: Answers

    private func first(
        of holding: Holding, _ method: HTTPRequest.Method, _ visit: Visit, _ logger: RequestLogger, _ channel: any Channel
    ) async throws -> Response {
        guard let answer = try await holding.correspondence.next() else { throw UnfitAnswer(description: "an empty answer") }
        var head = try AnswerHead(answer)
        try await visit.finish?(&head)
        let content = AnswerContent(head, isWhole: !answer.more, of: method)
        var response = Response(status: head.status, headers: head.headers)
        guard content.hasBody, answer.more else {
            holding.end()
            // Of a stream to HEAD a stream is left, so that its head is what it would be to GET.
            response.body =
                content.hasBody ? content.body : answer.more ? ResponseBody { try await $0.finish(nil) } : ResponseBody()
            if content.isExceeded { log("\(AnswerContent.Excess())", holding, logger) }
            if content.hasBody, let problem = content.problem { log("a response is broken off", holding, logger, problem) }
            response.headers[.contentLength] = content.length.map { "\($0)" }
            return response
        }
        let silence = StreamSilence(held.route, head.headers)
        silence.mark(&response.headers)
        holding.correspondence.wait(between: silence.idle)
        response.body = ResponseBody(contentLength: nil) { writer in
            do {
                if let account = await ConnectionAccount.of(channel) {
                    let waiting = WaitingBytes(account)
                    holding.correspondence.meter { waiting.add($0) }
                }
                try await Self.stream(content, holding, silence, to: &writer)
                holding.end()
            } catch let error as AnswerContent.Excess {
                holding.end()
                self.log(error.description, holding, logger)
            } catch {
                holding.end()
                // Whoever goes away breaks nothing off.
                if channel.isActive { self.log("a stream was broken off", holding, logger, error) }
                // Thrown, so that the response is broken off before the body's end: nobody takes a part for the whole.
                throw error
            }
            try await writer.finish(nil)
        }
        response.headers[.contentLength] = content.length.map { "\($0)" }
        return response
    }

    private func log(_ what: String, _ holding: Holding, _ logger: RequestLogger, _ error: (any Error)? = nil) {
        var metadata: Logger.Metadata = ["job_id": "\(holding.correspondence.id)", "queue": "\(held.route.queue)"]
        if let error { metadata["error"] = "\(error)" }
        logger.warning("\(what)", metadata)
    }

    @concurrent private static func stream(
        _ content: AnswerContent, _ holding: Holding, _ silence: StreamSilence, to writer: inout any ResponseBodyWriter
    ) async throws {
        var (content, silence) = (content, silence)
        if let piece = try content.next(content.first) {
            try await writer.write(piece)
            silence.wrote(piece)
        }
        holding.correspondence.used()
        while true {
            do {
                guard let answer = try await holding.correspondence.next(within: silence.pause) else { break }
                for element in answer.args.elements {
                    if let piece = try content.next(AnswerHead.piece(element)) {
                        try await writer.write(piece)
                        silence.wrote(piece)
                    }
                    if content.isExceeded { throw AnswerContent.Excess() }
                }
                holding.correspondence.used()
            } catch is Correspondence.Silence {
                if let comment = silence.comment { try await writer.write(comment) }
            }
        }
        try content.end()
    }
}

/// A correspondence and the two that may end it, until it has ended.
private final class Holding: Sendable {
    let correspondence: Correspondence
    private let watch: ConnectionWatch
    private let channel: any Channel
    private let number: UInt64
    private let drain: Drain
    private let place: UInt64
    private let isEnded = Atomic(false)

    init(
        _ correspondence: Correspondence, _ watch: ConnectionWatch, _ channel: any Channel, _ number: UInt64, _ drain: Drain,
        _ place: UInt64
    ) {
        (self.correspondence, self.watch, self.channel) = (correspondence, watch, channel)
        (self.number, self.drain, self.place) = (number, drain, place)
    }

    func end() {
        guard !isEnded.exchange(true, ordering: .relaxed) else { return }
        watch.release(channel, number)
        drain.release(place)
        correspondence.end()
    }

    deinit {
        if !isEnded.load(ordering: .relaxed) { correspondence.end() }
    }
}
