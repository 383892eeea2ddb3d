"""Hunks that no commit of REV's history brought: restored, waiting somewhere, replaced, or never committed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tracetui.model import Survival
from tracetui.trail.line_changes import tips_of
from tracetui.trail.lines import find_block, norm
from tracetui.trail.measure import ALL, Measure, change
from tracetui.trail.states import HunkState
from tracetui.trail.store import MissingError, Store
from tracetui.trail.survive import text_measure
from tracetui.trail.texts import Text
from tracetui.trail.thresholds import FULL, PART

if TYPE_CHECKING:
    from tracetui.trail.assessment import Judged, Round

__all__ = ["Waiting"]


class Waiting:
    """Judges hunks without a landing, in the round given."""

    def __init__(self, round_: Round) -> None:
        self.round = round_
        self.owner, self.index, self.store, self.texts = round_.owner, round_.index, round_.store, round_.texts
        self.at, self.is_head = round_.at, round_.is_head
        self._stashes: list[str] | None = None

    def state(self, case: Judged) -> HunkState:
        """The state of a hunk that did not land."""
        hunk, path, result = case.hunk, case.path, self.round.result
        assert path is not None
        if not case.elsewhere and not self.round.tracked(case) and self.store.ignored(path):
            return result(case, "unknown", "ignored")
        cut = self.round.cut is not None and self.round.cut * 1000 + 999 >= hunk.time
        lines = self.round.lines(case, None)
        stands = self._stands(case, lines) if self.at else None
        whole = stands is not None and stands.stands >= FULL
        if stands is not None and whole:
            exact = stands.exact >= stands.total * ALL
            if cut or case.unread:
                state: Survival = "alive" if exact else "transformed"
                return result(case, state, "exact" if exact else change(stands), stands.stands, None, stands)
            if self._was_there(case, lines):
                return result(case, "alive", "restores_base", 1.0 if exact else stands.stands, None, stands)
        reason = self._pending(case, lines, stands) if self.round.work else None
        if reason is None and case.elsewhere and self._on_branch(case, lines):
            reason = "unmerged"
        if reason is not None:
            return result(case, "pending", reason)
        if stands is not None and stands.stands >= PART and not (cut or case.unread):
            return result(case, "unknown", "origin_unclear")
        return self._gone(case, cut)

    def _gone(self, case: Judged, cut: bool) -> HunkState:
        """A hunk that is found nowhere."""
        result, weak = self.round.result, case.evidence.kind == "block"
        blind = cut or case.unread
        taken = self._taken(case)
        if weak and not blind and self._elsewhere_in_file(case):
            return result(case, "unknown", "origin_unclear")
        if weak and not blind and taken < PART and not case.hunk.gone:
            return result(case, "unknown", "weak")
        if taken >= FULL or (taken > 0 and not blind):
            return result(case, "lost", "superseded", 0.0)
        if case.unread:
            return result(case, "unknown", "missing_objects")
        if cut:
            return result(case, "unknown", "shallow")
        return result(case, "lost", "never_landed", 0.0)

    def _elsewhere_in_file(self, case: Judged) -> bool:
        """Whether the lines of a weak hunk stand in its file at REV at all, one after the other."""
        block = [norm(line) for line in case.hunk.new]
        if not any(block) or not self.at:
            return False
        text = self.texts.at(self.at, case.path or "")
        return text is not None and not text.binary and find_block(block, text.norms) >= 0

    def _taken(self, case: Judged) -> float:
        """The share of a hunk that later edits took over."""
        hunk, evidence = case.hunk, case.evidence
        if evidence.kind == "add":
            lost = sum(evidence.added.get(gone.line, 0.0) * gone.count for gone in hunk.gone)
            return lost / evidence.total
        size = sum(hunk.added.values())
        return sum(gone.count for gone in hunk.gone) / size if size else 0.0

    def _measure(self, case: Judged, lines: dict[bytes, int], text: Text) -> Measure:
        if case.evidence.kind != "del":
            return text_measure(case.hunk, case.evidence, lines, text)
        found = Measure(case.evidence.total or 1.0, exists=True, binary=text.binary)
        found.exact = found.total * self.round.measurer.removed(case.hunk, case.evidence, [text])
        return found

    def _stands(self, case: Judged, lines: dict[bytes, int]) -> Measure | None:
        """How much of a hunk without a landing stands at REV all the same. Of a deletion in a file that is not there,
        nothing is known, unless the whole file was deleted."""
        assert case.path is not None
        best: Measure | None = None
        for path in self.index.lineage(case.path, case.case.since, self.round.reach):
            text = self.texts.at(self.at, path)
            if text is not None:
                found = self._measure(case, lines, text)
            elif case.evidence.kind == "del" and case.hunk.op == "delete" and best is None:
                found = Measure(case.evidence.total, exact=case.evidence.total)
            else:
                continue
            found.path = path
            if best is None or found.stands > best.stands:
                best = found
        return best

    def _was_there(self, case: Judged, lines: dict[bytes, int]) -> bool:
        """Whether the branch worked on already was as the edit left it: then the edit restored that."""
        assert case.path is not None
        shas = self.owner.was_there(case.hunk.time, case.hunk.branch)
        texts = [self.texts.at(sha, case.path) for sha in shas]
        if not any(text is not None for text in texts):
            return case.evidence.kind == "del"
        return all(text is not None and self._measure(case, lines, text).stands >= FULL for text in texts)

    # -- work tree, index, stash

    def _pending(self, case: Judged, lines: dict[bytes, int], stands: Measure | None) -> str | None:
        """Where a hunk that did not land still waits: index, work tree, untracked file, stash."""
        hunk, path = case.hunk, case.path
        assert path is not None
        if not self.is_head and self.owner.head is not None and self.at:
            return None
        adds = hunk.binary is None and case.evidence.kind == "add"
        if adds and not any(lines.get(line) for line in case.evidence.added):
            return None
        there = stands.stands if stands is not None else 0.0

        def waits(data: bytes | None) -> bool:
            if data is None:
                return case.evidence.kind == "del" and hunk.op == "delete"
            if hunk.binary is not None:
                return data == hunk.binary
            text = Text(data, path)
            found = 0.0 if text.binary else self._measure(case, lines, text).stands
            return found >= PART and found > there

        work, folder = self.owner.locate.place(hunk.file)
        staged = self._staged(path, folder)
        head = self._in_rev(path)
        if self._waits_in_index(case, staged, head, waits):
            return "index"
        data = _read_below(self.store, work, path)
        if (data is not None or hunk.op == "delete") and not self._as_head(path, data) and waits(data):
            return "worktree" if staged is not None or head is not None else "untracked"
        return "stash" if any(self._in_stash(sha, path, waits) for sha in self._stash()) else None

    def _waits_in_index(
        self, case: Judged, staged: str | None, head: str | None, waits: Callable[[bytes | None], bool]
    ) -> bool:
        if staged is None:
            return case.hunk.op == "delete" and head is not None
        if staged == head:
            return False
        try:
            return waits(self.store.blob(staged))
        except MissingError:
            return False

    def _as_head(self, path: str, data: bytes | None) -> bool:
        """Whether a file of the work tree is as HEAD has it."""
        oid = self._in_rev(path)
        if oid is None or data is None:
            return oid is None and data is None
        try:
            return self.store.blob(oid).replace(b"\r\n", b"\n") == data.replace(b"\r\n", b"\n")
        except MissingError:
            return False

    def _in_stash(self, sha: str, path: str, waits: Callable[[bytes | None], bool]) -> bool:
        try:
            found = self.store.text_at(sha, path)
            if found is not None and waits(found):
                return True
            commit = self.store.commit(sha)
            if commit is None or len(commit.parents) < 3:
                return False
            extra = self.store.text_at(commit.parents[2], path)
            return extra is not None and waits(extra)
        except MissingError:
            return False

    def _in_rev(self, path: str) -> str | None:
        """The blob that REV has for a path; what cannot be read counts as some other one."""
        try:
            return self.texts.oid(self.at, path) if self.at else None
        except MissingError:
            return ""

    def _staged(self, path: str, folder: Path | None) -> str | None:
        if folder is None:
            return self.store.index_entry(path)
        try:
            import pygit2

            return str(pygit2.Index(str(folder / "index"))[path].id)
        except Exception:  # noqa: BLE001 - libgit2 raises several kinds; a worktree's index is a hint only
            return None

    def _stash(self) -> list[str]:
        if self._stashes is None:
            self._stashes = self.store.stashes()[:20]
        return self._stashes

    # -- branches

    def _on_branch(self, case: Judged, lines: dict[bytes, int]) -> bool:
        """Whether some branch that has the change still holds it at its tip."""
        assert case.path is not None
        if case.hunk.binary is not None:
            return True
        paths = self.index.lineage(case.path, case.case.since)
        there = set(case.elsewhere)
        paths += dict.fromkeys(
            claim.path for claim in case.case.claims if claim.idx in there and claim.path not in paths
        )
        for tip in sorted({*tips_of(self.owner.refs).values(), self.owner.head or ""}):
            idx = self.index.index.get(tip)
            if idx is None or not any(self.index.is_ancestor(other, idx) for other in case.elsewhere):
                continue
            if any(self._holds(case, lines, tip, path) for path in paths):
                return True
        return False

    def _holds(self, case: Judged, lines: dict[bytes, int], tip: str, path: str) -> bool:
        text = self.texts.at(tip, path)
        if text is None:
            return case.evidence.kind == "del" and case.hunk.op == "delete" and path == case.path
        return self._measure(case, lines, text).stands >= PART


def _read_below(store: Store, work: Path, path: str) -> bytes | None:
    if store.work is None or work == store.work:
        return store.worktree_text(path)
    own, store.work = store.work, work
    try:
        return store.worktree_text(path)
    finally:
        store.work = own
