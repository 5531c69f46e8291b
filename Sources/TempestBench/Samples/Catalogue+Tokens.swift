// How a catalogue is read from tokens and written to them: as a program would do it for its own types.

package import TempestCodecs

extension Catalogue: TokenReadable {
    package init(reading node: Node) throws {
        var map = try node.map()
        areaNames = try map.read("areaNames")
        events = try map.read("events")
        performances = try map.read("performances")
        topicNames = try map.read("topicNames")
        venueNames = try map.read("venueNames")
    }
}

extension Catalogue: TokenWritable {
    package func write<W: TokenWriter>(to writer: inout W) throws(CodecError) {
        try writer.beginMap(count: 5)
        try writer.write("areaNames", areaNames)
        try writer.write("events", events)
        try writer.write("performances", performances)
        try writer.write("topicNames", topicNames)
        try writer.write("venueNames", venueNames)
        try writer.endMap()
    }
}

extension Catalogue.Event: TokenReadable {
    package init(reading node: Node) throws {
        var map = try node.map()
        description = try map.readIfPresent("description")
        id = try map.read("id")
        logo = try map.readIfPresent("logo")
        name = try map.read("name")
        subTopicIds = try map.read("subTopicIds")
        subjectCode = try map.readIfPresent("subjectCode")
        subtitle = try map.readIfPresent("subtitle")
        topicIds = try map.read("topicIds")
    }
}

extension Catalogue.Event: TokenWritable {
    package func write<W: TokenWriter>(to writer: inout W) throws(CodecError) {
        try writer.beginMap(count: 8)
        try writer.write("description", description)
        try writer.write("id", id)
        try writer.write("logo", logo)
        try writer.write("name", name)
        try writer.write("subTopicIds", subTopicIds)
        try writer.write("subjectCode", subjectCode)
        try writer.write("subtitle", subtitle)
        try writer.write("topicIds", topicIds)
        try writer.endMap()
    }
}

extension Catalogue.Performance: TokenReadable {
    package init(reading node: Node) throws {
        var map = try node.map()
        eventId = try map.read("eventId")
        id = try map.read("id")
        logo = try map.readIfPresent("logo")
        name = try map.readIfPresent("name")
        prices = try map.read("prices")
        seatCategories = try map.read("seatCategories")
        seatMapImage = try map.readIfPresent("seatMapImage")
        start = try map.read("start")
        venueCode = try map.read("venueCode")
    }
}

extension Catalogue.Performance: TokenWritable {
    package func write<W: TokenWriter>(to writer: inout W) throws(CodecError) {
        try writer.beginMap(count: 9)
        try writer.write("eventId", eventId)
        try writer.write("id", id)
        try writer.write("logo", logo)
        try writer.write("name", name)
        try writer.write("prices", prices)
        try writer.write("seatCategories", seatCategories)
        try writer.write("seatMapImage", seatMapImage)
        try writer.write("start", start)
        try writer.write("venueCode", venueCode)
        try writer.endMap()
    }
}

extension Catalogue.Price: TokenReadable {
    package init(reading node: Node) throws {
        var map = try node.map()
        amount = try map.read("amount")
        audienceSubCategoryId = try map.read("audienceSubCategoryId")
        seatCategoryId = try map.read("seatCategoryId")
    }
}

extension Catalogue.Price: TokenWritable {
    package func write<W: TokenWriter>(to writer: inout W) throws(CodecError) {
        try writer.beginMap(count: 3)
        try writer.write("amount", amount)
        try writer.write("audienceSubCategoryId", audienceSubCategoryId)
        try writer.write("seatCategoryId", seatCategoryId)
        try writer.endMap()
    }
}

extension Catalogue.SeatCategory: TokenReadable {
    package init(reading node: Node) throws {
        var map = try node.map()
        areas = try map.read("areas")
        seatCategoryId = try map.read("seatCategoryId")
    }
}

extension Catalogue.SeatCategory: TokenWritable {
    package func write<W: TokenWriter>(to writer: inout W) throws(CodecError) {
        try writer.beginMap(count: 2)
        try writer.write("areas", areas)
        try writer.write("seatCategoryId", seatCategoryId)
        try writer.endMap()
    }
}

extension Catalogue.Area: TokenReadable {
    package init(reading node: Node) throws {
        var map = try node.map()
        areaId = try map.read("areaId")
        blockIds = try map.read("blockIds")
    }
}

extension Catalogue.Area: TokenWritable {
    package func write<W: TokenWriter>(to writer: inout W) throws(CodecError) {
        try writer.beginMap(count: 2)
        try writer.write("areaId", areaId)
        try writer.write("blockIds", blockIds)
        try writer.endMap()
    }
}
