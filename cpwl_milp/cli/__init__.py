"""The command line: parse, call, print. One module a command, imported when it is needed."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

import click

from cpwl_milp import __version__
from cpwl_milp.core.errors import OUT_OF_MEMORY, CpwlError

# Name of the command -> module of this package that holds it as `command`.
_COMMANDS = {
    "inspect": "inspect",
    "bounds": "bounds",
    "count": "count.command",
    "enumerate": "enumerate",
    "estimate": "estimate.command",
    "boundary": "boundary",
    "maximum": "maximum",
    "units": "simplify.units",
    "simplify": "simplify.command",
    "information": "information.command",
    "plane": "plane.command",
    "local": "local.command",
    "terms": "terms.command",
    "encode": "encode",
    "verify": "verify",
    "plot": "plot",
    "certify": "certify",
    "audit": "audit.group",
}
_DEBUG = "CPWL_MILP_DEBUG"


class _Commands(click.Group):
    """A group that imports a command when it is asked for, and lets no traceback out."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"cpwl_milp.cli.{_COMMANDS[cmd_name]}")
        command = module.command
        assert isinstance(command, click.Command)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        # Counts run past the length at which Python refuses to print integers.
        sys.set_int_max_str_digits(0)
        from cpwl_milp.cli.notices import notices_passed_on

        try:
            with notices_passed_on():
                return super().invoke(ctx)
        except CpwlError as error:
            _say(str(error))
            ctx.exit(error.exit_code)
        except (click.exceptions.Exit, click.Abort, click.ClickException):
            raise
        except KeyboardInterrupt:
            _say("interrupted")
            ctx.exit(3)
        except BrokenPipeError:
            # The reader of our output went away (`| head`); nothing is left to say.
            sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115
            ctx.exit(1)
        except OSError as error:
            # The rooms say what they know of their own files; this is what is left.
            place = error.filename or "standard output"
            _say(f"cannot read or write {place}: {error.strerror or error}")
            ctx.exit(1)
        except MemoryError:
            _say(f"{OUT_OF_MEMORY}; set --max-regions or a smaller domain, or use a larger machine")
            ctx.exit(1)
        except Exception as error:
            if os.environ.get(_DEBUG):
                raise
            text = " ".join(f"{type(error).__name__}: {error}".split())
            _say(f"internal error, please report it: {text} (set {_DEBUG}=1 for the traceback)")
            ctx.exit(1)


def _say(text: str) -> None:
    click.echo(f"error: {text}", err=True)


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="cpwl-milp")
def main() -> None:
    """Count, list and weigh the linear regions of a ReLU-like ONNX network, exactly.

    Exit codes: 0 answered and complete, 1 error, 2 usage, 3 incomplete (the answer is a
    bracket), 4 a check failed.
    """
