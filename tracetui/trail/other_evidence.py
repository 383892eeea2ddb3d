"""Evidence beside lines: contents, blocks, merges, token streams, other files, other clocks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from tracetui.trail.claims import Case, Claim
from tracetui.trail.evidence import brought_by_tokens, has_block, is_marker, tells
from tracetui.trail.line_changes import LineAddition, Touch
from tracetui.trail.lines import fingerprint, norm
from tracetui.trail.store import MissingError
from tracetui.trail.thresholds import CLOCK, FAR_LETTERS, FAR_LINES, FULL, LATE, PART
from tracetui.trail.tokens import is_identifier, lex

if TYPE_CHECKING:
    from tracetui.trail.attribution import Attribution

__all__ = ["OtherEvidence"]

_TOKEN_TRIES: Final = 24


class OtherEvidence:
    """Finds claims that lines alone do not make, for the hunks of a table."""

    def __init__(self, table: Attribution) -> None:
        self.table, self.plausible = table, table.plausible
        self.index, self.texts = table.index, table.texts

    def find(self, first: int, touched: frozenset[str] | None) -> None:
        """Look in the commits from a number on; ``touched`` are the paths that these changed (None: all)."""
        ordered = sorted(self.table.cases.values(), key=lambda case: (case.path or "", case.hunk.time))
        for case in ordered:
            if case.path is None or (touched is not None and case.names.isdisjoint(touched)):
                continue
            touches = self._candidates(case, first)
            if case.hunk.binary is not None:
                self._by_blob(case, touches)
            elif any(map(is_marker, case.hunk.old)):
                self._by_merge(case, first)
            elif case.evidence.kind == "block":
                self._by_block(case, touches)
            elif not any(claim.share >= FULL for claim in case.claims):
                self._by_tokens(case, touches)
        for case in ordered if touched is None else self._near(touched):
            if case.path and case.evidence.kind == "add" and case.hunk.binary is None:
                self._far(case, first)
        for case in ordered:
            if not case.claims and case.evidence.kind == "add" and case.hunk.binary is None and not first:
                self._by_clock(case)

    def _near(self, touched: frozenset[str]) -> list[Case]:
        """The hunks with lines that the newest commits brought to some path."""
        keys: dict[str, Case] = {}
        for line in self.table.fresh:
            for case in self.table.by_line.get(line, ()):
                keys[case.hunk.key] = case
        return list(keys.values())

    def _candidates(self, case: Case, first: int) -> list[Touch]:
        """Touches of the hunk's path that are not before the edit, in order."""
        found = [
            touch
            for name in case.names
            for touch in self.index.touches(name)
            if touch.idx >= first and self.index.times[touch.idx] >= case.since and touch.status != "r"
        ]
        return sorted(found, key=lambda touch: (self.index.times[touch.idx], touch.idx))

    def _by_blob(self, case: Case, touches: list[Touch]) -> None:
        for touch in touches:
            try:
                same = bool(touch.blob) and self.texts.store.blob(touch.blob) == case.hunk.binary
            except MissingError:
                continue
            if same:
                self.table.add(Claim(case, touch.idx, touch.path, {}, 1.0, "blob"))

    def _by_block(self, case: Case, touches: list[Touch]) -> None:
        """Weightless lines: the commit after which the block stands in its surroundings, and did not before."""
        for touch in touches:
            if not self.plausible.placed(case, touch):
                continue
            early = self.index.authored[touch.idx] < case.since
            self.table.add(
                Claim(case, touch.idx, touch.path, {}, 1.0, "block", early, self.plausible.late(case, touch))
            )

    def _by_merge(self, case: Case, first: int) -> None:
        """A conflict that was resolved: the merge, or the rebased commit, that holds what the hunk kept."""
        index, hunk, since = self.index, case.hunk, case.since
        for idx in range(first, len(index.shas)):
            merged = len(index.parents[idx]) > 1 or index.authored[idx] < since
            if not merged or not since <= index.times[idx] <= since + LATE or not self.table.known[idx]:
                continue
            for name in case.names:
                try:
                    text = self.texts.at(index.shas[idx], name)
                except MissingError:
                    continue
                if text is not None and hunk.placed and has_block(hunk, text):
                    self.table.add(Claim(case, idx, name, {}, 1.0, "block"))
                    return

    def _by_tokens(self, case: Case, touches: list[Touch]) -> None:
        """A commit that brought the hunk's tokens in another layout (a formatter that ran before the commit)."""
        hunk, evidence = case.hunk, case.evidence
        if evidence.kind != "add" or not any(touch.added for touch in touches):
            return
        names = sorted({token for line in hunk.new for token in lex(line) if is_identifier(token)}, key=len)[-4:]
        best = max((claim.share for claim in case.claims), default=0.0)
        tried = 0
        for touch in touches:
            if not names or tried >= _TOKEN_TRIES:
                break
            if not touch.added or not touch.blob or not self.table.known[touch.idx]:
                continue
            if not self.plausible.soon(case, touch):
                continue
            tried += 1
            got = self._tokens_in(case, touch, touch.blob, names)
            share = evidence.share(got)
            if share >= FULL and share > best:
                self.table.add(Claim(case, touch.idx, touch.path, got, share, "tokens"))

    def _tokens_in(self, case: Case, touch: Touch, blob: str, names: list[bytes]) -> dict[bytes, int]:
        """The hunk's lines whose tokens a commit brought, beside those that it brought letter by letter."""
        hunk = case.hunk
        left = {line: self.table.left(case, line, touch.idx) for line in hunk.added}
        lines = [line for line in hunk.new if left.get(norm(line), 1) > 0]
        try:
            text = self.texts.blob(blob, touch.path)
            if text.binary or not all(name in text.data for name in names):
                return {}
            before = self.plausible.before(touch)
        except MissingError:
            return {}
        own = next((claim.lines for claim in case.claims if claim.idx == touch.idx), {})
        got = brought_by_tokens(hunk, lines, left, case.evidence, text, before)
        return {line: count for line, count in got.items() if line in own or touch.net(fingerprint(line)) <= 0}

    def _far(self, case: Case, first: int) -> None:
        """Rare lines that a commit brought to another path: a move before the first commit, or one by a later commit
        that took them out where the hunk had landed."""
        telling_ones = {norm(line) for line in case.hunk.new if tells(line)}
        rare = [line for line, weight in case.evidence.added.items() if weight >= 0.5 and line in telling_ones]
        found: dict[tuple[int, int], dict[bytes, int]] = {}
        for line in rare:
            for hit in self.plausible.hits.get(fingerprint(line), ()):
                name = self.index.names[hit.path]
                if hit.idx < first or self.index.times[hit.idx] < case.since or name in case.names:
                    continue
                count = self.table.left(case, line, hit.idx)
                if count > 0 and not self._owned(hit, name, line):
                    found.setdefault((hit.idx, hit.path), {})[line] = count
        landed = bool(case.claims)
        for (idx, number), lines in sorted(found.items(), key=lambda item: (self.index.times[item[0][0]], item[0])):
            touch = self._touch(idx, number)
            if touch is None or (not landed and not self.plausible.soon(case, touch)):
                continue
            lines = {line: min(count, touch.net(fingerprint(line))) for line, count in lines.items()}
            lines = {line: count for line, count in lines.items() if count > 0}
            if landed:
                lines = self._moved(case, idx, lines)
            share = case.evidence.share(lines)
            if share < PART or len(lines) < FAR_LINES or sum(map(len, lines)) < FAR_LETTERS:
                continue
            self.table.add(Claim(case, idx, touch.path, lines, share, "moved" if landed else "far"))

    def _touch(self, idx: int, path: int) -> Touch | None:
        return next(iter(self.index.on(idx, [self.index.names[path]])), None)

    def _moved(self, case: Case, idx: int, lines: dict[bytes, int]) -> dict[bytes, int]:
        """Of lines that a commit brought elsewhere those that it took out where the hunk stood."""
        own = self.index.on(idx, case.names)
        gone = {line: sum(max(0, -touch.net(fingerprint(line))) for touch in own) for line in lines}
        return {line: min(count, gone[line]) for line, count in lines.items() if gone[line]}

    def _owned(self, hit: LineAddition, name: str, line: bytes) -> bool:
        """Whether another hunk wrote this line to that path before the commit: then it is that one's."""
        at = self.index.times[hit.idx]
        return any(
            line in other.hunk.added and other.since <= at and name in other.names
            for other in self.table.by_line.get(fingerprint(line), ())
        )

    def _by_clock(self, case: Case) -> None:
        """A commit that seems to be some minutes older than the edit, by a clock that is behind."""
        if case.path is None:
            return
        for touch in self.index.touches(case.path):
            behind = case.since - self.index.times[touch.idx]
            if not 0 < behind <= CLOCK or touch.status == "r":
                continue
            lines = {
                line: min(count, touch.net(fingerprint(line)))
                for line, count in case.hunk.added.items()
                if case.evidence.added.get(line) and touch.net(fingerprint(line)) > 0
            }
            if case.evidence.share(lines) >= FULL and not self._put_back(case, lines, self.index.times[touch.idx]):
                self.table.add(Claim(case, touch.idx, touch.path, lines, case.evidence.share(lines), "clock"))
                return

    def _put_back(self, case: Case, lines: Iterable[bytes], since: int) -> bool:
        """Whether some edit after a commit had taken these lines out, so that the hunk only brought them back."""
        return any(
            since <= other.since and other.hunk.time <= case.hunk.time and other.path == case.path
            for line in lines
            for other in self.table.by_loss.get(fingerprint(line), ())
        )
