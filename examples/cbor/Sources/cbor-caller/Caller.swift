// Calls the worker beside it in CBOR, and once in JSON; exits with an error if an answer is not what it must be.

import Tempest
import TempestCBOR

struct Reading: Codable, Sendable {
    var sensor: String
    var values: [Double]
    var raw: Bytes
}

struct Summary: Codable, Sendable {
    var sensor: String
    var mean: Double
    var rawBytes: Int
}

@main
struct Program {
    static func main() async throws {
        var options = ClientOptions()
        // Jobs are written in CBOR, and their answers, which come in the codec of the job, are understood.
        options.codec = .cbor
        let client = try TempestClient(options: options)

        let reading = Reading(sensor: "attic", values: [20.5, 21.25, 22], raw: [0x00, 0xFF, 0x7F])
        let summary: Summary = try await client.call("summarise", reading)
        print("in CBOR: \(summary)")
        precondition(summary.sensor == "attic" && summary.mean == 21.25 && summary.rawBytes == 3)

        let ours: String = try await client.call("codec")
        let other: String = try await client.call("codec", codec: .json)
        print("the worker saw \(ours), and \(other) when it was asked in JSON")
        precondition(ours == "cbor" && other == "json")

        do {
            let _: Summary = try await client.call("summarise", Reading(sensor: "attic", values: [], raw: []))
            preconditionFailure("no values have no mean")
        } catch let error as CallError {
            print("as it must be: \(error)")
            precondition(error.remoteCode == "no_values")
        }
        await client.shutdown()
    }
}
