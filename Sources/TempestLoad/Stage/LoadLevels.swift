// The levels of a measured queue. Before it: how many. After it: where jobs are pushed, and what workers serve.

package import Tempest

/// `default`, then `l2` to `l<n>`, in the order in which they are served: where only one level is used, it is the first.
package enum LoadLevels {
    package static func named(_ count: Int) throws -> [Level] {
        try [.default] + (1..<count).map { try Level("l\($0 + 1)") }
    }
}
