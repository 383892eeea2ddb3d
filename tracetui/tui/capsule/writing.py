"""Signing and writing the capsule that the last screen shows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from tracetui.model import TracetuiError
from tracetui.text import format as fmt
from tracetui.text.safe import one_line
from tracetui.tui.kit.actor import Controller

if TYPE_CHECKING:
    from tracetui.tui.capsule.seal import SealScreen

__all__ = ["WriteController"]


class WriteController(Controller["SealScreen"]):
    """The one key that writes."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("seal",)

    def why_write(self) -> str | None:
        if self.owner.writing:
            return "It is being written."
        if self.owner.rehearsing:
            return "The checks are being rehearsed; esc stops that."
        if self.owner.refused is not None:
            return None  # enter leads to what is in the way
        if self.owner.error is not None:
            return one_line(self.owner.error, 300)
        return "The entries are being made; wait a moment." if self.owner.making or self.owner.draft is None else None

    def do_write(self) -> None:
        if self.owner.refused is not None or self.owner.named("weak") is not None:
            self.owner.do_review()
            return
        if self.owner.named("rehearse") is not None:
            self.owner.rehearsal.ask()
            return
        if not self.owner.target.exists():
            self._sign()
            return
        from tracetui.tui.kit.pick import confirmation

        text = f"{self.owner.target} is there already; it will be replaced."
        self.app.push_screen(
            confirmation("Replace the file?", text, yes="Replace it"), lambda yes: self._sign() if yes == 1 else None
        )

    def _sign(self) -> None:
        """Sign first where a key was named: without a terminal for it, then with this one, for a passphrase."""
        made, key = self.owner.draft, self.owner.choices.key
        if made is None or self.owner.writing:
            return
        self.owner.writing = self.owner.making = True
        self.owner.title_line.show(self.owner.range_words, "signing" if key else "writing")
        self.app.refresh_offers()
        if key is None:
            self._write(None)
            return
        digest = made.digest

        def work(cancelled: Callable[[], bool]) -> bytes:
            from tracetui.capsule.signing import sign

            return sign(digest, key, ask=False)

        self.owner.background("sign", work, self._write, lambda _: self._sign_here(digest, key))

    def _sign_here(self, digest: str, key: Path) -> None:
        from textual.app import SuspendNotSupported

        from tracetui.capsule.signing import sign

        try:
            with self.app.suspend():
                signature = sign(digest, key)
        except SuspendNotSupported:
            self._not_written(TracetuiError(f"{key} does not sign without a terminal to ask on"))
        except TracetuiError as error:
            self._not_written(error)
        else:
            self._write(signature)

    def _write(self, signature: bytes | None) -> None:
        made, target = self.owner.draft, self.owner.target
        assert made is not None
        self.owner.title_line.show(self.owner.range_words, "writing")

        def work(cancelled: Callable[[], bool]) -> str:
            from tracetui.capsule.seal import LARGE
            from tracetui.capsule.verify import verify

            try:
                size = made.write(target, signature=signature)
            except OSError as error:
                raise TracetuiError(f"Cannot write {target}: {error.strerror}") from None
            report = verify(target)
            if not report.ok or report.digest != made.digest:
                raise TracetuiError(f"{target} is not as it was sealed; write it again")
            large = "; more than issue trackers take (25 MB)" if size > LARGE else ""
            signed = ", signed" if signature is not None else ""
            return f"Sealed: {target} ({fmt.size(size)}{signed}{large}), digest {made.digest[:16]}"

        self.owner.background("write", work, self._written, self._not_written)

    def _written(self, said: str) -> None:
        self.owner.dismiss(said)

    def _not_written(self, error: Exception) -> None:
        if not isinstance(error, TracetuiError):
            raise error
        self.owner.writing = self.owner.making = False
        self.owner.show_draft()
        self.app.say(str(error), role="bad")
        self.app.refresh_offers()
