"""The signatures by which libapus_train describes its operators, modules and optimizers, and calls by them."""

from __future__ import annotations

import ast
import re

_REQUIRED = object()


class Signature:
    """name(parameter: type = default, …) as the library writes it."""

    def __init__(self, text: str) -> None:
        self.name, rest = re.match(r"(\w+)\((.*)\)", text).groups()
        self.text = text.partition(" -> ")[0]
        self.many = text.endswith("tensors")
        self.parameters = []
        for part in re.split(r", (?=\w+: )", rest) if rest else []:
            name, kind, default = re.match(r"(\w+): ([^=]+?)(?: = (.*))?$", part).groups()
            open_ = None if kind.endswith("?") else _REQUIRED
            self.parameters.append((name, open_ if default is None else ast.literal_eval(default)))

    def bind(self, arguments: tuple, keywords: dict) -> tuple:
        """All arguments by position, with lists as tuples."""
        if len(arguments) > len(self.parameters):
            raise TypeError(f"{self.text} takes at most {len(self.parameters)} arguments, got {len(arguments)}")
        values = list(arguments)
        for name, default in self.parameters[len(arguments) :]:
            value = keywords.pop(name, default)
            if value is _REQUIRED:
                raise TypeError(f"{self.text}: {name} is missing")
            values.append(value)
        if keywords:
            raise TypeError(f"{self.text} has no argument {next(iter(keywords))!r}")
        return tuple(tuple(value) if isinstance(value, list) else value for value in values)
