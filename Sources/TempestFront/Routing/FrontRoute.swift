// From a path to a queue: what becomes of the requests that a pattern matches. Before it: configuration. After it: a HeldRequest, or a
// WebSocket's connection.

public import Tempest

/// Requests to these paths become jobs of this queue.
public struct FrontRoute: Sendable {
    public var pattern: PathPattern
    public var queue: QueueName
    public var level: Level
    /// Of the jobs.
    public var action = "url"
    /// What is done with a worker's answer before it is the browser's: the last step answers as workers of the front do.
    public var route: Route = []
    /// How long a browser waits for the first answer; then it is told 504.
    public var deadline = Duration.seconds(30)
    /// How long a browser waits between two pieces of a stream; then the stream is broken off. nil: as long as for the first answer, and
    /// without end for event streams (`text/event-stream`).
    public var idle: Duration?
    /// After how much silence an event stream of a worker gets a comment, so that proxies keep it.
    public var comments = Duration.seconds(15)
    /// Requests of this route that wait for their first answer at once; more are told 503.
    public var pending = 10_000
    /// In which codec jobs are written; workers answer in the same.
    public var codec: any Codec = .json
    /// How many answers of a stream wait in the front for a slow browser; 0: workers get no credits.
    public var window = 16
    /// What becomes of a request whose worker ended while it ran.
    public var again = Again.safe
    /// Only for sessions with a `user`; others are told 401, or sent to this path.
    public var requiresUser = false
    public var login: String?
    /// Bytes of the largest body that travels in a job of this route; nil: as of all routes.
    public var bodyLimit: Int?
    /// How many requests one client may send; nil: any number.
    public var rate: RateLimit?
    /// Which pages of other origins may read responses; nil: what workers say themselves.
    public var cors: CORSPolicy?
    /// Whether responses are compressed for who takes gzip; nil: as of all routes.
    public var compresses: Bool?
    /// Headers of all responses of this route.
    public var headers = HeaderRules()
    /// Connections of browsers, not requests: WebSocket.
    public var isSocket = false
    /// The pages that may open sockets, such as `https://example.com`; empty: those of the same host.
    public var origins: Set<String> = []
    /// Bodies above the front's `body`, and files of forms, are put aside. Where not, longer bodies are refused and forms are bodies.
    public var takesUploads = false
    /// How many bytes an upload of this route may have, at most those of the front's rules; nil: those.
    public var uploadLimit: Int?
    /// Subprotocols of sockets: the first that a page offers and that is among these is chosen, unless workers choose one.
    public var protocols: [String] = []
    /// What one socket may take.
    public var socketLimits = SocketLimits()
    /// Workers of this queue were written for node-tempest: jobs have four elements, integer ids and a direct address.
    public var isOriginal = false
    /// Bodies are text in any case: what is no UTF-8 in them becomes U+FFFD, as with the front of node-tempest. Its handlers know no
    /// `body_encoding`.
    public var bodiesAreText = false

    public init(_ pattern: PathPattern, queue: QueueName, level: Level = .default) {
        (self.pattern, self.queue, self.level) = (pattern, queue, level)
    }

    /// From `PATTERN=QUEUE[:LEVEL][/ACTION]`, as the command line has it. Throws ``FrontConfigurationError``.
    public init(_ text: String) throws(FrontConfigurationError) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else {
            throw FrontConfigurationError(
                "\(text.debugDescription) is not a route: PATTERN=QUEUE[:LEVEL][/ACTION], such as /api/*=api:high/serve")
        }
        // No name of a queue or a level has a slash.
        let target = parts[1].split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let names = target[0].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        do {
            self.init(
                try PathPattern(String(parts[0])), queue: try QueueName(names[0]),
                level: names.count == 2 ? try Level(names[1]) : .default)
            if target.count == 2 {
                guard !target[1].isEmpty else {
                    throw FrontConfigurationError("\(text.debugDescription): the action after the slash is empty")
                }
                action = String(target[1])
            }
        } catch let error as NameError {
            throw FrontConfigurationError("\(text.debugDescription): \(error)")
        } catch let error as FrontConfigurationError {
            throw error
        } catch {
            throw FrontConfigurationError("\(text.debugDescription): \(error)")
        }
    }
}

/// What is wrong in what a front was told.
public struct FrontConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What, where, and what to do.
    public let description: String

    public init(_ description: String) { self.description = description }
}
