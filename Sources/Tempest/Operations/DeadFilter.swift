// Which of the dead jobs are meant. Before it: flags of the program, or code. After it: TempestClient.dead.

/// What dead records must be like; what is nil is not asked for.
public struct DeadFilter: Sendable, Equatable {
    /// The reason, exactly.
    public var reason: String?
    /// The action, exactly; records whose bytes are no job have none.
    public var action: String?
    /// The process (P) that recorded them, or its name: what stands before the last dot of P.
    public var by: String?
    /// Died then or later: milliseconds since 1970 by Redis' clock.
    public var since: UInt64?
    /// Died before: milliseconds since 1970 by Redis' clock.
    public var before: UInt64?

    /// A filter; without any wish all records pass.
    public init(
        reason: String? = nil, action: String? = nil, by: String? = nil, since: UInt64? = nil, before: UInt64? = nil
    ) {
        (self.reason, self.action, self.by, self.since, self.before) = (reason, action, by, since, before)
    }

    /// Whether a record is meant. Times are asked of Redis already.
    func passes(_ record: DeadRecord) -> Bool {
        if let reason, record.reason != reason { return false }
        if let action, record.job?.action != action { return false }
        if let by, record.by != by {
            guard let dot = record.by.lastIndex(of: "."), record.by[..<dot] == by else { return false }
        }
        return true
    }

    /// The end and the start of XREVRANGE; nil if nothing can lie between them.
    var range: (end: String, start: String)? {
        if before == 0 { return nil }
        if let since, let before, since >= before { return nil }
        return (before.map { String($0 - 1) } ?? "+", since.map { String($0) } ?? "-")
    }
}
