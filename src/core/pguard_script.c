#include "pguard_script.h"


/*
 * DECIDE, windows: a hash of ten slots of a tenth of the window each, the one
 * that runs and the nine before it.  They never span more than the window, so
 * the total is never more than the truth; they span at least nine tenths of
 * it.  A batch goes to the slot of its oldest arrival: it leaves the window
 * early, never late.
 *
 * DECIDE, throttle: the time of the last admitted, compared here instead of
 * left to the key's own expiry, which is coarser and would refuse a client
 * that waited for exactly as long as it was told.  One that is an interval
 * later than now is of before the clock was put back, or of a server whose
 * clock was ahead.
 */

#define PGUARD_LUA_DECIDE                                                     \
    "local t = redis.call('TIME')\n"                                          \
    "local now = t[1] * 1000000 + t[2]\n"                                     \
    "local out = {-1, 0, now}\n"                                              \
    "local interval = tonumber(ARGV[1])\n"                                    \
    "local admitted, first = true, 0\n"                                       \
    "if interval > 0 then\n"                                                  \
    "  first = 1\n"                                                           \
    "  local last = tonumber(redis.call('GET', KEYS[1]) or '')\n"             \
    "  local left = last and last + interval * 1000 - now or 0\n"             \
    "  if left > 0 and left <= 2000 * interval then\n"                        \
    "    admitted = false\n"                                                  \
    "    out[1] = 0\n"                                                        \
    "    out[2] = math.min(math.ceil(left / 1000), interval)\n"               \
    "  else\n"                                                                \
    "    out[1] = 1\n"                                                        \
    "    redis.call('SET', KEYS[1], string.format('%.0f', now),\n"            \
    "               'PX', interval + 1)\n"                                    \
    "  end\n"                                                                 \
    "end\n"                                                                   \
    "local function count(key, n, window, at)\n"                              \
    "  local width = window * 100\n"                                          \
    "  local slot = math.floor(now / width)\n"                                \
    "  if at <= 0 then at = now + at end\n"                                   \
    "  local mine = math.floor(math.min(at, now) / width)\n"                  \
    "  local total, old = 0, {}\n"                                            \
    "  local all = redis.call('HGETALL', key)\n"                              \
    "  for i = 1, #all, 2 do\n"                                               \
    "    local s = tonumber(all[i])\n"                                        \
    "    if s and s > slot - 10 and s <= slot then\n"                         \
    "      total = total + tonumber(all[i + 1])\n"                            \
    "    else\n"                                                              \
    "      old[#old + 1] = all[i]\n"                                          \
    "    end\n"                                                               \
    "  end\n"                                                                 \
    "  if #old > 0 then redis.call('HDEL', key, unpack(old)) end\n"           \
    "  if mine > slot - 10 then\n"                                            \
    "    redis.call('HINCRBY', key, string.format('%.0f', mine), n)\n"        \
    "    redis.call('PEXPIRE', key, window + 1)\n"                            \
    "    total = total + n\n"                                                 \
    "  end\n"                                                                 \
    "  return total\n"                                                        \
    "end\n"                                                                   \
    "for i = 2, #ARGV, 4 do\n"                                                \
    "  first = first + 1\n"                                                   \
    "  local total = 0\n"                                                     \
    "  if ARGV[i] == '0' or (ARGV[i] == '1') == admitted then\n"              \
    "    total = count(KEYS[first], tonumber(ARGV[i + 1]),\n"                 \
    "                  tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3]))\n"       \
    "  end\n"                                                                 \
    "  out[#out + 1] = total\n"                                               \
    "end\n"                                                                   \
    "return out\n"


/*
 * The messages of a zone's blocks are in a hash, their ends in a sorted set.
 * Those that have ended go with the next change, some at a time; both keys
 * live as long as the last block.  A lifted block stays, as the message that
 * lifts it, until it would have ended: a gateway that was away learns of it.
 */

