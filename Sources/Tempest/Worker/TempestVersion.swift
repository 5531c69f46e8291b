// What this build calls itself where a worker shows its version.

/// The version of the package.
enum TempestVersion {
    static let current = "0.1.0"
}
