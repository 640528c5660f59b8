-- `abandoned` is the version of a cart that was told of as abandoned; one that changes again may be so again.
ALTER TABLE carts ADD COLUMN abandoned bigint;
CREATE INDEX idle_carts ON carts (changed_at)
    WHERE state = 'open' AND skus <> '{}' AND abandoned IS DISTINCT FROM version;
CREATE INDEX carts_by_age ON carts (changed_at);
