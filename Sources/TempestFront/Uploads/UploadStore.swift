// Where content is put aside: what a place must be able to do. Written by the intake of bodies, read by those who redeem a token,
// swept by Uploads. FolderStore is the one that comes along.

public import NIOCore

/// A place that keeps uploads under names of its own making. Anybody may write another: an object store, a database.
///
/// Errors that the browser is to hear of are `UploadError`s of Tempest: `.full` becomes 507, `.tooLarge` 413, all others 503.
/// Everything may be called by many tasks at once; no function may block an event loop. Cancellation may end `write` and `open`;
/// `discard`, `release`, `remove` and `sweep` do what they are for all the same.
public protocol UploadStore: Sendable {
    /// Begins a new content, which nobody can open before it is committed.
    func begin() async throws -> any UploadDraft
    /// Opens a content by its token; nil if there is none. The token is of the right shape, and otherwise unknown.
    func open(_ token: String) async throws -> StoredUpload?
    /// Keeps a content when its request ends, until it is removed or swept; false if it is not there any more. May come twice.
    func keep(_ token: String) async throws -> Bool
    /// Removes a content that is not kept, because its request has ended; one that is not there is no error. Who has it open may read on.
    /// Of `keep` and `release` that come at once one succeeds.
    func release(_ token: String) async throws
    /// Removes a content, kept or not; false if it is not there. Who has it open may read on.
    func remove(_ token: String) async throws -> Bool
    /// Removes all that is older, drafts that nobody writes to any more too, and returns how many there were. May run on several
    /// hosts at once.
    func sweep(olderThan age: Duration) async throws -> Int
}

/// A content while it comes in. Used by one task, and ended by exactly one of `commit` and `discard`.
public protocol UploadDraft: Sendable {
    /// Adds bytes; returns when the next ones may come, so that no more than a buffer is ever held.
    func write(_ buffer: ByteBuffer) async throws
    /// Makes the content whole and lasting, and returns its token: 43 characters of base64url from 256 random bits. After an
    /// error nothing is left of it.
    func commit() async throws -> String
    /// Removes what was written. Never fails as far as the caller can see: what could not be removed is swept later.
    func discard() async
}

/// A content that is open for reading.
public struct StoredUpload: Sendable {
    /// In bytes.
    public let size: Int
    /// Bytes from an offset on, at most so many; fewer or none only at the end.
    public let read: @Sendable (_ offset: Int, _ count: Int) async throws -> ByteBuffer

    public init(size: Int, read: @escaping @Sendable (_ offset: Int, _ count: Int) async throws -> ByteBuffer) {
        (self.size, self.read) = (size, read)
    }
}
