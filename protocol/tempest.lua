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
--   {Q}:!run:P          HASH  "<level>.<no>" -> payload; "#" -> number of the last claim; "@" -> number of the last job
--   {Q}:!land:P:<level> LIST  what P's parked BLMOVE dropped and P has not adopted
--   {Q}:!dead           STREAM dead jobs: job, level, reason, detail, by
--   {Q}:!inboxes        HASH  id -> beat counter of its owner; "id#" -> answers read so far
--   {Q}:!counts         HASH  claimed, settled, failed, dead, returned, stale, undelivered
--   {Q}:!levels         SET   levels seen
--   {Q}:!paused         SET   levels paused; "*" = all

local REVISION = 1
local MOVE_BYTES = 1048576     -- a call that moves jobs stops once it has moved this much
local ORPHAN_SECONDS = 300     -- how long answers to an inbox that nobody registered are kept
local DEAD_RECORDS = 10000     -- how many dead jobs are kept

local function at(q, name) return '{' .. q .. '}:!' .. name end

local function level_key(q, level)
  if level == 'default' then return q end
  return '{' .. q .. '}:' .. level
end

local function fenced(q, p)
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

-- The level that a run hash's field belongs to, or nil for the counters "#" and "@".
local function level_of(field) return string.match(field, '^(%a[%w_.-]*)%.%d+$') end

local function paused_set(q)
  local set, any = {}, false
  for _, level in ipairs(redis.call('SMEMBERS', at(q, 'paused'))) do set[level] = true; any = true end
  return any and set or nil
end

local function is_level(level)
  return #level <= 128 and string.match(level, '^%a[%w_.-]*$') ~= nil
end

-- The first argument from `first` on that is no level, as an error; nil if all are.
local function bad_level(argv, first)
  for i = first, #argv do
    if not is_level(argv[i]) then return bad('level: a letter, then A-Z a-z 0-9 _ . -; at most 128') end
  end
end

-- Puts a job at the head of its level. A key there that is no list must not hold up the others: the job is then recorded as dead.
local function put_back(q, p, level, job)
  local done = redis.pcall('LPUSH', level_key(q, level), job)
  if type(done) == 'table' and done.err then
    redis.call('XADD', at(q, 'dead'), 'MAXLEN', '~', DEAD_RECORDS, '*', 'job', job, 'level', level,
      'reason', 'wrong_type', 'detail', 'the key of the level is no list', 'by', p)
    count(q, 'dead', 1)
  end
end

-- Puts payloads into P's run hash under new numbers of `level`; the first number.
local function record(run, level, payloads)
  local n = #payloads
  local first = redis.call('HINCRBY', run, '@', n) - n + 1
  local fields = {}
  for i = 1, n do
    fields[2 * i - 1] = level .. '.' .. string.format('%d', first + i - 1)
    fields[2 * i] = payloads[i]
  end
  redis.call('HSET', run, unpack(fields))
  return first
end

-- Answers that nobody is registered to read must not stay for ever.
local function deliver(q, inbox, answers)
  if #inbox == 0 or #inbox > 64 or string.find(inbox, '[^%w_-]') then return false end
  local key = '{' .. q .. '}:in:' .. inbox
  local done = redis.pcall('RPUSH', key, unpack(answers))
  if type(done) == 'table' and done.err then return false end
  if redis.call('HEXISTS', at(q, 'inboxes'), inbox) == 0 then redis.call('EXPIRE', key, ORPHAN_SECONDS) end
  return true
end

-- ARGV: none. Returns the revision of this library, an integer.
local function revision() return REVISION end

