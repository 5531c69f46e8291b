// Sees to it that workers die when the supervisor is killed: the kernel sends them SIGKILL (prctl PR_SET_PDEATHSIG).
// Asked once at the start; its words stand before the command of every worker.
//
// The kernel binds this to the THREAD that started the process, not to our process: Subprocess starts all processes on one thread of
// its own that lives until the program exits, which the test of idle supervisors shows. setpriv replaces itself by the command, so the
// process id is the worker's. What a worker starts itself does not inherit it; nor is a worker caught whose supervisor dies in the
// millisecond before setpriv has asked for it.

import Subprocess

#if canImport(System)
import System
#else
import SystemPackage
#endif

enum ParentDeath {
    /// What stands before a command; nothing where the system has no way.
    static func prefix() async -> [String] {
        #if os(Linux)
        guard let setpriv = Programs.find("setpriv"), let probe = Programs.find("true") else { return [] }
        let words = ["--pdeathsig", "KILL", "--"]
        // Busybox has a setpriv that cannot do it.
        let result = try? await Subprocess.run(
            .path(FilePath(setpriv)), arguments: Arguments(words + [probe]), input: .none, output: .discarded, error: .discarded)
        if case .exited(0)? = result?.terminationStatus { return [setpriv] + words }
        #endif
        return []
    }
}
