// The manifest: what a package manager reads of a package, in the shape of package.json: a small document of short texts, maps whose keys
// are names.
// Before it: SplitMix64 and Words. After it: the candidates.

package import TempestCodecs

/// A manifest, about 2 KB of JSON.
package struct Manifest: Sample, Equatable {
    package var name: String
    package var version: String
    package var description: String
    package var keywords: [String]
    package var license: String
    package var homepage: String
    package var repository: Repository
    package var main: String
    package var files: [String]
    package var scripts: [String: String]
    package var dependencies: [String: String]
    package var devDependencies: [String: String]
    package var engines: [String: String]
    package var isPrivate: Bool

    private enum CodingKeys: String, CodingKey {
        case name, version, description, keywords, license, homepage, repository, main, files, scripts, dependencies,
            devDependencies, engines
        case isPrivate = "private"
    }

    /// Where its source is.
    package struct Repository: Codable, Sendable, Equatable {
        package var type: String
        package var url: String
    }

    init(_ random: inout SplitMix64) {
        func versions(_ count: Int) -> [String: String] {
            var versions: [String: String] = [:]
            for number in 0..<count {
                let name = "\(random.pick(Words.english))-\(random.pick(Words.english))"
                let version = "\(random.integer(0...9)).\(random.integer(0...20)).\(random.integer(0...9))"
                versions[number % 4 == 0 ? "@tempest/\(name)" : name] = "^" + version
            }
            return versions
        }
        name = "storm-glass"
        version = "4.\(random.integer(0...20)).\(random.integer(0...9))"
        description = Words.sentence(Words.english, 12, escapes: false, &random)
        keywords = (0..<8).map { _ in random.pick(Words.english) }
        license = "MIT"
        homepage = "https://example.com/storm-glass#readme"
        repository = Repository(type: "git", url: "git+https://example.com/storm/storm-glass.git")
        main = "lib/index.js"
        files = ["lib", "bin", "LICENSE", "README.md"]
        scripts = [
            "test": "mocha --reporter spec \"test/**/*.js\" && npm run lint", "lint": "eslint . --max-warnings 0",
            "build": "rollup -c && node scripts/after.js", "prepare": "husky install",
            "coverage": "nyc --reporter=lcov --reporter=text npm test", "docs": "typedoc --out docs src/index.ts",
        ]
        dependencies = versions(14)
        devDependencies = versions(22)
        engines = ["node": ">=18.0.0", "npm": ">=9"]
        isPrivate = false
    }
}

extension Manifest: TokenReadable {
    package init(reading node: Node) throws {
        var map = try node.map()
        name = try map.read("name")
        version = try map.read("version")
        description = try map.read("description")
        keywords = try map.read("keywords")
        license = try map.read("license")
        homepage = try map.read("homepage")
        repository = try map.read("repository")
        main = try map.read("main")
        files = try map.read("files")
        scripts = try map.read("scripts")
        dependencies = try map.read("dependencies")
        devDependencies = try map.read("devDependencies")
        engines = try map.read("engines")
        isPrivate = try map.read("private")
    }
}

extension Manifest: TokenWritable {
    package func write<W: TokenWriter>(to writer: inout W) throws(CodecError) {
        try writer.beginMap(count: 14)
        try writer.write("name", name)
        try writer.write("version", version)
        try writer.write("description", description)
        try writer.write("keywords", keywords)
        try writer.write("license", license)
        try writer.write("homepage", homepage)
        try writer.write("repository", repository)
        try writer.write("main", main)
        try writer.write("files", files)
        try writer.write("scripts", scripts)
        try writer.write("dependencies", dependencies)
        try writer.write("devDependencies", devDependencies)
        try writer.write("engines", engines)
        try writer.write("private", isPrivate)
        try writer.endMap()
    }
}

extension Manifest.Repository: TokenReadable {
    package init(reading node: Node) throws {
        var map = try node.map()
        type = try map.read("type")
        url = try map.read("url")
    }
}

extension Manifest.Repository: TokenWritable {
    package func write<W: TokenWriter>(to writer: inout W) throws(CodecError) {
        try writer.beginMap(count: 2)
        try writer.write("type", type)
        try writer.write("url", url)
        try writer.endMap()
    }
}
