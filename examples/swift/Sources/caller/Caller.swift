// Calls the worker beside it, in each codec; exits with an error if an answer is not what it must be.

import Tempest

struct Order: Codable, Sendable {
    var item: String
    var count: Int
    var price: Double
}

@main
struct Program {
    static func main() async throws {
        let client = try TempestClient()
        let orders = [Order(item: "tea", count: 3, price: 2.5), Order(item: "jam", count: 1, price: 4.25)]
        for codec in [JSONCodec(), MessagePackCodec(), TNetstringCodec()] as [any Codec] {
            let sum: Int = try await client.call("add", 2, 3, codec: codec)
            let total: Double = try await client.call("total", orders, codec: codec)
            print("\(codec.name): 2 + 3 = \(sum), total \(total)")
            precondition(sum == 5 && total == 11.75)
        }
        var numbers: [Int] = []
        for try await number in try await client.stream("countdown", 3, of: Int.self) { numbers.append(number) }
        print("countdown: \(numbers)")
        precondition(numbers == [3, 2, 1, 0])
        do {
            let _: Double = try await client.call("total", [Order]())
            preconditionFailure("an empty list has no total")
        } catch let error as CallError {
            print("as it must be: \(error)")
            precondition(error.remoteCode == "no_orders")
        }
        let id = try await client.push("add", 1, 1)
        print("pushed \(id), and did not wait")
        await client.shutdown()
    }
}
