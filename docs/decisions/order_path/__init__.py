"""The path of an order as a model: every state that carts, outboxes, the bridge and orders can reach at small sizes."""
