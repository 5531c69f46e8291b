// How small the bytes become when they are compressed, as a proxy or a disk would.
// Before it: encoded payloads. After it: the table of sizes.

import Subprocess

/// `gzip -6`, as a child process.
enum Gzip {
    /// The size of the compressed bytes; nil where there is no gzip.
    static func size(_ bytes: [UInt8]) async throws -> Int? {
        do {
            let result = try await Subprocess.run(
                .name("gzip"), arguments: ["-6", "-c"], input: .array(bytes), output: .bytes(limit: bytes.count + 64 * 1024),
                error: .discarded)
            guard case .exited(0) = result.terminationStatus else { return nil }
            return result.standardOutput.count
        } catch is SubprocessError {
            try Task.checkCancellation()
            return nil
        }
    }
}
