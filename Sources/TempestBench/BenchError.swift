// What a run of the benchmark says when it cannot go on: a file that is no payload, a peer that is gone.
// After it: the command prints it and exits with 1.

/// An error in words for the user: what was wrong, where, and what to do.
package struct BenchError: Error, CustomStringConvertible, Equatable {
    package let description: String
    package init(_ description: String) { self.description = description }
}
