#!lua name=tempest1
-- Tempest's Redis functions: every move of a job between waiting, claimed and settled is one of these, and atomic.
--
-- Every function: KEYS[1] = Q, the queue (so that cluster clients can route); ARGV as written above it. All keys are made
-- from Q and share its slot. Payloads and answers are opaque bytes here. Errors that a caller must know begin with:
--   FENCED  the process P is not registered (it was reaped, or Redis was flushed): stop, and begin again as a new process
--   RESYNC  the claim number is not the next one: a reply was lost; read the run hash, then go on from the number given
--   BADARG  an argument is not what the function takes
--
--   Q, {Q}:<level>      LIST  waiting jobs; head = left; the bare key is the level `default`
--   {Q}:in:<id>         LIST  inbox: answers
--   {Q}:!procs          HASH  P -> beat counter
--   {Q}:!cid:P          SET   P's connections, "<run_id>/<client id>"
--   {Q}:!run:P          HASH  "<level>.<no>" -> payload; "#" -> number of the last claim; "@" -> number of the last job;
--                             "!" -> the field that P runs alone
--   {Q}:!begun:P        SET   fields of P's run hash that must not be run again: `once` jobs whose handlers it calls
--   {Q}:!land:P:<level> LIST  what P's parked BLMOVE dropped and P has not adopted
--   {Q}:!leases         HASH  P -> its lease in milliseconds, where it is not LEASE
--   {Q}:!actions:P      SET   "<level>:<action>" of the jobs that P would run, as it said with hello
--   {Q}:!unknown        ZSET  "<level>:<action>" of jobs that were claimed by a process without a handler for them, and wait for one
--                             that has it -> when it is looked whether they have waited long enough
--   {Q}:!unknown:<sha1> ZSET  "<sequence>:<payload>" of those of one level and action, of which it is the digest -> until when it waits
--   {Q}:!notes          HASH  P -> what it says of itself, for people
--   {Q}:!grave          ZSET  P -> when it was reaped; looked at again for GRAVE milliseconds
--   {Q}:!untold         HASH  P that was reaped and has untold callers -> a number that rises when one is recorded or returned; "P#" ->
--                             how often some were returned and no reaper came back, since one of them was told
--   {Q}:!untold:P       ZSET  id of a dead record whose caller P's reaper is to tell -> that number when it was recorded or last returned
--   {Q}:!known          HASH  "<level>:<action>" of such jobs -> when a process was last seen that would run them
--   {Q}:!tries          HASH  sha1 of a payload -> how often it crashed its process; "sha1!": it was to be run alone, and was put aside
--                             for a process that has a handler, where it runs in company: the next crash counts
--   {Q}:!suspect        LIST  "<level>:<payload>": jobs to be run alone
--   {Q}:!delayed        ZSET  "<sequence>:<level>:<payload>" -> when it is due
--   {Q}:!cancelled      ZSET  job id -> until when it is remembered
--   {Q}:!clock          HASH  keeper, until: the process that promotes and sweeps; swept, counted: when it last did; back: when the first
--                             one came after nobody had been there; database: the number of this database, as the last hello said
--                             it; absent: 0
--   {Q}:!watch          ZSET  P -> until when it watches the others, of whom it is told by its ticks; at most WATCHERS
--   {Q}:!idle           HASH  inbox -> "<beat counter>/<how many sweeps it stood still>"
--   {Q}:!dead           STREAM dead jobs: job, level, reason, detail, by, tries
--   {Q}:!inboxes        HASH  id -> beat counter of its owner; "id#" -> answers read so far
--   {Q}:!counts         HASH  claimed, settled, failed, expired, cancelled, retried, delayed, promoted, dead, revived, returned,
--                             crashed, recovered, reaped, stale, undelivered, unknown; and dead_bytes, what the dead stream holds now
--   {Q}:!levels         SET   levels seen
--   {Q}:!paused         SET   levels paused; "*" = all
--   {Q}:!flow:<sha1>    STRING how many answers of the job of that id its caller has used; for FLOW_SECONDS
--   {Q}:!gather:<sha1>  HASH  index -> result, of the steps of a route that run in parallel; "!" -> the index that came last,
--                             or "-<index>" of the one that failed first; for GATHER_SECONDS
--   {Q}:!news           CHANNEL "tick P" (or "*"): tick now; "suspect": a job is to be run alone; "cancel <job id>";
--                             "credit <job id> <used>". In database n > 0 its name is {Q}:!news@n: Redis' channels know no databases
-- Times are milliseconds since 1970 by Redis' clock.

local REVISION = 8
local MOVE_BYTES = 1048576     -- a call that moves jobs stops once it has moved this much
local LOOK_BYTES = 4096        -- settle looks up many jobs at once up to this mean size
local ORPHAN_SECONDS = 300     -- how long answers to an inbox that nobody registered are kept
local DEAD_RECORDS = 10000     -- how many dead jobs are kept,
local DEAD_BYTES = 67108864    -- how many bytes of them,
local DEAD_AGE = 15552000000   -- and for how long: 180 days
local TRIM = 64                -- how many of them at most are let go when another comes
local LEASE = 10000            -- of a process that names none
local ANEW = 1000000           -- more numbers of jobs than P can have had in what Redis forgot
local GRAVE = 300000           -- how long something may still land for a process that was reaped
local UNTOLD = 3000            -- how long callers whom a reaper has not told wait for another to tell them,
local UNTOLD_MOST = 100        -- how many of them one call returns,
local UNTOLD_TRIES = 10        -- and how often, while no reaper comes back: to read their jobs may crash whoever does it
local KEEPER = 3000            -- how long the keeper of the clock may be silent before another takes over
local WATCHERS = 8             -- how many processes watch the others: each is told of all of them, each second
local WATCH = 3000             -- how long one of them may be silent before another takes its place
local NEAR = 1100              -- a job due sooner than this cannot wait for the keeper's next tick
local KNOWN = 60000            -- how long unknown jobs wait, whatever their patience, for processes that were there
local GAP = 6000               -- how long nobody has kept the clock when those who know them may come back one after another
local KINDS = 64               -- how many levels and actions of unknown jobs are looked at, or deleted, in one call
local ROUNDS = 16              -- and how often, as long as nothing of it is to be given up
local SUSPECTS = 16            -- how far is looked for a suspect that may run
local SWEEP = 1000             -- between two looks into the graves
local INBOX_SWEEP = 30000      -- between two looks at the inboxes,
local INBOX_STRIKES = 3        -- and how many of them an inbox may stand still
local POISON = 3               -- counted crashes after which a job is dead
local FLOW_SECONDS = 86400     -- how long a caller's word on what it has used holds
local GATHER_SECONDS = 2592000 -- how long after one step of a route that runs in parallel the next may end: 30 days,
local GATHERED_SECONDS = 86400 -- and how long their results are kept once all are there, or one has failed
local GATHER_MOST = 256        -- and how many of them there may be
local EVENTS_SECONDS = 86400   -- how long a channel's messages are kept after the last one
local TRIES_SECONDS = 259200   -- how long crashes are remembered after the last one
local DATABASES = 2147483647   -- the greatest number of a database

local function at(q, name) return '{' .. q .. '}:!' .. name end

local function level_key(q, level)
  if level == 'default' then return q end
  return '{' .. q .. '}:' .. level
end

local function fenced(q, p)
  if not p then return redis.error_reply('BADARG P') end
  if redis.call('HEXISTS', at(q, 'procs'), p) == 1 then return nil end
  return redis.error_reply('FENCED ' .. p .. ' is not registered on queue ' .. q)
end

local function number(text, least, most)
  if not text or not string.match(text, '^%d+$') then return nil end
  local n = tonumber(text)
  if not n or n ~= math.floor(n) or n < least or n > most then return nil end
  return n
end

local function bad(what) return redis.error_reply('BADARG ' .. what) end

local function count(q, name, n)
  if n > 0 then redis.call('HINCRBY', at(q, 'counts'), name, n) end
end

-- The level that a run hash's field belongs to, or nil for "#", "@" and "!".
local function level_of(field) return string.match(field, '^(%a[%w_.-]*)%.%d+$') end

local function paused_set(q)
  local set, any = {}, false
  for _, level in ipairs(redis.call('SMEMBERS', at(q, 'paused'))) do set[level] = true; any = true end
  return any and set or nil
end

local function is_level(level)
  return #level <= 128 and string.match(level, '^%a[%w_.-]*$') ~= nil
end

local function now()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

-- What is published in one database is heard in all: a channel of database n > 0 has `@n` at its end, which no name of a user has.
local function channel_in(database, name) return database > 0 and name .. '@' .. string.format('%d', database) or name end

-- Best effort: whoever may not publish, or does not hear it, learns of it with its next tick. Returns how many heard it.
local function tell_news(q, news)
  -- A function cannot learn in which database it runs: processes have said it.
  local stored = redis.pcall('HGET', at(q, 'clock'), 'database')
  local database = type(stored) == 'string' and number(stored, 0, DATABASES) or 0
  local heard = redis.pcall('PUBLISH', channel_in(database, at(q, 'news')), news)
  return type(heard) == 'number' and heard or 0
end

-- The first argument from `first` on that is no level, as an error; nil if all are.
local function bad_level(argv, first)
  for i = first, #argv do
    if not is_level(argv[i]) then return bad('level: a letter, then A-Z a-z 0-9 _ . -; at most 128') end
  end
end

-- Remembers the levels from `first` on; how many were new. What lands for a process is only looked for at levels that are known.
local function announce(q, names, first)
  local new = 0
  for i = first, #names do new = new + redis.call('SADD', at(q, 'levels'), names[i]) end
  return new
end

-- The value of a field in a stream's entry: a flat list of names and values.
local function field_of(entry, name)
  for i = 1, #entry, 2 do
    if entry[i] == name then return entry[i + 1] end
  end
end

