"""Run supervisord, whose first look at its programs comes at once: its own main loop waits a second first."""

from __future__ import annotations

from supervisor import supervisord


class Prompt(supervisord.Supervisor):  # type: ignore[misc]  # its base has no types
    """Starts its programs before it begins to wait for events."""

    def runforever(self) -> None:
        """Start what is to be started, then run as ever."""
        for group in sorted(self.process_groups.values()):
            group.transition()
        super().runforever()


if __name__ == "__main__":
    supervisord.Supervisor = Prompt
    supervisord.main()
