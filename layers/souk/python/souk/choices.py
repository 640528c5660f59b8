"""What may stand at a place of a typed document, for whoever wrote something else there."""

from collections.abc import Iterator
from typing import Any

import msgspec.inspect as kinds


def at(shape: Any, pointer: str) -> tuple[str, ...]:
    """Return the values that the type lets stand where a JSON pointer leads; none where it is not one of a few."""
    found = [kinds.type_info(shape)]
    for step in pointer.split("/")[1:]:
        found = [inner for one in found for inner in _inside(one, step)]
    return tuple(str(value) for one in found for value in _values(one))


def _inside(kind: kinds.Type, step: str) -> Iterator[kinds.Type]:
    match kind:
        case kinds.StructType(fields=fields):
            yield from (field.type for field in fields if field.encode_name == step)
        case kinds.UnionType(types=types):
            yield from (inner for one in types for inner in _inside(one, step))
        case kinds.Metadata(type=inner):
            yield from _inside(inner, step)
        case kinds.CollectionType(item_type=inner) | kinds.DictType(value_type=inner):
            yield inner


def _values(kind: kinds.Type) -> Iterator[Any]:
    match kind:
        case kinds.EnumType(cls=cls):
            yield from (one.value for one in cls)
        case kinds.LiteralType(values=values):
            yield from values
        case kinds.UnionType(types=types):
            yield from (value for one in types for value in _values(one))
        case kinds.Metadata(type=inner):
            yield from _values(inner)
