import Foundation
import Testing

/// Dependencies point downwards only. SwiftPM's own check lets undeclared transitive imports through, so the import lines are read.
@Suite("Directions of imports")
struct ImportTests {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// What each target may import of ours.
    static let allowed: [String: Set<String>] = [
        "TempestCodecs": ["CMessagePack"],
        "TempestProtocol": ["TempestCodecs"],
        "TempestRedis": ["CHiredis"],
        "Tempest": ["TempestCodecs", "TempestProtocol", "TempestRedis"],
        "TempestFront": ["Tempest", "TempestCodecs", "TempestProtocol", "TempestRedis"],
        "TempestSupervisor": ["Tempest", "TempestRedis"],
        "TempestTesting": ["Tempest", "TempestRedis"],
        "TempestBench": ["CMessagePack", "TempestBenchCBOR", "TempestCodecs", "TempestProtocol"],
        "TempestLoad": [
            "CHiredis", "Tempest", "TempestBench", "TempestCodecs", "TempestProtocol", "TempestRedis", "TempestTesting",
        ],
        "TempestCommand": ["Tempest", "TempestBench", "TempestFront", "TempestLoad", "TempestSupervisor", "TempestTesting"],
    ]

    /// What must stay out, so that the layers below stay small.
    static let foundationAllowed: Set<String> = ["TempestTesting", "TempestBench", "TempestLoad", "TempestCommand"]

    private func imports(_ target: String) throws -> [(file: String, module: String)] {
        let folder = Self.root.appendingPathComponent("Sources/\(target)")
        let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)?.compactMap { $0 as? URL } ?? []
        return try files.filter { $0.pathExtension == "swift" }.flatMap { file in
            try String(contentsOf: file, encoding: .utf8).split(separator: "\n").compactMap { line in
                guard
                    let match = line.firstMatch(
                        of: /^(?:@\w+ )?(?:public |package |internal )?import (?:struct |class |enum |func )?(\w+)/)
                else { return nil }
                return (file.lastPathComponent, String(match.1))
            }
        }
    }

    @Test("A target imports only what lies below it", arguments: allowed.keys.sorted())
    func downwards(_ target: String) throws {
        let imports = try imports(target)
        #expect(!imports.isEmpty)
        for (file, module) in imports where module.hasPrefix("Tempest") || module.hasPrefix("CH") || module.hasPrefix("CM") {
            #expect(Self.allowed[target]?.contains(module) == true, "\(target)/\(file) imports \(module)")
        }
    }

    @Test("Foundation stays out of the library", arguments: allowed.keys.sorted().filter { !foundationAllowed.contains($0) })
    func foundation(_ target: String) throws {
        for (file, module) in try imports(target) { #expect(!module.hasPrefix("Foundation"), "\(target)/\(file)") }
    }

    @Test("Every target under Sources is known here")
    func known() throws {
        let folders = try FileManager.default.contentsOfDirectory(atPath: Self.root.appendingPathComponent("Sources").path)
        let systems: Set<String> = ["CHiredis", "CMessagePack"]
        #expect(Set(folders).subtracting(systems) == Set(Self.allowed.keys))
    }

    @Test("Files keep to the house's size", arguments: [("Sources", 400), ("Tests", 600)])
    func size(_ folder: String, _ most: Int) throws {
        let folder = Self.root.appendingPathComponent(folder)
        for file in FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)?.compactMap({ $0 as? URL }) ?? []
        where file.pathExtension == "swift" {
            let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n", omittingEmptySubsequences: false)
                .count
            #expect(lines <= most + 1, "\(file.lastPathComponent) has \(lines) lines")
        }
    }
}
