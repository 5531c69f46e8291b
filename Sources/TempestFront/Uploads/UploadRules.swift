// How much of a body is taken, and where the rest goes. Part of a front's configuration; read by Uploads and its intake.

/// What a front does with bodies.
public struct UploadRules: Sendable, Hashable {
    /// How many bytes of a body travel in the job itself, and how many the fields of a form may have together. Default 1 MiB.
    public var bodyLimit: Int
    /// How many bytes one upload may have. Default 100 MiB.
    public var uploadLimit: Int
    /// How many bytes a whole request may have. Default 200 MiB.
    public var requestLimit: Int
    /// How many files a form may have. Default 20.
    public var fileLimit: Int
    /// How many parts a form may have, files and fields together. Default 1000.
    public var partLimit: Int
    /// After what time an upload is removed. Default a day.
    public var age: Duration
    /// What is put before a token to make the `url` under which workers get uploads by GET, such as
    /// `http://10.0.0.7:8080/uploads/`. Nil: jobs have no `url`, workers share the folder.
    public var base: String?

    public init(
        bodyLimit: Int = 1 << 20, uploadLimit: Int = 100 << 20, requestLimit: Int = 200 << 20, fileLimit: Int = 20,
        partLimit: Int = 1000, age: Duration = .seconds(86400), base: String? = nil
    ) {
        (self.bodyLimit, self.uploadLimit, self.requestLimit) = (bodyLimit, uploadLimit, requestLimit)
        (self.fileLimit, self.partLimit, self.age, self.base) = (fileLimit, partLimit, age, base)
    }
}
