// The state machine of a connection, without any socket: tokens are numbers, time is what the test says.

import NIOCore
import Testing

@testable import TempestRedis

@Suite("The logic of a connection")
struct ConnectionLogicTests {
    typealias Logic = ConnectionLogic<Int>

    static func logic(_ tokens: ClosedRange<Int>? = nil, timeout: TimeAmount = .seconds(5)) -> Logic {
        var logic = Logic(RedisPlace(address: "there"))
        for token in tokens ?? 1...1 where tokens != nil {
            _ = logic.enqueue(token, name: "GET", now: .uptimeNanoseconds(0), timeout: timeout)
        }
        return logic
    }

    @Test("gives replies to commands in the order of the commands")
    func order() {
        var logic = Self.logic(1...3)
        for token in 1...3 {
            guard case .succeed(token, .integer(Int64(token))) = logic.received(.integer(Int64(token))) else {
                Issue.record("reply \(token) went astray")
                return
            }
        }
        #expect(logic.pendingCount == 0)
        #expect(logic.nextDeadline == nil)
    }

    @Test("turns an error reply into an error of its command alone")
    func errorReply() {
        var logic = Self.logic(1...2)
        guard case .fail(1, let error) = logic.received(.error("LOADING Redis is loading the dataset in memory")) else {
            Issue.record("no failure")
            return
        }
        #expect(error.code == .loading)
        #expect(error.reply == "LOADING Redis is loading the dataset in memory")
        guard case .succeed(2, .array([.error("ERR x")])) = logic.received(.array([.error("ERR x")])) else {
            Issue.record("the second command was disturbed")
            return
        }
    }

    @Test("closes on a reply that nobody asked for")
    func unasked() {
        var logic = Self.logic()
        guard case .close(let error) = logic.received(.status("OK")) else {
            Issue.record("not closed")
            return
        }
        #expect(error.code == .protocolError)
        guard case .close(let spoken) = logic.received(.error("ERR max number of clients reached")) else {
            Issue.record("not closed")
            return
        }
        #expect(spoken.code == .clients)
    }

    @Test("expires by the oldest command's deadline, and names the command")
    func expiry() {
        var logic = Logic(RedisPlace(address: "there"))
        _ = logic.enqueue(1, name: "BLMOVE", now: .uptimeNanoseconds(0), timeout: .seconds(7))
        _ = logic.enqueue(2, name: "GET", now: .uptimeNanoseconds(0), timeout: .milliseconds(1500))
        #expect(logic.nextDeadline == .uptimeNanoseconds(7_000_000_000))
        guard case .nothing = logic.expire(now: .uptimeNanoseconds(6_999_999_999)) else {
            Issue.record("too early")
            return
        }
        guard case .close(1, let error) = logic.expire(now: .uptimeNanoseconds(7_000_000_000)) else {
            Issue.record("not closed")
            return
        }
        #expect(error.code == .timedOut)
        #expect(error.message.contains("BLMOVE within 7 s"))
        #expect(error.message.contains("may or may not have run"))
        let told = logic.close(RedisError(.connectionLost, "lost"))
        #expect(told.map(\.0) == [2])
        #expect(told.first?.1.code == .connectionLost)
        #expect(told.first?.1.message == "lost; GET may or may not have run")
        #expect(told.first?.1.wasNotSent == false)
    }

    @Test("once closed, tells everybody once, keeps its first reason and refuses what comes later as unsent")
    func closing() {
        var logic = Self.logic(1...2)
        #expect(logic.close(RedisError(.closed, "first")).map(\.0) == [1, 2])
        #expect(logic.close(RedisError(.connectionLost, "second")).isEmpty)
        guard case .nothing = logic.received(.integer(1)) else {
            Issue.record("a late reply counted")
            return
        }
        guard case .refuse(3, let error) = logic.enqueue(3, name: "GET", now: .now(), timeout: .seconds(1)) else {
            Issue.record("not refused")
            return
        }
        #expect(error == RedisError(.closed, "first"))
        #expect(error.wasNotSent)
    }

