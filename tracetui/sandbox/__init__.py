"""Running a stranger's command: in a sandbox that was probed first, within limits, with what of this machine it needs.

`runner.choose` gives the `Sandbox` of this machine. Nothing here knows capsules, repositories or workflows: whoever has
a command and a folder for it runs it here.
"""
