// What --help says of --json. The fields are in docs/json-output.md, which a test holds against what the commands print.

import ArgumentParser

enum JSONHelp {
    static func lines(_ what: String) -> ArgumentHelp { "For programs: a line of JSON \(what); its fields: docs/json-output.md." }
    static let one: ArgumentHelp = "For programs: one line of JSON; its fields: docs/json-output.md."
}
