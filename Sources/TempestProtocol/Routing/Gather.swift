// `meta.gather`: which of several steps at once a job is, and what follows when all have ended (protocol/routes.md, "In parallel").

import TempestCodecs

package struct Gather: Sendable {
    /// Under which the results are gathered, in the functions of `queue`.
    package let id: String
    package let queue: QueueName
    package let index: Int
    package let count: Int
    /// The job that parted, as which the route goes on.
    package let job: JobID
    /// What follows; empty: nothing.
    let route: [Value]
    /// As it came, for the jobs that follow.
    let map: ValueMap
    /// That of the job that parted: one, or none. (An array, because a struct cannot hold itself.)
    private let outers: [Gather]

    var outer: Gather? { outers.first }

    init(
        id: String, queue: QueueName, index: Int, count: Int, job: JobID, route: [Value], map: ValueMap, outer: [Gather]
    ) {
        (self.id, self.queue, self.index, self.count) = (id, queue, index, count)
        (self.job, self.route, self.map, self.outers) = (job, route, map, outer)
    }
}

extension Job {
    /// The id that its answers bear: its own, or, of one of several steps at once, that of the job that the caller knows. Forgiving: also
    /// a job whose route is bad is answered.
    package var answerID: JobID {
        guard !meta.isEmpty, var gather = meta["gather"] else { return id }
        var found = id
        for _ in 0..<Route.deepest {
            guard case .map(let map) = gather, let job = map["job_id"].flatMap({ JobID($0, codec) }) else { break }
            found = job
            guard let outer = map["gather"] else { break }
            gather = outer
        }
        return found
    }
}
