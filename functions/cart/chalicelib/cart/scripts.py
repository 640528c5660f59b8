"""What Redis runs on a cart, each in one round trip: reading it, changing its lines, keeping what was made of it elsewhere.

KEYS: the cart, its bucket's dirty set, its bucket's frozen set. ARGV: history, cart id, what the script says.
Every script answers {what, history, version, cart}. A cart is MessagePack: Redis reads and writes it, with whole numbers
exact up to 2^53 and empty lists as lists, neither of which its JSON does.
"""

from souk.redis import Script

BUCKETS = 64


def keys(cart_id: str) -> tuple[str, str, str]:
    """Return the keys of a cart: itself, and its bucket's dirty and frozen sets; one hash slot has them all."""
    name = bucket_of(cart_id)
    return f"{name}:cart:{cart_id}", f"{name}:dirty", f"{name}:frozen"


def refusal_key(beside: str, scope: str) -> str:
    """Return the key of a refusal, in the hash slot of the cart (or whatever has an id) that it is about."""
    return f"{bucket_of(beside)}:refused:{scope}"


def bucket_of(one: str) -> str:
    """Return the hash tag of an id's bucket."""
    return bucket(int(one[-4:], 16) % BUCKETS)


def bucket(number: int) -> str:
    """Return a bucket's hash tag."""
    return f"{{b{number:02d}}}"


HELD = """
    local held = redis.call('HMGET', KEYS[1], 'version', 'packed', 'history')
    local function answer(what) return {what, ARGV[1], held[2] and held[1] or '', held[2] or ''} end
"""
# The version is time, so that no failover gives one out twice; whole numbers, as Lua prints large ones with exponents.
KEEP = """
    local function next_version()
        local clock = redis.call('TIME')
        local version = clock[1] * 1000000 + clock[2]
        if held[2] and version <= tonumber(held[1]) then return held[1] + 1 end
        return version
    end
    local function keep(version, packed, lasts)
        redis.call('HSET', KEYS[1], 'version', version, 'packed', packed, 'history', ARGV[1])
        redis.call('PEXPIRE', KEYS[1], lasts)
    end
    local function keep_changed(cart, lasts)
        local version = string.format('%.0f', cart.version)
        local packed = cmsgpack.pack(cart)
        keep(version, packed, lasts)
        redis.call('ZADD', KEYS[2], version, ARGV[2])
        return {'written', ARGV[1], version, packed}
    end
    local function note_frozen(frozen_at)
        if frozen_at == '' then
            redis.call('ZREM', KEYS[3], ARGV[2])
        else
            redis.call('ZADD', KEYS[3], frozen_at, ARGV[2])
        end
    end
"""

READ = Script.of(
    HELD
    + """
    if not held[2] then return answer('absent') end
    return answer(held[3] == ARGV[1] and 'held' or 'verify')
    """,
    repeatable=True,
)

# KEYS, where the request has a key: besides, what it was refused with before. ARGV: the request (see `live_cart.Request`). `Cart.revised` is the same in Python and says why something is refused.
CHANGE = Script.of(
    HELD
    + KEEP
    + """
    if not held[2] then return answer('absent') end
    if held[3] ~= ARGV[1] then return answer('verify') end
    local cart, request = cmsgpack.unpack(held[2]), cmsgpack.unpack(ARGV[3])
    local asked, change, limits = request.asked, request.change, request.limits
    local refused = asked.key and redis.call('GET', KEYS[4])
    if refused then return {'recalled', ARGV[1], '', refused} end

    local function place(sku)
        for at, line in ipairs(cart.lines) do
            if line.sku == sku then return at end
        end
    end
    local function count()
        local lines, items = 0, 0
        for _, line in ipairs(cart.lines) do
            if not line.later then lines, items = lines + 1, items + line.quantity end
        end
        return lines, items
    end
    local function is_holders()
        local holder, caller = cart.holder, asked.holder
        return (caller.customer_id or caller.token_hash)
            and holder.customer_id == caller.customer_id and holder.token_hash == caller.token_hash
    end
    local function is_known()
        for _, one in ipairs(cart.operations) do
            if one.id == asked.key then return true end
        end
    end
    local function clear()
        for at = #cart.lines, 1, -1 do
            if not cart.lines[at].later then table.remove(cart.lines, at) end
        end
        return true
    end
    local function revise()
        local at, lines, _, items = place(change.sku), #cart.lines, count()
        local offer = change.offers and change.offers[cart.market]
        if not offer and (change.offers or not at) then return false end
        local line = at and cart.lines[at] or {quantity = 0, note = '', later = false}
        local before = line.quantity
        for name, value in pairs(offer or {}) do line[name] = value end
        line.quantity = change.quantity or before + change.by
        if change.later ~= nil then line.later = change.later end
        if change.note then line.note = change.note end
        if not at then
            table.insert(cart.lines, line)
            at = #cart.lines
        end
        if line.quantity <= 0 then table.remove(cart.lines, at) end
        local _, items_now = count()
        return not (line.quantity > before and line.quantity > limits.of_one
            or #cart.lines > lines and #cart.lines > limits.lines
            or items_now > items and items_now > limits.items)
    end
    local function note_operation()
        local recent = {}
        for _, one in ipairs(cart.operations) do
            if string.sub(one.at, 1, 19) > request.since then table.insert(recent, one) end
        end
        while #recent >= request.operations do table.remove(recent, 1) end
        local line, lines, items = cart.lines[place(change.sku)], count()
        table.insert(recent, {
            id = asked.key, fingerprint = asked.fingerprint, at = request.now, version = cart.version,
            sku = change.sku, quantity = line and line.quantity or 0, line_count = lines, item_count = items,
            attempt = cart.attempt,
        })
        cart.operations = recent
    end

    if not is_holders() or cart.merged_into then return answer('refused') end
    if asked.key and is_known() then return answer('held') end
    if cart.state ~= 'open' or asked.seen and asked.seen ~= cart.version then return answer('refused') end
    if not (change.sku and revise or clear)() then return answer('refused') end
    cart.version, cart.changed_at = next_version(), request.now
    if asked.key then note_operation() end
    return keep_changed(cart, request.lasts)
    """
)

# ARGV: the version the change was made from ('' for a new cart), cart, frozen at, kept for.
WRITE = Script.of(
    HELD
    + KEEP
    + """
    if held[2] and held[3] ~= ARGV[1] then return answer('verify') end
    if (held[2] and held[1] or '') ~= ARGV[3] then return answer(held[2] and 'held' or 'absent') end
    local cart = cmsgpack.unpack(ARGV[4])
    cart.version = next_version()
    for _, one in ipairs(cart.operations) do
        if one.version == -1 then one.version = cart.version end
    end
    note_frozen(ARGV[5])
    return keep_changed(cart, ARGV[6])
    """
)

# ARGV: the history under which it was compared with PostgreSQL, version, cart, frozen at, kept for.
INSTALL = Script.of(
    HELD
    + KEEP
    + """
    if ARGV[3] ~= ARGV[1] then return answer('verify') end
    if held[2] and tonumber(held[1]) >= tonumber(ARGV[4]) then
        redis.call('HSET', KEYS[1], 'history', ARGV[1])
        return answer('held')
    end
    keep(ARGV[4], ARGV[5], ARGV[7])
    note_frozen(ARGV[6])
    return {'held', ARGV[1], ARGV[4], ARGV[5]}
    """,
    repeatable=True,
)
