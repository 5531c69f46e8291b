// A promise that two sides may try to complete: an attempt to connect, and the timer that ends the wait for it.
// Made by RedisClient for each command that finds no connection.

import NIOCore
import Synchronization

/// The first completion counts, later ones are dropped.
final class Waiter<Value: Sendable>: Sendable {
    private let promise: Mutex<EventLoopPromise<Value>?>

    init(_ promise: EventLoopPromise<Value>) { self.promise = Mutex(promise) }

    func complete(_ result: Result<Value, any Error>) {
        let promise = self.promise.withLock { promise in
            defer { promise = nil }
            return promise
        }
        promise?.completeWith(result)
    }
}
