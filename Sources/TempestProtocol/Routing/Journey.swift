// Where a job stands in its route, and what its answer leads to. A value without I/O. Before it: a job's meta. After it: RouteFollower, which
// pushes and gathers.

package import TempestCodecs

package struct Journey: Sendable {
    package let job: Job
    /// Where steps go that name no queue.
    package let queue: QueueName
    /// What the next job in sequence is called.
    package let id: JobID
    /// One of several steps at once, or nil.
    package let gather: Gather?
    /// The queue that the job was claimed from, to which its respond_to refers.
    private let home: QueueName
    /// The steps to go, as they came, with what keys nobody here knows.
    private let route: [Value]

    /// Whether there are steps before the answer is gathered, or sent.
    package var hasSteps: Bool { !route.isEmpty }

    /// nil for a job without a route. Throws ``RouteError`` if its route cannot be followed.
    package init?(_ job: Job, queue: QueueName) throws(RouteError) {
        guard !job.meta.isEmpty else { return nil }
        let (steps, gathering) = (job.meta["route"], job.meta["gather"])
        guard steps != nil || gathering != nil else { return nil }
        var check = RouteCheck(codec: job.codec)
        var (route, gather) = ([Value](), Gather?.none)
        if let steps { route = try check.route(steps, "route", depth: 1) }
        if let gathering { gather = try check.gather(gathering, "gather", depth: 1) }
        guard !route.isEmpty || gather != nil else { return nil }
        self.init(job, queue: queue, home: queue, id: job.id, route: route, gather: gather)
    }

    private init(_ job: Job, queue: QueueName, home: QueueName, id: JobID, route: [Value], gather: Gather?) {
        (self.job, self.queue, self.home, self.id, self.route, self.gather) = (job, queue, home, id, route, gather)
    }

    /// A job that follows, and where it goes.
    package struct Onward: Sendable {
        package let queue: QueueName
        package let level: Level
        package let payload: [UInt8]
    }

    /// The jobs of the first step, called with `args`, `count` of them. `fresh` is random text that names several steps at once.
    ///
    /// Throws when the args cannot be written in the codec of the job.
    package func onward(
        _ args: TokenBuffer, count: Int, fresh: String = Identifier.random(), limits: Limits
    ) throws(CodecError) -> [Onward] {
        let rest = Array(route.dropFirst())
        guard let first = route.first, case .array(let steps) = first else {
            guard let step = route.first?.asMap else { return [] }
            let next = Next(args: args, count: count, id: id, route: (step["route"]?.asArray ?? []) + rest, gather: gather?.map)
            return [try self.job(step, next, limits)]
        }
        let name = "\(Self.shortened(id)).\(fresh)"
        var jobs: [Onward] = []
        for (index, element) in steps.enumerated() {
            let step = element.asMap ?? [:]
            var gather: ValueMap = [
                "id": .text(name), "queue": .text(queue.description), "index": Value(index), "count": Value(steps.count),
                "job_id": Self.value(id),
            ]
            if !rest.isEmpty { gather["route"] = .array(rest) }
            if let outer = self.gather { gather["gather"] = .map(outer.map) }
            let route = step["route"]?.asArray ?? []
            let next = Next(args: args, count: count, id: .text("\(name).\(index)"), route: route, gather: gather)
            jobs.append(try self.job(step, next, limits))
        }
        return jobs
    }

    /// After the last of several steps at once: where the route goes on, and the args with which it does.
    ///
    /// Throws ``RouteError`` for results that no worker has written.
    package func gathered(
        _ results: [[UInt8]], codecs: CodecSet, limits: Limits
    ) throws(RouteError) -> (journey: Journey, args: [Value]) {
        guard let gather else { return (self, []) }
        var values: [Value] = []
        for result in results {
            guard let codec = codecs.detect(result), let root = try? codec.parse(result, limits: limits).root, root.kind == .array
            else { throw RouteError("a result of the steps at once is no array") }
            values.append(root.count == 0 ? .null : root[0].value)
        }
        let after = Journey(
            job, queue: gather.queue, home: home, id: gather.job, route: gather.route, gather: gather.outer)
        return (after, after.hasSteps ? values : [.array(values)])
    }

    private struct Next {
        var args: TokenBuffer
        var count: Int
        var id: JobID
        var route: [Value]
        var gather: ValueMap?
    }

    private func job(_ step: ValueMap, _ next: Next, _ limits: Limits) throws(CodecError) -> Onward {
        // The names were checked when the job was read.
        let queue = step["queue"]?.envelopeText(job.codec).flatMap { try? QueueName($0) } ?? self.queue
        let level = step["level"]?.envelopeText(job.codec).flatMap { try? Level($0) } ?? .default
        var meta = job.meta
        for key in ["attempt", "last_error", "route", "gather"] { meta[key] = nil }
        if queue != home { meta["credits"] = nil }
        if !next.route.isEmpty { meta["route"] = .array(next.route) }
        if let gather = next.gather { meta["gather"] = .map(gather) }
        let draft = RoutedJob(
            action: step["action"]?.envelopeText(job.codec) ?? "", args: next.args, count: next.count,
            respondTo: respondTo(in: queue),
            id: next.id, meta: meta)
        return Onward(queue: queue, level: level, payload: try job.codec.encode(draft, limits: limits))
    }

    /// The address of the same inbox, seen from a queue.
    private func respondTo(in queue: QueueName) -> String? {
        switch job.address {
        case .inbox(let inbox): queue == home ? inbox.description : "\(inbox)@\(home)"
        case .elsewhere(let inbox, let place): queue == place ? inbox.description : "\(inbox)@\(place)"
        case .direct, nil: nil
        }
    }

    /// At most 64 bytes of an id, whole characters.
    private static func shortened(_ id: JobID) -> String {
        var text = ""
        var bytes = 0
        for scalar in id.description.unicodeScalars {
            bytes += String(scalar).utf8.count
            guard bytes <= 64 else { break }
            text.unicodeScalars.append(scalar)
        }
        return text
    }

    private static func value(_ id: JobID) -> Value {
        switch id {
        case .text(let text): .text(text)
        case .integer(let integer): Value(integer)
        }
    }
}

/// A job that a worker writes for another one.
private struct RoutedJob: TokenWritable {
    var action: String
    var args: TokenBuffer
    var count: Int
    var respondTo: String?
    var id: JobID
    var meta: ValueMap

    func write<W: TokenWriter>(to writer: inout W) throws(CodecError) {
        try writer.beginArray(count: meta.isEmpty ? 4 : 5)
        try writer.text(action)
        try writer.beginArray(count: count)
        try args.write(to: &writer)
        try writer.endArray()
        if let respondTo { try writer.text(respondTo) } else { try writer.null() }
        try id.write(to: &writer)
        if !meta.isEmpty { try Value.map(meta).write(to: &writer) }
        try writer.endArray()
    }
}
