// Finds what is to be run before anything is: a program that is not there is said once, not by a worker that restarts for ever.
// Between reading a plan and starting its workers.

#if canImport(System)
import System
#else
import SystemPackage
#endif

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

package enum Programs {
    /// Checks that the group's program and directory are there.
    ///
    /// - Throws: ``PlanError`` saying which is not.
    package static func check(_ group: WorkerGroup) throws(PlanError) {
        if let directory = group.directory, !self.isDirectory(directory) {
            throw PlanError("\(group.name): there is no directory \(directory)")
        }
        let program = group.command[0]
        guard self.find(program, from: group.directory, path: group.environment["PATH"]) == nil else { return }
        let place = program.contains("/") ? "at \(program)" : "\(program) on PATH"
        throw PlanError("\(group.name): there is no program \(place) that can be run")
    }

    /// The path of a program, as execvp would find it; nil when there is none.
    static func find(_ program: String, from directory: String? = nil, path: String? = nil) -> String? {
        let folder = directory.map { "\($0)/" } ?? ""
        if program.contains("/") {
            let place = program.hasPrefix("/") ? program : folder + program
            return self.isExecutable(place) ? place : nil
        }
        let path = path ?? getenv("PATH").map { String(cString: $0) } ?? "/usr/local/bin:/usr/bin:/bin"
        for part in path.split(separator: ":") {
            let place = (part.hasPrefix("/") ? "" : folder) + "\(part)/\(program)"
            if self.isExecutable(place) { return place }
        }
        return nil
    }

    private static func isExecutable(_ path: String) -> Bool { access(path, X_OK) == 0 && !self.isDirectory(path) }

    private static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }
}
