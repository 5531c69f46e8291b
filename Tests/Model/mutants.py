"""Faults of protocol/tempest.lua that the model test must find: each alters the text at one place, and is run until it is found.

Before it: running.py. A fault that is not found means that the schedules, or the model, do not look there.
"""
import time

from running import SMALL, SOURCE, Difference, Runner

MOST = 4000  # schedules for each

FENCE = "  local q, p = keys[1], argv[1]\n  local gone = fenced(q, p)\n  if gone then return gone end\n"
TRIM_LAND = "      redis.call('LTRIM', land, #taken, -1)\n"


def no_fence(name):
    return (f"local function {name}(keys, argv)\n{FENCE}", f"local function {name}(keys, argv)\n  local q, p = keys[1], argv[1]\n")


# name -> (what the library says, what the mutant says)…. A write that fails in the middle is provoked by the step `jam`: the number "@" of
# the run hash is no number, so that HINCRBY fails, after what came before it and before what comes after it.
MUTANTS = {
    "claim trims before it records": [
        ("  if #taken > 0 then\n    reply[#reply + 1] = level\n    reply[#reply + 1] = record(run, level, taken)\n",
         "  if #taken > 0 then\n    redis.call('LTRIM', key, #taken, -1)\n    reply[#reply + 1] = level\n"
         "    reply[#reply + 1] = record(run, level, taken)\n"),
        ("    redis.call('LTRIM', key, #taken, -1)\n  end\n  return #taken, moved, false\n", "  end\n  return #taken, moved, false\n")],
    "adopt trims before it records": [
        (TRIM_LAND, ""), ("    if #taken > 0 then\n      if shut then\n", "    if #taken > 0 then\n" + TRIM_LAND + "      if shut then\n")],
    "suspect trims before it records": [
        ("  redis.call('LREM', list, 1, entry)\n  count", "  count"),
        ("  local first = record(run, level, { job })\n", "  redis.call('LREM', list, 1, entry)\n  local first = record(run, level, { job })\n")],
    "suspects of paused levels": [
        ("wanted[level]) and not (paused and (paused[level] or paused['*'])) then return entry, level", "wanted[level]) then return entry, level")],
    "settle without a fence": [no_fence("settle")],
    "claim without a fence": [no_fence("claim")],
    "adopt without a fence": [no_fence("adopt")],
    "chunk without a fence": [no_fence("chunk")],
    "giveback without a fence": [no_fence("giveback")],
    "tick without a fence": [no_fence("tick")],
    "giveback to the tail": [("        put_back(q, p, level, job)\n      end\n      redis.call('HDEL', run, field)",
                              "        put('RPUSH', q, p, level, job)\n      end\n      redis.call('HDEL', run, field)")],
    "giveback in the order given": [("for i = #argv, 2, -1 do", "for i = 2, #argv do")],
    "giveback keeps the claim": [("      redis.call('HDEL', run, field)\n      if begun", "      if begun")],
    "giveback of a suspect behind the others": [("        put_aside('LPUSH', q, level, job)\n        redis.call('HDEL', run, '!')",
                                                  "        put_aside('RPUSH', q, level, job)\n        redis.call('HDEL', run, '!')")],
    "reap without compare-and-set": [("    if seen ~= '*' and seen ~= counter then return { -1, 0, {}, {} } end\n", "")],
    "reap digs no grave": [("    redis.call('ZADD', at(q, 'grave'), string.format('%d', now()), p)\n", "")],
    "reap in the order of claims": [("return a[2] > b[2]", "return a[2] < b[2]")],
    "reap forgets what landed": [("    local n, size = unland(q, p, level, bytes - moved)\n", "    local n, size = 0, 0\n")],
    "reap leaves what landed for a process that Redis has forgotten": [("    local moved, bytes = unland_all(q, p, MOVE_BYTES)\n", "    local moved, bytes = 0, 0\n")],
    "reap leaves the connections": [("redis.call('DEL', run, at(q, 'cid:' .. p)) end", "redis.call('DEL', run) end")],
    "crash counts lost on retry": [("            set_tries(q, job, n)\n", "")],
    "crash counts kept after done": [("      if crashed and kind ~= 'retry' and kind ~= 'next' and kind ~= 'unknown' then set_tries(q, redis.call('HGET', run, field), 0) end\n", "")],
    "crash counts kept after a next step": [("        if crashed then set_tries(q, redis.call('HGET', run, field), 0) end\n", "")],
    "the next step at the head": [("put('RPUSH', q, p, rest, argv[i + 3])", "put('LPUSH', q, p, rest, argv[i + 3])")],
    "the next step where the first was": [("put('RPUSH', q, p, rest, argv[i + 3])", "put('RPUSH', q, p, level, argv[i + 3])")],
    "crash counts never expire": [("string.format('%d', n))\n    redis.call('EXPIRE', at(q, 'tries'), TRIES_SECONDS)\n", "string.format('%d', n))\n")],
    "bystanders are blamed": [("elseif field == alone or tries == 0 or was_put_aside(q, job) then", "elseif true then")],
    "a suspect that was put aside is never poison": [("or tries == 0 or was_put_aside(q, job) then", "or tries == 0 then")],
    "one crash more until poison": [("local POISON = 3 ", "local POISON = 4 ")],
    "an answer before the stale check": [("      reply[slot] = 0\n", "      reply[slot] = 0\n      deliver(q, inbox, { argv[i + 3] })\n")],
    "a field settled twice in one call": [("      there[field] = nil\n", "")],
    "settle looks up the first few alone": [("step = size <= LOOK_BYTES * n and 64 or 1", "i = #argv + 1")],
    "settle takes big jobs for gone": [("there[argv[i]] = #argv[i] > 1 and redis.call('HEXISTS', run, argv[i]) == 1", "there[argv[i]] = false")],
    "settle keeps the claim": [("redis.call('HDEL', run, unpack(ended))", "redis.call('HEXISTS', run, ended[1])")],
    "settle leaves the mark of a suspect": [("  if ends_alone then ended[over + 1] = '!' end\n", "")],
    "promotion to the head": [("        put('RPUSH', q, p, level, job)\n      else\n        bury(", "        put('LPUSH', q, p, level, job)\n      else\n        bury(")],
    "promotion of what is not due": [("local due = redis.call('ZRANGEBYSCORE', delayed, '-inf', string.format('%d', time),",
                                      "local due = redis.call('ZRANGEBYSCORE', delayed, '-inf', '+inf',")],
    "equal delayed jobs are one": [("local member = string.format('%016d', no) .. ':'", "local member = string.format('%016d', 0) .. ':'"),
                                   ("'NX', string.format('%d', due), member) == 0", "string.format('%d', due), member) == 2")],
    "quota ignored": [("local most = pass == 1 and math.min(left, quotas[i]) or left", "local most = left")],
    "quota without the second pass": [("for pass = 1, weighted and 2 or 1 do", "for pass = 1, 1 do")],
    "claim number unchecked": [("  if no ~= last + 1 then", "  if no < last then")],
    "claim number not kept": [("  redis.call('HSET', run, '#', string.format('%d', no))\n", "")],
    "bytes of a claim unlimited": [("  while n < want and moved < bytes do\n", "  bytes = math.huge\n  while n < want do\n")],
    "claim from paused queues": [("if pass == 1 and paused and (paused[level] or paused['*']) then",
                                  "if pass == 1 and paused and paused[level] then")],
    "adopt gives paused jobs back turned round": [("for j = #taken, 1, -1 do put_back", "for j = 1, #taken do put_back")],
    "suspect beside another job": [("    if level_of(field) then return reply end\n", "")],
    "listen forgets where the reader stood": [("redis.call('HSETNX', at(q, 'inboxes'), inbox .. '#', '0')",
                                               "redis.call('HSET', at(q, 'inboxes'), inbox .. '#', '0')")],
    "read deletes what it hands out": [("  return (first_of(key, want, bytes))\nend\n\n-- ARGV: level…, or none for the whole queue. Workers",
                                        "  local got = first_of(key, want, bytes)\n  redis.call('LTRIM', key, #got, -1)\n  return got\nend\n\n"
                                        "-- ARGV: level…, or none for the whole queue. Workers")],
    "EXPIRE on registered inboxes": [("if redis.call('HEXISTS', at(q, 'inboxes'), inbox) == 0 then redis.call('EXPIRE', key, ORPHAN_SECONDS) end",
                                      "redis.call('EXPIRE', key, ORPHAN_SECONDS)")],
    "answers for nobody stay for ever": [("if redis.call('HEXISTS', at(q, 'inboxes'), inbox) == 0 then redis", "if false then redis")],
    "listen lets the inbox expire": [("  redis.call('PERSIST', '{' .. q .. '}:in:' .. inbox)\n", "")],
    "read drops what was not confirmed": [("    redis.call('LTRIM', key, drop, -1)\n", "    redis.call('LTRIM', key, drop + 1, -1)\n")],
    "a live inbox is swept": [("strikes = seen == counter and tonumber(strikes) + 1 or 0", "strikes = tonumber(strikes or 0) + 1")],
    "goodbye forgets land lists": [
        ("  for i = 2, #argv do returned = returned + unland(q, p, argv[i], math.huge) end\n", ""),
        ("  returned = returned + unland_all(q, p, math.huge)\n", "")],
    "goodbye of the keeper keeps the clock": [("  leave_clock(q, p)\nend", "end")],
    "goodbye leaves the lease": [("  redis.call('HDEL', at(q, 'leases'), p)\n", "")],
    "a keeper for ever": [("if not keeper or keeper == p or time > till or till > time + KEEPER then", "if not keeper or keeper == p then")],
    "a clock that was set back stops the sweeps": [("if time >= last and time < last + every then", "if time < last + every then")],
    "all watch all": [("if redis.call('ZCARD', watch) >= WATCHERS and not redis.call('ZSCORE', watch, p) then return false end\n", "")],
    "watchers for ever": [("  redis.call('ZREMRANGEBYSCORE', watch, '-inf', string.format('%d', time))\n", "")],
    "watchers of a clock that was set back": [("  redis.call('ZREMRANGEBYSCORE', watch, string.format('(%d', time + WATCH), '+inf')\n", "")],
    "the dead watch": [("  redis.call('ZREM', at(q, 'watch'), p)\n", "")],
    "graves closed with jobs in them": [("if left == 0 and math.abs(age) > GRAVE then", "if math.abs(age) > GRAVE then")],
    "graves closed at once": [("if left == 0 and math.abs(age) > GRAVE then", "if left == 0 then")],
    "dead_bytes not decremented": [("'dead_bytes', 0 - #(field_of(found[1][2], 'job') or ''))", "'dead_bytes', 0)")],
    "dead records without end": [("    if not old and length <= DEAD_RECORDS and bytes <= DEAD_BYTES then break end\n", "    if true then break end\n")],
    "a level that is no list loses jobs": [("    bury(q, p, level, job, 'wrong_type', 'the key of the level is no list')\n", "")],
    "clear takes the suspects of other levels": [("      if all or level and named[level] then\n        -- They go", "      if true then\n        -- They go")],
    "clear leaves what is known of unknown actions": [
        ("      redis.call('ZREM', at(q, 'unknown'), kind)\n      redis.call('HDEL', at(q, 'known'), kind)\n    end\n  end\n  if what",
         "      redis.call('ZREM', at(q, 'unknown'), kind)\n    end\n  end\n  if what")],
    "clear keeps the crashes of suspects": [("        if job then set_tries(q, job, 0) end\n        suspects", "        suspects")],
    "clear without end": [("      if bytes >= MOVE_BYTES then\n        left = 1\n", "      if false then\n        left = 1\n")],
    "clear leaves holes": [("  if suspects > 0 then redis.call('LREM', list, 0, '') end\n", "")],
    "revive to the head": [("redis.pcall('RPUSH', level_key(q, level), argv[2]", "redis.pcall('LPUSH', level_key(q, level), argv[2]")],
    "revive keeps the record": [("  set_tries(q, job, 0)\n  unbury(q, id)\n", "  set_tries(q, job, 0)\n")],
    "cancelled for ever": [("        redis.call('ZREM', at(q, 'cancelled'), rest)\n", "        rest = ''\n")],
    "hello only keeps old connections": [("  if mode == 'only' then redis.call('DEL', cids) end\n", "")],
    "hello takes the name of the dead": [(" or redis.call('ZSCORE', at(q, 'grave'), p) then", " then")],
    "begin without a fence": [no_fence("begin")],
    "begin marks what is not there": [("    if there then redis.call('SADD', begun, argv[i]) end\n", "    redis.call('SADD', begun, argv[i])\n")],
    "begin marks what is no job": [("    local there = level_of(argv[i]) and redis.call(", "    local there = redis.call(")],
    "begin marks nothing": [("    if there then redis.call('SADD', begun, argv[i]) end\n", "")],
    "begin says that all were marked": [("    reply[i - 1] = there and 1 or 0\n", "    reply[i - 1] = 1\n")],
    "begin of nothing": [("  if #argv < 2 or #argv > 1001 then return bad('P, 1 to 1000 fields') end\n", "")],
    "what was begun is taken back": [("    if begun[field] then\n      interrupt(q, p, level, job)\n", "    if false then\n      interrupt(q, p, level, job)\n")],
    "an interruption is a crash": [("    if not begun[field] then crashed = crashed + 1 end\n", "    crashed = crashed + 1\n")],
    "an interruption keeps the crashes": [("it may have been carried out')\n  set_tries(q, job, 0)\n", "it may have been carried out')\n")],
    "an interruption is not recorded": [("  bury_untold(q, p, level, job, 'interrupted', 'its process ended while it ran; it may have been carried out')\n", "")],
    "interrupted callers are told once at most": [("  bury_untold(q, p, level, job, 'interrupted'", "  bury(q, p, level, job, 'interrupted'")],
    "callers of poison are told once at most": [("        bury_untold(q, p, level, job, 'poison'", "        bury(q, p, level, job, 'poison'")],
    "who is returned is told": [("      ids[#ids + 1], bytes = id, bytes + #job\n",
                                 "      ids[#ids + 1], bytes = id, bytes + #job\n      redis.call('ZREM', key, id)\n")],
    "who says that one was told has told all": [("n = n + redis.call('ZREM', key, argv[i]) end", "n = n + redis.call('DEL', key) end")],
    "nobody is ever told enough": [("n = n + redis.call('ZREM', key, argv[i]) end", "n = n + 1 end")],
    "untold callers are left over": [("    left = left + untold\n", "")],
    "untold callers are told for ever": [
        ("  if tonumber(redis.call('HGET', untold, p .. '#') or '0') >= UNTOLD_TRIES then return 0, poisoned, interrupted end\n", "")],
    "untold callers are shown for ever": [("and (tries[reaped .. '#'] or 0) < UNTOLD_TRIES\n", "\n")],
    "observers do not see that somebody tells": [("      others[#others + 1] = tonumber(untold[i + 1])\n", "      others[#others + 1] = 1\n")],
    "observers do not see that some were returned": [("redis.call('HINCRBY', untold, p, #ids) - #ids", "redis.call('HINCRBY', untold, p, 0) - #ids")],
    "observers see tries": [("      others[#others + 1] = tonumber(untold[i + 1])\n", "      others[#others + 1] = tries[reaped .. '#'] or 0\n")],
    "a caller who was told begins the count anew that observers see": [
        ("    redis.call('HDEL', untold, tries)\n", "    redis.call('HDEL', untold, p, tries)\n")],
    "a teller who told some has failed": [("    redis.call('HDEL', untold, tries)\n", "")],
    "a teller whose answers were refused has failed": [
        ("then redis.call('HINCRBY', untold, tries, -1) end\n    return\n", "then redis.call('HINCRBY', untold, tries, 0) end\n    return\n")],
    "a teller whose answers were refused forgives all tries": [
        ("then redis.call('HINCRBY', untold, tries, -1) end\n    return\n", "then redis.call('HSET', untold, tries, 0) end\n    return\n")],
    "a teller whose answers were refused tries again at once": [
        ("    left, poisoned, interrupted = left + redis.call('ZCARD', at(q, 'untold:' .. p)), {}, {}\n",
         "    left, poisoned, interrupted = to_tell(q, p)\n")],
    "all observers tell": [("    if not counter and moved == 0 and #argv == 3 and seen ~= '*' and seen ~= shown then return { -1, 0, {}, {} } end\n", "")],
    "observers alone tell": [("and moved == 0 and #argv == 3 and seen ~= '*' and", "and moved == 0 and #argv == 3 and")],
    "who names the told is told nothing": [("and moved == 0 and #argv == 3 and seen", "and moved == 0 and seen")],
    "who takes jobs back in its second call is told nothing": [("and moved == 0 and #argv == 3 and seen", "and #argv == 3 and seen")],
    "untold callers outlive their graves": [("      redis.call('DEL', at(q, 'untold:' .. p))\n", "")],
    "goodbye closes a grave with untold callers": [
        ("    redis.call('ZADD', at(q, 'grave'), 'NX', string.format('%d', now()), p)\n  else\n", "  else\n"),
        ("  if redis.call('HEXISTS', at(q, 'untold'), p) == 1 then\n", "  if false then\n")],
    "goodbye digs a grave anew": [("redis.call('ZADD', at(q, 'grave'), 'NX', ", "redis.call('ZADD', at(q, 'grave'), ")],
    "the callers of jobs that were started again are told": [("      redis.call('ZREM', key, id)\n", "      ids[#ids + 1] = id\n")],
    "who cannot be told stands before others": [("    for i, id in ipairs(ids) do redis.call('ZADD', key, last + i, id) end\n", "")],
    "callers of interrupted jobs are not named": [("      interrupted[#interrupted + 1] = job\n", "")],
    "reap keeps the interrupted to itself": [("  return { moved, left, poisoned, interrupted }\n", "  return { moved, left, poisoned, {} }\n")],
    "reap that stops half-way forgets the interrupted": [("  return moved + done, #fields - done, poisoned, bytes, interrupted\n",
                                                          "  return moved + done, #fields - done, poisoned, bytes, {}\n")],
    "reap leaves the marks": [("      redis.call('SREM', at(q, 'begun:' .. p), field)\n", "")],
    "goodbye gives back what was begun": [("    if begun[entry[1]] then\n      interrupt(q, p, level, job)\n", "    if false then\n      interrupt(q, p, level, job)\n")],
    "goodbye counts what was begun": [("    if not begun[entry[1]] then returned = returned + 1 end\n", "    returned = returned + 1\n")],
    "goodbye leaves the marks": [("  redis.call('DEL', run, at(q, 'begun:' .. p), at(q, 'cid:' .. p))\n  unregister",
                                   "  redis.call('DEL', run, at(q, 'cid:' .. p))\n  unregister")],
    "giveback of what runs": [("    if job and unrun == '' and begun[field] then job = nil end\n", "")],
    "giveback keeps what was never run": [("    if job and unrun == '' and begun[field]", "    if job and begun[field]")],
    "giveback leaves the mark": [("      if begun[field] then redis.call('SREM', at(q, 'begun:' .. p), field) end\n", "")],
    "settle leaves the mark of what was begun": [
        ("  if special and over > 0 then redis.call('SREM', at(q, 'begun:' .. p), unpack(ended)) end\n", "")],
    "settle looks for crashes alone": [("redis.call('EXISTS', at(q, 'tries'), at(q, 'begun:' .. p)) > 0", "redis.call('EXISTS', at(q, 'tries')) > 0")],
    "settle looks for marks alone": [("redis.call('EXISTS', at(q, 'tries'), at(q, 'begun:' .. p)) > 0", "redis.call('EXISTS', at(q, 'begun:' .. p)) > 0")],
    "unknown jobs are given up though a process knows them": [(" or #knowers(q, kind, 1) > 0 then\n", " then\n")],
    "unknown jobs are given up before their time": [("first_of_kind(q, kind, 100 - total, MOVE_BYTES - moved, time)",
                                                     "first_of_kind(q, kind, 100 - total, MOVE_BYTES - moved)")],
    "unknown jobs that are taken wait on": [("    for _, of in ipairs(found) do drop_of_kind(q, of[1], of[2]) end\n", "")],
    "unknown jobs that are given up wait on": [("        drop_of_kind(q, kind, members)\n", "")],
    "unknown jobs are taken before they are recorded": [
        ("    found[#found + 1] = { kind[1], members }\n", "    found[#found + 1] = { kind[1], members }\n    drop_of_kind(q, kind[1], members)\n")],
    "unknown jobs go to processes that do not know them": [("redis.call('SMEMBERS', at(q, 'actions:' .. p))", "{ 'high:new', 'low:new', 'default:new' }")],
    "unknown jobs of another level are taken": [("    if string.sub(kind, 1, #start) == start then names[#names + 1] = kind end\n", "    names[#names + 1] = kind\n")],
    "unknown jobs in the order of their names": [("a[2] < b[2] or a[2] == b[2] and a[3] < b[3]", "a[1] < b[1]")],
    "unknown jobs of paused levels are given up": [("      elseif paused and (paused[level] or paused['*']) or #knowers", "      elseif #knowers")],
    "unknown jobs are given up as soon as their process has ended": [("      elseif known <= time and time < known + KNOWN then\n", "      elseif false then\n")],
    "unknown jobs are given up by the first that comes back": [("    if strays and time > (tonumber(swept or '') or 0) + GAP then redis.call('HSET', clock, 'back', string.format('%d', time)) end\n", "")],
    "equal unknown jobs are one": [("    members[i] = string.format('%016d:', no) .. entries", "    members[i] = string.format('%016d:', 0) .. entries"), ("    while old do\n", "    while false do\n")],
    "unknown jobs of one settle share a number": [("field, no + n, outcome.written, job", "field, no + 1, outcome.written, job")],
    "the second end of a field in one settle counts, if it is unknown": [("    if there[argv[i]] and seen[argv[i]] == i then fields", "    if there[argv[i]] then fields")],
    "a large unknown job is put aside without its bytes": [("    if job == true then job = redis.call('HGET', run, field) end\n", "    if job == true then job = '' end\n")],
    "unknown jobs of one action wait as long as the first": [("argv[i], outcomes[argv[i + 1]]\n", "argv[i], outcomes[string.match(argv[i + 1], '^%S+ %d+ (.*)$')]\n"),
                                                             ("      outcomes[argv[i + 1]] = outcome\n", "      outcomes[action] = outcome\n")],
    "unknown jobs are looked at when the patience of the first is over": [("math.min(of.first, outcome.till)\n", "of.first < math.huge and of.first or outcome.till\n")],
    "nobody is told of unknown jobs": [("  for _, p in ipairs(known) do tell_news(q, 'tick ' .. p) end\n", "")],
    "all are told of each unknown job": [("redis.call('ZSCORE', at(q, 'unknown'), kind) and {} or knowers", "knowers")],
    "a later unknown job puts off the look": [("redis.call('ZADD', at(q, 'unknown'), 'LT', ", "redis.call('ZADD', at(q, 'unknown'), ")],
    "unknown jobs count as settled": [("count(q, 'settled', over - (tally.unknown or 0))", "count(q, 'settled', over)")],
    "unknown jobs are forgiven their crashes": [("and kind ~= 'next' and kind ~= 'unknown' then set_tries", "and kind ~= 'next' then set_tries")],
    "the dead know actions": [("  redis.call('DEL', at(q, 'actions:' .. p))\n  redis.call('ZREM'", "  redis.call('ZREM'")],
    "the keeper does not look for unknown jobs in time": [("    if keeps == 1 then due = due == -1 and look or math.min(due, look) end\n", "")],
    "nobody gives up unknown jobs for a keeper that does not": [("if wait <= 0 and (keeps == 1 or wait <= -2 * SWEEP) then", "if wait <= 0 and keeps == 1 then")],
    "whoever knows nothing any more keeps its actions": [("  if forgets then redis.call('DEL', at(q, 'actions:' .. p)) end\n", "")],
    "news know no databases": [("redis.pcall('PUBLISH', channel_in(database, at(q, 'news')), news)", "redis.pcall('PUBLISH', at(q, 'news'), news)")],
    "whoever does not say its database is in database 0": [("  if database == 0 then\n", "  if not database or database == 0 then\n")],
    "a database that was left is not forgotten": [("    redis.call('HDEL', at(q, 'clock'), 'database')\n", "")],
    "a keeper that leaves takes the database along": [
        ("    redis.call('HDEL', at(q, 'clock'), 'keeper', 'until')\n", "    redis.call('DEL', at(q, 'clock'))\n")],
    "minus zero": [("0 - #(field_of", "-#(field_of")],
}
IN_EVERY_RUN = ["settle without a fence", "giveback to the tail"]


