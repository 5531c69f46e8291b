// `import Tempest` is enough for a worker or a caller: values, jobs and the address of Redis come with it.

@_exported public import TempestCodecs
@_exported public import TempestProtocol

@_exported public import struct TempestRedis.RedisConfiguration
@_exported public import struct TempestRedis.RedisError
