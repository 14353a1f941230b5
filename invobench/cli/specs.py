"""Commands about specs and what may stand in them: validate, schema, list."""

from __future__ import annotations

from typing import Annotated

import typer

from invobench.cli.base import Overrides, SpecPaths, app, caught, show


@app.command()
@caught
def validate(specs: SpecPaths, overrides: Overrides = []) -> None:  # noqa: B006 - typer copies it
    """Check specs: every problem as file:line:column: key: message.

    Nothing that a spec names is imported or run.
    """
    from invobench.spec import read

    cells = read(specs, overrides)
    for path in specs:
        show(f"{path}: ok, {sum(cell.spec == str(path) for cell in cells)} cells")


@app.command()
@caught
def schema() -> None:
    """Print the JSON Schema of a spec, for editors."""
    import json

    from invobench.spec.schema import json_schema

    show(json.dumps(json_schema(), indent=2, ensure_ascii=False))


@app.command("list")
@caught
def list_(
    what: Annotated[
        str,
        typer.Argument(
            metavar="WHAT", help="operators, backends, networks, metrics, counters, conventions, figures or formats."
        ),
    ],
) -> None:
    """List what there is, and why something is unavailable here."""
    from invobench.report.inventory import INVENTORIES

    show(INVENTORIES[what].load()())
