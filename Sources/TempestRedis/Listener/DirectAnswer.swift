// A command that is an answer, as the original's nodes take it: `<action> <job_id> <payload> [meta]`. From a connection to whoever waits.

package struct DirectAnswer: Sendable, Equatable {
    package var action: String
    /// As it was written: digits, where the job's id was an integer.
    package var job: String
    /// The JSON of the answer's args.
    package var payload: [UInt8]
    /// The JSON of its meta, from workers that have some.
    package var meta: [UInt8]?

    package init(action: String, job: String, payload: [UInt8], meta: [UInt8]? = nil) {
        (self.action, self.job, self.payload, self.meta) = (action, job, payload, meta)
    }

    /// What became of it.
    package enum Verdict: Sendable, Equatable {
        /// Somebody waited: `+OK`.
        case taken
        /// The job was called here, and is over: `+LATE`. No error: clients of that age raise what is one, and their worker would end.
        case late
        /// No such job was called here, or the answer cannot be read: `-ERR` and the sentence.
        case refused(String)
    }
}
