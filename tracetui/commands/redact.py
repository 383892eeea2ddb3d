"""``redact``: decide what of a session is scrubbed; the editor, or headless by tier and rules."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tracetui.commands.address import Address, parse_address
from tracetui.commands.common import find_logs, need_terminal, opened
from tracetui.commands.out import JsonLines, Paper
from tracetui.model import TracetuiError
from tracetui.text import format as fmt
from tracetui.text.safe import display_safe
from tracetui.text.width import cut

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from tracetui.redact.decisions import Rule
    from tracetui.redact.proof import Leak, Proof
    from tracetui.redact.review import Review

_SHOWN: Final = 20
"""Places of the proof that are printed for people."""
EXAMPLES: Final = (
    ("tracetui redact 019c3f2a", "open the editor"),
    ("tracetui redact 019c3f2a --accept-tier 1", "accept what is certain, and print it"),
    ("tracetui redact 019c3f2a --rules rules.txt --show", "keep rules, and print all decisions"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's words and flags."""
    import argparse

    parser.add_argument("address", metavar="ID", help="a session id or the start of one")
    parser.add_argument("--accept-tier", type=int, metavar="N", help="accept open findings up to this tier, 1 or 2")
    parser.add_argument(
        "--rules", metavar="FILE", help="keep the rules of a file: literal:, regex: or glob:, ==> replacement"
    )
    parser.add_argument("--export-rules", metavar="FILE", help="write the rules that stay into a private file")
    parser.add_argument("--force", action="store_true", help="write that file even inside a Git work tree")
    parser.add_argument(
        "--personal", action=argparse.BooleanOptionalAction, default=None,
        help="look for phone and card numbers, streets and their like, from now on (or no longer)",
    )  # fmt: skip
    parser.add_argument("--undo", action="store_true", help="take the last decision back")
    parser.add_argument("--redo", action="store_true", help="bring it back")
    parser.add_argument(
        "--prove", action="store_true", help="search the redacted session; status 1 when something is left"
    )
    parser.add_argument("--show", action="store_true", help="print all decisions")
    parser.add_argument("--json", action="store_true", help="JSON Lines, one decision each")


def run(args: argparse.Namespace) -> int:
    """Redact; the exit status."""
    if args.accept_tier is not None and args.accept_tier not in (1, 2):
        raise TracetuiError(
            f"--accept-tier {args.accept_tier} is not 1 or 2; weak findings are decided by hand", status=2
        )
    address = parse_address(args.address)
    headless = args.accept_tier is not None or any(
        (args.rules, args.show, args.undo, args.redo, args.prove, args.export_rules, args.personal is not None)
    )
    if not headless:
        need_terminal("The editor")
        return _editor(args, address)
    with opened(args) as bucket:
        session, logs = find_logs(bucket, address)
        from tracetui.redact.review import Review

        steps = address.span(logs[0].numbers, session.id) if address.first is not None else None
        with Review(bucket, session, steps) as review:
            return _headless(args, review)


def _editor(args: argparse.Namespace, address: Address) -> int:
    """The editor over the session, or the range of steps that was named."""
    from tracetui import config
    from tracetui.bucket.tempfolder import TempFolder
    from tracetui.tui.app import run_redaction

    TempFolder().sweep()
    with opened(args) as bucket:
        session, logs = find_logs(bucket, address)
        steps = address.span(logs[0].numbers, session.id) if address.first is not None else None
        return run_redaction(bucket, session, steps, config=config.load().app())


def _headless(args: argparse.Namespace, review: Review) -> int:
    from tracetui.redact.known import local_values
    from tracetui.redact.review import PERSONAL

    if args.personal is not None:
        review.bucket.set_setting(PERSONAL, args.personal)
    review.scan(known=local_values())
    told = _decide(args, review)
    if args.export_rules:
        from tracetui.redact.rulefile import dump_rules

        dump_rules(Path(args.export_rules), review.state.rules, force=args.force)
    proof = review.prove() if args.prove else None
    if proof is not None:
        told += [_place(review, leak, "open") for leak in proof.leaks]
        told += [_place(review, leak, "rejected") for leak in proof.exempt]
    if args.json:
        out = JsonLines()
        for item in told:
            out.write(item)
    else:
        _print(review, told)
    if proof is not None:
        _say_proof(review, proof, quiet=args.json)
    return 0


def _decide(args: argparse.Namespace, review: Review) -> list[dict[str, Any]]:
    """Carry out what the flags decide; the decisions to print."""
    if args.undo and review.undo() is None:
        raise TracetuiError("There is no decision to take back")
    if args.redo and review.redo() is None:
        raise TracetuiError("There is no decision to bring back")
    told: list[dict[str, Any]] = []
    if args.rules:
        from tracetui.redact.lookup import rule_counts
        from tracetui.redact.rulefile import load_rules

        read = [*dict.fromkeys(load_rules(Path(args.rules)))]
        held = review.state.rules
        review.add_rule(*(rule for rule in read if rule not in held))
        counts = rule_counts(review)
        told += [_rule(rule, review, counts) for rule in read]
    fresh: set[str] = set()
    if args.accept_tier is not None:
        fresh = {group.value for group in review.accept_tier(args.accept_tier)}
    if fresh or args.show:
        items = decisions_json(review)
        told = (
            items
            if args.show
            else told + [item for item in items if item["decision"] == "accepted" and item.get("_value") in fresh]
        )
    for item in told:
        item.pop("_value", None)
    return told