def altered(text, changes):
    for old, new in changes:
        if text.count(old) != 1:
            raise SystemExit(f"a mutant must alter one place of protocol/tempest.lua, and this is in it {text.count(old)} times:\n{old}")
        text = text.replace(old, new)
    return text


def run_mutants(seed, names, make, most=MOST):
    """Runs these, or all; 1 if one was not caught. `make` makes schedule n of a seed."""
    missed = 0
    for changes in MUTANTS.values():  # also those that are not run now: the text that they alter must be there
        altered(SOURCE, changes)
    for name in names or MUTANTS:
        begun = time.monotonic()
        runner = Runner(SMALL, lambda text, name=name: altered(text, MUTANTS[name]))
        try:
            caught = None
            for number in range(most):
                try:
                    runner.run(make(seed, number, SMALL))
                except Difference as difference:
                    caught = (number + 1, difference)
                    break
        finally:
            runner.close()
        if caught:
            print(f"caught      {name}: {caught[0]} schedules ({caught[1].what})", flush=True)
        else:
            missed += 1
            print(f"NOT caught  {name}: {most} schedules, seed {seed}, {time.monotonic() - begun:.0f} s", flush=True)
    print(f"mutants: {len(names or MUTANTS) - missed} of {len(names or MUTANTS)} caught")
    return 1 if missed else 0
