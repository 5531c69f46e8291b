// URLs: that nothing shows their passwords. What they mean is in the vectors (VectorTests).

import Testing

@testable import TempestRedis

@Suite("A Redis URL")
struct RedisURLTests {
    @Test("that is wrong in a variable names it")
    func environment() {
        let error = #expect(throws: RedisError.self) { _ = try RedisConfiguration.environment(["REDISTOGO_URL": "x"]) }
        #expect(error?.code == .url && error?.message.contains("REDISTOGO_URL") == true)
    }

    @Test(
        "is shown without its password",
        arguments: ["redis://me:sesame@h:1/2", "unix:///s?password=sesame", "rediss://:sesame@[::1]"])
    func hidesPassword(_ url: String) throws {
        let configuration = try RedisConfiguration(url: url)
        var dumped = ""
        dump(configuration, to: &dumped)
        for text in ["\(configuration)", String(reflecting: configuration), String(describing: [configuration]), dumped] {
            #expect(!text.contains("sesame"))
            #expect(text.contains("***"))
        }
    }
}
