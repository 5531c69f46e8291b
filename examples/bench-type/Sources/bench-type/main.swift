// Measures the codecs on a type of your own. In a checkout of Tempest this file is examples/bench-type/Sources/bench-type/main.swift:
//
//     swift run -c release --package-path examples/bench-type
//
// In a package of your own: import TempestBench, which is .product(name: "TempestBench", package: "tempest"), and put your type here.

import TempestBench

struct Item: Codable {
    var sku: String
    var count: Int
    var price: Double
}

struct Order: Codable {
    var id: Int
    var customer: String
    var items: [Item]
}

let items = [Item(sku: "tea", count: 2, price: 4.5), Item(sku: "cup", count: 1, price: 12)]
let order = Order(id: 7, customer: "Ada Lovelace", items: items)
try await CodecBench.measure("order", order)
