// What a worker may be told; the defaults are right for most.

public import TempestCodecs
public import TempestProtocol

/// How a ``Worker`` works.
public struct WorkerOptions: Sendable {
    /// Levels of every queue in the order in which they are served, strictly.
    public var levels: [Level] = Level.customary
    /// How many jobs of each level are served for those of the others: from 1 to 1000 for each of `levels`, else the worker's initializer
    /// throws ``WeightsError``; nil: strictly in order.
    /// With weights no level starves, and an urgent job may wait for others.
    public var weights: [Level: Int]?
    /// Handlers that run at once, over all queues; from 1.
    public var concurrency: Int = 100
    /// How long a stopping worker waits for its handlers before it gives their jobs back.
    public var grace: Duration = .seconds(25)
    /// How long other processes wait for a sign of life before they take this one's jobs over.
    public var lease: Duration = .seconds(10)
    /// How long a job whose action has no handler here waits for a worker that has one, such as in a deploy of one worker after another: up to
    /// a day, and a caller's no more than half of the time that it still waits. As long as such a worker is there, the job waits on. Zero: it is
    /// dead at once.
    public var unknownPatience: Duration = .seconds(60)
    /// The name that people see; `TEMPEST_PROCESS` in the environment goes before it. Default: the program's name.
    public var name: String
    /// The codecs in which jobs are understood.
    public var codecs: CodecSet = .standard
    /// What a job may be at most.
    public var limits: Limits = .standard
    /// Where callers may be that listen for answers themselves, as the nodes of node-tempest do; nil: such jobs are refused. An address in a
    /// job is a wish of whoever pushed it: name your own network, and no more.
    public var directAnswers: AllowedNetworks?
    /// Run around each handler, the first one outermost.
    public var middleware: [any WorkerMiddleware] = [TraceMiddleware(), MetricsMiddleware(), LogMiddleware()]

    public init() {
        name = ProcessEnvironment.processName
    }

    /// Jobs in one claim: half of what may run, so that Redis gathers one batch while the other runs.
    var largestClaim: Int { concurrency < 16 ? concurrency : min((concurrency + 1) / 2, 256) }
}
