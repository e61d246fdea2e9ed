"""``media-gateway operator login`` and what follows from it: an operator's session, over HTTP."""

from typing import Any

import click

from cli.operators.client import Kept, call, checked_url, forget, load, save
from cli.operators.enrolment import show_recovery_codes
from cli.options import api_url, with_settings
from infra.settings import Settings

CODE = "Code that the app shows now"


@click.command()
@click.argument("name")
@click.option("--url", help="Address of the API.  [default: that of the stack running here]")
@click.option("--recovery", is_flag=True, help="Use a recovery code instead of the app.")
@click.option("--print", "shown", is_flag=True, help="Print the token and keep it nowhere.")
@with_settings()
def login(settings: Settings, name: str, url: str | None, *, recovery: bool, shown: bool) -> None:
    """Open a session: ask for the password and a code, and keep its token for step-up and logout.

    The token is kept in a file that only you can read. A session opened with a recovery code may
    read; to change something it takes a code of the app.

    \b
    Examples:
      media-gateway operator login ada
      media-gateway operator login ada --url https://gateway.example.com
      TOKEN=$(media-gateway operator login ada --print | tail -n 1)
    """
    address = checked_url(url or api_url(settings))
    password: str = click.prompt("Password", hide_input=True, err=True)
    given = {"name": name, "password": password}
    if recovery:
        given["recovery_code"] = click.prompt("Recovery code", hide_input=True, err=True)
    else:
        given["code"] = click.prompt(CODE, hide_input=True, err=True)
    opened = call(address, "recover" if recovery else "login", body=given)
    if shown:
        click.echo(opened["token"])
        return
    path = save(Kept(address, name, opened["token"]))
    click.echo(f"logged in as {name} ({opened['role']}) until {opened['ends_at']}; token in {path}")


@click.command("step-up")
@with_settings()
def step_up(settings: Settings) -> None:
    """Give a code of the app, so that you may change something for the next minutes."""
    renewed = stepped_up(load())
    click.echo(f"changes are allowed until {renewed['code_is_recent_until']}")


@click.command()
@click.option("--everywhere", is_flag=True, help="End all your sessions, wherever they are.")
@with_settings()
def logout(settings: Settings, *, everywhere: bool) -> None:
    """End your session, and forget its token."""
    kept = load()
    ended = call(kept.url, "logout-everywhere" if everywhere else "logout", token=kept.token)
    forget()
    click.echo(f"ended {ended['ended']} session(s)")


@click.command("recovery-codes")
@with_settings()
def recovery_codes(settings: Settings) -> None:
    """Ask for a code of the app, then print ten new recovery codes; the earlier ones are void."""
    stepped_up(load())
    kept = load()
    codes = call(kept.url, "recovery-codes", token=kept.token)["codes"]
    show_recovery_codes(codes)


def stepped_up(kept: Kept) -> dict[str, Any]:
    """Ask for a code, and keep the token that the API returns for it."""
    code: str = click.prompt(CODE, hide_input=True, err=True)
    renewed = call(kept.url, "step-up", token=kept.token, body={"code": code})
    save(kept._replace(token=renewed["token"]))
    return renewed