-- ARGV: P, mode, run_id/client_id…        mode = new | again | only
-- new: registers P, fails with BADARG if P exists. again: P must exist; adds the connections. only: the same, and
-- forgets all others. Returns [beat, other connection, …]: those registered that the call did not name.
local function hello(keys, argv)
  local q, p, mode = keys[1], argv[1], argv[2]
  if not p or #p == 0 or #p > 128 or string.find(p, '[^%w_.-]') then return bad('P: 1 to 128 of A-Z a-z 0-9 _ . -') end
  local procs, cids = at(q, 'procs'), at(q, 'cid:' .. p)
  if mode == 'new' then
    if redis.call('HEXISTS', procs, p) == 1 then return bad('P is registered already; a process never reuses its name') end
  elseif mode == 'again' or mode == 'only' then
    local gone = fenced(q, p)
    if gone then return gone end
  else
    return bad('mode: new, again or only')
  end
  local given = {}
  for i = 3, #argv do given[argv[i]] = true end
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

-- ARGV: P, claim number, want, bytes, level…     want 1..1000; bytes 1..; levels in the order they are served
-- Moves up to `want` jobs from the heads of the levels into P's run hash; stops once `bytes` have been moved (the first
-- job always is). Returns [[closed…], level, first, [payload…], level, first, [payload…], …]: payload i of a level has
-- the field "<level>.<first + i - 1>". closed: the levels that are paused, and "!<level>" for a key that is no list.
local function claim(keys, argv)
  local q, p = keys[1], argv[1]
  local gone = fenced(q, p)
  if gone then return gone end
  local no, want, bytes = number(argv[2], 1, 2 ^ 53), number(argv[3], 1, 1000), number(argv[4], 1, 2 ^ 53)
  if not no or not want or not bytes then return bad('claim number, want (1..1000), bytes') end
  local wrong = bad_level(argv, 5)
  if wrong then return wrong end
  local run = at(q, 'run:' .. p)
  local last = tonumber(redis.call('HGET', run, '#') or '0')
  if no ~= last + 1 then return redis.error_reply('RESYNC ' .. string.format('%d', last)) end
  local closed = {}
  local reply, paused, left = { closed }, paused_set(q), want
  local moved = 0
  for i = 5, #argv do
    local level = argv[i]
    if paused and (paused[level] or paused['*']) then
      closed[#closed + 1] = level
    elseif left > 0 and moved < bytes then
      local key, taken, step = level_key(q, level), {}, 16
      while left > 0 and moved < bytes do
        local slice = math.min(step, left)
        local jobs = redis.pcall('LRANGE', key, #taken, #taken + slice - 1)
        if jobs.err then
          closed[#closed + 1] = '!' .. level
          break
        end
        local before = #taken
        for j = 1, #jobs do
          if moved >= bytes then break end
          taken[#taken + 1] = jobs[j]
          moved = moved + #jobs[j]
        end
        left = left - (#taken - before)
        if #jobs < slice then break end
        step = math.min(step * 2, 256)
      end
      if #taken > 0 then
        reply[#reply + 1] = level
        reply[#reply + 1] = record(run, level, taken)
        reply[#reply + 1] = taken
        redis.call('LTRIM', key, #taken, -1)
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

-- ARGV: P, then four each: field, outcome, inbox, answer      at most 1,000 of them
-- Ends claims. outcome: `done`; `failed` (the handler's error was the answer); `dead <reason> <detail>` (recorded with
-- its bytes; reason is one word). inbox: "" for no answer. Returns an integer each: 1 settled; 0 stale: the field is not
-- P's any more, and the answer was dropped; 2 settled, but the inbox is not an inbox, and the answer was dropped.
local function settle(keys, argv)
  local q, p = keys[1], argv[1]
  local gone = fenced(q, p)
  if gone then return gone end
  if (#argv - 1) % 4 ~= 0 or #argv > 4001 then return bad('field, outcome, inbox, answer; at most 1000') end
  for i = 3, #argv, 4 do
    if argv[i] ~= 'done' and argv[i] ~= 'failed' and not string.match(argv[i], '^dead %S') then
      return bad('outcome: done, failed or dead <reason> <detail>')
    end
  end
  local run, reply, ended = at(q, 'run:' .. p), {}, {}
  local held, order, answers = {}, {}, {}
  local failed, dead, stale, undelivered = 0, 0, 0, 0
  for i = 2, #argv, 4 do
    local field, outcome, inbox = argv[i], argv[i + 1], argv[i + 2]
    local slot = (i - 2) / 4 + 1
    local level = level_of(field)
    if not level or held[field] or redis.call('HEXISTS', run, field) == 0 then
      reply[slot] = 0
      stale = stale + 1
    else
      held[field] = true
      reply[slot] = 1
      if outcome == 'failed' then
        failed = failed + 1
      elseif outcome ~= 'done' then
        local reason, detail = string.match(outcome, '^dead (%S+) ?(.*)$')
        redis.call('XADD', at(q, 'dead'), 'MAXLEN', '~', DEAD_RECORDS, '*', 'job', redis.call('HGET', run, field), 'level', level,
          'reason', reason, 'detail', detail, 'by', p)
        dead = dead + 1
      end
      if inbox ~= '' then
        local batch = answers[inbox]
        if not batch then
          batch = { slots = {} }
          answers[inbox] = batch
          order[#order + 1] = inbox
        end
        batch[#batch + 1] = argv[i + 3]
        batch.slots[#batch] = slot
      end
      ended[#ended + 1] = field
    end
  end
  for _, inbox in ipairs(order) do
    local batch = answers[inbox]
    if not deliver(q, inbox, batch) then
      for _, slot in ipairs(batch.slots) do reply[slot] = 2 end
      undelivered = undelivered + #batch
    end
  end
  if #ended > 0 then redis.call('HDEL', run, unpack(ended)) end
  count(q, 'settled', #ended)
  count(q, 'failed', failed)
  count(q, 'dead', dead)
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

-- ARGV: P, field…    in the order in which they were claimed
-- Puts claimed jobs back to the heads of their levels, the first named foremost. Returns how many were still P's.
local function giveback(keys, argv)
  local q, p = keys[1], argv[1]
  local gone = fenced(q, p)
  if gone then return gone end
  local run, returned = at(q, 'run:' .. p), 0
  for i = #argv, 2, -1 do
    local level = level_of(argv[i])
    local job = level and redis.call('HGET', run, argv[i])
    if job then
      put_back(q, p, level, job)
      redis.call('HDEL', run, argv[i])
      returned = returned + 1
    end
  end
  count(q, 'returned', returned)
  return returned
end

-- ARGV: P, level…
-- P ends: what it still holds goes back as in giveback, and its keys are deleted. Returns how many jobs went back. P need
-- not be registered: a fenced process gives back so what its parked BLMOVEs landed when nobody knew it any more.
local function goodbye(keys, argv)
  local q, p = keys[1], argv[1]
  if not p or #p == 0 then return bad('P') end
  local wrong = bad_level(argv, 2)
  if wrong then return wrong end
  local run, returned, fields = at(q, 'run:' .. p), 0, {}
  for i = 2, #argv do
    local land = at(q, 'land:' .. p .. ':' .. argv[i])
    for _, job in ipairs(redis.call('LRANGE', land, 0, -1)) do
      record(run, argv[i], { job })
    end
    redis.call('DEL', land)
  end
  for _, field in ipairs(redis.call('HKEYS', run)) do
    local no = string.match(field, '^%a[%w_.-]*%.(%d+)$')
    if no then fields[#fields + 1] = { field, tonumber(no) } end
  end
  table.sort(fields, function(a, b) return a[2] > b[2] end)
  for _, entry in ipairs(fields) do
    put_back(q, p, level_of(entry[1]), redis.call('HGET', run, entry[1]))
    redis.call('HDEL', run, entry[1])
    returned = returned + 1
  end
  redis.call('DEL', run, at(q, 'cid:' .. p))
  redis.call('HDEL', at(q, 'procs'), p)
  count(q, 'returned', returned)
  return returned
end

-- ARGV: level…. Remembers that the queue has these levels. Returns how many were new.
local function levels(keys, argv)
  local new = 0
  local wrong = bad_level(argv, 1)
  if wrong then return wrong end
  for _, level in ipairs(argv) do
    new = new + redis.call('SADD', at(keys[1], 'levels'), level)
  end
  return new
end

-- ARGV: inbox id. Registers an inbox, or says again that its owner lives. Returns how many answers were read from it.
local function listen(keys, argv)
  local q, inbox = keys[1], argv[1]
  if #inbox == 0 or #inbox > 64 or string.find(inbox, '[^%w_-]') then return bad('inbox id: 1 to 64 of A-Z a-z 0-9 _ -') end
  redis.call('HINCRBY', at(q, 'inboxes'), inbox, 1)
  redis.call('HSETNX', at(q, 'inboxes'), inbox .. '#', '0')
  redis.call('PERSIST', '{' .. q .. '}:in:' .. inbox)
  return tonumber(redis.call('HGET', at(q, 'inboxes'), inbox .. '#'))
end

-- ARGV: inbox id. The inbox and what is in it are deleted. Returns 1, or 0 if it was not registered.
local function unlisten(keys, argv)
  redis.call('DEL', '{' .. keys[1] .. '}:in:' .. argv[1])
  return math.min(redis.call('HDEL', at(keys[1], 'inboxes'), argv[1], argv[1] .. '#'), 1)
end

-- ARGV: inbox id, position, want (1..1000), bytes
-- The answers after the first `position` ones that this inbox ever held, which the caller has delivered: those are
-- removed now, so an answer is deleted only when the next read says that it arrived; to repeat a call harms nothing.
-- Returns [answer…]. FENCED if the inbox is not registered: listen again, and read on from the position it returns.
local function read(keys, argv)
  local q, inbox = keys[1], argv[1]
  local inboxes, key = at(q, 'inboxes'), '{' .. q .. '}:in:' .. argv[1]
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
  local reply, moved, step = {}, 0, 16
  while #reply < want and moved < bytes do
    local slice = math.min(step, want - #reply)
    local items = redis.call('LRANGE', key, #reply, #reply + slice - 1)
    for i = 1, #items do
      if moved >= bytes then break end
      reply[#reply + 1] = items[i]
      moved = moved + #items[i]
    end
    if #items < slice then break end
    step = math.min(step * 2, 256)
  end
  return reply
end

-- ARGV: level…, or none for the whole queue. Workers stop taking from them (level 0 workers do not know). Returns how
-- many were not paused before.
local function pause(keys, argv)
  return redis.call('SADD', at(keys[1], 'paused'), unpack(#argv > 0 and argv or { '*' }))
end

-- ARGV: level…, or none for all. Returns how many were paused.
local function resume(keys, argv)
  if #argv > 0 then return redis.call('SREM', at(keys[1], 'paused'), unpack(argv)) end
  local n = redis.call('SCARD', at(keys[1], 'paused'))
  redis.call('DEL', at(keys[1], 'paused'))
  return n
end

-- ARGV: level… to look at besides those seen. Returns [levels, counts, processes, running, dead, inboxes]:
-- levels = [name, waiting, paused (0 or 1), …]; waiting is -1 for a key that is no list; counts = [name, n, …];
-- running = jobs claimed and not settled.
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
  local inboxes = math.floor(redis.call('HLEN', at(q, 'inboxes')) / 2)
  return { list, redis.call('HGETALL', at(q, 'counts')), #procs, running, redis.call('XLEN', at(q, 'dead')), inboxes }
end

-- A full Redis must still drain: everything but a producer's own RPUSH may run without memory to spare.
local function register(name, callback, flag)
  redis.register_function { function_name = 'tempest1_' .. name, callback = callback, flags = { 'allow-oom', flag } }
end

register('revision', revision, 'no-writes')
register('stats', stats, 'no-writes')
register('hello', hello)
register('beat', beat)
register('claim', claim)
register('adopt', adopt)
register('settle', settle)
register('chunk', chunk)
register('giveback', giveback)
register('goodbye', goodbye)
register('levels', levels)
register('listen', listen)
register('unlisten', unlisten)
register('read', read)
register('pause', pause)
register('resume', resume)
