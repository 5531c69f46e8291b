// The catalogue: events of a concert hall with prices and seats, in the shape of citm_catalog.json of the JSON benchmarks: the same few keys
// thousands of times, small integers, maps whose keys are ids.
// Before it: SplitMix64 and Words. After it: the candidates.

/// A catalogue, about 400 KB of JSON.
package struct Catalogue: Sample, Equatable {
    package var areaNames: [String: String]
    package var events: [String: Event]
    package var performances: [Performance]
    package var topicNames: [String: String]
    package var venueNames: [String: String]

    /// What is played.
    package struct Event: Codable, Sendable, Equatable {
        package var description: String?
        package var id: Int
        package var logo: String?
        package var name: String
        package var subTopicIds: [Int]
        package var subjectCode: String?
        package var subtitle: String?
        package var topicIds: [Int]
    }

    /// When and where.
    package struct Performance: Codable, Sendable, Equatable {
        package var eventId: Int
        package var id: Int
        package var logo: String?
        package var name: String?
        package var prices: [Price]
        package var seatCategories: [SeatCategory]
        package var seatMapImage: String?
        /// Milliseconds since 1970.
        package var start: Int
        package var venueCode: String
    }

    /// What a seat costs, in cents.
    package struct Price: Codable, Sendable, Equatable {
        package var amount: Int
        package var audienceSubCategoryId: Int
        package var seatCategoryId: Int
    }

    /// Seats of one price.
    package struct SeatCategory: Codable, Sendable, Equatable {
        package var areas: [Area]
        package var seatCategoryId: Int
    }

    /// A part of the hall.
    package struct Area: Codable, Sendable, Equatable {
        package var areaId: Int
        package var blockIds: [Int]
    }

    init(_ random: inout SplitMix64) {
        func title(_ words: Int) -> String {
            Words.sentence(Words.scripts[2].words + Words.english, words, escapes: false, &random)
        }
        areaNames = [:]
        (events, topicNames) = ([:], [:])
        let areas = (0..<17).map { 205_705_993 + $0 }
        for area in areas { areaNames[String(area)] = title(2) }
        for topic in 0..<12 { topicNames[String(324_846_098 + topic)] = title(1) }
        venueNames = ["PLEYEL_PLEYEL": title(2)]
        let ids = (0..<180).map { 138_586_341 + $0 * 7 }
        for id in ids { events[String(id)] = Event(id, title(5), &random) }
        performances = (0..<240).map { number in Performance(339_887_544 + number, event: random.pick(ids), areas, &random) }
    }
}

extension Catalogue.Event {
    init(_ id: Int, _ name: String, _ random: inout SplitMix64) {
        (description, self.id, self.name, subjectCode, subtitle) = (nil, id, name, nil, nil)
        logo = random.integer(0...2) == 0 ? "/images/UE0AAAAACEKo6QAAAAZDSVRN" : nil
        subTopicIds = (0..<random.integer(1...4)).map { _ in 337_184_262 + random.integer(0...40) }
        topicIds = (0..<random.integer(1...3)).map { _ in 324_846_098 + random.integer(0...11) }
    }
}

extension Catalogue.Performance {
    init(_ id: Int, event: Int, _ areas: [Int], _ random: inout SplitMix64) {
        (eventId, self.id, logo, name, seatMapImage) = (event, id, nil, nil, nil)
        let categories = (0..<random.integer(1...6)).map { 338_937_235 + $0 }
        prices = categories.map {
            Catalogue.Price(amount: random.integer(10...200) * 500, audienceSubCategoryId: 337_100_890, seatCategoryId: $0)
        }
        seatCategories = categories.map { category in
            let areas = areas.filter { _ in random.integer(0...2) > 0 }.map { Catalogue.Area(areaId: $0, blockIds: []) }
            return Catalogue.SeatCategory(areas: areas, seatCategoryId: category)
        }
        start = 1_372_701_600_000 + random.integer(0...300) * 86_400_000
        venueCode = "PLEYEL_PLEYEL"
    }
}