    @Test("waits for every confirmation of a subscription, and hands messages on meanwhile")
    func subscription() {
        var logic = Logic(RedisPlace(address: "there"))
        guard case .write = logic.enqueueSubscription(1, confirmations: 3, now: .now(), timeout: .seconds(5)) else {
            Issue.record("not written")
            return
        }
        func confirm(_ kind: String) -> RedisReply { .array([.bytes(Array(kind.utf8)), .bytes([97]), .integer(1)]) }
        guard case .nothing = logic.received(confirm("subscribe")), case .nothing = logic.received(confirm("subscribe")) else {
            Issue.record("confirmed too early")
            return
        }
        let message = RedisReply.array([.bytes(Array("message".utf8)), .bytes([97]), .bytes([0, 255])])
        guard case .message(RedisMessage(channel: "a", pattern: nil, payload: [0, 255])) = logic.received(message) else {
            Issue.record("message lost")
            return
        }
        guard case .succeed(1, .null) = logic.received(confirm("psubscribe")) else {
            Issue.record("not confirmed")
            return
        }
        let matched = RedisReply.array([.bytes(Array("pmessage".utf8)), .bytes([42]), .bytes([97]), .bytes([])])
        guard case .message(RedisMessage(channel: "a", pattern: "*", payload: [])) = logic.received(matched) else {
            Issue.record("message of a pattern lost")
            return
        }
    }

    @Test("when subscribed, takes PING alone, and knows its reply")
    func subscribedPing() {
        var logic = Logic(RedisPlace(address: "there"))
        _ = logic.enqueueSubscription(1, confirmations: 1, now: .now(), timeout: .seconds(5))
        _ = logic.received(.array([.bytes(Array("subscribe".utf8)), .bytes([97]), .integer(1)]))
        guard case .refuse(2, let error) = logic.enqueue(2, name: "GET", now: .now(), timeout: .seconds(1)) else {
            Issue.record("GET was not refused")
            return
        }
        #expect(error.code == .badArgument)
        guard case .write = logic.enqueue(3, name: "PING", now: .now(), timeout: .seconds(1)) else {
            Issue.record("PING was refused")
            return
        }
        guard case .succeed(3, _) = logic.received(.array([.bytes(Array("pong".utf8)), .bytes([])])) else {
            Issue.record("the pong was not known")
            return
        }
    }

    @Test("when subscribed, takes changes of the subscription, whose confirmations come in order")
    func changes() {
        var logic = Logic(RedisPlace(address: "there"))
        func confirm(_ kind: String, _ left: Int64) -> RedisReply {
            .array([.bytes(Array(kind.utf8)), .bytes([97]), .integer(left)])
        }
        for (token, name) in [(1, "SUBSCRIBE"), (2, "UNSUBSCRIBE"), (3, "SUBSCRIBE")] {
            guard case .write = logic.enqueueSubscription(token, name: name, confirmations: 1, now: .now(), timeout: .seconds(5))
            else {
                Issue.record("\(name) was refused")
                return
            }
        }
        guard case .succeed(1, _) = logic.received(confirm("subscribe", 1)),
            case .succeed(2, _) = logic.received(confirm("unsubscribe", 0)),
            case .fail(3, _) = logic.received(.error("NOPERM no"))
        else {
            Issue.record("not confirmed in order")
            return
        }
        // Nothing is followed any more, so that Redis answers as it does to everybody.
        guard case .write = logic.enqueue(4, name: "PING", now: .now(), timeout: .seconds(1)),
            case .succeed(4, .status("PONG")) = logic.received(.status("PONG"))
        else {
            Issue.record("the pong was not known")
            return
        }
    }

    @Test("fails the subscription when Redis forbids a channel")
    func forbiddenSubscription() {
        var logic = Logic(RedisPlace(address: "there"))
        _ = logic.enqueueSubscription(1, confirmations: 2, now: .now(), timeout: .seconds(5))
        guard case .fail(1, let error) = logic.received(.error("NOPERM no")) else {
            Issue.record("not failed")
            return
        }
        #expect(error.code == .permission)
    }
}
