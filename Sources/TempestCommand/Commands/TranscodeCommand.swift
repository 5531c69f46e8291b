import ArgumentParser
import Foundation
import Tempest
import TempestBench

struct TranscodeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "transcode",
        abstract: "Translate a document from one codec to another, to standard output, in canonical form.",
        discussion: """
            Bad input exits with 1 and names the place, the byte and the reason. A document has at most 16 MiB: nothing is read beyond \
            that.

            EXAMPLES
              tempest transcode --to msgpack job.json >job.msgpack
              echo '{"b": 1, "a": [true, null]}' |
                tempest transcode --from json --to msgpack |
                tempest transcode --from auto --to tnetstring -
            """)

    @Option(help: "json, msgpack, tnetstring, or auto: told by the first byte, for arrays and maps.")
    var from = "auto"

    @Option(help: "json, msgpack or tnetstring.")
    var to: String

    @Argument(help: "The document; - is standard input.")
    var file = "-"

    func run() throws {
        // Names are checked before the input is waited for.
        _ = try CodecName.codec(to, option: "--to")
        let source = from == "auto" ? nil : try CodecName.codec(from, option: "--from").name
        let output: [UInt8]
        do {
            let input = try Files.read(file, most: Limits.standard.bytes)
            output = try CodecSet.standard.transcode(input, from: source, to: to, canonical: true)
        } catch let error as BenchError {
            throw CommandFailure("\(error)")
        } catch let error as CodecError where error.code == .unknownCodec {
            throw CommandFailure("\(error), with --from")
        } catch let error as CodecError {
            throw CommandFailure("\(error)")
        }
        try StandardOutput.write(output)
        // Text on a terminal ends its line; bytes in a pipe stay exact.
        if isatty(STDOUT_FILENO) == 1 { try StandardOutput.write("\n") }
    }
}

/// What a command says when it fails; exit status 1.
struct CommandFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
