// An interpreter, by its path or by a name on PATH.
// Before it: PeerEnvironment. After it: Subprocess starts it.

import Subprocess

/// A program to start.
struct Program: Sendable {
    /// What it is called: a path if there is a slash in it.
    let name: String

    private var isPath: Bool { name.contains("/") }

    /// Whether there can be such a program; names are looked up only when it is started.
    var mayExist: Bool { !isPath || Files.isExecutable(name) }

    /// What Subprocess starts. A path goes through `env`, which replaces itself by the program: Subprocess itself would want
    /// swift-system's type for it.
    var executable: Executable { .name(isPath ? "env" : name) }

    /// The arguments for that.
    func arguments(_ arguments: [String]) -> Arguments { Arguments((isPath ? [name] : []) + arguments) }
}