-- Removes a dead record; false if there is none.
local function unbury(q, id)
  local found = redis.call('XRANGE', at(q, 'dead'), id, id)
  if not found[1] then return false end
  redis.call('XDEL', at(q, 'dead'), id)
  -- Not the negated length: for an empty job Lua would write -0, which is no integer to Redis.
  local bytes = redis.call('HINCRBY', at(q, 'counts'), 'dead_bytes', 0 - #(field_of(found[1][2], 'job') or ''))
  if bytes < 0 then redis.call('HSET', at(q, 'counts'), 'dead_bytes', '0') end
  return true
end

-- How often a payload crashed its process. Equal payloads are one: nothing else tells them apart.
local function tries_of(q, job)
  return tonumber(redis.call('HGET', at(q, 'tries'), redis.sha1hex(job)) or '0')
end

local function set_tries(q, job, n)
  if n > 0 then
    redis.call('HSET', at(q, 'tries'), redis.sha1hex(job), string.format('%d', n))
    redis.call('EXPIRE', at(q, 'tries'), TRIES_SECONDS)
  else
    redis.call('HDEL', at(q, 'tries'), redis.sha1hex(job), redis.sha1hex(job) .. '!')
  end
end

-- Whether the next crash of this job counts although it runs in company; once.
local function was_put_aside(q, job) return redis.call('HDEL', at(q, 'tries'), redis.sha1hex(job) .. '!') == 1 end

-- Records a job as dead, and lets go of the oldest records beyond what is kept. Returns the record's id.
local function bury(q, p, level, job, reason, detail)
  local dead = at(q, 'dead')
  local id = redis.call('XADD', dead, '*', 'job', job, 'level', level, 'reason', reason, 'detail', detail, 'by', p,
    'tries', string.format('%d', tries_of(q, job)))
  count(q, 'dead', 1)
  local bytes = redis.call('HINCRBY', at(q, 'counts'), 'dead_bytes', #job)
  local length, oldest_kept = redis.call('XLEN', dead), now() - DEAD_AGE
  -- Somebody may have deleted or trimmed the stream by hand: the bytes are reckoned anew when it begins anew.
  if length == 1 then redis.call('HSET', at(q, 'counts'), 'dead_bytes', string.format('%d', #job)) end
  local last = math.max(1, length - TRIM)
  while length > last do
    local oldest = redis.call('XRANGE', dead, '-', '+', 'COUNT', 1)[1]
    local old = tonumber(string.match(oldest[1], '^%d+')) < oldest_kept
    if not old and length <= DEAD_RECORDS and bytes <= DEAD_BYTES then break end
    unbury(q, oldest[1])
    length, bytes = length - 1, bytes - #(field_of(oldest[2], 'job') or '')
  end
  return id
end

-- Records a job as dead whose process has gone: its caller is untold until somebody says that it was told.
local function bury_untold(q, p, level, job, reason, detail)
  local id = bury(q, p, level, job, reason, detail)
  redis.call('ZADD', at(q, 'untold:' .. p), redis.call('HINCRBY', at(q, 'untold'), p, 1), id)
end

-- Puts a job at the head (LPUSH) or the tail (RPUSH) of its level. A key there that is no list must not hold up the others: the job
-- is then recorded as dead.
local function put(how, q, p, level, job)
  local done = redis.pcall(how, level_key(q, level), job)
  if type(done) == 'table' and done.err then
    bury(q, p, level, job, 'wrong_type', 'the key of the level is no list')
  end
end

local function put_back(q, p, level, job) put('LPUSH', q, p, level, job) end

-- Puts a job to be run alone at the end of those (RPUSH) or before them (LPUSH).
local function put_aside(how, q, level, job)
  redis.call(how, at(q, 'suspect'), level .. ':' .. job)
  tell_news(q, 'suspect')
end

-- Puts a job among the delayed; the keeper of the clock is told when it could come too late by waiting for its next tick.
local function postpone(q, level, job, due, time)
  local delayed = at(q, 'delayed')
  local no = redis.call('HINCRBY', at(q, 'counts'), 'delayed', 1)
  local member = string.format('%016d', no) .. ':' .. level .. ':' .. job
  -- Numbers come again when somebody deleted the counts: an equal job that waits under this one must not become one with it.
  while redis.call('ZADD', delayed, 'NX', string.format('%d', due), member) == 0 do
    no = redis.call('HINCRBY', at(q, 'counts'), 'delayed', 1)
    member = string.format('%016d', no) .. ':' .. level .. ':' .. job
  end
  if due < time + NEAR and redis.call('ZRANGE', delayed, 0, 0)[1] == member then
    tell_news(q, 'tick ' .. (redis.call('HGET', at(q, 'clock'), 'keeper') or '*'))
  end
end

-- The processes that have said that they would run such jobs, at most `most` of them.
local function knowers(q, kind, most)
  local found = {}
  for _, p in ipairs(redis.call('HKEYS', at(q, 'procs'))) do
    if #found >= most then break end
    -- Who may not ask takes them all for such: a job must not be given up by mistake.
    if redis.pcall('SISMEMBER', at(q, 'actions:' .. p), kind) ~= 0 then found[#found + 1] = p end
  end
  return found
end

local function unknown_key(q, kind) return at(q, 'unknown:' .. redis.sha1hex(kind)) end

-- Puts jobs aside that wait for a process with a handler for their level and action: `entries` are until when and the job, in turn, and
-- `numbers` those of the jobs. Those processes are told when they are the first. What may be refused comes before the jobs themselves, which
-- must not be there twice when the call is made again.
local function put_unknown(q, kind, entries, numbers, first, time)
  local key, members = unknown_key(q, kind), {}
  for i, no in ipairs(numbers) do
    members[i] = string.format('%016d:', no) .. entries[2 * i]
    entries[2 * i] = members[i]
  end
  local known = redis.call('ZSCORE', at(q, 'unknown'), kind) and {} or knowers(q, kind, WATCHERS)
  redis.call('ZADD', at(q, 'unknown'), 'LT', string.format('%d', first), kind)
  -- Numbers come again when somebody deleted the counts: an equal job that waits under one must not become one with this.
  for i, old in ipairs(redis.call('ZMSCORE', key, unpack(members))) do
    while old do
      entries[2 * i] = string.format('%016d:', redis.call('HINCRBY', at(q, 'counts'), 'unknown', 1)) .. string.sub(members[i], 18)
      old = redis.call('ZSCORE', key, entries[2 * i])
    end
  end
  redis.call('ZADD', key, unpack(entries))
  for _, p in ipairs(known) do tell_news(q, 'tick ' .. p) end
  if first < time + NEAR then tell_news(q, 'tick ' .. (redis.call('HGET', at(q, 'clock'), 'keeper') or '*')) end
end

-- The first of the jobs that wait under a level and an action, as the set holds them: up to `want`, and no more than `bytes` but for the
-- first; those that wait only until `till`, if that is given. And how many bytes they are.
local function first_of_kind(q, kind, want, bytes, till)
  local key, members, moved = unknown_key(q, kind), {}, 0
  while #members < want and moved < bytes do
    -- Each that is looked at is copied: after large ones one at a time.
    local slice = #members > 0 and moved <= LOOK_BYTES * #members and 32 or 1
    local found = redis.call('ZRANGEBYSCORE', key, '-inf', till and string.format('%d', till) or '+inf', 'LIMIT', #members, math.min(slice, want - #members))
    if #found == 0 then break end
    for _, member in ipairs(found) do
      if moved >= bytes then break end
      members[#members + 1] = member
      moved = moved + #member - 17
    end
  end
  return members, moved
end

-- What the members of such a set are without their numbers.
local function payloads_of(members, payloads)
  for _, member in ipairs(members) do payloads[#payloads + 1] = string.sub(member, 18) end
  return payloads
end

-- They wait no longer.
local function drop_of_kind(q, kind, members)
  local key = unknown_key(q, kind)
  for i = 1, #members, 500 do redis.call('ZREM', key, unpack(members, i, math.min(i + 499, #members))) end
  local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
  if first[2] then
    redis.call('ZADD', at(q, 'unknown'), first[2], kind)
  else
    redis.call('ZREM', at(q, 'unknown'), kind)
    redis.call('HDEL', at(q, 'known'), kind)
  end
end

-- What waits on the level for a handler that P has: levels and actions, those first whose jobs are to be taken first.
local function known_of_unknown(q, p, level)
  local found, names, start = {}, {}, level .. ':'
  for _, kind in ipairs(redis.call('SMEMBERS', at(q, 'actions:' .. p))) do
    if string.sub(kind, 1, #start) == start then names[#names + 1] = kind end
  end
  for i = 1, #names, 500 do
    local kinds = {}
    for j = i, math.min(i + 499, #names) do kinds[#kinds + 1] = names[j] end
    local scores = redis.pcall('ZMSCORE', at(q, 'unknown'), unpack(kinds))
    -- Without the right to ask, or with a key there that is none of ours, the others are served all the same.
    if scores.err then return {} end
    for j, score in ipairs(scores) do
      local first = score and redis.call('ZRANGE', unknown_key(q, kinds[j]), 0, 0, 'WITHSCORES')
      if first and first[1] then found[#found + 1] = { kinds[j], tonumber(first[2]), first[1] } end
    end
  end
  table.sort(found, function(a, b) return a[2] < b[2] or a[2] == b[2] and a[3] < b[3] end)
  return found
end

-- P leaves the clock to the next one, if it kept it.
local function leave_clock(q, p)
  if redis.call('HGET', at(q, 'clock'), 'keeper') == p then
    redis.call('HDEL', at(q, 'clock'), 'keeper', 'until')
    tell_news(q, 'tick *')
  end
end

-- What a process says of itself goes with it.
local function unregister(q, p)
  redis.call('HDEL', at(q, 'procs'), p)
  redis.call('HDEL', at(q, 'leases'), p)
  redis.call('HDEL', at(q, 'notes'), p)
  redis.call('DEL', at(q, 'actions:' .. p))
  redis.call('ZREM', at(q, 'watch'), p)
  leave_clock(q, p)
end

-- Puts payloads into P's run hash under new numbers of `level`; the first number.
local function record(run, level, payloads)
  local n = #payloads
  local first = redis.call('HINCRBY', run, '@', n) - n + 1
  local fields = {}
  for i = 1, n do
    fields[2 * i - 1] = string.format('%s.%d', level, first + i - 1)
    fields[2 * i] = payloads[i]
  end
  redis.call('HSET', run, unpack(fields))
  return first
end

local function is_inbox(id) return id ~= nil and #id > 0 and #id <= 64 and not string.find(id, '[^%w_-]') end

-- Answers that nobody is registered to read must not stay for ever.
local function deliver(q, inbox, answers)
  if not is_inbox(inbox) then return false end
  local key = '{' .. q .. '}:in:' .. inbox
  local done = redis.pcall('RPUSH', key, unpack(answers))
  if type(done) == 'table' and done.err then return false end
  if redis.call('HEXISTS', at(q, 'inboxes'), inbox) == 0 then redis.call('EXPIRE', key, ORPHAN_SECONDS) end
  return true
end

-- ARGV: none. Returns the revision of this library, an integer.
local function revision() return REVISION end

-- ARGV: P, mode, run_id/client_id…        mode = new | again | only
-- new: registers P, fails with BADARG if P exists or was reaped. again: P must exist; adds the connections. only: the same, and
-- forgets all others. `lease/<ms>` (100 to 86,400,000) among the connections is P's lease, where it is not 10,000; `level/<name>` and
-- `action/<name>` say that P would run jobs of these actions on these levels; `actions/none`, that it runs no more. `database/<n>` is the
-- number of the database in which P calls this: the queue's news are published on the channel of that database. It stays as it was where
-- P, written for an earlier revision, does not say it.
-- Whoever says hello again goes on with other numbers for its jobs: a Redis that has forgotten its last second would give those a second
-- time by which P still knows, and settles, other jobs.
-- Returns [beat, other connection, …]: those registered that the call did not name.
local function hello(keys, argv)
  local q, p, mode = keys[1], argv[1], argv[2]
  if not p or #p == 0 or #p > 128 or string.find(p, '[^%w_.-]') then return bad('P: 1 to 128 of A-Z a-z 0-9 _ . -') end
  local procs, cids = at(q, 'procs'), at(q, 'cid:' .. p)
  if mode == 'new' then
    if redis.call('HEXISTS', procs, p) == 1 or redis.call('ZSCORE', at(q, 'grave'), p) then
      return bad('P is registered already, or was reaped; a process never reuses its name')
    end
  elseif mode == 'again' or mode == 'only' then
    local gone = fenced(q, p)
    if gone then return gone end
  else
    return bad('mode: new, again or only')
  end
  local given, lease, database, served, actions, forgets = {}, nil, nil, {}, {}, false
  for i = 3, #argv do
    local ms = string.match(argv[i], '^lease/(.*)$')
    if ms then
      lease = number(ms, 100, 86400000)
      if not lease then return bad('lease: 100 to 86400000 milliseconds') end
    elseif string.sub(argv[i], 1, 9) == 'database/' then
      database = number(string.sub(argv[i], 10), 0, DATABASES)
      if not database then return bad('database: 0 to 2147483647') end
    elseif string.sub(argv[i], 1, 7) == 'action/' then
      actions[#actions + 1] = string.sub(argv[i], 8)
    elseif string.sub(argv[i], 1, 6) == 'level/' then
      served[#served + 1] = string.sub(argv[i], 7)
    elseif argv[i] == 'actions/none' then
      forgets = true
    else
      given[argv[i]] = true
    end
  end
  if forgets then redis.call('DEL', at(q, 'actions:' .. p)) end
  for _, level in ipairs(served) do
    for _, action in ipairs(actions) do redis.call('SADD', at(q, 'actions:' .. p), level .. ':' .. action) end
  end
  if mode ~= 'new' then redis.pcall('HINCRBY', at(q, 'run:' .. p), '@', ANEW) end
  if lease then redis.call('HSET', at(q, 'leases'), p, string.format('%d', lease)) end
  if database == 0 then
    redis.call('HDEL', at(q, 'clock'), 'database')
  elseif database then
    redis.call('HSET', at(q, 'clock'), 'database', string.format('%d', database))
  end
  local reply = { redis.call('HINCRBY', procs, p, 1) }
  for _, id in ipairs(redis.call('SMEMBERS', cids)) do
    if not given[id] then reply[#reply + 1] = id end
  end
  if mode == 'only' then redis.call('DEL', cids) end
  for id in pairs(given) do redis.call('SADD', cids, id) end
  return reply
end

-- ARGV: P. Raises P's beat counter; others presume P dead when it stands still for a lease. Returns the counter.
local function beat(keys, argv)
  return fenced(keys[1], argv[1]) or redis.call('HINCRBY', at(keys[1], 'procs'), argv[1], 1)
end

-- Up to `want` items from the head of a list, ending with the one that reaches `bytes`, and their bytes; nil if the key is no list.
-- A list does not tell how large its items are, and each that is looked at is copied: the first look is at one, and each further one
-- at as many as should fit, going by those before, at most four times as many.
local function first_of(key, want, bytes)
  -- Counted: to find the length of a table is a search.
  local items, n, moved, slice = {}, 0, 0, 1
  while n < want and moved < bytes do
    local more = redis.pcall('LRANGE', key, n, n + slice - 1)
    if more.err then return nil end
    local found = #more
    for i = 1, found do
      if moved >= bytes then break end
      n = n + 1
      items[n] = more[i]
      moved = moved + #more[i]
    end
    if found < slice then break end
    local fit = math.ceil((bytes - moved) * n / math.max(moved, 1))
    slice = math.max(1, math.min(slice * 4, fit, want - n, 256))
  end
  return items, moved
end

-- Moves up to `want` jobs that waited for P's handlers into its run hash, appending them to `reply`; how many they were, and their bytes.
local function take_unknown(q, p, run, level, want, bytes, reply)
  local found, taken, moved = {}, {}, 0
  for _, kind in ipairs(known_of_unknown(q, p, level)) do
    if #taken >= want or moved >= bytes then break end
    local members, size = first_of_kind(q, kind[1], want - #taken, bytes - moved)
    found[#found + 1] = { kind[1], members }
    payloads_of(members, taken)
    moved = moved + size
  end
  if #found > 0 then
    reply[#reply + 1] = level
    reply[#reply + 1] = record(run, level, taken)
    reply[#reply + 1] = taken
    for _, of in ipairs(found) do drop_of_kind(q, of[1], of[2]) end
  end
  return #taken, moved
end

-- Moves up to `want` jobs from the head of a level into P's run hash, appending level, first and payloads to `reply`; how many they
-- were, their bytes, and whether the key is no list.
local function take(q, run, level, want, bytes, reply)
  local key = level_key(q, level)
  local taken, moved = first_of(key, want, bytes)
  if not taken then return 0, 0, true end
  if #taken > 0 then
    reply[#reply + 1] = level
    reply[#reply + 1] = record(run, level, taken)
    reply[#reply + 1] = taken
    redis.call('LTRIM', key, #taken, -1)
  end
  return #taken, moved, false
end

-- ARGV: P, claim number, want, bytes, level…     want 1..1000; bytes 1..; levels in the order they are served
-- Moves up to `want` jobs from the heads of the levels into P's run hash; stops once `bytes` have been moved (the first
-- job always is). Of each level those come first that waited for a process with P's handlers. The first claim makes its levels known, as `levels` does. A level written `<level>=<n>` gives at most n of them, unless the others have too few to fill the claim.
-- Returns [[closed…], level, first, [payload…], level, first, [payload…], …]: payload i of a level has the field
-- "<level>.<first + i - 1>"; a level may come twice. closed: the levels that are paused, "!<level>" for a key that is no list, and
-- "~" when there are cancelled jobs (ask `cancelled` before one is run).
local function claim(keys, argv)
  local q, p = keys[1], argv[1]
  local gone = fenced(q, p)
  if gone then return gone end
  local no, want, bytes = number(argv[2], 1, 2 ^ 53), number(argv[3], 1, 1000), number(argv[4], 1, 2 ^ 53)
  if not no or not want or not bytes then return bad('claim number, want (1..1000), bytes') end
  local names, quotas, weighted = {}, {}, false
  for i = 5, #argv do
    local level, quota = string.match(argv[i], '^([^=]*)=(%d+)$')
    if level then weighted = true else level, quota = argv[i], want end
    if not is_level(level) then return bad('level: a letter, then A-Z a-z 0-9 _ . -; at most 128; then perhaps =<n>') end
    names[#names + 1], quotas[#quotas + 1] = level, tonumber(quota)
  end
  local run = at(q, 'run:' .. p)
  local last = tonumber(redis.call('HGET', run, '#') or '0')
  if no ~= last + 1 then return redis.error_reply('RESYNC ' .. string.format('%d', last)) end
  if no == 1 then announce(q, names, 1) end
  local closed, shut = {}, {}
  local reply, paused, left, moved = { closed }, paused_set(q), want, 0
  local strays = redis.call('EXISTS', at(q, 'unknown')) == 1
  if redis.call('EXISTS', at(q, 'cancelled')) == 1 then closed[1] = '~' end
  for pass = 1, weighted and 2 or 1 do
    for i, level in ipairs(names) do
      if pass == 1 and paused and (paused[level] or paused['*']) then
        closed[#closed + 1], shut[level] = level, true
      elseif left > 0 and moved < bytes and not shut[level] then
        local most = pass == 1 and math.min(left, quotas[i]) or left
        local n, size, broken = 0, 0, false
        if strays then n, size = take_unknown(q, p, run, level, most, bytes - moved, reply) end
        if n < most and moved + size < bytes then
          local more, larger
          more, larger, broken = take(q, run, level, most - n, bytes - moved - size, reply)
          n, size = n + more, size + larger
          if n < most then shut[level] = true end
        end
        if broken then
          closed[#closed + 1], shut[level] = '!' .. level, true
        end
        left, moved = left - n, moved + size
      end
    end
  end
  redis.call('HSET', run, '#', string.format('%d', no))
  count(q, 'claimed', want - left)
  return reply
end

-- ARGV: P, level…
-- Moves what P's parked BLMOVEs landed into P's run hash, and returns it in the shape of claim. Only what adopt returns
-- may be run, never what BLMOVE returned. What landed from a paused level goes back to the head of it.
local function adopt(keys, argv)
  local q, p = keys[1], argv[1]
  local gone = fenced(q, p)
  if gone then return gone end
  local wrong = bad_level(argv, 2)
  if wrong then return wrong end
  local closed, run, paused = {}, at(q, 'run:' .. p), paused_set(q)
  local reply, total, moved = { closed }, 0, 0
  if redis.call('EXISTS', at(q, 'cancelled')) == 1 then closed[1] = '~' end
  for i = 2, #argv do
    local level = argv[i]
    local land = at(q, 'land:' .. p .. ':' .. level)
    local shut = paused and (paused[level] or paused['*'])
    if shut then closed[#closed + 1] = level end
    local taken = {}
    while moved < MOVE_BYTES do
      local job = redis.call('LINDEX', land, #taken)
      if not job then break end
      taken[#taken + 1] = job
      moved = moved + #job
      if #taken == 256 then break end
    end
    if #taken > 0 then
      if shut then
        for j = #taken, 1, -1 do put_back(q, p, level, taken[j]) end
      else
        reply[#reply + 1] = level
        reply[#reply + 1] = record(run, level, taken)
        reply[#reply + 1] = taken
        total = total + #taken
      end
      redis.call('LTRIM', land, #taken, -1)
    end
  end
  count(q, 'claimed', total)
  return reply
end

-- The first of the next SUSPECTS jobs to be run alone whose level is named from `first` on (or none is), and not paused: the entry, its
-- level, its payload; of what nobody but a stranger can have put there, the entry alone.
local function next_suspect(q, names, first, paused)
  local wanted = #names >= first and {} or nil
  for i = first, #names do wanted[names[i]] = true end
  for i = 0, SUSPECTS - 1 do
    local entry = redis.call('LINDEX', at(q, 'suspect'), i)
    if not entry then return nil end
    local level, job = string.match(entry, '^([^:]*):(.*)$')
    if not level or not is_level(level) then return entry end
    if (not wanted or wanted[level]) and not (paused and (paused[level] or paused['*'])) then return entry, level, job end
  end
end

-- ARGV: P, level… (none: any). The next job that is to be run alone, because processes crashed while it ran: P must hold nothing, and runs nothing
-- beside it. Returns the shape of claim; no job while P holds one, or there is none of these levels that is not paused.
local function suspect(keys, argv)
  local q, p = keys[1], argv[1]
  local gone = fenced(q, p)
  if gone then return gone end
  local wrong = bad_level(argv, 2)
  if wrong then return wrong end
  local run, list, reply = at(q, 'run:' .. p), at(q, 'suspect'), { {} }
  if redis.call('EXISTS', at(q, 'cancelled')) == 1 then reply[1][1] = '~' end
  for _, field in ipairs(redis.call('HKEYS', run)) do
    if level_of(field) then return reply end
  end
  local entry, level, job = next_suspect(q, argv, 2, paused_set(q))
  if not entry then return reply end
  if not level then
    bury(q, p, 'default', entry, 'foreign', 'among the jobs to be run alone, and not put there by reap')
    redis.call('LREM', list, 1, entry)
    return reply
  end
  local first = record(run, level, { job })
  redis.call('HSET', run, '!', level .. '.' .. string.format('%d', first))
  redis.call('LREM', list, 1, entry)
  count(q, 'claimed', 1)
  reply[2], reply[3], reply[4] = level, first, { job }
  return reply
end

-- ARGV: P
-- The jobs that have waited long enough for a process that has a handler for their action, and there is none; at most 100, and no more
-- than MOVE_BYTES. They are P's now, which settles them as dead. Returns the shape of claim.
local function unknown(keys, argv)
  local q, p = keys[1], argv[1]
  local gone = fenced(q, p)
  if gone then return gone end
  local run, reply, time, total, moved = at(q, 'run:' .. p), { {} }, now(), 0, 0
  local back = tonumber(redis.call('HGET', at(q, 'clock'), 'back') or '') or 0
  if back > time then back = 0 end
  if redis.call('EXISTS', at(q, 'cancelled')) == 1 then reply[1][1] = '~' end
  local paused = paused_set(q)
  for _ = 1, ROUNDS do
    local kinds = redis.call('ZRANGEBYSCORE', at(q, 'unknown'), '-inf', string.format('%d', time), 'LIMIT', 0, KINDS)
    for _, kind in ipairs(kinds) do
      if total >= 100 or moved >= MOVE_BYTES then break end
      local level = string.match(kind, '^([^:]*):')
      local known = math.max(back, tonumber(redis.call('HGET', at(q, 'known'), kind) or '') or 0)
      if not level or not is_level(level) then
        redis.call('ZREM', at(q, 'unknown'), kind)
      elseif paused and (paused[level] or paused['*']) or #knowers(q, kind, 1) > 0 then
        redis.call('HSET', at(q, 'known'), kind, string.format('%d', time))
        redis.call('ZADD', at(q, 'unknown'), string.format('%d', time + SWEEP), kind)
      elseif known <= time and time < known + KNOWN then
        -- It has ended, or is quiet: perhaps to be exchanged for another.
        redis.call('ZADD', at(q, 'unknown'), string.format('%d', math.min(known + KNOWN, time + SWEEP)), kind)
      else
        local members, size = first_of_kind(q, kind, 100 - total, MOVE_BYTES - moved, time)
        if #members > 0 then
          local payloads = payloads_of(members, {})
          reply[#reply + 1] = level
          reply[#reply + 1] = record(run, level, payloads)
          reply[#reply + 1] = payloads
        end
        drop_of_kind(q, kind, members)
        total, moved = total + #members, moved + size
      end
    end
    if total > 0 or #kinds < KINDS then break end
  end
  count(q, 'claimed', total)
  return reply
end

-- Which of these fields (every fourth argument from the second on) are jobs in the run hash, where all other fields have one letter: the job,
-- or true for a large one. Several are looked up at once as long as the jobs in them are small, because the reply brings the jobs along.
local function fields_there(run, argv)
  local there, i, step = {}, 2, 4
  while i <= #argv do
    if step > 1 then
      local names, n, size = {}, 0, 0
      for j = i, math.min(i + 4 * step - 4, #argv), 4 do
        n = n + 1
        names[n] = argv[j]
      end
      local found = redis.call('HMGET', run, unpack(names))
      for j = 1, n do
        local job, name = found[j], names[j]
        if job and #name > 1 then
          there[name] = job
          size = size + #job
        end
      end
      i = i + 4 * n
      step = size <= LOOK_BYTES * n and 64 or 1
    else
      there[argv[i]] = #argv[i] > 1 and redis.call('HEXISTS', run, argv[i]) == 1
      i = i + 4
    end
  end
  return there
end

-- Until when a job waits for a process that has a handler for its action, in milliseconds from now on, and the action.
local function patience_of(outcome)
  local ms, action = string.match(outcome, '^unknown (%d+) (.+)$')
  return number(ms, 1, 2 ^ 40), action
end

-- Whether an outcome is one that settle knows.
local function is_outcome(outcome)
  return outcome == 'done' or outcome == 'failed' or outcome == 'expired' or string.match(outcome, '^dead %S') ~= nil
    or string.match(outcome, '^cancelled .') ~= nil or number(string.match(outcome, '^retry (%d+)$'), 0, 2 ^ 52) ~= nil
    or is_level(string.match(outcome, '^next (.*)$') or '') or patience_of(outcome) ~= nil
end

-- Puts aside the jobs of P that it has no handlers for: `places` are those of their fields in argv, the first of which counts.
local function put_apart(q, run, argv, places, there, alone, time)
  local seen, fields = {}, {}
  for i = 2, #argv, 4 do seen[argv[i]] = seen[argv[i]] or i end
  for _, i in ipairs(places) do
    if there[argv[i]] and seen[argv[i]] == i then fields[#fields + 1] = i end
  end
  if #fields == 0 then return end
  local no = redis.call('HINCRBY', at(q, 'counts'), 'unknown', #fields) - #fields
  -- By outcome and level, since many are alike; what has another patience may be of the same kind.
  local outcomes, kinds, order = {}, {}, {}
  for n, i in ipairs(fields) do
    local field, outcome = argv[i], outcomes[argv[i + 1]]
    if not outcome then
      local patience, action = patience_of(argv[i + 1])
      outcome = { till = time + patience, written = string.format('%d', time + patience), action = action, levels = {} }
      outcomes[argv[i + 1]] = outcome
    end
    local level, job = level_of(field) or 'default', there[field]
    if job == true then job = redis.call('HGET', run, field) end
    if field == alone then
      redis.call('HSET', at(q, 'tries'), redis.sha1hex(job) .. '!', '1')
      redis.call('EXPIRE', at(q, 'tries'), TRIES_SECONDS)
    end
    local of = outcome.levels[level]
    if not of then
      local kind = level .. ':' .. outcome.action
      of = kinds[kind]
      if not of then
        of = { kind = kind, fields = {}, entries = {}, numbers = {}, first = math.huge }
        kinds[kind], order[#order + 1] = of, of
      end
      outcome.levels[level], of.first = of, math.min(of.first, outcome.till)
    end
    local k = #of.numbers + 1
    of.fields[k], of.numbers[k], of.entries[2 * k - 1], of.entries[2 * k] = field, no + n, outcome.written, job
  end
  for _, of in ipairs(order) do
    put_unknown(q, of.kind, of.entries, of.numbers, of.first, time)
    -- At once, not with the others: should one of those fail, these must not be put aside again.
    redis.call('HDEL', run, unpack(of.fields))
  end
end

-- ARGV: P, then four each: field, outcome, inbox, answer      at most 1,000 of them
-- Ends claims. outcome: `done`; `failed` (the handler's error was the answer); `expired` (it came too late to be begun);
-- `cancelled <job id>`; `dead <reason> <detail>` (recorded with its bytes; reason is one word); `retry <ms>` (inbox is "", and
-- answer the payload that is due in so many milliseconds; its crashes stay counted); `next <level>` (done, and what follows: inbox is
-- "", and answer the job of the next step, which goes to the tail of that level); `unknown <ms> <action>` (P has no handler for it: the
-- job waits so many milliseconds at least, and as long as a process is there that has one; inbox and answer are ""). inbox: "" for no answer. Returns an integer each: 1 settled; 0 stale: the field is not
-- P's any more, and the answer was dropped; 2 settled, but the inbox is not an inbox, and the answer was dropped.
local function settle(keys, argv)
  local q, p = keys[1], argv[1]
  local gone = fenced(q, p)
  if gone then return gone end
  if (#argv - 1) % 4 ~= 0 or #argv > 4001 then return bad('field, outcome, inbox, answer; at most 1000') end
  -- By outcome, since most are equal to others.
  local kinds, unknowns = {}, {}
  for i = 3, #argv, 4 do
    local outcome = argv[i]
    if outcome ~= 'done' then
      local kind = kinds[outcome]
      if not kind then
        if not is_outcome(outcome) then
          return bad('outcome: done, failed, expired, cancelled <job id>, dead <reason> <detail>, retry <ms>, next <level> or unknown <ms> <action>')
        end
        kind = string.match(outcome, '^%S+')
        kinds[outcome] = kind
      end
      if argv[i + 1] ~= '' and (kind == 'retry' or kind == 'next' or kind == 'unknown') then
        return bad('a retry, a job with a next step, and one of an unknown action have no inbox')
      end
      if kind == 'unknown' then unknowns[#unknowns + 1] = i - 1 end
    end
  end
  local run, reply, ended = at(q, 'run:' .. p), {}, {}
  local there, order, answers = fields_there(run, argv), {}, {}
  local over, tally, stale, undelivered, time, ends_alone = 0, {}, 0, 0, nil, false
  -- Asked in one, since most have neither.
  local special = redis.call('EXISTS', at(q, 'tries'), at(q, 'begun:' .. p)) > 0
  local crashed = special and redis.call('EXISTS', at(q, 'tries')) == 1
  local alone = redis.call('HGET', run, '!')
  if #unknowns > 0 then
    time = now()
    put_apart(q, run, argv, unknowns, there, alone, time)
  end
  for i = 2, #argv, 4 do
    local field, outcome, inbox = argv[i], argv[i + 1], argv[i + 2]
    local slot = (i - 2) / 4 + 1
    if not there[field] then
      reply[slot] = 0
      stale = stale + 1
    else
      -- Once.
      there[field] = nil
      ends_alone = ends_alone or field == alone
      reply[slot] = 1
      local kind, rest = outcome, nil
      if kind ~= 'done' then kind, rest = string.match(outcome, '^(%S+) ?(.*)$') end
      tally[kind] = (tally[kind] or 0) + 1
      if kind == 'retry' then
        local level, job = level_of(field) or 'default', argv[i + 3]
        if crashed then
          local old = redis.call('HGET', run, field)
          local n = tries_of(q, old)
          if n > 0 then
            set_tries(q, old, 0)
            set_tries(q, job, n)
          end
        end
        if tonumber(rest) == 0 then
          put('RPUSH', q, p, level, job)
        else
          time = time or now()
          postpone(q, level, job, time + tonumber(rest), time)
        end
        -- At once, not with the others: should one of those fail, this one must not be pushed again.
        redis.call('HDEL', run, field)
      elseif kind == 'next' then
        put('RPUSH', q, p, rest, argv[i + 3])
        if crashed then set_tries(q, redis.call('HGET', run, field), 0) end
        -- At once, as after a retry.
        redis.call('HDEL', run, field)
      elseif kind == 'dead' then
        local reason, detail = string.match(rest, '^(%S+) ?(.*)$')
        bury(q, p, level_of(field) or 'default', redis.call('HGET', run, field), reason, detail)
      elseif kind == 'cancelled' then
        redis.call('ZREM', at(q, 'cancelled'), rest)
      end
      if crashed and kind ~= 'retry' and kind ~= 'next' and kind ~= 'unknown' then set_tries(q, redis.call('HGET', run, field), 0) end
      if inbox ~= '' then
        local batch = answers[inbox]
        if not batch then
          batch = { count = 0 }
          answers[inbox] = batch
          order[#order + 1] = inbox
        end
        local n = batch.count + 1
        batch.count, batch[n] = n, argv[i + 3]
      end
      over = over + 1
      ended[over] = field
    end
  end
  for _, inbox in ipairs(order) do
    local batch = answers[inbox]
    if not deliver(q, inbox, batch) then
      for i = 4, #argv, 4 do
        if argv[i] == inbox and reply[i / 4] == 1 then reply[i / 4] = 2 end
      end
      undelivered = undelivered + batch.count
    end
  end
  if special and over > 0 then redis.call('SREM', at(q, 'begun:' .. p), unpack(ended)) end
  if ends_alone then ended[over + 1] = '!' end
  if over > 0 then redis.call('HDEL', run, unpack(ended)) end
  count(q, 'settled', over - (tally.unknown or 0))
  count(q, 'failed', tally.failed or 0)
  count(q, 'expired', tally.expired or 0)
  count(q, 'cancelled', tally.cancelled or 0)
  count(q, 'retried', tally.retry or 0)
  count(q, 'stale', stale)
  count(q, 'undelivered', undelivered)
  return reply
end

-- ARGV: P, field, inbox, answer…     at most 1,000 answers
-- Sends answers that are not the last of the job in `field`. Returns 1; 0 if the job is not P's any more; 2 if the inbox
-- is not an inbox.
local function chunk(keys, argv)
  local q, p = keys[1], argv[1]
  local gone = fenced(q, p)
  if gone then return gone end
  if #argv < 4 or #argv > 1003 then return bad('P, field, inbox, 1 to 1000 answers') end
  if not level_of(argv[2]) or redis.call('HEXISTS', at(q, 'run:' .. p), argv[2]) == 0 then
    count(q, 'stale', 1)
    return 0
  end
  local batch = {}
  for i = 4, #argv do batch[#batch + 1] = argv[i] end
  if deliver(q, argv[3], batch) then return 1 end
  count(q, 'undelivered', #batch)
  return 2
end

-- ARGV: inbox, answer…     at most 1,000 answers
-- Sends answers that belong to no claim, such as frames to a connection. Returns 1; 0 if nobody has registered the inbox.
local function tell(keys, argv)
  local q, inbox = keys[1], argv[1]
  if not is_inbox(inbox) or #argv < 2 or #argv > 1001 then return bad('inbox, 1 to 1000 answers') end
  if redis.call('HEXISTS', at(q, 'inboxes'), inbox) == 0 then return 0 end
  local batch = {}
  for i = 2, #argv do batch[#batch + 1] = argv[i] end
  redis.call('RPUSH', '{' .. q .. '}:in:' .. inbox, unpack(batch))
  return 1
end

-- Ids come from outside: a key is made of their digest.
local function flow_key(q, id) return at(q, 'flow:' .. redis.sha1hex(id)) end

-- ARGV: job id, used     or: job id
-- The caller of the job has used so many of its answers in all; without a number it is forgotten. Returns 1.
local function credit(keys, argv)
  local q, id, used = keys[1], argv[1], argv[2]
  if not id or #id == 0 or #id > 128 then return bad('job id: 1 to 128 bytes') end
  if not used then
    redis.call('DEL', flow_key(q, id))
    return 1
  end
  if not string.find(used, '^%d+$') or #used > 15 then return bad('used: an integer from 0') end
  redis.call('SET', flow_key(q, id), used, 'EX', FLOW_SECONDS)
  tell_news(q, 'credit ' .. id .. ' ' .. used)
  return 1
end

-- ARGV: job id. Returns how many of its answers the caller has used, as far as it has said so.
local function credits(keys, argv)
  if not argv[1] or #argv[1] == 0 then return bad('job id') end
  return tonumber(redis.call('GET', flow_key(keys[1], argv[1])) or '0') or 0
end

-- ARGV: id, index, count, result     index from 0. Without a result: the step failed
-- Keeps the result of one of the steps of a route that run in parallel; the first result of an index counts. Returns all results, in
-- the order of their indexes, to the step that came last, and again whenever that one says so again; to all others, and when one
-- has failed, an empty array. Of a failure returns 1: it is to be answered, because it is the first; else 0.
local function gather(keys, argv)
  local q, id, index, many, result = keys[1], argv[1], number(argv[2], 0, GATHER_MOST - 1), number(argv[3], 1, GATHER_MOST), argv[4]
  if not id or #id == 0 or #id > 128 then return bad('id: 1 to 128 bytes') end
  if not many then return bad('count: 1 to 256') end
  if not index or index >= many then return bad('index: 0 to below count') end
  local key, place = at(q, 'gather:' .. redis.sha1hex(id)), string.format('%d', index)
  local failed = '-' .. place
  local word = redis.call('HGET', key, '!') or ''
  if not result then
    if word == '' and redis.call('HEXISTS', key, place) == 0 then
      word = failed
      redis.call('HSET', key, '!', word)
      redis.call('EXPIRE', key, GATHERED_SECONDS)
    end
    return (word == failed or word == place) and 1 or 0
  end
  redis.call('HSETNX', key, place, result)
  -- A step that failed, and whose process crashed before it could say so, was run again, and has succeeded.
  if word == failed then
    word = ''
    redis.call('HDEL', key, '!')
  end
  local results = {}
  for i = 0, many - 1 do
    local found = redis.call('HGET', key, string.format('%d', i))
    if not found then break end
    results[#results + 1] = found
  end
  if word == '' and #results == many then
    word = place
    redis.call('HSET', key, '!', word)
  end
  redis.call('EXPIRE', key, word == '' and GATHER_SECONDS or GATHERED_SECONDS)
  return word == place and results or {}
end

-- KEYS: tempest:channel:<channel>     ARGV: channel, keep, message, database
-- Keeps a message of a channel, at most `keep` of them, and publishes it with its id as third element. message: the JSON of [event, data];
-- database: the number of the database in which this is called, 0 without it. Returns [id, how many heard it].
local function publish(keys, argv)
  local channel, keep, message, database = argv[1], tonumber(argv[2]), argv[3], number(argv[4] or '0', 0, DATABASES)
  if not channel or #channel > 128 or not string.find(channel, '^[%w_.:-]+$') then return bad('channel: 1 to 128 of A-Z a-z 0-9 _ . : -') end
  if keys[1] ~= 'tempest:channel:' .. channel then return bad('the key is tempest:channel:<channel>') end
  if not keep or keep < 0 or keep > 100000 or keep ~= math.floor(keep) then return bad('keep: 0 to 100000') end
  if not message or not string.find(message, '^%[.+%]$') then return bad('message: the JSON of [event, data]') end
  if not database then return bad('database: 0 to 2147483647') end
  local id
  if keep > 0 then
    id = redis.call('XADD', keys[1], 'MAXLEN', keep, '*', 'message', message)
    redis.call('EXPIRE', keys[1], EVENTS_SECONDS)
    message = string.sub(message, 1, -2) .. ',{"id":"' .. id .. '"}]'
  end
  return { id or '', redis.call('PUBLISH', channel_in(database, channel), message) }
end

-- ARGV: P, field…     at most 1,000
-- Marks claimed jobs as begun, because P is about to call their handlers and they are to be run once. When P dies, they are not taken
-- back but buried as `interrupted`. To mark again harms nothing. Returns an integer each: 1 marked; 0 the field is not P's any more,
-- and must not be run.
local function begin(keys, argv)
  local q, p = keys[1], argv[1]
  local gone = fenced(q, p)
  if gone then return gone end
  if #argv < 2 or #argv > 1001 then return bad('P, 1 to 1000 fields') end
  local run, begun, reply = at(q, 'run:' .. p), at(q, 'begun:' .. p), {}
  for i = 2, #argv do
    local there = level_of(argv[i]) and redis.call('HEXISTS', run, argv[i]) == 1
    if there then redis.call('SADD', begun, argv[i]) end
    reply[i - 1] = there and 1 or 0
  end
  return reply
end

-- The fields that P has marked as begun.
local function begun_by(q, p)
  local fields = {}
  for _, field in ipairs(redis.call('SMEMBERS', at(q, 'begun:' .. p))) do fields[field] = true end
  return fields
end

-- ARGV: P, field…    in the order in which they were claimed
-- Puts claimed jobs back to the heads of their levels, the first named foremost. A field that was marked by `begin` stays, unless it
-- is written `~<field>`: P has not called its handler, and never will. Returns how many went back.
local function giveback(keys, argv)
  local q, p = keys[1], argv[1]
  local gone = fenced(q, p)
  if gone then return gone end
  local run, begun, returned = at(q, 'run:' .. p), begun_by(q, p), 0
  local alone = redis.call('HGET', run, '!')
  for i = #argv, 2, -1 do
    local unrun, field = string.match(argv[i], '^(~?)(.*)$')
    local level = level_of(field)
    local job = level and redis.call('HGET', run, field)
    -- A call that was sent before its field was marked may arrive after that: the handler runs by now.
    if job and unrun == '' and begun[field] then job = nil end
    if job then
      if field == alone then
        put_aside('LPUSH', q, level, job)
        redis.call('HDEL', run, '!')
      else
        put_back(q, p, level, job)
      end
      redis.call('HDEL', run, field)
      if begun[field] then redis.call('SREM', at(q, 'begun:' .. p), field) end
      returned = returned + 1
    end
  end
  count(q, 'returned', returned)
  return returned
end

-- The levels that a process of this queue may have parked at.
local function parked_levels(q)
  local names = { 'default' }
  for _, level in ipairs(redis.call('SMEMBERS', at(q, 'levels'))) do
    if level ~= 'default' then names[#names + 1] = level end
  end
  table.sort(names)
  return names
end

-- Moves what landed for P to the heads of the levels, as if it had never been taken; how many, and how many bytes. Stops at `bytes`.
local function unland(q, p, level, bytes)
  local land, returned, moved = at(q, 'land:' .. p .. ':' .. level), 0, 0
  while moved < bytes do
    local jobs = redis.call('LRANGE', land, -64, -1)
    if #jobs == 0 then break end
    local n = 0
    for i = #jobs, 1, -1 do
      if moved >= bytes then break end
      put_back(q, p, level, jobs[i])
      n, moved = n + 1, moved + #jobs[i]
    end
    redis.call('LTRIM', land, 0, -n - 1)
    returned = returned + n
  end
  return returned, moved
end

-- The same for all levels that are known.
local function unland_all(q, p, bytes)
  local returned, moved = 0, 0
  for _, level in ipairs(parked_levels(q)) do
    local n, size = unland(q, p, level, bytes - moved)
    returned, moved = returned + n, moved + size
  end
  return returned, moved
end

-- The fields of the jobs in P's run hash, the last claimed first.
local function fields_backwards(run)
  local fields = {}
  for _, field in ipairs(redis.call('HKEYS', run)) do
    local no = string.match(field, '^%a[%w_.-]*%.(%d+)$')
    if no then fields[#fields + 1] = { field, tonumber(no) } end
  end
  table.sort(fields, function(a, b) return a[2] > b[2] end)
  return fields
end

-- A job that was to be run once, and whose process has gone: what it has done nobody knows, so only a person may start it again.
local function interrupt(q, p, level, job)
  bury_untold(q, p, level, job, 'interrupted', 'its process ended while it ran; it may have been carried out')
  set_tries(q, job, 0)
end

-- ARGV: P, level…
-- P ends: what it still holds goes back as in giveback, what landed from the levels named and those seen too, and its keys are
-- deleted. What it has begun and must not be run again is buried as `interrupted`: P settles such jobs before, with their answers; the
-- callers of others are told by who calls `reap` for P. Returns how many jobs went back. P need not be registered: a fenced process gives
-- back so what its parked BLMOVEs landed when nobody knew it any more.
local function goodbye(keys, argv)
  local q, p = keys[1], argv[1]
  if not p or #p == 0 then return bad('P') end
  local wrong = bad_level(argv, 2)
  if wrong then return wrong end
  local run, returned, begun = at(q, 'run:' .. p), 0, begun_by(q, p)
  local alone = redis.call('HGET', run, '!')
  -- What landed was taken after all that is in the run hash.
  for i = 2, #argv do returned = returned + unland(q, p, argv[i], math.huge) end
  returned = returned + unland_all(q, p, math.huge)
  for _, entry in ipairs(fields_backwards(run)) do
    local level, job = level_of(entry[1]), redis.call('HGET', run, entry[1])
    if begun[entry[1]] then
      interrupt(q, p, level, job)
    elseif entry[1] == alone then
      put_aside('LPUSH', q, level, job)
    else
      put_back(q, p, level, job)
    end
    redis.call('HDEL', run, entry[1])
    if not begun[entry[1]] then returned = returned + 1 end
  end
  redis.call('DEL', run, at(q, 'begun:' .. p), at(q, 'cid:' .. p))
  unregister(q, p)
  if redis.call('HEXISTS', at(q, 'untold'), p) == 1 then
    redis.call('ZADD', at(q, 'grave'), 'NX', string.format('%d', now()), p)
  else
    redis.call('ZREM', at(q, 'grave'), p)
  end
  count(q, 'returned', returned)
  return returned
end

-- Takes back what a dead P holds, up to `limit` bytes. Returns how many jobs it moved, how many are left, the payloads that died of
-- poison, the bytes moved, and the payloads that were interrupted. What landed never ran. A job that P marked as begun is dead, and not
-- counted as a crash. Any other that ran is presumed to have crashed P: the first time it goes back to the head of its level;
-- then it is to be run alone, and only crashes while alone count on, so that bystanders are not blamed.
local function bring_back(q, p, limit)
  local run, poisoned, interrupted = at(q, 'run:' .. p), {}, {}
  local moved, bytes = unland_all(q, p, limit)
  if bytes >= limit then return moved, 1, poisoned, bytes, interrupted end
  local alone, fields, crashed = redis.call('HGET', run, '!'), fields_backwards(run), 0
  local done, begun = 0, begun_by(q, p)
  for _, entry in ipairs(fields) do
    if bytes >= limit then break end
    local field, level = entry[1], level_of(entry[1])
    local job = redis.call('HGET', run, field)
    local tries = tries_of(q, job)
    if begun[field] then
      interrupt(q, p, level, job)
      redis.call('SREM', at(q, 'begun:' .. p), field)
      interrupted[#interrupted + 1] = job
    elseif field == alone or tries == 0 or was_put_aside(q, job) then
      tries = tries + 1
      set_tries(q, job, tries)
      if tries >= POISON then
        bury_untold(q, p, level, job, 'poison', 'each process that ran it crashed')
        set_tries(q, job, 0)
        poisoned[#poisoned + 1] = job
      elseif tries > 1 then
        put_aside('RPUSH', q, level, job)
      else
        put_back(q, p, level, job)
      end
    else
      put_aside('RPUSH', q, level, job)
    end
    redis.call('HDEL', run, field)
    done, bytes = done + 1, bytes + #job
    if not begun[field] then crashed = crashed + 1 end
  end
  count(q, 'crashed', crashed)
  if done == #fields then redis.call('DEL', run, at(q, 'cid:' .. p)) end
  return moved + done, #fields - done, poisoned, bytes, interrupted
end

-- What P's reaper says of those whom the last call returned: the ids of those who were told; or `~`, it has read them all, and no
-- answer was taken, so that this was no try.
local function note_told(q, p, argv)
  local untold, key, tries, n = at(q, 'untold'), at(q, 'untold:' .. p), p .. '#', 0
  if argv[4] == '~' then
    if tonumber(redis.call('HGET', untold, tries) or '0') > 0 then redis.call('HINCRBY', untold, tries, -1) end
    return
  end
  for i = 4, #argv do n = n + redis.call('ZREM', key, argv[i]) end
  if n > 0 then
    redis.call('HDEL', untold, tries)
    if redis.call('EXISTS', key) == 0 then redis.call('HDEL', untold, p) end
  end
end

-- The callers whom P's reaper is to tell: how many there are, and [id of the dead record, payload, …] of the jobs that died of poison
-- and of those that were interrupted, up to UNTOLD_MOST and MOVE_BYTES: those that were recorded or returned longest ago first, so that
-- nobody who cannot be told stands before others.
local function to_tell(q, p)
  local untold, key, poisoned, interrupted, bytes, ids = at(q, 'untold'), at(q, 'untold:' .. p), {}, {}, 0, {}
  if tonumber(redis.call('HGET', untold, p .. '#') or '0') >= UNTOLD_TRIES then return 0, poisoned, interrupted end
  while #ids < UNTOLD_MOST and bytes < MOVE_BYTES do
    local id = redis.call('ZRANGE', key, #ids, #ids)[1]
    if not id then break end
    local found = redis.call('XRANGE', at(q, 'dead'), id, id)[1]
    if found then
      local job, list = field_of(found[2], 'job'), field_of(found[2], 'reason') == 'poison' and poisoned or interrupted
      list[#list + 1] = id
      list[#list + 1] = job
      ids[#ids + 1], bytes = id, bytes + #job
    else
      -- Somebody has started the job again, or has deleted the record; or there were too many.
      redis.call('ZREM', key, id)
    end
  end
  local left = redis.call('ZCARD', key)
  if left == 0 then
    redis.call('HDEL', untold, p, p .. '#')
  else
    local last = redis.call('HINCRBY', untold, p, #ids) - #ids
    for i, id in ipairs(ids) do redis.call('ZADD', key, last + i, id) end
    redis.call('HINCRBY', untold, p .. '#', 1)
  end
  return left, poisoned, interrupted
end

-- ARGV: P, beat counter or `*`, and `told`, id… or `~` (neither in the first call)
-- Takes the jobs of a dead process back into the queue. With a counter, only if P's is still that: its observer saw it stand still for
-- P's lease. `*`: a supervisor saw the process end. Its connections are killed before. P is fenced from the first call on.
-- Returns [moved, left, [id, payload, …], [id, payload, …]]: the payloads are dead, the first of poison, the others interrupted. Tell
-- their callers, and name the ids in the next call: what it does not name is returned again later. `~` instead of ids: they were read, and
-- none could be told; the lists of that call are empty. Call again while there are such lists, or something was moved and left > 0.
-- [-1, 0, [], []]: P lives; or it is not known, and nothing landed for it, which `*` takes back; or it was reaped, this call has nothing to
-- move and names nobody, and its counter is not the one that ticks now show for P's untold callers: another one tells them. Without the
-- word `told`, as workers of revisions 2 to 4 call it, the lists are payloads alone, of the jobs that died in this call, and their callers
-- stay untold.
local function reap(keys, argv)
  local q, p, seen, tells = keys[1], argv[1], argv[2], argv[3] == 'told'
  if not p or #p == 0 or not seen or not (seen == '*' or string.match(seen, '^%d+$')) then return bad('P, beat counter or *') end
  if #argv > 2 and not tells then return bad('told, id… or ~') end
  local refused = argv[4] == '~' and #argv == 4
  for i = 4, #argv do
    if not refused and not string.match(argv[i], '^%d+%-%d+$') then return bad('told, id… or ~') end
  end
  if #argv > 3 then note_told(q, p, argv) end
  local counter = redis.call('HGET', at(q, 'procs'), p)
  if counter then
    if seen ~= '*' and seen ~= counter then return { -1, 0, {}, {} } end
    unregister(q, p)
    redis.call('ZADD', at(q, 'grave'), string.format('%d', now()), p)
    count(q, 'reaped', 1)
  elseif not redis.call('ZSCORE', at(q, 'grave'), p) then
    if seen ~= '*' then return { -1, 0, {}, {} } end
    -- A Redis that was flushed does not know P, and P's parked BLMOVEs may have taken jobs since.
    local moved, bytes = unland_all(q, p, MOVE_BYTES)
    if moved == 0 then return { -1, 0, {}, {} } end
    count(q, 'recovered', moved)
    return { moved, bytes >= MOVE_BYTES and 1 or 0, {}, {} }
  end
  local shown = redis.call('HGET', at(q, 'untold'), p)
  local moved, left, poisoned, _, interrupted = bring_back(q, p, MOVE_BYTES)
  count(q, 'recovered', moved)
  if refused then
    left, poisoned, interrupted = left + redis.call('ZCARD', at(q, 'untold:' .. p)), {}, {}
  elseif tells then
    if not counter and moved == 0 and #argv == 3 and seen ~= '*' and seen ~= shown then return { -1, 0, {}, {} } end
    local untold
    untold, poisoned, interrupted = to_tell(q, p)
    left = left + untold
  end
  return { moved, left, poisoned, interrupted }
end

-- Moves jobs that are due to the tails of their levels, up to MOVE_BYTES and 1,000. Returns when the next one is due, or nil.
local function promote(q, p, time)
  local delayed, moved, total = at(q, 'delayed'), 0, 0
  while moved < MOVE_BYTES and total < 1000 do
    local due = redis.call('ZRANGEBYSCORE', delayed, '-inf', string.format('%d', time), 'LIMIT', 0, 64)
    if #due == 0 then break end
    local gone = {}
    for _, member in ipairs(due) do
      if moved >= MOVE_BYTES then break end
      local level, job = string.match(member, '^%d+:([^:]*):(.*)$')
      if level and is_level(level) then
        put('RPUSH', q, p, level, job)
      else
        bury(q, p, 'default', member, 'foreign', 'among the delayed, and not put there by delay')
      end
      gone[#gone + 1] = member
      moved = moved + #member
    end
    redis.call('ZREM', delayed, unpack(gone))
    total = total + #gone
  end
  count(q, 'promoted', total)
  local next_one = redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')
  return next_one[2] and tonumber(next_one[2])
end

-- Whether a look that is taken each `every` milliseconds is due, also when the clock was set back.
local function is_time(clock, name, every, time)
  local last = tonumber(redis.call('HGET', clock, name) or '0')
  if time >= last and time < last + every then return false end
  redis.call('HSET', clock, name, string.format('%d', time))
  return true
end

-- Whether P is one of those that watch the others; it is if there is room among them. If all did, what watching costs would grow with
-- the square of the processes.
local function watches(q, p, time)
  local watch = at(q, 'watch')
  redis.call('ZREMRANGEBYSCORE', watch, '-inf', string.format('%d', time))
  -- The clock was set back.
  redis.call('ZREMRANGEBYSCORE', watch, string.format('(%d', time + WATCH), '+inf')
  if redis.call('ZCARD', watch) >= WATCHERS and not redis.call('ZSCORE', watch, p) then return false end
  redis.call('ZADD', watch, string.format('%d', time + WATCH), p)
  return true
end

-- The other processes: P, beat counter, lease, …; and those that were reaped and have untold callers, with a counter that rises when some
-- are returned. It stands still when nobody tells them: the next observer then calls `reap`.
local function neighbours(q, p)
  local others, all, leases = {}, redis.call('HGETALL', at(q, 'procs')), {}
  local named = redis.call('HGETALL', at(q, 'leases'))
  for i = 1, #named, 2 do leases[named[i]] = tonumber(named[i + 1]) end
  for i = 1, #all, 2 do
    if all[i] ~= p then
      others[#others + 1] = all[i]
      others[#others + 1] = tonumber(all[i + 1])
      others[#others + 1] = leases[all[i]] or LEASE
    end
  end
  local untold, tries = redis.call('HGETALL', at(q, 'untold')), {}
  for i = 1, #untold, 2 do tries[untold[i]] = tonumber(untold[i + 1]) end
  for i = 1, #untold, 2 do
    local reaped = untold[i]
    if not string.find(reaped, '#', 1, true) and (tries[reaped .. '#'] or 0) < UNTOLD_TRIES
      and redis.call('ZSCORE', at(q, 'grave'), reaped) then
      others[#others + 1] = reaped
      others[#others + 1] = tonumber(untold[i + 1])
      others[#others + 1] = UNTOLD
    end
  end
  return others
end

-- What may still have landed for processes that were reaped, and what a reaper that died itself has left.
local function sweep_graves(q, time)
  local grave, bytes = redis.call('ZRANGE', at(q, 'grave'), 0, -1, 'WITHSCORES'), 0
  for i = 1, #grave, 2 do
    local p, age = grave[i], time - tonumber(grave[i + 1])
    local moved, left, _, size = bring_back(q, p, MOVE_BYTES - bytes)
    bytes = bytes + size
    count(q, 'recovered', moved)
    if left == 0 and math.abs(age) > GRAVE then redis.call('ZREM', at(q, 'grave'), p) end
    if bytes >= MOVE_BYTES then break end
  end
  for _, p in ipairs(redis.call('HKEYS', at(q, 'untold'))) do
    if not string.find(p, '#', 1, true) and not redis.call('ZSCORE', at(q, 'grave'), p) then
      redis.call('DEL', at(q, 'untold:' .. p))
      redis.call('HDEL', at(q, 'untold'), p, p .. '#')
    end
  end
end

-- Inboxes whose owners have not given a sign of life for some sweeps.
local function sweep_inboxes(q)
  local inboxes, idle = at(q, 'inboxes'), at(q, 'idle')
  local all, before = redis.call('HGETALL', inboxes), {}
  local old = redis.call('HGETALL', idle)
  for i = 1, #old, 2 do before[old[i]] = old[i + 1] end
  redis.call('DEL', idle)
  for i = 1, #all, 2 do
    local id, counter = all[i], all[i + 1]
    if not string.find(id, '#', 1, true) then
      local seen, strikes = string.match(before[id] or '', '^(%d+)/(%d+)$')
      strikes = seen == counter and tonumber(strikes) + 1 or 0
      if strikes >= INBOX_STRIKES then
        redis.call('HDEL', inboxes, id, id .. '#')
        -- An owner that only slept listens again, and finds what waited for it.
        redis.call('EXPIRE', '{' .. q .. '}:in:' .. id, ORPHAN_SECONDS)
      else
        redis.call('HSET', idle, id, counter .. '/' .. strikes)
      end
    end
  end
end

-- ARGV: P, note, level…
-- What a full worker sends instead of beat, each second or tenth of the shortest lease, by a connection and a thread (or process) that
-- no handler can hold up. Raises P's counter; one process of the queue, the keeper of its clock, so also promotes delayed jobs and
-- sweeps. note: what P says of itself, for people; "" leaves it as it is. The levels are made known, as by `levels`.
-- Returns [beat, now, due, landed, waiting, suspects, [P, counter, lease, …], keeper, unknown]: now, Redis' clock; due, milliseconds until the
-- next delayed job or the next look at unknown ones, 0: tick again at once, -1: there is none or somebody else keeps the clock; landed, jobs to
-- be adopted; waiting, 1 if one of the levels has jobs for P and is not paused; suspects, jobs to be run alone, 0 while none of these levels may; then, if P is one of the
-- WATCHERS, the other processes, whom it observes; keeper, 1 if P keeps the clock: it then also makes room for the suspects, when
-- everybody is busy; unknown, 1 if P is to call `unknown`: when it keeps the clock, and a little later when it does not.
local function tick(keys, argv)
  local q, p = keys[1], argv[1]
  local gone = fenced(q, p)
  if gone then return gone end
  if not argv[2] then return bad('P, note, level…') end
  local wrong = bad_level(argv, 3)
  if wrong then return wrong end
  local procs, clock, time = at(q, 'procs'), at(q, 'clock'), now()
  local beat = redis.call('HINCRBY', procs, p, 1)
  if argv[2] ~= '' then redis.call('HSET', at(q, 'notes'), p, argv[2]) end
  announce(q, argv, 3)
  local keeper, till, swept = unpack(redis.call('HMGET', clock, 'keeper', 'until', 'swept'))
  local strays = redis.call('EXISTS', at(q, 'unknown')) == 1
  till = tonumber(till or '0')
  local due, keeps, unknowns = -1, 0, 0
  if not keeper or keeper == p or time > till or till > time + KEEPER then
    keeps = 1
    -- What waits for a process with a handler waits as if one had just ended.
    if strays and time > (tonumber(swept or '') or 0) + GAP then redis.call('HSET', clock, 'back', string.format('%d', time)) end
    local next_one = promote(q, p, time)
    if next_one then due = math.max(0, next_one - time) end
    if is_time(clock, 'swept', SWEEP, time) then
      sweep_graves(q, time)
      redis.call('ZREMRANGEBYSCORE', at(q, 'cancelled'), '-inf', string.format('%d', time))
    end
    if is_time(clock, 'counted', INBOX_SWEEP, time) then sweep_inboxes(q) end
    -- Last: a process whose rights do not suffice for all this does not stay the keeper.
    redis.call('HSET', clock, 'keeper', p, 'until', string.format('%d', time + KEEPER))
  end
  local paused, landed, waiting = paused_set(q), 0, 0
  if strays then
    local wait = tonumber(redis.call('ZRANGE', at(q, 'unknown'), 0, 0, 'WITHSCORES')[2]) - time
    -- The keeper may be one that ends, or does not know of this: others do it for it a little later.
    if wait <= 0 and (keeps == 1 or wait <= -2 * SWEEP) then unknowns = 1 end
    local look = wait > 0 and wait or SWEEP
    if keeps == 1 then due = due == -1 and look or math.min(due, look) end
  end
  for i = 3, #argv do
    landed = landed + redis.call('LLEN', at(q, 'land:' .. p .. ':' .. argv[i]))
    if waiting == 0 and not (paused and (paused[argv[i]] or paused['*'])) then
      local length = redis.pcall('LLEN', level_key(q, argv[i]))
      if type(length) == 'number' and length > 0 or strays and #known_of_unknown(q, p, argv[i]) > 0 then waiting = 1 end
    end
  end
  local others = watches(q, p, time) and neighbours(q, p) or {}
  local suspects = next_suspect(q, argv, 3, paused) and redis.call('LLEN', at(q, 'suspect')) or 0
  return { beat, time, due, landed, waiting, suspects, others, keeps, unknowns }
end

-- ARGV: due, level, payload…     at most 1,000; due: milliseconds since 1970, or `+<ms>` from now
-- Pushes jobs that are not to run before they are due; one that is due already goes to the tail of its level. Refused, like RPUSH,
-- when Redis is full. Returns when they are due.
local function delay(keys, argv)
  local q, level = keys[1], argv[2]
  local plus, digits = string.match(argv[1] or '', '^(%+?)(%d+)$')
  local due = number(digits, 0, 2 ^ 52)
  if not due then return bad('due: milliseconds since 1970, or +<milliseconds>') end
  if not level or not is_level(level) then return bad('level: a letter, then A-Z a-z 0-9 _ . -; at most 128') end
  if #argv < 3 or #argv > 1002 then return bad('due, level, 1 to 1000 jobs') end
  local time = now()
  if plus == '+' then due = time + due end
  for i = 3, #argv do
    if due <= time then
      redis.call('RPUSH', level_key(q, level), argv[i])
    else
      postpone(q, level, argv[i], due, time)
    end
  end
  redis.call('SADD', at(q, 'levels'), level)
  return due
end

-- ARGV: job id, ms for which it is remembered (1 to 30 days). A job of that id that waits is skipped when its turn comes, one that
-- runs is told. Returns how many listened to that.
local function cancel(keys, argv)
  local q, id, keep = keys[1], argv[1], number(argv[2], 1, 2592000000)
  if not id or #id == 0 or #id > 128 or not keep then return bad('job id (1 to 128 bytes), ms (1 to 2592000000)') end
  redis.call('ZADD', at(q, 'cancelled'), string.format('%d', now() + keep), id)
  return tell_news(q, 'cancel ' .. id)
end

-- ARGV: job id…. Returns 1 or 0 each: whether it was cancelled.
local function cancelled(keys, argv)
  local reply = {}
  for i, id in ipairs(argv) do reply[i] = redis.call('ZSCORE', at(keys[1], 'cancelled'), id) and 1 or 0 end
  return reply
end

-- ARGV: stream id, payload or "". A dead job goes to the tail of its level, as it was or as the payload given; its crashes are forgotten.
-- Returns 1, or 0 if there is no such record.
local function revive(keys, argv)
  local q, id = keys[1], argv[1]
  if not string.match(id or '', '^%d+%-%d+$') or not argv[2] then return bad('stream id, payload or ""') end
  local found = redis.call('XRANGE', at(q, 'dead'), id, id)[1]
  if not found then return 0 end
  local job, level = field_of(found[2], 'job'), field_of(found[2], 'level')
  local done = redis.pcall('RPUSH', level_key(q, level), argv[2] ~= '' and argv[2] or job)
  if type(done) == 'table' and done.err then return bad('the key of level ' .. level .. ' is no list') end
  set_tries(q, job, 0)
  unbury(q, id)
  count(q, 'revived', 1)
  return 1
end

-- ARGV: stream id…. Deletes dead records. Returns how many there were.
local function forget(keys, argv)
  local n = 0
  for _, id in ipairs(argv) do
    if not string.match(id, '^%d+%-%d+$') then return bad('stream id…') end
  end
  for _, id in ipairs(argv) do
    if unbury(keys[1], id) then n = n + 1 end
  end
  return n
end

-- ARGV: none. The processes of the queue: [P, beat counter, lease, jobs held, jobs landed, note, …].
local function processes(keys)
  local q, reply = keys[1], {}
  local all, parked = redis.call('HGETALL', at(q, 'procs')), parked_levels(q)
  for i = 1, #all, 2 do
    local p, held, landed = all[i], 0, 0
    for _, field in ipairs(redis.call('HKEYS', at(q, 'run:' .. p))) do
      if level_of(field) then held = held + 1 end
    end
    for _, level in ipairs(parked) do landed = landed + redis.call('LLEN', at(q, 'land:' .. p .. ':' .. level)) end
    for _, item in ipairs({ p, tonumber(all[i + 1]), tonumber(redis.call('HGET', at(q, 'leases'), p) or LEASE), held, landed,
      redis.call('HGET', at(q, 'notes'), p) or '' }) do
      reply[#reply + 1] = item
    end
  end
  return reply
end

-- ARGV: level…. Remembers that the queue has these levels. Returns how many were new.
local function levels(keys, argv)
  return bad_level(argv, 1) or announce(keys[1], argv, 1)
end

-- ARGV: inbox id. Registers an inbox, or says again that its owner lives. Returns how many answers were read from it.
local function listen(keys, argv)
  local q, inbox = keys[1], argv[1]
  if not is_inbox(inbox) then return bad('inbox id: 1 to 64 of A-Z a-z 0-9 _ -') end
  redis.call('HINCRBY', at(q, 'inboxes'), inbox, 1)
  redis.call('HSETNX', at(q, 'inboxes'), inbox .. '#', '0')
  redis.call('PERSIST', '{' .. q .. '}:in:' .. inbox)
  return tonumber(redis.call('HGET', at(q, 'inboxes'), inbox .. '#'))
end

-- ARGV: inbox id. The inbox and what is in it are deleted. Returns 1, or 0 if it was not registered.
local function unlisten(keys, argv)
  if not is_inbox(argv[1]) then return bad('inbox id: 1 to 64 of A-Z a-z 0-9 _ -') end
  redis.call('DEL', '{' .. keys[1] .. '}:in:' .. argv[1])
  return math.min(redis.call('HDEL', at(keys[1], 'inboxes'), argv[1], argv[1] .. '#'), 1)
end

-- ARGV: inbox id, position, want (1..1000), bytes
-- The answers after the first `position` ones that this inbox ever held, which the caller has delivered: those are
-- removed now, so an answer is deleted only when the next read says that it arrived; to repeat a call harms nothing.
-- Returns [answer…]. FENCED if the inbox is not registered: listen again, and read on from the position it returns.
local function read(keys, argv)
  local q, inbox = keys[1], argv[1]
  if not is_inbox(inbox) then return bad('inbox id: 1 to 64 of A-Z a-z 0-9 _ -') end
  local inboxes, key = at(q, 'inboxes'), '{' .. q .. '}:in:' .. inbox
  local seen = redis.call('HGET', inboxes, inbox .. '#')
  if not seen then return redis.error_reply('FENCED inbox ' .. inbox .. ' is not registered on queue ' .. q) end
  local position, want, bytes = number(argv[2], 0, 2 ^ 53), number(argv[3], 1, 1000), number(argv[4], 1, 2 ^ 53)
  if not position or not want or not bytes then return bad('position, want (1..1000), bytes') end
  local drop = position - tonumber(seen)
  if drop < 0 then return bad('position lies before what was read already') end
  if drop > redis.call('LLEN', key) then return bad('position lies beyond what ever arrived') end
  redis.call('HINCRBY', inboxes, inbox, 1)
  if drop > 0 then
    redis.call('LTRIM', key, drop, -1)
    redis.call('HSET', inboxes, inbox .. '#', string.format('%d', position))
  end
  return (first_of(key, want, bytes))
end

-- ARGV: level…, or none for the whole queue. Workers stop taking from them (tier 0 workers do not know). Returns how
-- many were not paused before.
local function pause(keys, argv)
  local n = 0
  for _, level in ipairs(#argv > 0 and argv or { '*' }) do n = n + redis.call('SADD', at(keys[1], 'paused'), level) end
  return n
end

-- ARGV: level…, or none for all. Returns how many were paused.
local function resume(keys, argv)
  local n = 0
  for _, level in ipairs(argv) do n = n + redis.call('SREM', at(keys[1], 'paused'), level) end
  if #argv > 0 then return n end
  n = redis.call('SCARD', at(keys[1], 'paused'))
  redis.call('DEL', at(keys[1], 'paused'))
  return n
end

-- ARGV: what, level…        what = levels | all | delayed
-- Deletes jobs of these levels that wait: in their lists, to be run alone, or for a process that has a handler for them. `all`: of all levels
-- that were seen, besides those that are named. `delayed`: all, and those that are not due yet. What runs and what is dead stays; a key that
-- is no list, too. Call it again until the last number is 0. Returns [waiting, suspects, unknown, delayed, left]: how many were deleted of
-- each, and 1 if there are more.
local function clear(keys, argv)
  local q, what = keys[1], argv[1]
  if what ~= 'levels' and what ~= 'all' and what ~= 'delayed' then return bad('what: levels, all or delayed') end
  local wrong = bad_level(argv, 2)
  if wrong then return wrong end
  local named, names, all = {}, {}, what ~= 'levels'
  for i = 2, #argv do names[#names + 1] = argv[i] end
  if all then
    for _, level in ipairs(redis.call('SMEMBERS', at(q, 'levels'))) do names[#names + 1] = level end
  end
  local waiting, suspects, unknowns, delayed, left = 0, 0, 0, 0, 0
  for _, level in ipairs(names) do
    named[level] = true
    local length = redis.pcall('LLEN', level_key(q, level))
    if type(length) == 'number' and length > 0 then
      redis.call('UNLINK', level_key(q, level))
      waiting = waiting + length
    end
  end
  local list, place, looked, bytes = at(q, 'suspect'), 0, 0, 0
  local length = redis.call('LLEN', list)
  while place < length and left == 0 do
    -- Each that is looked at is copied: after large ones one at a time.
    local slice = place > 0 and looked <= LOOK_BYTES * place and 64 or 1
    for _, entry in ipairs(redis.call('LRANGE', list, place, place + slice - 1)) do
      if bytes >= MOVE_BYTES then
        left = 1
        break
      end
      local level, job = string.match(entry, '^([^:]*):(.*)$')
      if all or level and named[level] then
        -- They go together: to take each out of a long list by itself takes as long as the list is.
        redis.call('LSET', list, place, '')
        if job then set_tries(q, job, 0) end
        suspects, bytes = suspects + 1, bytes + #entry
      end
      place, looked = place + 1, looked + #entry
    end
  end
  if suspects > 0 then redis.call('LREM', list, 0, '') end
  local kinds = 0
  for _, kind in ipairs(redis.call('ZRANGE', at(q, 'unknown'), 0, all and KINDS or -1)) do
    if all or named[string.match(kind, '^[^:]*')] then
      kinds = kinds + 1
      if kinds > KINDS then
        left = 1
        break
      end
      unknowns = unknowns + redis.call('ZCARD', unknown_key(q, kind))
      redis.call('UNLINK', unknown_key(q, kind))
      redis.call('ZREM', at(q, 'unknown'), kind)
      redis.call('HDEL', at(q, 'known'), kind)
    end
  end
  if what == 'delayed' then
    delayed = redis.call('ZCARD', at(q, 'delayed'))
    redis.call('UNLINK', at(q, 'delayed'))
  end
  return { waiting, suspects, unknowns, delayed, left }
end

-- ARGV: level… to look at besides those seen. Returns [levels, counts, processes, running, dead, inboxes, delayed, suspects, unknown]:
-- levels = [name, waiting, paused (0 or 1), …]; waiting is -1 for a key that is no list; counts = [name, n, …];
-- running = jobs claimed and not settled; unknown = ["<level>:<action>", jobs that wait for a process that has a handler for it, …].
local function stats(keys, argv)
  local q = keys[1]
  local names, seen = {}, {}
  local function add(level)
    if not seen[level] then
      seen[level] = true
      names[#names + 1] = level
    end
  end
  for _, level in ipairs(argv) do add(level) end
  for _, level in ipairs(redis.call('SMEMBERS', at(q, 'levels'))) do add(level) end
  local paused, list, running = paused_set(q) or {}, {}, 0
  for _, level in ipairs(names) do
    local waiting = redis.pcall('LLEN', level_key(q, level))
    if type(waiting) == 'table' then waiting = -1 end
    list[#list + 1] = level
    list[#list + 1] = waiting
    list[#list + 1] = (paused[level] or paused['*']) and 1 or 0
  end
  local procs = redis.call('HKEYS', at(q, 'procs'))
  for _, p in ipairs(procs) do
    for _, field in ipairs(redis.call('HKEYS', at(q, 'run:' .. p))) do
      if level_of(field) then running = running + 1 end
    end
    for _, level in ipairs(names) do running = running + redis.call('LLEN', at(q, 'land:' .. p .. ':' .. level)) end
  end
  local inboxes, strays = math.floor(redis.call('HLEN', at(q, 'inboxes')) / 2), {}
  for _, kind in ipairs(redis.call('ZRANGE', at(q, 'unknown'), 0, KINDS - 1)) do
    strays[#strays + 1] = kind
    strays[#strays + 1] = redis.call('ZCARD', unknown_key(q, kind))
  end
  return { list, redis.call('HGETALL', at(q, 'counts')), #procs, running, redis.call('XLEN', at(q, 'dead')), inboxes,
    redis.call('ZCARD', at(q, 'delayed')), redis.call('LLEN', at(q, 'suspect')), strays }
end

-- A full Redis must still drain: all but pushing may run without memory to spare.
local function register(name, callback, ...)
  redis.register_function { function_name = 'tempest1_' .. name, callback = callback, flags = { ... } }
end

register('revision', revision, 'allow-oom', 'no-writes')
register('stats', stats, 'allow-oom', 'no-writes')
register('processes', processes, 'allow-oom', 'no-writes')
register('cancelled', cancelled, 'allow-oom', 'no-writes')
register('delay', delay)
register('hello', hello, 'allow-oom')
register('beat', beat, 'allow-oom')
register('tick', tick, 'allow-oom')
register('reap', reap, 'allow-oom')
register('goodbye', goodbye, 'allow-oom')
register('levels', levels, 'allow-oom')
register('claim', claim, 'allow-oom')
register('adopt', adopt, 'allow-oom')
register('suspect', suspect, 'allow-oom')
register('unknown', unknown, 'allow-oom')
register('settle', settle, 'allow-oom')
register('chunk', chunk, 'allow-oom')
register('tell', tell)
register('credit', credit, 'allow-oom')
register('credits', credits, 'allow-oom', 'no-writes')
register('gather', gather, 'allow-oom')
register('publish', publish)
register('begin', begin, 'allow-oom')
register('giveback', giveback, 'allow-oom')
register('cancel', cancel, 'allow-oom')
register('listen', listen, 'allow-oom')
register('unlisten', unlisten, 'allow-oom')
register('read', read, 'allow-oom')
register('pause', pause, 'allow-oom')
register('resume', resume, 'allow-oom')
register('clear', clear, 'allow-oom')
register('revive', revive, 'allow-oom')
register('forget', forget, 'allow-oom')
