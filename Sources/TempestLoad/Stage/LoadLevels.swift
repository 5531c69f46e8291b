// The levels of a measured queue. Before it: how many. After it: where jobs are pushed, and what workers serve.

package import Tempest

/// `default` alone, or `l1` to `l<n>`, in the order in which they are served.
package enum LoadLevels {
    package static func named(_ count: Int) throws -> [Level] {
        count == 1 ? [.default] : try (1...count).map { try Level("l\($0)") }
    }
}
