// Where the peers live: a private folder of the user, never the system's Python.
// Before it: --compare and --install-peers. After it: PeerProcess starts the interpreters.

import Subprocess

/// The system's interpreters.
struct Interpreters: Sendable {
    /// PYTHON and RUBY name others.
    let python = Files.environment("PYTHON") ?? "python3"
    let ruby = Files.environment("RUBY") ?? "ruby"
}

/// The folder of the peers, and how it is filled.
struct PeerEnvironment: Sendable {
    let folder: String
    let python: String
    let ruby: String

    init(_ interpreters: Interpreters) throws(BenchError) {
        let cache: String
        if let named = Files.environment("XDG_CACHE_HOME"), named.hasPrefix("/") {
            cache = named
        } else if let home = Files.environment("HOME") {
            cache = home + "/.cache"
        } else {
            throw BenchError("there is no HOME to keep the peers in: set HOME or XDG_CACHE_HOME")
        }
        folder = cache + "/tempest/bench"
        (python, ruby) = (interpreters.python, interpreters.ruby)
    }

    var virtualEnvironment: String { folder + "/venv" }
    /// The interpreter of the virtual environment; nil before it is made.
    var venvPython: String? {
        let path = virtualEnvironment + "/bin/python"
        return Files.isExecutable(path) ? path : nil
    }

    /// Makes the virtual environment and installs what is not there. What pip says goes to standard error.
    func install(say: (String) -> Void) async throws {
        try Files.makeFolder(folder)
        if venvPython == nil {
            say("making a virtual environment for Python in \(virtualEnvironment)")
            guard try await succeeds(python, ["-m", "venv", virtualEnvironment]), venvPython != nil else {
                throw BenchError(
                    "\(python) -m venv \(virtualEnvironment) failed: on Debian, apt-get install python3 python3-venv; PYTHON names "
                        + "another interpreter")
            }
        }
        guard let venvPython else { return }
        for package in PeerLibrary.packages {
            let present = try await succeeds(
                venvPython, ["-I", "-c", "import importlib.metadata as m, sys; m.version(sys.argv[1])", package], quiet: true)
            guard !present else { continue }
            say("pip install \(package), into \(virtualEnvironment)")
            let arguments = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--upgrade", package]
            if try await !succeeds(venvPython, arguments) {
                say("pip could not install \(package): the comparison goes on without it")
            }
        }
        let hasRuby = try await succeeds(ruby, ["-e", "require 'msgpack'"], quiet: true)
        if !hasRuby { say("\(ruby) with msgpack is not there: on Debian, apt-get install ruby ruby-msgpack; RUBY names another") }
    }

    private func succeeds(_ program: String, _ arguments: [String], quiet: Bool = false) async throws -> Bool {
        let program = Program(name: program)
        guard program.mayExist else { return false }
        do {
            let status =
                if quiet {
                    try await Subprocess.run(
                        program.executable, arguments: program.arguments(arguments), output: .discarded, error: .discarded
                    ).terminationStatus
                } else {
                    try await Subprocess.run(
                        program.executable, arguments: program.arguments(arguments), output: .currentStandardError,
                        error: .currentStandardError
                    ).terminationStatus
                }
            if case .exited(0) = status { return true }
            try Task.checkCancellation()
            return false
        } catch is SubprocessError {
            try Task.checkCancellation()
            return false
        }
    }
}
