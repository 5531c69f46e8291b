// What `tempest transcode` does, with one codec more: a document from standard input to standard output, in canonical form.

import Foundation
import TempestCBOR
import TempestCodecs

@main
struct Program {
    static let codecs = CodecSet.standard.adding(.cbor)
    static let usage = """
        usage: cbor-transcode [--from CODEC] --to CODEC <document >document
        CODEC: \(codecs.names.joined(separator: ", ")); without --from the first bytes tell it, for arrays and maps.
        """

    static func main() throws {
        let (source, target) = options(Array(CommandLine.arguments.dropFirst()))
        guard let target else { stop(usage, status: 64) }
        // Names are checked before the input is waited for.
        for name in [source, target].compactMap(\.self) where codecs.named(name) == nil {
            stop("there is no codec \(name.debugDescription)\n\(usage)", status: 64)
        }
        let input = [UInt8](try FileHandle.standardInput.readToEnd() ?? Data())
        do {
            let output = try codecs.transcode(input, from: source, to: target, canonical: true)
            try FileHandle.standardOutput.write(contentsOf: output)
        } catch let error as CodecError {
            stop("\(error)", status: 1)
        }
    }

    /// `--from CODEC` and `--to CODEC`, in any order; anything else ends the program.
    static func options(_ arguments: [String]) -> (source: String?, target: String?) {
        var (source, target): (String?, String?)
        var rest = arguments[...]
        while let option = rest.popFirst() {
            switch (option, rest.popFirst()) {
            case ("--from", let name?): source = name
            case ("--to", let name?): target = name
            case ("--help", _):
                print(usage)
                exit(0)
            default: stop("what is \(option)?\n\(usage)", status: 64)
            }
        }
        return (source, target)
    }

    static func stop(_ message: String, status: Int32) -> Never {
        FileHandle.standardError.write(Data("\(message)\n".utf8))
        exit(status)
    }
}
