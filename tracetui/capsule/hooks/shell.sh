# Read by the shell of a check before its command: when it ends, its status and those of the parts of its last pipeline
# are put beside it; and what flows into a filter at the end of a pipe is kept whole.
unset BASH_ENV
trap 'tracetui_code=$? tracetui_parts="${PIPESTATUS[*]}"
printf "%s %s\n" "$tracetui_code" "$tracetui_parts" > "$TRACETUI_ASIDE/status"' EXIT
if [ -n "$TRACETUI_TAP" ]; then
  for tracetui_name in tail head grep sed; do
    eval "$tracetui_name() { tee -a \"\$TRACETUI_ASIDE/tap\" | command $tracetui_name \"\$@\"; }"
  done
fi
