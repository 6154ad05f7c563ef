"""Tools in one order: functions by name, whatever the order they were given in."""

from __future__ import annotations

import itertools
import json

from batch.arrangement.tool_order import ToolOrder, order_name


def test_every_order_of_the_same_tools_is_one() -> None:
    functions = [{"name": name, "description": f"does {name}"} for name in "cab"]
    orders = ToolOrder()
    for given in itertools.permutations(functions):
        tools = json.dumps([{"functionDeclarations": list(given)}, {"googleSearch": {}}]).encode()
        ordered = orders.ordered(tools)
        (declared,) = [tool["functionDeclarations"] for tool in json.loads(ordered) if "functionDeclarations" in tool]
        assert [function["name"] for function in declared] == ["a", "b", "c"]
        assert order_name(ordered) == order_name(orders.ordered(ordered))


def test_what_is_in_order_or_cannot_be_read_stays_as_it_is_spelled() -> None:
    for tools in (b'[ {"functionDeclarations": [{"name": "a"}, {"name": "b"}]} ]', b'{"no": "list"}', b"broken"):
        assert ToolOrder().ordered(tools) == tools
