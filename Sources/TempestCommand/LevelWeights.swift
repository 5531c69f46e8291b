// Weights of levels as people write them: `high=6,default=3,low=1`. Before it: an option of a command. After it: WorkerOptions.weights.

import ArgumentParser
import Tempest

struct LevelWeights {
    let values: [Level: Int]

    /// Throws a ValidationError that says what was expected.
    init(_ text: String) throws {
        var values: [Level: Int] = [:]
        for part in text.split(separator: ",") {
            let words = part.split(separator: "=", omittingEmptySubsequences: false)
            guard words.count == 2, let level = try? Level(String(words[0])), let weight = Int(words[1]),
                (1...1000).contains(weight), values.updateValue(weight, forKey: level) == nil
            else {
                throw ValidationError(
                    "--weights: \(part.debugDescription) is not <level>=<weight from 1 to 1000>, once for each level")
            }
        }
        self.values = values
    }
}