#define PGUARD_LUA_BLOCKS                                                     \
    "local t = redis.call('TIME')\n"                                          \
    "local now = t[1] * 1000 + math.floor(t[2] / 1000)\n"                     \
    "local gone = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now,\n"        \
    "                        'LIMIT', 0, 100)\n"                              \
    "if #gone > 0 then\n"                                                     \
    "  redis.call('ZREM', KEYS[2], unpack(gone))\n"                           \
    "  redis.call('HDEL', KEYS[1], unpack(gone))\n"                           \
    "end\n"                                                                   \
    "local till = tonumber(redis.call('ZSCORE', KEYS[2], ARGV[1]) or 0)\n"    \
    "local was = redis.call('HGET', KEYS[1], ARGV[1]) or ''\n"                \
    "local active = till > now and string.sub(was, 3, 3) == 'b'\n"

#define PGUARD_LUA_BLOCK                                                      \
    PGUARD_LUA_BLOCKS                                                         \
    "local left = tonumber(ARGV[3])\n"                                        \
    "if active and till - now >= left * 0.9 then return 0 end\n"              \
    "redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])\n"                         \
    "redis.call('ZADD', KEYS[2], string.format('%.0f', now + left),\n"        \
    "           ARGV[1])\n"                                                   \
    "local last = redis.call('ZRANGE', KEYS[2], -1, -1, 'WITHSCORES')\n"      \
    "local ends = string.format('%.0f', tonumber(last[2]) + 1000)\n"          \
    "redis.call('PEXPIREAT', KEYS[1], ends)\n"                                \
    "redis.call('PEXPIREAT', KEYS[2], ends)\n"                                \
    "redis.call('PUBLISH', ARGV[4], ARGV[2])\n"                               \
    "return 1\n"

#define PGUARD_LUA_LIFT                                                       \
    PGUARD_LUA_BLOCKS                                                         \
    "if active then redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]) end\n"      \
    "redis.call('PUBLISH', ARGV[3], ARGV[2])\n"                               \
    "return active and 1 or 0\n"


/*
 * A page is placed by the end of its first block, and by how many with that
 * same end went before: pages stay right while blocks come and go.
 */

#define PGUARD_LUA_SYNC                                                       \
    "local t = redis.call('TIME')\n"                                          \
    "local now = t[1] * 1000 + math.floor(t[2] / 1000)\n"                     \
    "local from, skip = tonumber(ARGV[1]), tonumber(ARGV[2])\n"               \
    "local limit = tonumber(ARGV[3])\n"                                       \
    "if from <= now then from, skip = now + 1, 0 end\n"                       \
    "local got = redis.call('ZRANGEBYSCORE', KEYS[2],\n"                      \
    "                       string.format('%.0f', from), '+inf',\n"           \
    "                       'WITHSCORES', 'LIMIT', skip, limit)\n"            \
    "local out = {0, 0}\n"                                                    \
    "local last, same = 0, 0\n"                                               \
    "for i = 1, #got, 2 do\n"                                                 \
    "  local ends = tonumber(got[i + 1])\n"                                   \
    "  same = ends == last and same + 1 or 1\n"                               \
    "  last = ends\n"                                                         \
    "  local message = redis.call('HGET', KEYS[1], got[i])\n"                 \
    "  if message then\n"                                                     \
    "    out[#out + 1] = message\n"                                           \
    "    out[#out + 1] = ends - now\n"                                        \
    "  end\n"                                                                 \
    "end\n"                                                                   \
    "if #got == 2 * limit then\n"                                             \
    "  out[1] = last\n"                                                       \
    "  out[2] = last == from and skip + same or same\n"                       \
    "end\n"                                                                   \
    "return out\n"


#define PGUARD_LUA_FORGET                                                     \
    "for i = 3, #ARGV do\n"                                                   \
    "  redis.call('HDEL', KEYS[1], ARGV[i])\n"                                \
    "  redis.call('ZREM', KEYS[2], ARGV[i])\n"                                \
    "end\n"                                                                   \
    "if ARGV[1] ~= '' then redis.call('PUBLISH', ARGV[2], ARGV[1]) end\n"     \
    "return 1\n"


const pguard_str_t  pguard_scripts[PGUARD_SCRIPTS] = {
    pguard_string(PGUARD_LUA_DECIDE),
    pguard_string(PGUARD_LUA_BLOCK),
    pguard_string(PGUARD_LUA_LIFT),
    pguard_string(PGUARD_LUA_SYNC),
    pguard_string(PGUARD_LUA_FORGET)
};
