// What the worker says of itself and of what it did, as JSON. Before it: the handlers of Program. After it: the page.

import Foundation
import Tempest

struct Report: Encodable {
    var language = "Swift"
    var version = Self.compiler
    var process = ProcessInfo.processInfo.processIdentifier
    var visits: Int?
    var text: String?
    var filename: String?
    var size: Int?
    var sha256: String?

    #if compiler(>=6.3)
    private static let compiler = "6.3"
    #else
    private static let compiler = "6.2"
    #endif

    func answer() throws -> WebAnswer {
        WebAnswer(headers: [("content-type", "application/json")], body: try JSONEncoder().encode(self))
    }
}
