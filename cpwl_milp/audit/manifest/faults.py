"""All faults of a manifest at once: readers note them and go on."""

from __future__ import annotations

import difflib
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from cpwl_milp.core.errors import InputError


class ManifestError(InputError):
    """A manifest with faults.

    Attributes
    ----------
    faults : tuple of str
        One line each.
    """

    def __init__(self, where: str, faults: tuple[str, ...]) -> None:
        self.faults = faults
        number = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        super().__init__(where, number, "none; nothing was run", "they are listed above")


@dataclass
class Faults:
    """What was found so far."""

    found: list[str] = field(default_factory=list)

    def note(self, where: str, found: str, expected: str = "", hint: str = "") -> None:
        """Add one, in the form of every error here."""
        self.found.append(str(InputError(where, found, expected, hint)))


class Section:
    """One table of the manifest: typed values by key; what is wrong is noted, not raised.

    A key whose value is wrong reads as absent. `close` notes the keys that nobody asked for.
    """

    def __init__(self, values: Any, where: str, faults: Faults) -> None:
        self.where = where
        self.faults = faults
        self._asked: set[str] = set()
        if not isinstance(values, Mapping):
            faults.note(where, f"{_shown(values)}", "a table")
            values = {}
        self._values: Mapping[str, Any] = values

    def place(self, key: str) -> str:
        """How a fault names this key."""
        return f"{self.where}.{key}" if self.where else key

    def raw(self, key: str) -> Any:
        """The value, None if absent."""
        self._asked.add(key)
        return self._values.get(key)

    def wrong(self, key: str, expected: str) -> None:
        """Note that the value is not what it must be."""
        self.faults.note(self.place(key), _shown(self._values.get(key)), expected)

    def text(self, key: str, allowed: Collection[str] | None = None) -> str | None:
        """A string, perhaps one of a few."""
        value = self.raw(key)
        if value is None:
            return None
        if not isinstance(value, str) or not value:
            self.wrong(key, "text in quotes")
            return None
        if allowed is not None and value not in allowed:
            self.wrong(key, one_of(value, allowed))
            return None
        return value

    def texts(self, key: str) -> list[str] | None:
        """A list of strings; one string stands for a list of one."""
        value = self.raw(key)
        if value is None:
            return None
        if isinstance(value, str):
            value = [value]
        if not isinstance(value, list) or not all(isinstance(v, str) and v for v in value):
            self.wrong(key, "text, or a list of texts")
            return None
        return value

    def flag(self, key: str) -> bool:
        """True or false; false if absent."""
        value = self.raw(key)
        if value is not None and not isinstance(value, bool):
            self.wrong(key, "true or false")
            return False
        return bool(value)

    def number(self, key: str, *, above: float = -math.inf) -> float | None:
        """A finite number greater than `above`."""
        value = self.raw(key)
        if value is None:
            return None
        right = isinstance(value, int | float) and not isinstance(value, bool)
        if not right or not math.isfinite(value) or value <= above:
            self.wrong(key, "a number" + (f" above {above:g}" if above > -math.inf else ""))
            return None
        return float(value)

    def integer(self, key: str, least: int, most: int | None = None) -> int | None:
        """A whole number from `least` on."""
        value = self.raw(key)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            self.wrong(key, f"a whole number from {least} on")
            return None
        if most is not None and value > most:
            self.wrong(key, f"a whole number from {least} to {most}")
            return None
        return value

    def table(self, key: str) -> dict[str, Any]:
        """A table of anything; empty if absent."""
        value = self.raw(key)
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.wrong(key, "a table")
            return {}
        return value

    def close(self) -> None:
        """Note keys that mean nothing here."""
        for key in self._values:
            if key not in self._asked:
                self.faults.note(self.place(key), "unknown key", one_of(key, sorted(self._asked)))


def one_of(found: str, allowed: Collection[str]) -> str:
    """What could have stood there, the likeliest first."""
    near = difflib.get_close_matches(found, list(allowed), 1)
    listed = "one of " + ", ".join(allowed) if allowed else "nothing"
    return f"{near[0]}? {listed}" if near else listed


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}..."
