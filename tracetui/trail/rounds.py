"""One pass over hunks at one revision: landing, then what stands, then how it ended or where it waits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tracetui.model import Survival
from tracetui.trail.fate import Fates
from tracetui.trail.hunks import Hunk
from tracetui.trail.landing import FULL, PART, Evidence, Lander, Landing, block_at, has_block
from tracetui.trail.lines import fingerprint, norm
from tracetui.trail.states import HunkState
from tracetui.trail.store import MissingError, Store
from tracetui.trail.survive import Measure, Measurer
from tracetui.trail.texts import Text
from tracetui.trail.touch import Hit, tips_of

if TYPE_CHECKING:
    from tracetui.trail.judge import Judge

__all__ = ["Case", "Round"]

_ALL: Final = 1 - 1e-6


@dataclass(slots=True)
class Case:
    """A hunk under judgement."""

    hunk: Hunk
    path: str | None
    evidence: Evidence = field(default_factory=lambda: Evidence("block", {}, {}, 0.0))
    landing: Landing | None = None
    elsewhere: list[int] = field(default_factory=list)
    unread: bool = False


class Round:
    """One pass over hunks at one revision."""

    def __init__(self, owner: Judge, hits: dict[int, list[Hit]], work: bool) -> None:
        self.owner = owner
        self.index, self.texts, self.store = owner.index, owner.texts, owner.store
        self.reach, self.at = owner.reach, owner.at or ""
        self.lander = Lander(self.index, self.texts, owner.reach, owner.known, hits)
        self.measurer = Measurer(self.index, self.texts, hits)
        self.fates = Fates(self.index, owner.reach)
        self.work = work
        self.is_head = owner.at == owner.head
        shallow = self.store.shallow
        self.cut = max(
            (self.index.times[self.index.index[sha]] for sha in shallow if sha in self.index.index), default=None
        )
        self.partial = self.store.partial
        self._stashes: list[str] | None = None

    # -- results

    def result(
        self,
        case: Case,
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

    def state(self, case: Case) -> HunkState:
        """Judge one hunk; what cannot be read makes this hunk unknown and no other."""
        if case.path is None:
            return self.result(case, "unknown", "outside_repo")
        try:
            inner = self._submodule(case)
            if inner is not None:
                return inner
            if case.hunk.problem is not None:
                ignored = not self._tracked(case) and self.store.ignored(case.path)
                return self.result(case, "unknown", "ignored" if ignored else case.hunk.problem)
            case.landing, case.elsewhere, case.unread = self.lander.land(case.hunk, case.path, case.evidence)
            found = self._landed(case, case.landing) if case.landing is not None else self._unlanded(case)
            return self._flagged(case, found)
        except MissingError:
            return self.result(case, "unknown", "missing_objects")

    def _tracked(self, case: Case) -> bool:
        try:
            return bool(self.at and self.texts.oid(self.at, case.path or "")) or (
                self.store.index_entry(case.path or "") is not None
            )
        except MissingError:
            return True

    def _submodule(self, case: Case) -> HunkState | None:
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

    def _lines(self, case: Case, landing: Landing | None) -> dict[bytes, int]:
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

    def _brings(self, case: Case, idx: int, line: bytes) -> bool:
        paths = {case.path, case.landing.path if case.landing is not None else case.path}
        return any(
            touch.idx == idx
            and (touch.net(fingerprint(line)) > 0 or (case.landing is not None and case.landing.how != "lines"))
            for path in paths
            if path is not None
            for touch in self.index.touches(path)
        )

    def _paths(self, case: Case, landing: Landing) -> list[str]:
        """The names that the landed file may have at REV, its own first."""
        return self.lander.lineage(landing.path, self.index.times[landing.idx], self.reach)

    def _landed(self, case: Case, landing: Landing) -> HunkState:
        paths = self._paths(case, landing)
        if landing.how == "blob":
            return self._landed_blob(case, landing, paths)
        if case.evidence.kind == "block":
            return self._landed_block(case, landing, paths)
        if case.evidence.kind == "del":
            return self._landed_removal(case, landing, paths)
        hunk, evidence = case.hunk, case.evidence
        lines = self._lines(case, landing)
        found = self.measurer.measure(hunk, evidence, lines, self.at, paths, landing, self.reach)

        def left_at(idx: int) -> float:
            return self.measurer.measure(hunk, evidence, lines, self.index.shas[idx], paths, landing, self.reach).kept

        if found.kept >= PART:
            if found.exact >= found.total * _ALL and found.minor:
                dipped = self.fates.dipped(hunk, evidence, landing, paths, left_at)
                return self.result(case, "alive", self._alive(case, found, dipped), 1.0, None, found, paths)
            return self.result(case, "transformed", _change(found), self._kept(found), None, found, paths)
        ending = self.fates.ending(hunk, evidence, landing, paths, left_at)
        killer = ending.killer
        reason: str | None = None
        state: Survival = "lost"
        if killer is not None and self.fates.names(killer, landing):
            reason = "revert_commit"
        elif killer is not None and self.fates.inverse(killer, landing):
            reason = "inverse_patch"
        elif self._pre_edit(case, killer, paths):
            reason = "pre_edit_restored"
        if reason is not None:
            state = "reverted"
        elif found.binary:
            reason = "binary"
        elif not found.exists:
            reason = "file_deleted"
        else:
            reason = "removed_later"
        return self.result(case, state, reason, found.kept, killer, found, paths)

    def _pre_edit(self, case: Case, killer: int | None, paths: list[str]) -> bool:
        if not any(case.evidence.removed.values()):
            return False
        if killer is not None and self.fates.restored(case.hunk, case.evidence, killer, paths):
            return True
        texts = [text for path in paths if (text := self.texts.at(self.at, path)) is not None]
        return self.measurer.came_back(case.hunk, case.evidence, texts) >= FULL

    def _alive(self, case: Case, found: Measure, dipped: bool) -> str:
        if dipped:
            return "reapplied"
        if found.moved is not None or (case.landing is not None and found.path not in self._own_names(case)):
            return "moved_to_file"
        if found.path != case.path:
            return "file_renamed"
        if not found.in_place:
            return "moved_in_file"
        return "eol" if found.eol else "exact"

    def _own_names(self, case: Case) -> list[str]:
        assert case.path is not None
        return self.lander.lineage(case.path, case.hunk.time // 1000)

    @staticmethod
    def _kept(found: Measure) -> float:
        return found.kept if found.minor or found.kept < _ALL else 0.99

    def _landed_removal(self, case: Case, landing: Landing, paths: list[str]) -> HunkState:
        """A deletion: it holds while its lines are gone."""
        hunk, evidence = case.hunk, case.evidence

        def left_at(idx: int) -> float:
            sha = self.index.shas[idx]
            texts = [text for path in paths if (text := self.texts.at(sha, path)) is not None]
            return self.measurer.removed(hunk, evidence, texts)

        texts = [text for path in paths if (text := self.texts.at(self.at, path)) is not None]
        kept = self.measurer.removed(hunk, evidence, texts)
        found = Measure(evidence.total, exact=evidence.total * kept, exists=bool(texts))
        found.path = next((path for path in paths if self.texts.oid(self.at, path)), None)
        if kept >= _ALL:
            dipped = self.fates.dipped(hunk, evidence, landing, paths, left_at)
            words = any(map(bytes.strip, hunk.new))
            reason = "reapplied" if dipped else "exact" if words else "deletion_holds"
            if words and hunk.placed and texts and not any(has_block(hunk, text) for text in texts):
                base = self.texts.at(self.index.shas[landing.idx], landing.path)
                stands = all(
                    any(text.counts.get(line, 0) > hunk.others.get(line, 0) for text in texts)
                    for line in hunk.added
                    if line
                )
                if base is not None and has_block(hunk, base) and not stands:
                    return self.result(case, "transformed", "partial", 0.5, None, found, paths)
            return self.result(case, "alive", reason, 1.0, None, found, paths)
        if kept >= PART:
            return self.result(case, "transformed", "partial", kept, None, found, paths)
        ending = self.fates.ending(hunk, evidence, landing, paths, left_at)
        killer = ending.killer
        reason = "deletion_undone" if not any(map(bytes.strip, hunk.new)) else "pre_edit_restored"
        if killer is not None and self.fates.names(killer, landing):
            reason = "revert_commit"
        elif killer is not None and self.fates.inverse(killer, landing):
            reason = "inverse_patch"
        return self.result(case, "reverted", reason, kept, killer, found, paths)

    def _landed_block(self, case: Case, landing: Landing, paths: list[str]) -> HunkState:
        """Weightless lines: judged as a block between its surroundings, or unknown."""
        hunk = case.hunk
        base = self.texts.at(self.index.shas[landing.idx], landing.path)
        texts = [(path, text) for path in paths if (text := self.texts.at(self.at, path)) is not None]
        found = Measure(1.0, exists=bool(texts), binary=any(text.binary for _, text in texts))

        def stands(text: Text) -> bool:
            return has_block(hunk, text)

        for path, text in texts:
            at = block_at(hunk, hunk.new, text)
            if at >= 0 or self._undisturbed(case, landing, base, path, text):
                found.path = path
                found.exact = 1.0
                if at >= 0:
                    found.standing = [(path, at + step) for step in range(len(hunk.new))]
                    lines = [line.rstrip(b"\r") for line in text.raw[at : at + len(hunk.new)]]
                    found.eol = any(
                        text.raw[at + step].endswith(b"\r") != line.endswith(b"\r")
                        for step, line in enumerate(hunk.new)
                    )
                    if lines != [line.rstrip(b"\r") for line in hunk.new]:
                        return self.result(case, "transformed", "whitespace", 1.0, None, found, paths)
                reason = self._alive(case, found, False)
                if not hunk.new:
                    reason = "deletion_holds"
                return self.result(case, "alive", reason, 1.0, None, found, paths)
        steps = [touch for touch in self.fates.later(paths, landing.idx) if touch.blob or touch.status.startswith("D")]
        killer: int | None = None
        undone = False
        for touch in steps:
            text = self.texts.blob(touch.blob, touch.path) if touch.blob else None
            if text is not None and stands(text):
                killer, undone = None, False
            elif killer is None:
                killer = touch.idx
                undone = text is not None and block_at(hunk, hunk.old, text) >= 0
        if killer is not None and self.fates.names(killer, landing):
            return self.result(case, "reverted", "revert_commit", 0.0, killer, found, paths)
        if killer is not None and self.fates.inverse(killer, landing):
            return self.result(case, "reverted", "inverse_patch", 0.0, killer, found, paths)
        if undone:
            reason = (
                "pre_edit_restored" if hunk.new and hunk.old else "deletion_undone" if hunk.old else "removed_later"
            )
            state: Survival = "lost" if reason == "removed_later" else "reverted"
            return self.result(case, state, reason, 0.0, killer, found, paths)
        if not texts:
            return self.result(case, "lost", "file_deleted", 0.0, killer, found, paths)
        if found.binary:
            return self.result(case, "lost", "binary", 0.0, killer, found, paths)
        return self.result(case, "unknown", "weak", None, None, found, paths)

    def _undisturbed(self, case: Case, landing: Landing, base: Text | None, path: str, text: Text) -> bool:
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

    def _landed_blob(self, case: Case, landing: Landing, paths: list[str]) -> HunkState:
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

    def _same_blob(self, case: Case, idx: int, path: str) -> bool:
        oid = self.texts.oid(self.index.shas[idx], path)
        return oid is not None and self.store.blob(oid) == case.hunk.binary

    # -- not landed

    def _unlanded(self, case: Case) -> HunkState:
        hunk, path = case.hunk, case.path
        assert path is not None
        if not case.elsewhere and not self._tracked(case) and self.store.ignored(path):
            return self.result(case, "unknown", "ignored")
        cut = self.cut is not None and self.cut * 1000 + 999 >= hunk.time
        lines = self._lines(case, None)
        stands = self._stands(case, lines) if self.at else None
        if stands is not None and stands.stands >= FULL:
            exact = stands.exact >= stands.total * _ALL
            if cut or case.unread:
                state: Survival = "alive" if exact else "transformed"
                return self.result(case, state, "exact" if exact else _change(stands), stands.stands, None, stands)
            if self._was_there(case, lines):
                return self.result(case, "alive", "restores_base", 1.0 if exact else stands.stands, None, stands)
            late = self._by_another_clock(case)
            if late is not None:
                return late
        if self.work:
            reason = self._pending(case, lines)
            if reason is not None:
                return self.result(case, "pending", reason)
        if case.elsewhere and self._on_branch(case, lines):
            return self.result(case, "pending", "unmerged")
        taken = self._taken(case)
        if not cut and not case.unread and taken < PART and case.evidence.kind == "block" and not hunk.gone:
            return self.result(case, "unknown", "weak")
        if taken >= FULL or (taken > 0 and not cut and not case.unread):
            return self.result(case, "lost", "superseded", 0.0)
        if case.unread:
            return self.result(case, "unknown", "missing_objects")
        if cut:
            return self.result(case, "unknown", "shallow")
        return self.result(case, "lost", "never_landed", 0.0)

    def _by_another_clock(self, case: Case) -> HunkState | None:
        """A hunk that stands at REV though no commit after the edit brought it: the commit was made by a clock that is
        behind, and what brought the text is its landing."""
        assert case.path is not None
        early = replace(case.hunk, time=0, gone=[])
        landing, _, _ = self.lander.land(early, case.path, case.evidence)
        if landing is None:
            return None
        case.landing = landing
        return self._landed(case, landing)

    def _taken(self, case: Case) -> float:
        """The share of a hunk that later edits took over."""
        hunk, evidence = case.hunk, case.evidence
        if evidence.kind == "add":
            lost = sum(evidence.added.get(gone.line, 0.0) * gone.count for gone in hunk.gone)
            return lost / evidence.total
        size = sum(hunk.added.values())
        return sum(gone.count for gone in hunk.gone) / size if size else 0.0

    def _measure_text(self, case: Case, lines: dict[bytes, int], text: Text) -> Measure:
        """Standing lines of a hunk in a text, by counts alone."""
        hunk, evidence = case.hunk, case.evidence
        found = Measure(evidence.total or 1.0, exists=True, binary=text.binary)
        if evidence.kind == "block":
            if hunk.placed and has_block(hunk, text) and not hunk.gone:
                found.exact = found.total
        elif evidence.kind == "del":
            found.exact = found.total * self.measurer.removed(hunk, evidence, [text])
        else:
            for line, count in lines.items():
                weight = evidence.added.get(line)
                if weight:
                    have = min(count, max(0, text.counts.get(line, 0) - hunk.others.get(line, 0)))
                    bares = text.bares
                    same = sum(bares.get(raw.rstrip(b"\r\n"), 0) for raw in hunk.new if norm(raw) == line)
                    exact = min(have, same)
                    found.exact += weight * exact
                    found.white += weight * (have - exact)
        return found

    def _stands(self, case: Case, lines: dict[bytes, int]) -> Measure | None:
        """How much of a hunk without a landing stands at REV all the same."""
        assert case.path is not None
        best: Measure | None = None
        for path in self.lander.lineage(case.path, case.hunk.time // 1000, self.reach):
            text = self.texts.at(self.at, path)
            if text is None:
                if case.evidence.kind != "del" or best is not None:
                    continue
                found = Measure(case.evidence.total, exact=case.evidence.total)
            else:
                found = self._measure_text(case, lines, text)
            found.path = path
            if best is None or found.stands > best.stands:
                best = found
        return best

    def _was_there(self, case: Case, lines: dict[bytes, int]) -> bool:
        """Whether the last commit before the edit already was as the edit left it: then it restored that."""
        sha = self.owner.commit_before(case.hunk.time)
        assert case.path is not None
        if sha is None:
            return case.evidence.kind == "del"
        text = self.texts.at(sha, case.path)
        if text is None:
            return case.evidence.kind == "del"
        return self._measure_text(case, lines, text).stands >= FULL

    def _pending(self, case: Case, lines: dict[bytes, int]) -> str | None:
        """Where a hunk that did not land still waits: index, work tree, untracked file, stash."""
        hunk, path = case.hunk, case.path
        assert path is not None
        if not self.is_head and self.owner.head is not None and self.at:
            return None
        if (
            hunk.binary is None
            and case.evidence.kind == "add"
            and not any(lines.get(line) for line in case.evidence.added)
        ):
            return None

        def waits(data: bytes | None) -> bool:
            if data is None:
                return case.evidence.kind == "del" and hunk.op == "delete"
            if hunk.binary is not None:
                return data == hunk.binary
            text = Text(data, path)
            if text.binary:
                return False
            found = self._measure_text(case, lines, text).stands
            if case.evidence.kind == "del":
                head = self._stands(case, lines) if self.at else None
                return found >= PART and (head is None or head.stands < found)
            return found >= PART

        work, folder = self.owner.locate.place(hunk.file)
        staged = self._staged(path, folder)
        same = staged is not None and bool(self.at) and staged == self.texts.oid(self.at, path)
        changed = None if same else staged
        if changed is not None:
            try:
                if waits(self.store.blob(changed)):
                    return "index"
            except MissingError:
                pass
        elif hunk.op == "delete" and staged is None and self._in_rev(path):
            return "index"
        data = _read_below(self.store, work, path)
        if data is not None or hunk.op == "delete":
            known = staged is not None or self._in_rev(path)
            if waits(data):
                return "worktree" if known else "untracked"
        for sha in self._stash():
            try:
                found = self.store.text_at(sha, path)
                commit = self.store.commit(sha)
                if found is not None and waits(found):
                    return "stash"
                if commit is not None and len(commit.parents) > 2:
                    extra = self.store.text_at(commit.parents[2], path)
                    if extra is not None and waits(extra):
                        return "stash"
            except MissingError:
                continue
        return None

    def _in_rev(self, path: str) -> bool:
        try:
            return bool(self.at) and self.texts.oid(self.at, path) is not None
        except MissingError:
            return True

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

    def _on_branch(self, case: Case, lines: dict[bytes, int]) -> bool:
        """Whether some branch that has the change still holds it at its tip."""
        assert case.path is not None
        tips = set(tips_of(self.owner.refs).values()) | {self.owner.head or ""}
        for tip in sorted(tips):
            idx = self.index.index.get(tip)
            if idx is None or not any(self.index.is_ancestor(other, idx) for other in case.elsewhere):
                continue
            paths = self.lander.lineage(case.path, case.hunk.time // 1000)
            for other in case.elsewhere:
                paths += [touch.path for touch in self.index.of_commit(other) if touch.path not in paths]
            if case.hunk.binary is not None:
                return True
            for path in paths:
                text = self.texts.at(tip, path)
                if text is None:
                    if case.evidence.kind == "del" and path == case.path:
                        return True
                    continue
                if self._measure_text(case, lines, text).stands >= PART:
                    return True
        return False

    def _flagged(self, case: Case, found: HunkState) -> HunkState:
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
        if text.binary or self._measure_text(case, dict(case.hunk.added), text).stands < PART:
            before = self.texts.at(self.at, path)
            if before is None or self._measure_text(case, dict(case.hunk.added), before).stands >= PART:
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


def _read_below(store: Store, work: Path, path: str) -> bytes | None:
    if store.work is None or work == store.work:
        return store.worktree_text(path)
    own, store.work = store.work, work
    try:
        return store.worktree_text(path)
    finally:
        store.work = own


def _change(found: Measure) -> str:
    """The reason of a transformed hunk: what most of its changed weight became; of equals, the stronger change."""
    gone = max(0.0, found.total - found.exact - found.white - found.layout - found.renamed - found.edited)
    shares = [
        ("whitespace", found.white),
        ("reformat", found.layout),
        ("identifier_rename", found.renamed),
        ("edited", found.edited),
        ("partial", gone),
    ]
    best = max(share for _, share in shares)
    if best <= 1e-9:
        return "whitespace" if found.minor else "edited"
    return [name for name, share in shares if share >= best - 1e-9][-1]
