// Sees when a started worker takes jobs: a process of its name is registered on a queue.
// Asked by Slots for each worker that they start; looks into Redis only while somebody is awaited.

import Synchronization
import Tempest
import TempestRedis

final class ReadyWatch: Sendable {
    private let redis: RedisClient
    private let awaited = Mutex<[String: @Sendable () -> Void]>([:])
    private let bell: AsyncStream<Void>
    private let ring: AsyncStream<Void>.Continuation

    init(_ redis: RedisClient) {
        self.redis = redis
        (self.bell, self.ring) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Calls `ready` once, when a process `<name>.…` is registered.
    func watch(_ name: String, ready: @escaping @Sendable () -> Void) {
        self.awaited.withLock { $0[name] = ready }
        self.ring.yield()
    }

    func forget(_ name: String) { self.awaited.withLock { _ = $0.removeValue(forKey: name) } }

    /// Looks until it is cancelled.
    func run() async {
        for await _ in self.bell {
            while !Task.isCancelled, self.awaited.withLock({ !$0.isEmpty }) {
                do throws(RedisError) {
                    try await self.look()
                    try? await Task.sleep(for: .milliseconds(50))
                } catch {
                    // The client has logged it; the time within which the worker is to be ready goes on.
                    try? await Task.sleep(for: .milliseconds(500))
                }
            }
        }
    }

    private func look() async throws(RedisError) {
        let queues = try await self.redis.execute(["SMEMBERS", .text(Keys.queues)]).array?.compactMap(\.string) ?? []
        // What is no queue's name was put there by somebody else.
        let keys = queues.compactMap { (try? QueueName($0)).map { "{\($0)}:!procs" } }
        guard !keys.isEmpty else { return }
        for result in try await self.redis.execute(keys.map { ["HKEYS", .text($0)] as RedisCommand }) {
            guard case .success(let reply) = result else { continue }
            for name in reply.array?.compactMap(\.string) ?? [] {
                guard let dot = name.lastIndex(of: ".") else { continue }
                self.awaited.withLock { $0.removeValue(forKey: String(name[..<dot])) }?()
            }
        }
    }
}
