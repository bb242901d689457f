-- Token buckets, several at once: all of them give or none does.
-- ARGV: what to do (take, adjust, peek), then units, capacity and units per second of each key.
-- Gives the number of the first bucket that refused (0 = none) and what is left in each.
local what = ARGV[1]
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local lefts = {}
local refused = 0
for i, key in ipairs(KEYS) do
    local units = tonumber(ARGV[i * 3 - 1])
    local capacity = tonumber(ARGV[i * 3])
    local rate = tonumber(ARGV[i * 3 + 1])
    local row = redis.call('HMGET', key, 'left', 'at')
    local left = capacity
    if row[1] then
        local passed = math.max(0, now - tonumber(row[2])) / 1000000
        left = math.min(capacity, tonumber(row[1]) + passed * rate)
    end
    if what == 'take' and units > left and refused == 0 then
        refused = i
    end
    lefts[i] = left
end
if refused == 0 and what ~= 'peek' then
    for i, key in ipairs(KEYS) do
        local units = tonumber(ARGV[i * 3 - 1])
        local capacity = tonumber(ARGV[i * 3])
        local rate = tonumber(ARGV[i * 3 + 1])
        if what == 'take' then
            units = -units
        end
        lefts[i] = math.min(capacity, lefts[i] + units)
        redis.call('HSET', key, 'left', string.format('%.17g', lefts[i]),
            'at', string.format('%.0f', now))
        -- A bucket that is full again needs no key.
        redis.call('PEXPIRE', key, math.ceil((capacity - lefts[i]) / rate * 1000) + 1000)
    end
end
local told = { tostring(refused) }
for i, left in ipairs(lefts) do
    told[i + 1] = string.format('%.17g', left)
end
return told