def _say_proof(review: Review, proof: Proof, *, quiet: bool) -> None:
    """Say that nothing is left, or raise TracetuiError that names the first place."""
    if not proof.clean:
        leak = proof.leaks[0]
        raise TracetuiError(
            f"{fmt.plural(len(proof.leaks), 'place')} of the redacted session would still show something, the "
            f"first in record {leak.rid} at {leak.field} ({leak.why}); decide about them: "
            f"tracetui redact {review.session.id}"
        )
    if not quiet:
        kept = fmt.plural(len(proof.exempt), "place")
        Paper().line(f"Nothing is left in {proof.searched:,} strings; {kept} kept by decision")


def decisions_json(review: Review) -> list[dict[str, Any]]:
    """All decisions in force as ``redact --json`` prints them; ``_value`` is the value's keyed hash."""
    from tracetui.redact.decisions import SCOPES, about
    from tracetui.redact.lookup import rule_counts

    plan = review.plan()
    for _ in review.redacted(plan):
        pass  # numbers the placeholders by first appearance, and counts what each value reached
    out: list[dict[str, Any]] = []
    state = review.state
    for key, item in state.accepted.items():
        held = plan.given.get(key)
        out.append(
            {
                "id": key[:12],
                "kind": item.kind,
                "rule": item.rule or item.by,
                "tier": item.tier,
                "decision": "accepted",
                "scope": "all",
                "placeholder": f"‹{held[0]}:{held[1]}›" if held else None,
                "copies": plan.reached.get(key, 0),
                "_value": key,
            }
        )
    groups: dict[tuple[str, str], list[Any]] = {}
    for place in review.places():
        for scope in SCOPES:
            if (where := (scope, about(place, scope))) in state.rejected:
                groups.setdefault(where, []).append(place)
    for scope, key in sorted(state.rejected):
        places = groups.get((scope, key), [])
        first = places[0] if places else None
        out.append(
            {
                "id": review.decisions.short("reject", scope, key),
                "kind": first.kind if first else (key if scope == "kind" else ""),
                "rule": first.rule if first else "",
                "tier": first.tier if first else None,
                "decision": "rejected",
                "scope": scope,
                "placeholder": None,
                "copies": len(places),
            }
        )
    for what, key in sorted(state.excluded):
        out.append(
            {
                "id": review.decisions.short("exclude", what, key), "kind": what, "rule": "excluded", "tier": None,
                "decision": "accepted", "scope": what, "placeholder": None, "copies": 0,
            }
        )  # fmt: skip
    counts = rule_counts(review)
    out += [_rule(rule, review, counts) for rule in state.rules]
    return out


def _place(review: Review, leak: Leak, decision: str) -> dict[str, Any]:
    """A place that the proof found: one that stands against sharing, or one that stays because it was rejected."""
    return {
        "id": review.decisions.short("proof", leak.agent, leak.rid, leak.field, leak.start),
        "kind": leak.kind,
        "rule": leak.rule,
        "tier": leak.tier,
        "decision": decision,
        "scope": "proof",
        "placeholder": None,
        "copies": 1,
        "agent": leak.agent,
        "record": leak.rid,
        "field": leak.field,
        "why": leak.why,
    }


def _rule(rule: Rule, review: Review, counts: Mapping[Rule, int]) -> dict[str, Any]:
    return {
        "id": review.decisions.short("rule", rule.form, rule.pattern),
        "kind": "rule",
        "rule": rule.form,
        "tier": None,
        "decision": "accepted",
        "scope": "rule",
        "placeholder": rule.replacement,
        "copies": counts.get(rule, 0),
    }


def _print(review: Review, told: list[dict[str, Any]]) -> None:
    paper = Paper()
    proved = [item for item in told if item["scope"] == "proof"]
    hidden = {id(item) for item in proved[_SHOWN:]}
    for item in told:
        if id(item) in hidden:
            continue
        what = item["placeholder"] or (
            f"{item['record'][:8]}{item['field']}" if item["scope"] == "proof" else item["scope"]
        )
        tier = f"tier {item['tier']}" if item["tier"] else ""
        copies = fmt.plural(item["copies"], "copy", "copies")
        paper.line(
            cut(display_safe(f"{item['decision']:<9} {what:<28} {item['rule']:<22} {tier:<7} {copies}"), paper.width)
        )
    if hidden:
        paper.line(f"… and {fmt.plural(len(hidden), 'further place')} of the proof; all of them with --json")
    counts = review.progress()
    paper.line(
        f"{fmt.plural(counts.open, 'value')} open · {fmt.plural(counts.copies, 'copy', 'copies')} · "
        + (f"{counts.unscanned:,} not scanned" if counts.unscanned else "nothing unscanned")
    )
