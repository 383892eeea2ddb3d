"""One pass over hunks at one revision: landing, then what stands, then how it ended or where it waits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tracetui.model import Survival
from tracetui.trail.attribution import Attribution
from tracetui.trail.claims import Case
from tracetui.trail.evidence import Evidence, block_at, has_block
from tracetui.trail.hunks import Hunk
from tracetui.trail.landing import Landing, land
from tracetui.trail.lines import fingerprint
from tracetui.trail.measure import ALL, Measure, change
from tracetui.trail.outcome import Fates
from tracetui.trail.states import HunkState
from tracetui.trail.store import MissingError
from tracetui.trail.survive import Measurer, text_measure
from tracetui.trail.texts import Text
from tracetui.trail.thresholds import FULL, PART
from tracetui.trail.waiting import Waiting

if TYPE_CHECKING:
    from tracetui.trail.judge import Judge

__all__ = ["Judged", "Round"]


@dataclass(slots=True)
class Judged:
    """A hunk under judgement at one revision. ``elsewhere``: commits outside of REV's history that hold it; ``unread``:
    a commit that may have brought it could not be read."""

    case: Case
    landing: Landing | None = None
    elsewhere: list[int] = field(default_factory=list)
    unread: bool = False

    @property
    def hunk(self) -> Hunk:
        return self.case.hunk

    @property
    def path(self) -> str | None:
        return self.case.path

    @property
    def evidence(self) -> Evidence:
        return self.case.evidence


class Round:
    """One pass over hunks at one revision; ``table`` has what every commit brought of them."""

    def __init__(self, owner: Judge, table: Attribution, work: bool) -> None:
        self.owner, self.table = owner, table
        self.index, self.texts, self.store = owner.index, owner.texts, owner.store
        self.reach, self.at = owner.reach, owner.at or ""
        self.measurer = Measurer(self.index, self.texts, table.hits)
        self.fates = Fates(self.index, owner.reach)
        self.work = work
        self.is_head = owner.at == owner.head
        self.waiting = Waiting(self)
        shallow = self.store.shallow
        self.cut = max(
            (self.index.times[self.index.index[sha]] for sha in shallow if sha in self.index.index), default=None
        )

    # -- results

    def result(
        self,
        case: Judged,
        state: Survival,
        reason: str,
        retention: float | None = None,
        killer: int | None = None,
        measure: Measure | None = None,
        paths: Iterable[str] = (),
    ) -> HunkState:
        hunk, landing = case.hunk, case.landing
        commits: list[int] = []
        if landing is not None:
            commits = [landing.idx, *landing.parts, *landing.copies]
        elif state in ("pending", "lost", "alive", "transformed"):
            commits = case.elsewhere
        shas = self.index.shas
        depends = {path for path in (case.path, *paths) if path}
        if measure is not None:
            depends.update(path for path in (measure.path, measure.moved) if path)
        return HunkState(
            session=hunk.session,
            agent=hunk.agent,
            part=hunk.part,
            step=hunk.step,
            call_id=hunk.call_id,
            hunk=hunk.number,
            path=case.path or hunk.file,
            tool=hunk.tool,
            added=sum(hunk.added.values()),
            removed=sum(hunk.removed.values()),
            state=state,
            reason=reason,
            retention=None if state in ("pending", "unknown") or retention is None else round(retention, 4),
            landing=shas[landing.idx] if landing is not None else None,
            commits=tuple(shas[idx] for idx in commits),
            killer=shas[killer] if killer is not None else None,
            key=hunk.key,
            time=hunk.time,
            at_path=(measure.moved if measure.path is None else measure.path) if measure is not None else None,
            lines=tuple(sorted((path, line + 1) for path, line in measure.standing)) if measure is not None else (),
            depends=tuple(sorted(depends)),
        )

    def state(self, case: Judged) -> HunkState:
        """Judge one hunk; what cannot be read makes this hunk unknown and no other."""
        if case.path is None:
            return self.result(case, "unknown", "outside_repo")
        try:
            inner = self._submodule(case)
            if inner is not None:
                return inner
            if case.hunk.problem is not None:
                ignored = not self.tracked(case) and self.store.ignored(case.path)
                return self.result(case, "unknown", "ignored" if ignored else case.hunk.problem)
            case.landing, case.elsewhere = land(self.table, self.reach, case.case)
            case.unread = self._unread(case)
            found = self._landed(case, case.landing) if case.landing is not None else self._unlanded(case)
            return self._flagged(case, found)
        except MissingError:
            return self.result(case, "unknown", "missing_objects")

    def tracked(self, case: Judged) -> bool:
        try:
            return bool(self.at and self.texts.oid(self.at, case.path or "")) or (
                self.store.index_entry(case.path or "") is not None
            )
        except MissingError:
            return True

    def _unread(self, case: Judged) -> bool:
        """Whether a commit of REV's history that may have brought the hunk could not be read."""
        since = case.case.since
        return any(
            touch.status.endswith("?") and self.reach[touch.idx] and self.index.times[touch.idx] >= since
            for name in case.case.names
            for touch in self.index.touches(name)
        )

    def _submodule(self, case: Judged) -> HunkState | None:
        """The state of a hunk in a submodule, judged there; None when it is not in one."""
        assert case.path is not None
        parts = case.path.split("/")
        for cut in range(1, len(parts)):
            folder = "/".join(parts[:cut])
            entry = self.store.entry(self.at, folder) if self.at else None
            if entry is None:
                if not (self.is_head and _nested(self.store.work, folder)):
                    continue
            elif entry[0] != 0o160000:
                continue
            inner = self.owner.inner(folder)
            if inner is None:
                return self.result(case, "unknown", "submodule_absent")
            at = "HEAD" if self.is_head or entry is None else entry[1]
            if inner.at is None or at != "HEAD":
                inner.prepare(at)
            if inner.at is None and inner.head is None and at != "HEAD":
                return self.result(case, "unknown", "missing_objects")
            path = "/".join(parts[cut:])
            hunk = replace(case.hunk, file=str(inner.store.work or "") + "/" + path)
            found = inner.states([hunk], work=self.work)[0]
            return replace(found, path=case.path, key=case.hunk.key, depends=(case.path, folder))
        return None

    # -- landed

    def lines(self, case: Judged, landing: Landing | None) -> dict[bytes, int]:
        """The hunk's lines that can stand: without those that later edits took over before they landed."""
        lines = dict(case.hunk.added)
        if not case.hunk.gone:
            return lines
        times = [] if landing is None else [landing.idx, *landing.parts]
        for gone in case.hunk.gone:
            landed_before = any(
                self.index.times[idx] * 1000 <= gone.time and self._brings(case, idx, gone.line) for idx in times
            )
            if not landed_before:
                lines[gone.line] = max(0, lines[gone.line] - gone.count)
        return lines

    def _brings(self, case: Judged, idx: int, line: bytes) -> bool:
        paths = {case.path, case.landing.path if case.landing is not None else case.path}
        return any(
            touch.idx == idx
            and (touch.net(fingerprint(line)) > 0 or (case.landing is not None and case.landing.how != "lines"))
            for path in paths
            if path is not None
            for touch in self.index.touches(path)
        )

    def _paths(self, case: Judged, landing: Landing) -> list[str]:
        """The names that the landed file may have at REV, its own first."""
        return self.index.lineage(landing.path, self.index.times[landing.idx], self.reach)

    def _landed(self, case: Judged, landing: Landing) -> HunkState:
        paths = self._paths(case, landing)
        if landing.how == "blob":
            return self._landed_blob(case, landing, paths)
        if case.evidence.kind == "block":
            return self._landed_block(case, landing, paths)
        if case.evidence.kind == "del":
            return self._landed_removal(case, landing, paths)
        hunk, evidence = case.hunk, case.evidence
        lines = self.lines(case, landing)
        found = self.measurer.measure(hunk, evidence, lines, self.at, paths, landing, self.reach)

        def left_at(idx: int) -> float:
            return self.measurer.measure(hunk, evidence, lines, self.index.shas[idx], paths, landing, self.reach).kept

        if found.kept >= PART:
            if found.exact >= found.total * ALL and found.minor:
                dipped = self.fates.dipped(hunk, evidence, landing, paths, left_at)
                return self.result(case, "alive", self._alive(case, found, dipped), 1.0, None, found, paths)
            return self.result(case, "transformed", change(found), self._kept(found), None, found, paths)
        ending = self.fates.ending(hunk, evidence, landing, paths, left_at)
        killer = ending.killer
        undone = self._undone_by(killer, landing)
        if undone is None and self._pre_edit(case, killer, paths):
            undone = "pre_edit_restored"
        if undone is not None:
            return self.result(case, "reverted", undone, found.kept, killer, found, paths)
        reason = "binary" if found.binary else "removed_later" if found.exists else "file_deleted"
        return self.result(case, "lost", reason, found.kept, killer, found, paths)

    def _pre_edit(self, case: Judged, killer: int | None, paths: list[str]) -> bool:
        if not any(case.evidence.removed.values()):
            return False
        if killer is not None and self.fates.restored(case.hunk, case.evidence, killer, paths):
            return True
        texts = [text for path in paths if (text := self.texts.at(self.at, path)) is not None]
        return self.measurer.came_back(case.hunk, case.evidence, texts) >= FULL

    def _alive(self, case: Judged, found: Measure, dipped: bool) -> str:
        if dipped:
            return "reapplied"
        if found.moved is not None or (case.landing is not None and found.path not in self._own_names(case)):
            return "moved_to_file"
        if found.path != case.path:
            return "file_renamed"
        if not found.in_place:
            return "moved_in_file"
        return "eol" if found.eol else "exact"

    def _own_names(self, case: Judged) -> list[str]:
        assert case.path is not None
        return self.index.lineage(case.path, case.hunk.time // 1000)

    @staticmethod
    def _kept(found: Measure) -> float:
        return found.kept if found.minor or found.kept < ALL else 0.99

    def _landed_removal(self, case: Judged, landing: Landing, paths: list[str]) -> HunkState:
        """A deletion: it holds while its lines are gone and the file is there."""
        hunk, evidence = case.hunk, case.evidence

        def left_at(idx: int) -> float:
            return self.measurer.removed(hunk, evidence, self._texts_at(self.index.shas[idx], paths))

        texts = self._texts_at(self.at, paths)
        kept = self.measurer.removed(hunk, evidence, texts)
        found = Measure(evidence.total, exact=evidence.total * kept, exists=bool(texts))
        found.path = next((path for path in paths if self.texts.oid(self.at, path)), None)
        words = any(map(bytes.strip, hunk.new))
        if not texts and hunk.op not in ("delete", "move"):
            killer = self._last_touch(paths, landing.idx)
            return self.result(case, "lost", "file_deleted", 0.0, killer, found, paths)
        if kept >= ALL:
            dipped = self.fates.dipped(hunk, evidence, landing, paths, left_at)
            if words and self._block_left(hunk, landing, texts):
                return self.result(case, "transformed", "partial", 0.5, None, found, paths)
            reason = "reapplied" if dipped else "exact" if words else "deletion_holds"
            return self.result(case, "alive", reason, 1.0, None, found, paths)
        if kept >= PART:
            return self.result(case, "transformed", "partial", kept, None, found, paths)
        ending = self.fates.ending(hunk, evidence, landing, paths, left_at)
        reason = self._undone_by(ending.killer, landing) or ("pre_edit_restored" if words else "deletion_undone")
        return self.result(case, "reverted", reason, kept, ending.killer, found, paths)

    def _texts_at(self, sha: str, paths: list[str]) -> list[Text]:
        return [text for path in paths if (text := self.texts.at(sha, path)) is not None]

    def _last_touch(self, paths: list[str], first: int) -> int | None:
        return next((touch.idx for touch in reversed(self.fates.later(paths, first)) if touch.status != "r"), None)

    def _undone_by(self, killer: int | None, landing: Landing) -> str | None:
        """How a commit undid a landing as such, None when it did not."""
        if killer is not None and self.fates.names(killer, landing):
            return "revert_commit"
        if killer is not None and self.fates.inverse(killer, landing):
            return "inverse_patch"
        return None

    def _block_left(self, hunk: Hunk, landing: Landing, texts: list[Text]) -> bool:
        """Of code replaced by lines that weigh nothing: whether these stood in their surroundings once and are gone."""
        if not hunk.placed or not texts or any(has_block(hunk, text) for text in texts):
            return False
        base = self.texts.at(self.index.shas[landing.idx], landing.path)
        stands = all(
            any(text.counts.get(line, 0) > hunk.others.get(line, 0) for text in texts) for line in hunk.added if line
        )
        return base is not None and has_block(hunk, base) and not stands

    def _landed_block(self, case: Judged, landing: Landing, paths: list[str]) -> HunkState:
        """Weightless lines: judged as a block between its surroundings, or unknown."""
        hunk = case.hunk
        base = self.texts.at(self.index.shas[landing.idx], landing.path)
        texts = [(path, text) for path in paths if (text := self.texts.at(self.at, path)) is not None]
        found = Measure(1.0, exists=bool(texts), binary=any(text.binary for _, text in texts))
        for path, text in texts:
            at = block_at(hunk, hunk.new, text)
            if at >= 0 or self._undisturbed(case, landing, base, path, text):
                return self._block_stands(case, found, path, text, at, paths)
        killer, undone = self._block_ended(hunk, paths, landing)
        reason = self._undone_by(killer, landing)
        if reason is None and undone and hunk.old:
            reason = "pre_edit_restored" if hunk.new else "deletion_undone"
        if reason is not None:
            return self.result(case, "reverted", reason, 0.0, killer, found, paths)
        if undone:
            return self.result(case, "lost", "removed_later", 0.0, killer, found, paths)
        if not texts:
            return self.result(case, "lost", "file_deleted", 0.0, killer, found, paths)
        if found.binary:
            return self.result(case, "lost", "binary", 0.0, killer, found, paths)
        return self.result(case, "unknown", "weak", None, None, found, paths)

    def _block_stands(
        self, case: Judged, found: Measure, path: str, text: Text, at: int, paths: list[str]
    ) -> HunkState:
        hunk = case.hunk
        found.path = path
        found.exact = 1.0
        if at >= 0:
            found.standing = [(path, at + step) for step in range(len(hunk.new))]
            here = text.raw[at : at + len(hunk.new)]
            found.eol = any(line.endswith(b"\r") != own.endswith(b"\r") for line, own in zip(here, hunk.new))
            if [line.rstrip(b"\r") for line in here] != [line.rstrip(b"\r") for line in hunk.new]:
                return self.result(case, "transformed", "whitespace", 1.0, None, found, paths)
        reason = self._alive(case, found, False) if hunk.new else "deletion_holds"
        return self.result(case, "alive", reason, 1.0, None, found, paths)

    def _block_ended(self, hunk: Hunk, paths: list[str], landing: Landing) -> tuple[int | None, bool]:
        """The commit after which the block is gone for good, and whether what it replaced stood again after it."""
        killer: int | None = None
        undone = False
        for touch in self.fates.later(paths, landing.idx):
            if not touch.blob and not touch.status.startswith("D"):
                continue
            text = self.texts.blob(touch.blob, touch.path) if touch.blob else None
            if text is not None and has_block(hunk, text):
                killer, undone = None, False
            elif killer is None:
                killer = touch.idx
                undone = text is not None and block_at(hunk, hunk.old, text) >= 0
        return killer, undone

    def _undisturbed(self, case: Judged, landing: Landing, base: Text | None, path: str, text: Text) -> bool:
        """Whether a weightless block, found by alignment, still stands between any neighbours."""
        hunk = case.hunk
        if base is None or text.binary or not hunk.new or not (hunk.added or hunk.removed):
            return False
        at = block_at(hunk, hunk.new, base)
        if at < 0:
            return False
        oid, now = self.texts.oid(self.index.shas[landing.idx], landing.path), self.texts.oid(self.at, path)
        if oid is None or now is None:
            return False
        along = self.texts.aligned(oid, now, path)
        places = along[at : at + len(hunk.new)]
        if any(place < 0 for place in places) or places != list(range(places[0], places[0] + len(places))):
            return False
        above = at > 0 and along[at - 1] == places[0] - 1
        below = at + len(hunk.new) < len(along) and along[at + len(hunk.new)] == places[-1] + 1
        return above or below

    def _landed_blob(self, case: Judged, landing: Landing, paths: list[str]) -> HunkState:
        """A binary write is compared by its content."""
        found = Measure(1.0)
        for path in paths:
            oid = self.texts.oid(self.at, path)
            if oid is not None:
                found.exists = True
                if self.store.blob(oid) == case.hunk.binary:
                    found.path, found.exact = path, 1.0
                    return self.result(case, "alive", self._alive(case, found, False), 1.0, None, found, paths)
        later = [touch.idx for touch in self.fates.later(paths, landing.idx) if touch.status != "r"]
        killer = later[-1] if later else None
        for idx in reversed(later):
            if not any(self._same_blob(case, idx, path) for path in paths):
                killer = idx
            else:
                break
        if killer is not None and self.fates.names(killer, landing):
            return self.result(case, "reverted", "revert_commit", 0.0, killer, found, paths)
        return self.result(case, "lost", "removed_later" if found.exists else "file_deleted", 0.0, killer, found, paths)

    def _same_blob(self, case: Judged, idx: int, path: str) -> bool:
        oid = self.texts.oid(self.index.shas[idx], path)
        return oid is not None and self.store.blob(oid) == case.hunk.binary

    # -- not landed

    def _unlanded(self, case: Judged) -> HunkState:
        return self.waiting.state(case)

    def _flagged(self, case: Judged, found: HunkState) -> HunkState:
        """Mark text that is gone in the work tree only; HEAD decides the state."""
        if not (self.work and self.is_head and found.state in ("alive", "transformed") and case.evidence.kind == "add"):
            return found
        path = found.at_path
        if path is None or self.store.work is None:
            return found
        data = self.store.worktree_text(path)
        oid = self.texts.oid(self.at, path)
        if data is None:
            return replace(found, flag="worktree_removed") if oid is not None else found
        if oid is not None and self.store.blob(oid) == data:
            return found
        text = Text(data, path)
        if text.binary or text_measure(case.hunk, case.evidence, dict(case.hunk.added), text).stands < PART:
            before = self.texts.at(self.at, path)
            if before is None or text_measure(case.hunk, case.evidence, dict(case.hunk.added), before).stands >= PART:
                return replace(found, flag="worktree_removed")
        return found


def _nested(work: Path | None, folder: str) -> bool:
    """Whether a folder of the work tree is a repository of its own."""
    if work is None:
        return False
    try:
        return (work / folder / ".git").exists()
    except OSError:
        return False
