"""Datasets: what is written loads by the libraries that read it, and how long rows take beside reading their sessions.

    python bench/rows.py speed LOGS [COPIES]    rows of a code-free workflow against reading; peak memory
    python bench/rows.py loads LOGS             export and donate, then load all of it offline (the extra ``bench``)

LOGS is a folder of logs. With COPIES each log is taken so many times, under ids of their own.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tracetui.bucket import Bucket
from tracetui.dataset.making import Maker
from tracetui.dataset.store import DatasetStore
from tracetui.dataset.workflow import shipped
from tracetui.harness.roots import LogFile, files_of
from tracetui.redact.review import Review

NAME = "skill-episodes"
TEMPLATE = (
    "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}"
    "{% for c in m.tool_calls or [] %}<call>{{ c.function.name }} {{ c.function.arguments }}</call>"
    "{% endfor %}\n{% endfor %}"
)


def bucket_of(logs: Path, folder: Path, copies: int = 1) -> Bucket:
    named = [logs]
    if copies > 1:
        named = [folder / "logs"]
        named[0].mkdir()
        for path in sorted(logs.rglob("*.jsonl")):
            text = path.read_text("utf-8", "replace")
            first = next((json.loads(line).get("sessionId") for line in text.splitlines() if "sessionId" in line), None)
            for nth in range(copies if first else 0):
                fresh = f"{nth:08x}{first[8:]}"
                (named[0] / f"{fresh}.jsonl").write_text(text.replace(first, fresh))
    bucket = Bucket.open(folder / "bucket", create=True)
    bucket.capture([item for item in files_of(named) if isinstance(item, LogFile)])
    return bucket


def speed(logs: Path, copies: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        bucket = bucket_of(logs, Path(folder), copies)
        sessions = bucket.sessions()
        began = time.perf_counter()
        steps = 0
        for session in sessions:
            for log in bucket.logs(session.id, session.harness):
                steps += sum(1 for _ in bucket.steps(log))
        reading = time.perf_counter() - began
        began = time.perf_counter()
        for session in sessions:
            with Review(bucket, session) as review:
                review.scan()
                review.accept_tier(2)
        scanning = time.perf_counter() - began
        with DatasetStore(bucket.path) as store:
            maker = Maker(bucket, store, shipped()[NAME])
            began = time.perf_counter()
            summary = maker.run()
            making = time.perf_counter() - began
            began = time.perf_counter()
            maker.run()
            again = time.perf_counter() - began
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{len(sessions):,} sessions, {steps:,} steps, {summary.rows:,} rows, {len(summary.waiting)} waiting")
        print(
            f"read {reading:.1f} s, scan and accept {scanning:.1f} s, rows {making:.1f} s ({making / reading:.2f}x), "
            f"again {again:.1f} s, peak {peak:.0f} MB"
        )


def loads(logs: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        bucket_of(logs, place).close()
        env = {
            **os.environ,
            "TRACETUI_BUCKET": str(place / "bucket"),
            "HF_HUB_OFFLINE": "1",
            "HF_HOME": str(place / "hf"),
        }
        os.environ.update(env)

        def run(*words: str) -> str:
            command = [sys.executable, "-m", "tracetui", *words]
            return subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=True).stdout

        run("dataset", "run", NAME, "--accept-tier", "2")
        run("dataset", "review", NAME, "--approve", "all")
        run("dataset", "donate", NAME, "-o", str(place / "gift"), "--agree")
        ids = [json.loads(line)["id"] for line in run("ls", "--json").splitlines()]
        for form in ("messages", "trace-commons", "transitions", "atif"):
            run("export", *ids, "--format", form, "-o", str(place / form))
            print(f"{form}: {len(ids)} sessions exported")
        import datasets
        from atif import Trajectory
        from tokenizers import Tokenizer, models
        from transformers import PreTrainedTokenizerFast

        gift = datasets.load_dataset(str(place / "gift"), split="train")
        print(f"gift: {gift.num_rows} rows, columns {gift.column_names}")
        parquet = datasets.load_dataset("parquet", data_files=str(place / "gift" / "data.parquet"), split="train")
        assert parquet.num_rows == gift.num_rows
        for form in ("messages", "trace-commons", "transitions"):
            found = datasets.load_dataset(str(place / form), split="train")
            print(f"{form}: {found.num_rows} rows")
        tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE()))
        tokenizer.chat_template = TEMPLATE
        chats = datasets.load_dataset(str(place / "messages"), split="train")
        texts = [tokenizer.apply_chat_template(row["messages"], tokenize=False) for row in chats]
        print(f"chat template: {len(texts)} conversations, {sum(map(len, texts)):,} characters")
        for path in sorted((place / "atif").rglob("*.json")):
            Trajectory.model_validate_json(path.read_text("utf-8"))
        print("atif: every trajectory is valid")
        shutil.rmtree(place / "hf", ignore_errors=True)


if __name__ == "__main__":
    if sys.argv[1] == "speed":
        speed(Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    else:
        loads(Path(sys.argv[2]))
