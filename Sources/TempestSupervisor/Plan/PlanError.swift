// Why a plan is refused, before any worker is started.
// Thrown by PlanReader and Programs; the command prints it and exits with 64.

/// What is wrong with a plan, where, and what is expected.
package struct PlanError: Error, Equatable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }

    init(file: String, line: Int?, _ message: String) {
        self.description = line.map { "\(file), line \($0): \(message)" } ?? "\(file): \(message)"
    }
}
