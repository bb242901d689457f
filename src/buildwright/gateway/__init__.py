"""Every model call goes through here, from a stage or over HTTP, by the same rules."""
