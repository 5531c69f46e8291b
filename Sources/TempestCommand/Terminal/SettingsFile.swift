// Files of settings that a command is given: small, and text.
// Before it: --config of a front, a file of supervise. After it: its reader.

import TempestBench

/// A file of settings that is not one, in words.
struct SettingsFileError: Error, CustomStringConvertible {
    let description: String
}

enum SettingsFile {
    /// More was meant to be something else.
    static let most = 1 << 20

    /// The text of a file; throws ``SettingsFileError`` if it cannot be read, is large or no text.
    static func read(_ path: String) throws(SettingsFileError) -> String {
        let bytes: [UInt8]
        do throws(BenchError) {
            bytes = try Files.read(path, most: most, limit: "the limit of a file of settings")
        } catch {
            throw SettingsFileError(description: error.description)
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw SettingsFileError(description: "\(path) cannot be read: it is not UTF-8")
        }
        return text
    }
}
