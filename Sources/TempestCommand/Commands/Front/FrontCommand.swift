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
            Each request becomes a job of its route's queue, with the action `url` unless the route names another; the worker's answer \
            [status, headers, body] goes to the browser. protocol/http.md says what workers get and answer.

            EXAMPLE
              tempest front --route '/api/*=api:high' --route '/*=pages' --files public
              tempest front --route '/*=pages:default/serve'   # the action is serve
              tempest front --config front.yaml
              tempest front --check front.yaml                 # before each reload

            FILE
              listen: 0.0.0.0:8443
              # HTTP/2 and HTTP/1.1; plain HTTP is sent to https
              tls: {certificate: cert.pem, key: key.pem}
              redirect: :8080
              # Or: files: public
              files: {folder: public, cache: {'/assets/*': 86400}}
              gzip: true
              access_log: combined
              trust: 10.0.0.0/8
              routes:
                - {path: /api/*, queue: api, level: high, deadline: 10}
                - {path: /pay, queue: pay, rate: 10/m, body: 65536}
                - {path: /*, queue: pages, codec: msgpack, uploads: true}
                - {path: /chat, queue: chat, socket: true}
                # What fetch answers goes on, and page answers.
                - path: /thumb
                  queue: media
                  action: fetch
                  route: 'resize@images,page'
              # Channels that browsers may follow at /sub/CHANNEL
              sub: [news, 'chat:*', 'JOB:{user}:*']
              # insecure: true for development without TLS
              sessions: {idle: 1209600}
              uploads: {folder: /var/lib/uploads}

            `tempest front --settings` lists every key; docs/front.md is the guide; examples/front has files for nginx, HAProxy and systemd.

            SIGTERM: for some seconds everything is served and /readyz says 503 (lame), then nothing new is accepted and what is held is \
            finished; what is left after the grace is told 503, or 502 if it must not be repeated, and closed. A second SIGTERM ends it at once.
            SIGHUP reads the file and the certificates again; with a mistake in them the old ones stay.
            /healthz says that the process lives, /readyz whether answers can be heard.
            """)

    @Option(
        help: .init(
            "Where to listen: HOST:PORT, :PORT for all addresses, unix:PATH. Port 0: any that is free. May be given several times.",
            valueName: "host:port"))
    var listen: [String] = []

    @Flag(help: "Several fronts may listen on one port.")
    var reusePort = false

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

    @Option(
        help: .init(
            "With TLS: listen here for plain HTTP too, such as :80, and redirect every request to https. May be given several times.",
            valueName: "host:port"))
    var redirect: [String] = []

    @Option(help: .init("A YAML file with all of this, and more of each route; options here win.", valueName: "file"))
    var config: String?

    @Option(help: "How long until a browser is told 504, of routes that say nothing else. Default: 30s.")
    var deadline: TimeSpan?

    @Option(help: "The codec of jobs, of routes that say nothing else: json, msgpack, tnetstring. Default: json.")
    var codec: String?

    @Option(
        help: .init(
            "Believe X-Forwarded-For and X-Forwarded-Proto of proxies in this network; behind nginx or HAProxy. May be given several times.",
            valueName: "network"))
    var trust: [String] = []

    @Option(help: "How long from SIGTERM until everything is ended that is still held. Default: 25s.")
    var grace: TimeSpan?

    @Option(help: "The first part of the grace, in which all is served and /readyz says 503. Default: 5s with a file, else 0.")
    var lame: TimeSpan?

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

    @Flag(help: "Check the file, its certificates and folders, say what is wrong and where, and end.")
    var check = false

    @Argument(help: .init("With --check: the file.", valueName: "file"))
    var file: String?

    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads: from 1 to 1024") }
        if let deadline, !(1...86_400_000).contains(deadline.milliseconds) { throw ValidationError("--deadline: 1ms to 1d") }
        for (name, value) in [("--grace", grace), ("--lame", lame)] {
            guard let value, value.milliseconds > 86_400_000 else { continue }
            throw ValidationError("\(name): 0 to 1d")
        }
        if check, config == nil, file == nil { throw ValidationError("--check: which file?") }
        if config != nil, file != nil { throw ValidationError("name one file, after --config or after --check") }
    }

    func run() async throws {
        // Here, so that an option that is misspelled is said first.
        if let file, !check { throw ValidationError("\(file): a file is named with --config, or with --check") }
        if settings { return try StandardOutput.write(FrontFile.reference) }
        if check {
            do {
                try configuration().check()
            } catch let error as FrontConfigurationError {
                throw ValidationError(error.description)
            }
            return try StandardOutput.say("\(config ?? file ?? "") is fine")
        }
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
        do {
            try await front.runService { try configuration() }
        } catch let error as FrontConfigurationError {
            throw ValidationError(error.description)
        }
    }

    private func configuration() throws -> FrontConfiguration {
        guard let config = config ?? file else {
            var settings = FrontConfiguration()
            try apply(to: &settings)
            try checkServes(settings)
            return settings
        }
        let text: String
        do throws(SettingsFileError) {
            text = try SettingsFile.read(config)
        } catch {
            throw FrontConfigurationError(error.description)
        }
        let settings = try FrontFile.read(
            text, file: config, checksFolders: files == nil && uploads == nil
        ) { settings throws(FrontConfigurationError) in try apply(to: &settings) }
        try checkServes(settings)
        return settings
    }

    private func checkServes(_ settings: FrontConfiguration) throws(FrontConfigurationError) {
        guard !settings.routes.isEmpty || settings.files != nil || !settings.subscriptions.isEmpty else {
            throw FrontConfigurationError("name a route, such as --route '/*=pages', or a file with routes: --config front.yaml")
        }
    }

    /// What the command line says besides the file.
    private func apply(to settings: inout FrontConfiguration) throws(FrontConfigurationError) {
        if !listen.isEmpty { try settings.listen(on: listen) }
        if reusePort { settings.reusesPort = true }
        for text in routes {
            var route = try FrontRoute(text)
            if let deadline { route.deadline = deadline.duration }
            if let codec {
                do { route.codec = try CodecName.codec(codec, option: "--codec") } catch {
                    throw FrontConfigurationError("\(error)")
                }
            }
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
        if let grace { settings.grace = grace.duration }
        if let lame { settings.lame = lame.duration }
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
        if !redirect.isEmpty { settings.redirect = try SecureRedirect(listen: redirect, port: settings.redirect?.port) }
    }
}
