"""The one registry of what a user can do.

Keys, footer, palette, help screen, ``docs/keys.md`` and the ``[keys]`` table of the config all come from `ACTIONS`.
What carries them out are the actors and controllers of `kit.actor`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from textual.binding import Binding, BindingType

__all__ = ["ACTIONS", "BY_ID", "Action", "bindings", "by_context", "display_key", "keys_of"]


@dataclass(frozen=True, slots=True)
class Action:
    """``id`` is ``context.name``; ``keys`` a comma-separated list in Textual's words; ``footer`` the rank in the
    footer, 0 for not there. ``help`` is one sentence for help screen, palette and ``docs/keys.md``. Where nobody has a
    method of its own for it, the one of the name ``like`` carries it out."""

    id: str
    keys: str
    label: str
    help: str
    group: str
    footer: int = 0
    like: str = ""

    @property
    def context(self) -> str:
        return self.id.partition(".")[0]

    @property
    def method(self) -> str:
        return self.id.partition(".")[2].replace("-", "_")


_A = Action

ACTIONS: Final[tuple[Action, ...]] = (
    # The whole app.
    _A("app.help", "question_mark,f1", "keys", "Show every key that works here.", "App", 90),
    _A("app.palette", "colon,ctrl+p", "commands", "Find any command by its name.", "App"),
    _A("app.theme", "T", "theme", "Choose the colours, and keep them if you like.", "App"),
    _A("app.problems", "exclamation_mark", "problems", "Show what is wrong with the config file.", "App"),
    _A(
        "app.screenshot",
        "ctrl+o",
        "screenshot",
        "Save the screen as an SVG picture until you leave; it says where.",
        "App",
    ),
    _A("app.quit", "ctrl+q", "quit", "Leave the program.", "App"),
    # Every screen: one level out.
    _A("screen.back", "escape", "back", "Go out one level; the first level stays.", "App"),
    _A("screen.leave", "q", "leave", "Go out one level; on the first level, leave.", "App", like="back"),
    # The main screen.
    _A("main.pane-1", "1", "sessions", "Go to the sessions.", "Panes"),
    _A("main.pane-2", "2", "timeline", "Go to the timeline.", "Panes"),
    _A("main.pane-3", "3", "step", "Go to the step.", "Panes"),
    _A("main.next-pane", "tab", "next pane", "Go to the next pane.", "Panes"),
    _A("main.previous-pane", "shift+tab", "previous pane", "Go to the previous pane.", "Panes"),
    _A("main.zoom", "plus", "full size", "Give the pane the whole screen, and back.", "Panes"),
    _A("main.wider", "greater_than_sign", "wider", "Make the pane wider.", "Panes"),
    _A("main.narrower", "less_than_sign", "narrower", "Make the pane narrower.", "Panes"),
    _A("main.home", "H", "home", "Go to the home: what happened, what is going on, what waits.", "Panes"),
    _A("main.search", "F,ctrl+f", "search all", "Search every step of every session.", "Find", 30),
    _A("main.views", "Q", "views", "Choose a saved query: what failed, what ran longest, and your own.", "Find"),
    _A("main.jump", "J,ctrl+t", "jump", "Jump to any session by a few letters of its name.", "Find"),
    _A("main.due", "M", "soon deleted", "List the sessions whose logs their harness is about to delete.", "Sessions"),
    _A("main.index", "I", "index", "Look for new and grown logs now.", "Sessions"),
    _A(
        "main.stop",
        "ctrl+x",
        "stop",
        "Stop indexing, or working out what became of edits; what is there stays.",
        "Sessions",
    ),
    _A("main.blame", "B", "blame", "Ask who is behind a commit, a range or the lines of a file.", "Trail", 31),
    _A("main.diff", "D", "diff", "Show one diff of the session, or of the prompt under the cursor.", "Trail"),
    _A("main.redact", "r", "redact", "Review what is to be shared of the session, or of the range.", "Redact", 32),
    _A("main.seal", "s", "seal", "Seal the session, or the range, into a capsule that others can open.", "Capsule", 33),
    _A("main.replay", "A", "replay", "Play the session step by step, as it happened.", "Capsule", 34),
    _A("main.context", "C", "context", "Open what the model saw when it made the step.", "Context", 32),
    _A(
        "main.datasets",
        "W",
        "datasets",
        "Make rows or a report of sessions by a workflow, review and write them.",
        "Datasets",
        35,
    ),
    _A("main.rate", "asterisk", "rate", "Rate the step, or the session: good, mixed or bad, with a note.", "Datasets"),
    _A("main.repository", "R", "repository", "Name the repository of this session's folder.", "Trail"),
    _A("main.repositories", "ctrl+g", "repositories", "See the repositories of all sessions; tie folders.", "Trail"),
    # The home.
    _A("home.period", "w", "period", "Add up today, this week, this month, or all time.", "Home", 2),
    _A("home.sessions", "s,1", "sessions", "Go to the list of sessions.", "Home", 3),
    _A("home.resume", "c", "resume", "Copy or run the command that goes on with the session.", "Home", 4),
    _A("home.switch", "tab", "other column", "Go to the other column.", "Home", 5),
    # Every list.
    _A("list.down", "j,down", "down", "Move down.", "Move"),
    _A("list.up", "k,up", "up", "Move up.", "Move"),
    _A("list.page-down", "pagedown,ctrl+d", "page down", "Move a page down.", "Move"),
    _A("list.page-up", "pageup,ctrl+u", "page up", "Move a page up.", "Move"),
    _A("list.first", "g,home", "first", "Go to the first row.", "Move"),
    _A("list.last", "G,end", "last", "Go to the last row.", "Move"),
    _A("list.open", "enter,l,right", "open", "Go into the row under the cursor.", "Move", 1),
    # A line to type a query into. Enter is the input's own key.
    _A("query.done", "down", "to the list", "Go to what the query found.", "Query", 1),
    _A("query.take", "tab", "complete", "Take the completion that is marked.", "Query", 2),
    _A("query.next", "ctrl+n", "next completion", "Mark the next completion.", "Query", 3),
    _A("query.previous", "ctrl+p", "previous completion", "Mark the previous completion.", "Query"),
    _A("query.drop", "escape", "drop", "Drop the query.", "Query", 4),
    # The first run.
    _A("first.start", "enter", "start", "Keep what is ticked and begin.", "First run", 1),
    _A("first.tick", "space,x", "tick", "Tick or untick the row under the cursor.", "First run", 2),
    _A("first.tick-all", "a", "all", "Tick everything, or nothing.", "First run", 3),
    # The jump dialog.
    _A("jump.go", "enter", "go", "Go to the session under the cursor.", "Query", 1),
    _A("jump.down", "down,ctrl+n,ctrl+j", "next", "Move down.", "Query", 2),
    _A("jump.up", "up,ctrl+p,ctrl+k", "previous", "Move up.", "Query", 3),
    _A("jump.cancel", "escape", "back", "Close the dialog.", "Query", 4),
    # Dialogs.
    _A("dialog.cancel", "escape", "cancel", "Close the dialog; nothing changes.", "App", 1),
    # Sessions.
    _A("sessions.filter", "slash", "filter", "Type a query; the list shows the sessions that match.", "Find", 2),
    _A("sessions.clear", "backspace", "clear", "Drop the query and show every session.", "Find"),
    _A("sessions.fold", "space", "fold", "Fold or unfold the group under the cursor.", "Sessions"),
    _A(
        "sessions.sort",
        "S",
        "sort",
        "Sort by the next column; a click on the head of one sorts by that.",
        "Sessions",
    ),
    _A("sessions.group", "d", "group", "Group by day, by project, or not at all.", "Sessions", 40),
    _A("sessions.bookmark", "b", "bookmark", "Set or drop a bookmark on the session.", "Sessions", 20),
    _A("sessions.note", "m", "note", "Write a note about the session.", "Sessions", 21),
    _A("sessions.rename", "e", "rename", "Call the session by a title of your own.", "Sessions", 60),
    _A("sessions.tag", "t", "tags", "Give the session tags, or take them away.", "Sessions", 61),
    _A("sessions.archive", "a", "archive", "Put the session away, or take it out again: is:archived.", "Sessions", 62),
    _A("sessions.read", "u", "read", "Mark the session as read.", "Sessions"),
    # Timeline.
    _A("timeline.find", "slash", "find", "Find text in this session.", "Find", 2),
    _A("timeline.next-match", "n", "next match", "Go to the next step that matches.", "Find", 24),
    _A("timeline.previous-match", "N", "previous match", "Go to the previous step that matches.", "Find"),
    _A("timeline.next-prompt", "p,right_square_bracket", "prompt", "Go to the next prompt.", "Timeline", 10),
    _A(
        "timeline.previous-prompt", "P,left_square_bracket", "previous prompt", "Go to the previous prompt.", "Timeline"
    ),
    _A("timeline.next-error", "x", "error", "Go to the next step that failed.", "Timeline", 11),
    _A("timeline.previous-error", "X", "previous error", "Go to the previous step that failed.", "Timeline"),
    _A("timeline.next-edit", "e", "edit", "Go to the next edit.", "Timeline", 12),
    _A("timeline.previous-edit", "E", "previous edit", "Go to the previous edit.", "Timeline"),
    _A(
        "timeline.next-compaction",
        "right_curly_bracket",
        "compaction",
        "Go to the next step at which the context was compacted.",
        "Context",
    ),
    _A(
        "timeline.previous-compaction",
        "left_curly_bracket",
        "previous compaction",
        "Go to the previous step at which the context was compacted.",
        "Context",
    ),
    _A(
        "timeline.fold", "space", "fold", "Fold or unfold the run, prompt or subagent under the cursor.", "Timeline", 20
    ),
    _A("timeline.fold-all", "z", "outline", "Show the prompts only, and back.", "Timeline", 21),
    _A("timeline.runs", "w", "runs", "Show runs of reads and searches as one row, or each step.", "Timeline"),
    _A("timeline.thinking", "t", "thinking", "Show or hide thinking.", "Timeline", 22),
    _A("timeline.events", "v", "events", "Show or hide events of the harness.", "Timeline"),
    _A("timeline.follow", "f", "follow", "Stay at the end while the session grows.", "Timeline", 30),
    _A("timeline.landing", "L", "landing", "Show the commit that accepted the edit under the cursor.", "Trail", 13),
    _A("timeline.ended", "K", "ended by", "Show the commit that ended the edit under the cursor.", "Trail", 14),
    _A("timeline.range", "V", "range", "Begin a range of steps at the cursor, or drop it.", "Timeline"),
    _A(
        "timeline.next-part",
        "tilde",
        "next part",
        "Show the next part of a session of several logs.",
        "Timeline",
    ),
    _A("timeline.out", "h,left", "out", "Go out of the subagent, or back to the sessions.", "Timeline"),
    # Text.
    _A("text.down", "j,down", "down", "Scroll down a row.", "Move"),
    _A("text.up", "k,up", "up", "Scroll up a row.", "Move"),
    _A("text.page-down", "pagedown,ctrl+d,space", "page down", "Scroll a page down.", "Move"),
    _A("text.page-up", "pageup,ctrl+u", "page up", "Scroll a page up.", "Move"),
    _A("text.first", "g,home", "top", "Go to the first row of the text.", "Move"),
    _A("text.last", "G,end", "end", "Go to the last row of the text.", "Move"),
    _A("text.right", "l,right", "right", "Scroll to the right, when lines are not wrapped.", "Move"),
    _A("text.left", "h,left", "left", "Scroll to the left, when lines are not wrapped.", "Move"),
    _A("text.wrap", "w", "wrap", "Wrap long lines, or show them as they are.", "Step", 8),
    _A("text.next-match", "n", "next match", "Go to the next match in the text.", "Find", 6),
    _A("text.previous-match", "N", "previous match", "Go to the previous match in the text.", "Find"),
    # Step.
    _A("step.find", "slash", "find", "Find text in this step.", "Find", 2),
    _A("step.view", "v", "view", "Show the step to be read, as JSON, or as the raw records.", "Step", 5),
    _A("step.fold", "z", "fold", "Show the JSON or the records as a tree whose branches fold.", "Step", 13),
    _A("step.next-tab", "right_square_bracket", "next tab", "Go to the next tab of the step.", "Step", 7),
    _A("step.previous-tab", "left_square_bracket", "previous tab", "Go to the previous tab of the step.", "Step"),
    _A("step.side", "s", "side by side", "Show old and new side by side, or one below the other.", "Trail", 6),
    _A("step.next-hunk", "e", "next hunk", "Go to the next hunk of the edit.", "Trail", 12),
    _A("step.previous-hunk", "E", "previous hunk", "Go to the previous hunk of the edit.", "Trail"),
    _A("step.landing", "L", "landing", "Show the commit that accepted the hunk.", "Trail", 10),
    _A("step.ended", "K", "ended by", "Show the commit that ended the hunk.", "Trail", 11),
    _A("step.next", "full_stop", "next step", "Show the next step of the timeline.", "Step"),
    _A("step.previous", "comma", "previous step", "Show the previous step of the timeline.", "Step"),
    # What leaves the app: the clipboard, an editor, another program.
    _A("main.copy", "y", "copy", "Copy what is selected, or else the whole step.", "Copy and open", 50),
    _A(
        "main.copy-part", "Y", "copy part", "Choose what of the step to copy: address, input, output …", "Copy and open"
    ),
    _A("main.editor", "o", "editor", "Open the step in $EDITOR; changes go nowhere.", "Copy and open", 51),
    _A("main.pager", "O", "pager", "Open the step in $PAGER.", "Copy and open"),
    _A("main.image", "i", "image", "Open the step's next image in the system's viewer.", "Copy and open"),
    _A("main.resume", "c", "resume", "Copy or run the command that resumes the session.", "Copy and open", 52),
    # A commit, and the sessions behind commits and lines.
    _A("commit.copy", "y", "copy sha", "Copy the name (sha) of the commit.", "Copy and open", 20),
    _A(
        "commit.markdown",
        "Y",
        "copy Markdown",
        "Copy this as Markdown for a pull request.",
        "Copy and open",
        21,
    ),
    # One diff of a session, or of a prompt.
    _A("diff.against", "b", "base or HEAD", "Set it against what was there before, or against HEAD today.", "Trail", 1),
    _A("diff.next-file", "right_square_bracket,e", "next file", "Go to the next file.", "Trail", 2),
    _A("diff.previous-file", "left_square_bracket,E", "previous file", "Go to the previous file.", "Trail"),
    _A("diff.copy", "y", "copy", "Copy what is selected, or else the whole diff.", "Copy and open", 3),
    _A("blame.copy", "y", "copy Markdown", "Copy this as Markdown for a pull request.", "Copy and open", 10),
    _A("repositories.tie", "a", "tie all", "Tie every folder that looks like this repository to it.", "Trail", 2),
    _A("repositories.untie", "x", "take out", "Take the tied folder under the cursor out again.", "Trail", 3),
    _A("blame.editor", "o", "editor", "Open the file in $EDITOR at this line.", "Copy and open", 11),
    _A("blame.edit", "slash", "edit", "Go back to the line that says what is asked about.", "Trail", 3),
    # The redaction editor: its screen, its text, its rules.
    _A("redact.accept", "a", "accept", "Replace this value everywhere, in every form that it has.", "Redact", 1),
    _A(
        "redact.reject",
        "r",
        "reject",
        "Leave it as it is: this place, its path, its name, its kind, or the value.",
        "Redact",
        2,
    ),
    _A("redact.next", "right_square_bracket,n", "next open", "Go to the next value that is open.", "Redact", 3),
    _A("redact.previous", "left_square_bracket,N", "previous open", "Go to the previous value that is open.", "Redact"),
    _A("redact.undo", "u", "undo", "Take the last decision back, also one of an earlier day.", "Redact", 4),
    _A("redact.redo", "U,ctrl+r", "redo", "Bring back what was undone.", "Redact"),
    _A("redact.next-copy", "c", "next copy", "Go to the next place of this value.", "Redact", 12),
    _A("redact.previous-copy", "C", "previous copy", "Go to the previous place of this value.", "Redact"),
    _A("redact.places", "i", "places", "List every place that this value stands at, in whatever form.", "Redact", 11),
    _A("redact.preview", "p", "as the reader", "Show the text as the reader will see it, and back.", "Redact", 9),
    _A("redact.hide", "z", "hide", "Hide secrets on this screen, and back.", "Redact", 10),
    _A("redact.accept-exact", "A", "accept exact", "Accept every open value of tier 1, after asking.", "Redact", 14),
    _A("redact.exclude", "x", "leave out", "Leave out steps, kinds of steps, results, thinking, images.", "Redact", 13),
    _A("redact.rules", "R", "rules", "See and change the rules that stay.", "Redact", 15),
    _A(
        "redact.fields",
        "full_stop,F",
        "all fields",
        "Show every field of the records, or fold those that repeat.",
        "Redact",
    ),
    _A("redact.mark-all", "M", "mark matches", "Mark every place of what was looked for, in the session.", "Redact"),
    _A("redact.next-step", "J,right_parenthesis", "next step", "Show the text of the next step.", "Redact"),
    _A("redact.previous-step", "K,left_parenthesis", "previous step", "Show the text of the step before.", "Redact"),
    _A("redact.seal", "s", "seal", "Seal the episode into one file, once nothing is open.", "Redact", 17),
    _A(
        "redact.second", "S", "second reading", "See what a stranger would notice: names, hosts, tickets.", "Redact", 18
    ),
    _A("redact.fold", "space", "weak ones", "Show or fold the weak findings.", "Redact", 16),
    _A("redact.switch", "tab", "list or text", "Go from the list to the text, and back.", "Redact", 8),
    _A("redact.list", "1", "list", "Go to the list of values.", "Redact"),
    _A("redact.text", "2", "text", "Go to the text, to move in it and to mark by hand.", "Redact"),
    _A("marking.visual", "v", "select", "Begin to select text, or drop the selection.", "Mark by hand", 5),
    _A("marking.mark", "enter,m", "mark", "Mark what is selected, and say what kind it is.", "Mark by hand", 6),
    _A("marking.other-end", "o", "other end", "Move the other end of the selection.", "Mark by hand"),
    _A(
        "marking.grow",
        "greater_than_sign",
        "grow",
        "Move the end of the selection, or of the span here, to the right.",
        "Mark by hand",
    ),
    _A("marking.shrink", "less_than_sign", "shrink", "Move that end to the left.", "Mark by hand"),
    _A("marking.grow-left", "left_curly_bracket", "grow left", "Move the start to the left.", "Mark by hand"),
    _A("marking.shrink-left", "right_curly_bracket", "shrink left", "Move the start to the right.", "Mark by hand"),
    _A("marking.find", "slash", "find", "Find text in the session.", "Find", 7),
    _A("marking.next-match", "n", "next match", "Go to the next place of what was looked for.", "Find"),
    _A("marking.previous-match", "N", "previous match", "Go to the place of it before.", "Find"),
    _A("marking.down", "j,down", "down", "Move down a row.", "Move"),
    _A("marking.up", "k,up", "up", "Move up a row.", "Move"),
    _A("marking.left", "h,left", "left", "Move left a character.", "Move"),
    _A("marking.right", "l,right", "right", "Move right a character.", "Move"),
    _A("marking.word", "w", "word", "Move to the next word.", "Move"),
    _A("marking.back", "b", "word back", "Move to the word before.", "Move"),
    _A("marking.word-end", "e", "word end", "Move to the end of the word.", "Move"),
    _A("marking.line-start", "0,home", "line start", "Move to the start of the line.", "Move"),
    _A("marking.line-end", "dollar_sign,end", "line end", "Move to the end of the line.", "Move"),
    _A("marking.first", "g", "top", "Move to the start of the page.", "Move"),
    _A("marking.last", "G", "end", "Move to the end of the page.", "Move"),
    _A("marking.find-char", "f", "to character", "Move to the character typed next, in this line.", "Move"),
    _A("marking.page-down", "pagedown", "page down", "Move a page down.", "Move"),
    _A("marking.page-up", "pageup", "page up", "Move a page up.", "Move"),
    _A("marking.half-down", "ctrl+d", "half down", "Move half a page down.", "Move"),
    _A("marking.half-up", "ctrl+u", "half up", "Move half a page up.", "Move"),
    _A("noticed.replace", "a", "replace", "Replace this everywhere.", "Redact", 1),
    _A("noticed.keep", "r", "keep", "Leave this as it is; it is not shown again.", "Redact", 2),
    _A("noticed.undo", "u", "undo", "Take the last decision back.", "Redact", 3),
    _A("rules.add", "a", "add", "Add a rule: a literal text, a pattern (RE2) or a glob.", "Rules", 1),
    _A("rules.edit", "e", "edit", "Change the rule under the cursor.", "Rules", 2),
    _A("rules.delete", "d,delete", "delete", "Delete the rule under the cursor.", "Rules", 3),
    _A("rules.import", "i", "import", "Read rules from a text file.", "Rules", 4),
    _A("rules.export", "x", "export", "Write the rules to a private text file.", "Rules", 5),
    _A("rules.undo", "u", "undo", "Take the last decision back, whether it was about a rule or not.", "Rules", 6),
    _A("rules.redo", "U,ctrl+r", "redo", "Bring back what was undone.", "Rules"),
    # A JSON value as a tree.
    _A("tree.fold", "space", "fold", "Fold or unfold the branch, or the one around the value.", "Tree", 1),
    _A("tree.out", "h,left", "fold up", "Fold the branch around, and go to it.", "Tree", 2),
    _A("tree.all", "z", "all", "Unfold every branch, and back.", "Tree", 3),
    _A("tree.copy", "y", "copy", "Copy the value under the cursor.", "Tree", 4),
    # The datasets: the workflows, and the rows of one.
    _A("workflows.run", "x", "make rows", "Make the rows of the workflow, or write its report.", "Datasets", 2),
    _A("workflows.answer", "a", "answer", "Answer what the workflow could not decide.", "Datasets", 3),
    _A("workflows.write", "w", "write", "Write the approved rows to a folder.", "Datasets", 4),
    _A("workflows.donate", "d", "donate", "See what would be given, agree, and write a folder to give.", "Datasets", 5),
    _A("workflows.add", "plus", "add", "Take the file of a workflow into the list.", "Datasets", 6),
    _A("rows.approve", "a", "approve", "Approve the row as it stands, and go to the next.", "Datasets", 1),
    _A("rows.reject", "r", "reject", "Leave the row out, and go to the next.", "Datasets", 2),
    _A("rows.next", "n", "next", "Go to the next row that waits for a decision.", "Datasets", 3),
    _A("rows.edit", "e", "redactions", "Edit the redactions of its session; the row is made anew.", "Datasets", 4),
    _A("rows.undo", "u", "undo", "Take the decision about the row back.", "Datasets", 5),
    _A("rows.switch", "tab", "other part", "Go from the rows to the row, to its session.", "Datasets", 6),
    # The last screen before a seal.
    _A("seal.write", "enter", "write", "Write the capsule as it is shown.", "Capsule", 1),
    _A("seal.toggle", "space", "take or leave", "Take the check into the capsule, or leave it out.", "Capsule", 2),
    _A("seal.edit", "e", "edit", "Change the check or the choice under the cursor.", "Capsule", 3),
    _A("seal.add", "a", "add check", "Add a command whose outcome shows the problem.", "Capsule", 4),
    _A("seal.review", "r", "review", "Go to the redaction editor, and come back to the seal.", "Capsule", 5),
    _A("seal.name", "n", "name", "Say what the capsule is called.", "Capsule", 6),
    _A("seal.sign", "s", "sign", "Sign with an SSH key, or leave that out.", "Capsule", 7),
    _A("seal.author", "u", "author", "Say who sealed it, or leave that out.", "Capsule", 8),
    _A("seal.files", "f", "files", "Carry files of the repository along that no commit holds.", "Capsule", 9),
    _A("seal.before", "b", "text before", "Keep text from before the range, or leave it out.", "Capsule", 10),
    _A("seal.remote", "p", "remote", "Name a remote that may be private, or leave it out.", "Capsule", 11),
    _A("seal.switch", "tab", "list or text", "Go from the list to the text, and back.", "Capsule", 12),
    # The replay player, and the verdict of a capsule's checks.
    _A("player.play", "space", "play", "Play on from here, or pause.", "Replay", 1),
    _A("player.previous", "left", "back", "Show the step before.", "Replay", 2),
    _A("player.next", "right", "step", "Show the next step.", "Replay", 3),
    _A("player.faster", "plus", "faster", "Play faster.", "Replay", 4),
    _A("player.slower", "minus", "slower", "Play slower.", "Replay", 5),
    _A("player.jump", "g", "jump", "Go to a step by its number.", "Replay", 6),
    _A("player.verdict", "v", "verdict", "Run the checks of the capsule, after asking.", "Replay", 7),
    _A("player.lay-out", "o", "lay out", "Write the tree by then into a private folder, until you leave.", "Replay", 8),
    _A("player.repository", "r", "repository", "Name the repository that holds the base.", "Replay", 9),
    _A("player.switch", "tab", "other part", "Go from the step to the files, to the text of one.", "Replay", 10),
    _A("verdict.run", "enter", "agree, run", "Agree to what is shown, and run it in a sandbox.", "Replay", 1),
    _A("verdict.stop", "ctrl+x", "stop", "Stop what runs.", "Replay", 3),
    _A("verdict.revision", "a", "at revision", "Run the checks at another revision too.", "Replay", 2),
    _A("verdict.copy", "y", "copy Markdown", "Copy the verdict as a comment for an issue.", "Replay", 4),
    _A("verdict.repository", "r", "repository", "Name the repository that holds the base.", "Replay", 5),
    _A("verdict.other", "w", "dependency", "Run the checks with another version of a dependency too.", "Replay", 6),
    _A("verdict.tools", "t", "tools", "Name a folder of tools that the checks may read.", "Replay", 7),
    _A("verdict.toggle", "space", "take check", "Run the check under the cursor, or leave it out.", "Replay", 8),
    _A("verdict.switch", "tab", "other part", "Go from the checks to what was expected and seen.", "Replay", 9),
    # What the model saw.
    _A("ctx.origin", "o", "origin", "Go to the step that the segment comes from.", "Context", 2),
    _A("ctx.find", "slash", "find", "Show only the segments that hold a text.", "Find", 3),
    _A(
        "ctx.compare",
        "d",
        "compare",
        "Show what came in and fell out since the marked step, or the call before.",
        "Context",
        4,
    ),
    _A("ctx.base", "m", "mark", "Mark this step, to compare the contexts of others with it.", "Context", 5),
    _A(
        "ctx.filled",
        "f",
        "what filled it",
        "Show what takes the space: categories, tools, files read again.",
        "Context",
        6,
    ),
    _A("ctx.leave-out", "x", "leave out", "Leave the segment out of an export, or take it in again.", "Context", 7),
    _A("ctx.export", "e", "export", "Write the context to a file, to take it along.", "Context", 8),
    # Help and the palette.
    _A("help.find", "slash", "find", "Find a key by what it does.", "App", 2),
    # The search over everything; these work while typing.
    _A("search.regex", "ctrl+r", "regex", "Read the query as a pattern (RE2), or as words.", "Search", 10),
    _A("search.sort", "ctrl+s", "sort", "Sort the hits by time, by score, or by how long the call took.", "Search", 11),
    _A("search.group", "ctrl+g", "group", "Group the hits by session, by day, or by file.", "Search", 12),
    _A("search.save", "f2", "keep", "Keep the query as a view with a key.", "Search", 13),
    _A("search.edit", "slash", "edit query", "Go back to the query line.", "Search", 3),
)

BY_ID: Final[Mapping[str, Action]] = {action.id: action for action in ACTIONS}


def by_context(*contexts: str) -> Iterator[Action]:
    """The actions of these contexts, in the order of the registry."""
    return (action for action in ACTIONS if action.context in contexts)


def bindings(*contexts: str, priority: Collection[str] = ()) -> list[BindingType]:
    """Textual bindings for an `Actor` with these ``CONTEXTS``; those in ``priority`` come before the keys of what has
    the focus. Leaving the program is bound everywhere: the app's own keys do not reach a modal screen."""
    return [
        Binding(
            action.keys,
            f"{'app.' if action.id == 'app.quit' else ''}act('{action.id}')",
            action.label,
            show=False,
            id=action.id,
            priority=action.id in priority,
        )
        for action in (*by_context(*contexts), *(() if "app" in contexts else (BY_ID["app.quit"],)))
    ]


_SHOWN: Final = {
    "question_mark": "?",
    "exclamation_mark": "!",
    "slash": "/",
    "colon": ":",
    "plus": "+",
    "minus": "-",
    "comma": ",",
    "full_stop": ".",
    "greater_than_sign": ">",
    "less_than_sign": "<",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "pagedown": "pgdn",
    "pageup": "pgup",
    "escape": "esc",
    "backspace": "bksp",
    "equals_sign": "=",
    "number_sign": "#",
    "asterisk": "*",
    "tilde": "~",
    "left_curly_bracket": "{",
    "right_curly_bracket": "}",
    "at": "@",
    "dollar_sign": "$",
}


def display_key(key: str) -> str:
    """A key as people write it: ``question_mark`` is ``?``."""
    *modifiers, last = key.strip().split("+")
    return "+".join([*modifiers, _SHOWN.get(last, last)])


def keys_of(action: Action, keymap: Mapping[str, str] | None = None) -> list[str]:
    """The keys of an action as people write them, the first being the one to show; a user's keymap wins."""
    keys = (keymap or {}).get(action.id, action.keys)
    return [display_key(key) for key in keys.split(",") if key.strip()]
