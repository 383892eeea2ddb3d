"""Why a hunk is in the state that it is in, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tracetui.text.safe import one_line

__all__ = ["REASONS", "reason_of"]

REASONS: Final[Mapping[str, str]] = {
    "exact": "stands letter by letter",
    "eol": "stands; only its line ends differ",
    "file_renamed": "stands; its file was renamed",
    "moved_in_file": "stands elsewhere in its file",
    "moved_to_file": "stands in another file",
    "deletion_holds": "what it deleted is still gone",
    "reapplied": "was undone and brought back",
    "restores_base": "puts back what was there before",
    "whitespace": "only white space changed since",
    "reformat": "formatted anew, the same tokens",
    "identifier_rename": "only names changed since",
    "edited": "its lines were edited since",
    "partial": "a part of it stands",
    "revert_commit": "a commit says that it reverts it",
    "inverse_patch": "a commit took it out again",
    "pre_edit_restored": "what it replaced is back",
    "deletion_undone": "what it deleted is back",
    "removed_later": "removed by a later commit",
    "file_deleted": "its file was deleted",
    "binary": "its file became binary",
    "superseded": "replaced again before any commit",
    "never_landed": "no commit ever held it",
    "worktree": "in the work tree, not committed",
    "index": "staged, not committed",
    "untracked": "in a file that Git does not track yet",
    "stash": "in the stash",
    "unmerged": "on a branch that is not merged",
    "no_repository": "no repository is known",
    "unsupported_repository": "this repository cannot be read",
    "outside_repo": "outside of the repository",
    "ignored": "Git ignores its file",
    "shallow": "the history is cut off here (shallow clone)",
    "missing_objects": "objects are missing here (partial clone)",
    "weak": "too common to be told from other lines",
    "submodule_absent": "its submodule is not checked out",
    "no_before_text": "the log does not hold the text before it",
}
"""What the reasons of `HunkState` mean, in words."""


def reason_of(state: Mapping[str, Any], problem: str | None = None) -> str:
    """The reason for the state of a hunk (as `trail.serve` gives it). ``problem`` is what Git said where it could not
    read the repository."""
    reason = str(state["reason"])
    if reason == "unsupported_repository" and problem:
        return one_line(problem, 200)
    retention = state.get("retention")
    if reason == "exact" and retention is not None and retention < 1:
        return "what is left stands as it was"
    return REASONS.get(reason, reason)
