"""The command line: `placer place | evaluate | train | finetune | synth | import | cluster | export | bench`."""

from __future__ import annotations

import os
import sys
from typing import Annotated, Any

import tyro

from netlists import NetlistError
from placer.commands.bench import Bench
from placer.commands.cluster import Cluster
from placer.commands.evaluate import Evaluate
from placer.commands.export import Export
from placer.commands.import_ import Import
from placer.commands.learn import Finetune, Train
from placer.commands.place import Place
from placer.commands.synth import Synth

Command = (
    Annotated[Place, tyro.conf.subcommand("place")]
    | Annotated[Evaluate, tyro.conf.subcommand("evaluate")]
    | Annotated[Train, tyro.conf.subcommand("train")]
    | Annotated[Finetune, tyro.conf.subcommand("finetune")]
    | Annotated[Synth, tyro.conf.subcommand("synth")]
    | Annotated[Import, tyro.conf.subcommand("import")]
    | Annotated[Export, tyro.conf.subcommand("export")]
    | Annotated[Cluster, tyro.conf.subcommand("cluster")]
    | Annotated[Bench, tyro.conf.subcommand("bench")]
)


def main(argv: list[str] | None = None) -> int:
    """Runs a command; returns the exit code: 0 done, 1 bad input or impossible request, 2 usage, 130 interrupted,
    141 nobody reads what it prints any more.
    """
    try:
        command: Any = tyro.cli(
            Command, prog="placer", args=argv, description="Macro placement with a pretrained graph policy."
        )  # type: ignore[call-overload]
        code = command.run()
        sys.stdout.flush()
        return code
    except NetlistError as error:
        message = " ".join(str(error).split())
        sys.stderr.write(f"error: {message}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return 130
    except BrokenPipeError:
        # What is buffered still has to go somewhere when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except OSError as error:  # of a path that the user named: no permission, a name too long, a full disk
        sys.stderr.write(f"error: {error.filename or ''}: {error.strerror or error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
