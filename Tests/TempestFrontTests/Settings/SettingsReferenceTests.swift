import Foundation
import TempestFront
import Testing

@Suite struct SettingsReferenceTests {
    @Test func `the documented settings are those that are read`() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let document = try String(contentsOf: root.appending(path: "docs/front-settings.md"), encoding: .utf8)
        #expect(
            document == FrontFile.reference,
            "docs/front-settings.md is old: write it again with `tempest front --settings > docs/front-settings.md`")
    }

    @Test func `an unknown key of each map is refused with its line and the keys that there are`() {
        let files = [
            ("liste: ':0'", "line 1", "listen"), ("routes:\n  - {path: /a, queue: q, leve: x}", "line 2", "level"),
            ("tls: {cert: a}", "line 1", "certificate"), ("sessions:\n  idel: 3", "line 2", "idle"),
            ("uploads: {folder: /tmp, size: 3}", "line 1", "quota"), ("original: {ports: 3}", "line 1", "port"),
        ]
        for (text, line, key) in files {
            let error = #expect(throws: FrontConfigurationError.self) {
                let settings = try FrontFile.read(text, file: "f.yaml")
                _ = settings
            }
            let message = error?.description ?? ""
            #expect(message.contains(line) && message.contains("there is no setting") && message.contains(key), "\(message)")
        }
    }
}
