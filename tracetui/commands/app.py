"""The app over the user's bucket: what runs when no command is named."""

from __future__ import annotations

import gc

from tracetui.commands.common import bucket_path, need_terminal
from tracetui.commands.out import note

__all__ = ["run"]


def run(named: str | None) -> int:
    """Open the app on the bucket ``named`` (the default one for None) and give its exit status. An empty bucket is made
    where there is none; nothing is copied into it before the user agreed."""
    need_terminal("the app")
    # Nothing that is imported or built before the first frame is garbage; the app turns the collector on again.
    gc.disable()
    from tracetui import config
    from tracetui.bucket import Bucket
    from tracetui.bucket.consent import read_consent
    from tracetui.bucket.rebuild import index_state, rebuild_if_missing
    from tracetui.bucket.tempfolder import TempFolder
    from tracetui.tui.app import run as run_app

    TempFolder().sweep()
    settings = config.load()
    bucket = Bucket.open(bucket_path(named), create=True)
    try:
        # With the user's consent the app brings it back behind the first frame, and shows how far that is.
        if index_state(bucket) == "missing" and read_consent(bucket) is None:
            note("The index is gone or of another version; bringing it back from the copies …")
            rebuild_if_missing(bucket)
        status = run_app(bucket, config=settings.app())
    finally:
        bucket.close()
    # Said afterwards: what is printed before a full screen is not seen. What is wrong with the config was said inside.
    for message in bucket.warnings:
        note(message)
    return status
