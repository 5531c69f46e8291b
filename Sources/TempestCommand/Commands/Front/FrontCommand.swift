// `tempest front`: HTTP in front of queues. A thin shell around TempestFront.

import ArgumentParser
import Foundation
import Logging
import NIOCore
import NIOSSL
import Tempest
import TempestFront

struct FrontCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "front",
        abstract: "Accept browsers' requests, hold them, and have workers of any language answer.",
        discussion: """
            Each request becomes a job of its route's queue, with the action `url`; the worker's answer [status, headers, body] goes to the \
            browser. protocol/http.md says what workers get and answer.

            EXAMPLE
              tempest front --route '/api/*=api:high' --route '/*=pages' --files public
              tempest front --route '/*=pages:default/serve'   # the action is serve
              tempest front --config front.yaml

            FILE
              listen: 0.0.0.0:8443
              tls: {certificate: cert.pem, key: key.pem}     # HTTP/2 and HTTP/1.1
              files: {folder: public, cache: {'/assets/*': 86400}, fallback: index.html}    # or: files: public
              routes:
                - {path: /api/*, queue: api, level: high, deadline: 10, pending: 500}
                - {path: /*, queue: pages, codec: msgpack, uploads: true}
                - {path: /report, queue: a, route: 'sum@b,page@c'}    # page answers
                - {path: /chat, queue: chat, socket: true}
                - {path: /thumb, queue: media, action: fetch, route: 'resize@images,page'}   # what fetch answers goes on
              sub: [news, 'chat:*']                          # channels that browsers may follow at /sub/CHANNEL
              sessions: {idle: 1209600}                      # or true; insecure: true for development without TLS
              uploads: {folder: /var/lib/uploads, url: 'http://10.0.0.7:8080/uploads/'}

            SIGTERM: nothing new is accepted, what is held is finished within the grace, the rest is told 503.
            /healthz says that the process lives, /readyz whether answers can be heard.
            """)

    @Option(help: .init("Where to listen: HOST:PORT, :PORT for all addresses. Port 0: any that is free.", valueName: "host:port"))
    var listen: String?

    @Option(
        name: .customLong("route"),
        help: .init(
            "Requests to these paths go to this queue. /* is asked after files. May be given several times.",
            valueName: "pattern=queue[:level][/action]"))
    var routes: [String] = []

    @Option(
        name: .customLong("socket"),
        help: .init(
            "WebSockets at these paths are jobs of this queue. May be given several times.",
            valueName: "pattern=queue[:level][/action]"))
    var sockets: [String] = []

    @Option(
        help: .init(
            "Browsers may follow these channels at /sub/CHANNEL: a name, or a pattern with *. May be given several times.",
            valueName: "pattern"))
    var sub: [String] = []

    @Option(
        help: .init(
            "Put large bodies and files of forms aside in this folder, for each --route, and for the file's routes with uploads: true.",
            valueName: "folder"))
    var uploads: String?

    @Flag(help: "Browsers have sessions.")
    var sessions = false

    @Flag(help: "For development over plain HTTP: the session's cookie is sent without TLS.")
    var insecureSessions = false

    @Option(help: .init("Serve the files of this folder.", valueName: "folder"))
    var files: String?

    @Option(help: .init("TLS: the certificate and its chain, PEM.", valueName: "file"))
    var tlsCert: String?

    @Option(help: .init("TLS: the private key, PEM.", valueName: "file"))
    var tlsKey: String?

    @Option(help: .init("A YAML file with all of this, and more of each route; options here win.", valueName: "file"))
    var config: String?

    @Option(help: "Seconds until a browser is told 504, of routes that say nothing else. Default: 30.")
    var deadline: Double?

    @Option(help: "The codec of jobs, of routes that say nothing else: json, msgpack, tnetstring. Default: json.")
    var codec: String?

    @Option(
        help: .init(
            "Believe what proxies of this network say of their clients. May be given several times.", valueName: "network"))
    var trust: [String] = []

    @Option(help: "Seconds that held requests get when it is to stop. Default: 25.")
    var grace: Double?

    @Option(help: "Event loops, each a thread. Default: one for each processor.")
    var threads: Int?

    @Option(
        help: .init(
            "How requests are logged: log, with the program's own log; common, combined or json, on standard output. Default: log.",
            valueName: "format"))
    var accessLog: String?

    @Flag(help: "Do not log requests.")
    var noAccessLog = false

    @Flag(help: "Print every key of the file with its default, and end.")
    var settings = false

    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads: from 1 to 1024") }
    }

    func run() async throws {
        if settings { return print(FrontFile.reference, terminator: "") }
        let logger = connection.logger("tempest.front", quiet: .info)
        // Before anything asks for an event loop.
        if let threads { NIOSingletons.groupLoopCountSuggestion = threads }
        // The front makes its own client: it knows which queues are served by workers of node-tempest.
        let front: Front
        do {
            front = try Front(configuration(), redis: connection.configuration, logger: logger)
        } catch let error as FrontConfigurationError {
            throw ValidationError(error.description)
        }
        try await front.runService()
    }

    private func configuration() throws -> FrontConfiguration {
        var settings = FrontConfiguration()
        if let config {
            let text: String
            do {
                text = try String(contentsOf: URL(fileURLWithPath: config), encoding: .utf8)
            } catch {
                throw FrontConfigurationError("\(config) cannot be read: \((error as NSError).localizedDescription)")
            }
            settings = try FrontFile.read(text, file: config)
        }
        if let listen { try settings.listen(on: listen) }
        for text in routes {
            var route = try FrontRoute(text)
            if let deadline { route.deadline = .seconds(deadline) }
            if let codec { route.codec = try CodecName.codec(codec, option: "--codec") }
            route.takesUploads = uploads != nil
            settings.routes.append(route)
        }
        for text in sockets {
            var route = try FrontRoute(text)
            route.isSocket = true
            settings.routes.append(route)
        }
        if let files {
            var options = settings.files ?? StaticFilesOptions(folder: files)
            options.folder = files
            settings.files = options
        }
        settings.subscriptions += sub
        if let uploads {
            var all = settings.uploads ?? UploadSettings(folder: uploads)
            all.folder = uploads
            all.rules.bodyLimit = settings.rules.body
            settings.uploads = all
        }
        if sessions || insecureSessions {
            var rules = settings.sessions ?? SessionRules()
            if insecureSessions { rules.isInsecure = true }
            settings.sessions = rules
        }
        if !trust.isEmpty { settings.rules.trusted = try TrustedProxies(trust) }
        if let grace { settings.grace = .seconds(grace) }
        if let accessLog {
            guard let format = AccessLogFormat(rawValue: accessLog) else {
                let names = AccessLogFormat.allCases.map(\.rawValue).joined(separator: ", ")
                throw FrontConfigurationError("--access-log: expected \(names), not \(accessLog.debugDescription)")
            }
            settings.accessLog = format
        }
        if noAccessLog { settings.accessLog = nil }
        guard (tlsCert == nil) == (tlsKey == nil) else {
            throw FrontConfigurationError("--tls-cert and --tls-key come together")
        }
        if let tlsCert, let tlsKey { try settings.secure(certificate: tlsCert, key: tlsKey) }
        guard !settings.routes.isEmpty || settings.files != nil || !settings.subscriptions.isEmpty else {
            throw FrontConfigurationError("name a route, such as --route '/*=pages', or a file with routes: --config front.yaml")
        }
        return settings
    }
}
