# frozen_string_literal: true

# The names of Redis' commands, in all its versions: no action that is answered directly may be called so. A direct answer is a command
# named after the action; were a Redis at the address, it would obey. DirectRule asks.

require "set"

module Tempest
  # @api private
  module RedisCommands
    NAMES = %w[
      acl append asking auth bgrewriteaof bgsave bitcount bitfield bitfield_ro bitop bitpos blmove blmpop blpop brpop brpoplpush
      bzmpop bzpopmax bzpopmin client cluster command commandlog config copy dbsize debug decr decrby del delex delifeq digest
      discard dump echo eval eval_ro evalsha evalsha_ro exec exists expire expireat expiremember expirememberat expiretime failover
      fcall fcall_ro flushall flushdb function geoadd geodist geohash geopos georadius georadius_ro georadiusbymember
      georadiusbymember_ro geosearch geosearchstore get getbit getdel getex getrange getset hdel hello hexists hexpire hexpireat
      hexpiretime hget hgetall hgetdel hgetex hgetf hincrby hincrbyfloat hkeys hlen hmget hmset host: hpersist hpexpire hpexpireat
      hpexpiretime hpttl hrandfield hscan hset hsetex hsetf hsetnx hstrlen httl hvals incr incrby incrbyfloat info keys lastsave
      latency lcs lfence lindex linsert llen lmove lmpop lolwut lpop lpos lpush lpushx lrange lrem lset ltrim memory mexists mget
      migrate module monitor move mset msetex msetnx multi mvccrestore object persist pexpire pexpireat pexpirememberat pexpiretime
      pfadd pfcount pfdebug pfmerge pfselftest ping post psetex psubscribe psync pttl ptexpire publish pubsub punsubscribe quit
      randomkey readonly readwrite rename renamenx replconf replicaof replping reset restore restore-asking role rpop rpoplpush
      rpush rpushx rreplay sadd save scan scard script sdiff sdiffstore select sentinel set setbit setex setnx setrange shutdown
      sinter sintercard sinterstore sismember slaveof slowlog smembers smismember smove sort sort_ro spop spublish srandmember srem
      sscan ssubscribe strlen subscribe substr sunion sunionstore sunsubscribe swapdb sync syncslots time touch trimslots ttl type
      unlink unsubscribe unwatch vadd vcard vdim vemb vgetattr vinfo vismember vlinks vrandmember vrange vrem vsetattr vsim wait
      waitaof watch xack xackdel xadd xautoclaim xcfgset xclaim xdel xdelex xgroup xinfo xlen xpending xrange xread xreadgroup
      xrevrange xsetid xtrim zadd zcard zcount zdiff zdiffstore zincrby zinter zintercard zinterstore zlexcount zmpop zmscore
      zpopmax zpopmin zrandmember zrange zrangebylex zrangebyscore zrangestore zrank zrem zremrangebylex zremrangebyrank
      zremrangebyscore zrevrange zrevrangebylex zrevrangebyscore zrevrank zscan zscore zunion zunionstore
    ].to_set.freeze
    # What stands before the dot of the commands of modules, as in json.set.
    MODULES = %w[
      _ft ai bf bitmapist cf cl cms cuckoo ft graph json keydb neural nhash r redisgears redisgears_2 rediscompare rg rl search t
      tdigest tfunction timeseries topk tr ts vs
    ].to_set.freeze

    module_function

    # Redis compares by ASCII; Unicode's rules would fold more.
    # @return [Boolean] whether a Redis may know a command of this name, in whatever case
    def include?(name)
      lower = name.downcase(:ascii)
      before, dot, = lower.partition(".")
      NAMES.include?(lower) || (!dot.empty? && MODULES.include?(before))
    end
  end
end
