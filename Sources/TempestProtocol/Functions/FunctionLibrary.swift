// protocol/tempest.lua, embedded into the build: the file there is the only source. Tempest loads it into Redis.

/// The Redis function library that this build carries.
package enum FunctionLibrary {
    /// The text of protocol/tempest.lua.
    package static var source: [UInt8] { PackageResources.tempest_lua }

    /// What `tempest1_revision` returns once the library is loaded; the test of the functions compares the two.
    package static let revision = 8

    /// The functions, by their names in Redis.
    package static let revisionName = "tempest1_revision"
    package static let hello = "tempest1_hello"
    package static let beat = "tempest1_beat"
    package static let tick = "tempest1_tick"
    package static let reap = "tempest1_reap"
    package static let claim = "tempest1_claim"
    package static let adopt = "tempest1_adopt"
    package static let suspect = "tempest1_suspect"
    package static let unknown = "tempest1_unknown"
    package static let begin = "tempest1_begin"
    package static let settle = "tempest1_settle"
    package static let chunk = "tempest1_chunk"
    package static let tell = "tempest1_tell"
    package static let credit = "tempest1_credit"
    package static let credits = "tempest1_credits"
    package static let gather = "tempest1_gather"
    package static let publish = "tempest1_publish"
    package static let giveback = "tempest1_giveback"
    package static let goodbye = "tempest1_goodbye"
    package static let delay = "tempest1_delay"
    package static let cancelled = "tempest1_cancelled"
    package static let levels = "tempest1_levels"
    package static let listen = "tempest1_listen"
    package static let unlisten = "tempest1_unlisten"
    package static let read = "tempest1_read"
    package static let pause = "tempest1_pause"
    package static let resume = "tempest1_resume"
    package static let stats = "tempest1_stats"
    package static let processes = "tempest1_processes"
    package static let cancel = "tempest1_cancel"
    package static let clear = "tempest1_clear"
    package static let revive = "tempest1_revive"
    package static let forget = "tempest1_forget"

    /// What one call that moves jobs moves at most, beyond the first job; bytes.
    package static let moveBytes = 1 << 20
    /// Entries of one settle, elements of one claim or read.
    package static let largestBatch = 1000
    /// How long answers to an inbox that nobody registered are kept; seconds.
    package static let orphanSeconds = 300
}
