"""The file of a receipt: there before anything is erased, as there is no second such receipt."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cli.options import EXIT_USAGE, CommandError


@contextmanager
def new_file(path: Path | None) -> Iterator[Callable[[str], None]]:
    """Make the file and yield what writes the receipt; a file without a receipt is removed again.

    Without a path nothing is made or written.

    Raises:
        CommandError: it exists or cannot be made (exit status 2), or cannot be written.
    """
    if path is None:
        yield lambda text: None
        return
    try:
        path.open("x").close()
    except FileExistsError:
        raise CommandError(f"{path} exists: a receipt is not overwritten", EXIT_USAGE) from None
    except OSError as error:
        raise CommandError(
            f"nothing is erased, as {path} cannot be written: {error.strerror}", EXIT_USAGE
        ) from error
    written = False

    def write(text: str) -> None:
        nonlocal written
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise CommandError(
                f"the user is erased and the receipt was printed, but not written to {path}: "
                f"{error.strerror}"
            ) from error
        written = True

    try:
        yield write
    finally:
        if not written:
            path.unlink(missing_ok=True)
