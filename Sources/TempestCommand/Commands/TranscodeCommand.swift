import ArgumentParser
import Foundation
import Tempest

struct TranscodeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "transcode",
        abstract: "Translate a document from one codec to another, standard input to standard output, in canonical form.",
        discussion: """
            Bad input exits with 1 and names the byte and the reason.

            EXAMPLE
              echo '{"b": 1, "a": [true, null]}' | tempest transcode --from json --to msgpack | tempest transcode --from auto --to tnetstring
            """)

    @Option(help: "json, msgpack, tnetstring, or auto: told by the first byte, for arrays and maps.")
    var from = "auto"

    @Option(help: "json, msgpack or tnetstring.")
    var to: String

    func run() throws {
        let target = try CodecName.codec(to, option: "--to")
        let named = from == "auto" ? nil : try CodecName.codec(from, option: "--from")
        let input = [UInt8](try FileHandle.standardInput.readToEnd() ?? Data())
        guard let source = named ?? CodecSet.standard.detect(input) else {
            let first = input.first.map { "begins with 0x" + String($0, radix: 16) } ?? "is empty"
            throw CommandFailure("the input \(first): no codec's array or map; name the codec with --from")
        }
        let document: Document
        do {
            document = try source.parse(input)
        } catch {
            throw CommandFailure("\(error)")
        }
        do {
            let output = try target.encode(document.root, canonical: true)
            try FileHandle.standardOutput.write(contentsOf: output)
            // Text on a terminal ends its line; bytes in a pipe stay exact.
            if isatty(STDOUT_FILENO) == 1 { print() }
        } catch let error as CodecError {
            throw CommandFailure("\(error)")
        }
    }
}

/// What a command says when it fails; exit status 1.
struct CommandFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
