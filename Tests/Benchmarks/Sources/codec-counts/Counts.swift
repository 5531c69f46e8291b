// Does one operation so many times, for callgrind to count. The script `counts` runs it twice a case: the difference is the operation's.
// Without arguments: the names of the cases, one a line.

import CodecCases

@main
struct Program {
    static func main() throws {
        let cases = try CodecCase.all()
        let arguments = CommandLine.arguments.dropFirst()
        guard let name = arguments.first else { return cases.forEach { print($0.name) } }
        guard let found = cases.first(where: { $0.name == name }), let times = arguments.last.flatMap({ Int($0) }), times > 0
        else {
            print("usage: codec-counts [CASE TIMES]")
            return
        }
        var sum = 0
        for _ in 0..<times { sum &+= try found.run() }
        print(sum)
    }
}
