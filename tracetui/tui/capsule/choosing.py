"""Choosing what goes into a capsule: its checks, its name, its maker, what travels along."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from tracetui.text.safe import one_line
from tracetui.tui.capsule.seal_rows import forgotten, unrehearsed
from tracetui.tui.kit.actor import Controller
from tracetui.tui.kit.ask import ask_line

if TYPE_CHECKING:
    from tracetui.capsule.checks import Check
    from tracetui.tui.capsule.seal import SealScreen

__all__ = ["ChoicesController"]

_STATUS = re.compile(r"[0-9]{1,3}")


class ChoicesController(Controller["SealScreen"]):
    """Each choice makes the draft anew; what cannot be done is said, and the choice before stays."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("seal",)

    def _line(self, title: str, text: str, hint: str, done: Callable[[str], None]) -> None:
        ask_line(self.app, title, text, hint, done)

    def _choose(self, **changes: Any) -> None:
        self.owner.choices = replace(self.owner.choices, **changes)
        self.owner.chose()

    @property
    def _busy(self) -> str | None:
        """Why nothing can be chosen now."""
        if self.owner.writing:
            return "It is being written."
        if self.owner.rehearsing:
            return "The checks are being rehearsed; esc stops that."
        return None if self.owner.draft is not None else "There is nothing to seal yet."

    # -- checks

    def why_toggle(self) -> str | None:
        here = self.owner.named("check") is not None or self.owner.named("choice") in ("before", "remote")
        return self._busy or (None if here else "The cursor is on nothing to take or leave out.")

    def do_toggle(self) -> None:
        choice = self.owner.named("choice")
        if choice is not None:
            (self.do_before if choice == "before" else self.do_remote)()
            return
        nth = self.owner.named("check")
        assert self.owner.checks is not None
        check, on = self.owner.checks[nth]
        self.owner.checks = [*self.owner.checks[:nth], (check, not on), *self.owner.checks[nth + 1 :]]
        self.owner.chose()

    def why_edit(self) -> str | None:
        here = self.owner.named("check") is not None or self.owner.named("choice") is not None
        return self._busy or (None if here else "The cursor is on no check and no choice.")

    def do_edit(self) -> None:
        choice = self.owner.named("choice")
        if choice is not None:
            edits = {
                "name": self.do_name, "author": self.do_author, "key": self.do_sign, "files": self.do_files,
                "remote": self.do_remote, "before": self.do_before,
            }  # fmt: skip
            edits[choice]()
            return
        nth = self.owner.named("check")
        assert self.owner.checks is not None
        check = self.owner.checks[nth][0]

        def command(text: str) -> None:
            if text:
                status = "" if check.exit_code is None else str(check.exit_code)
                hint = "The exit status that shows the problem; nothing for any but 0."
                self._line("Exit status", status, hint, lambda code: exit_code(replace(check, command=text), code))

        def exit_code(changed: Check, code: str) -> None:
            if code and not (_STATUS.fullmatch(code) and int(code) < 256):
                self.app.say("An exit status is a number from 0 to 255.")
                return
            other = replace(changed, exit_code=int(code) if code else None)
            hint = "A line of the output that shows the problem; nothing for none."
            self._line("Line", check.line or "", hint, lambda line: folder(replace(other, line=line or None)))

        def folder(changed: Check) -> None:
            hint = "Where it runs, below the repository's folder; nothing for that itself."
            self._line("Folder", check.folder, hint, lambda text: done(changed, text))

        def done(changed: Check, text: str) -> None:
            from tracetui.capsule.patches import check_path

            assert self.owner.checks is not None
            text = text.removeprefix("./").rstrip("/")
            if text and check_path(text) is not None:
                self.app.say("That leads out of the repository.")
                return
            self.owner.checks = [
                *self.owner.checks[:nth],
                (unrehearsed(replace(changed, folder=text)), True),
                *self.owner.checks[nth + 1 :],
            ]
            self.owner.chose()

        self._line("Command of the check", check.command, "{root} is the repository's folder.", command)

    def why_add(self) -> str | None:
        return self._busy

    why_name = why_author = why_sign = why_files = why_add

    def do_add(self) -> None:
        def given(text: str) -> None:
            from tracetui.capsule.checks import from_command

            if not text:
                return
            check = from_command(0, text, None, None)
            if check is None:
                self.app.say("A check is too long, or holds a NUL.")
                return
            self.owner.checks = [*(self.owner.checks or []), (check, True)]
            self.owner.chose()

        hint = "A command that fails while the problem is there; {root} is the repository's folder."
        self._line("Another check", "", hint, given)

    # -- what is told, and what travels along

    def do_name(self) -> None:
        hint = "It stands in the capsule; nothing for none."
        self._line(
            "What the capsule is called",
            self.owner.choices.name or "",
            hint,
            lambda text: self._choose(name=one_line(text, 200) or None),
        )

    def do_author(self) -> None:
        hint = "It stands in the capsule; nothing for none."
        self._line(
            "Your name, if the reader should know it",
            self.owner.choices.author or "",
            hint,
            lambda text: self._choose(author=one_line(text, 200) or None),
        )

    def do_sign(self) -> None:
        def given(text: str) -> None:
            path = Path(text).expanduser().absolute() if text else None
            if path is not None and not path.is_file():
                self.app.say(f"There is no key at {path}.")
                return
            self._choose(key=path)

        hint = "The file of an SSH key, or of its public half where an agent holds it; nothing for no signature."
        self._line("Sign with", str(self.owner.choices.key or _usual_key()), hint, given)

    def do_files(self) -> None:
        def given(text: str) -> None:
            try:
                files = tuple(shlex.split(text))
            except ValueError:
                self.app.say("A quote is not closed.")
                return
            self.owner.checks = forgotten(self.owner.checks)
            self._choose(files=files)

        hint = "Paths in the repository, parted by blanks; nothing for none. They are redacted as all else is."
        self._line("Files to carry along", shlex.join(self.owner.choices.files), hint, given)

    def why_remote(self) -> str | None:
        if self._busy or self.owner.draft is None:
            return self._busy
        left_out = (self.owner.draft.facts["repository"] or {}).get("remote_left_out")
        return None if left_out or self.owner.choices.remote else "No remote was left out."

    def do_remote(self) -> None:
        why = self.why_remote()
        if why is not None:
            self.app.say(why)
            return
        self._choose(remote=not self.owner.choices.remote)

    def why_before(self) -> str | None:
        return self._busy or (
            "The whole session is sealed; there is nothing before it." if not self.owner.steps else None
        )

    def do_before(self) -> None:
        self._choose(before=not self.owner.choices.before)


def _usual_key() -> str:
    """The key that most people have, where it is there."""
    for name in ("id_ed25519", "id_ecdsa", "id_rsa"):
        if (Path.home() / ".ssh" / name).is_file():
            return f"~/.ssh/{name}"
    return ""
