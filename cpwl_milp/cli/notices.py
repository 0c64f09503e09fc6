"""What the rooms below have to say while a command runs, on standard error."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import click


class _Echo(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        click.echo(f"note: {record.getMessage()}", err=True)


@contextmanager
def notices_passed_on() -> Iterator[None]:
    """Within, notices of the package (its logger, from INFO on) go to standard error."""
    logger = logging.getLogger("cpwl_milp")
    handler, level = _Echo(logging.INFO), logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
