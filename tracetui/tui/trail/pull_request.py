"""Copying the text for a pull request: asked for, passed by the gate, and copied; what is open is named and shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from tracetui.model import SessionRow, TracetuiError
from tracetui.tui.kit.trail_client import NOW, Question

if TYPE_CHECKING:
    from textual.message_pump import MessagePump

    from tracetui.bucket.store import Bucket
    from tracetui.tui.kit.background import Background
    from tracetui.tui.kit.host import HostApp

__all__ = ["ask_text", "copy_text"]


def ask_text(app: HostApp, screen: MessagePump, session: SessionRow, target: str) -> Question:
    """Ask for the text about a target; the answer comes to the screen, which hands it to ``copy_text``."""
    app.say("Writing the text for a pull request.", role="muted")
    return app.trail.ask(
        "pull_request", rank=NOW, to=screen, session=session.id, harness=session.harness, target=target
    )


def copy_text(app: HostApp, screen: Background, question: Question) -> None:
    """Copy the text of an answer, with what was accepted in its sessions replaced. Where something in it may be a
    secret that nobody decided about, say so and open the editor on the first session that has such findings."""
    if question.error is not None or question.answer is None:
        app.say(question.error or "There is no text.", role="bad")
        return
    text, ids = str(question.answer["text"]), list(question.answer["sessions"])
    pool = app.pool

    def work(cancelled: Callable[[], bool]) -> tuple[str, SessionRow | None, str]:
        with pool.lend() as bucket:
            rows = _rows(bucket, ids)
            from tracetui.redact.gate import pass_text

            try:
                return pass_text(bucket, rows, text), None, ""
            except TracetuiError as error:
                waiting = [row for row in rows if row.findings is None or row.findings.get("open")]
                return "", next(iter(waiting or rows), None), str(error)

    def done(found: tuple[str, SessionRow | None, str]) -> None:
        from tracetui.tui.kit.clipboard import copy

        passed, session, problem = found
        if passed:
            said = copy(screen.app, passed, app.temp)
            app.say(f"Prompts in it are as they were typed: read it before you post it. {said}", role="warn")
            return
        app.say(problem.split(";")[0], role="bad")
        if session is not None:
            app.open_review(session, None, lambda wait: None)

    screen.background("pull-request", work, done)


def _rows(bucket: Bucket, ids: Sequence[str]) -> list[SessionRow]:
    from tracetui.model import AmbiguousId, UnknownId

    found = []
    for name in ids:
        try:
            found.append(bucket.session(name))
        except (UnknownId, AmbiguousId):
            continue
    return found
