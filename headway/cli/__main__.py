"""Every command, gathered: the program `headway`."""

import headway.cli.bench
import headway.cli.claims
import headway.cli.demo
import headway.cli.doctor
import headway.cli.exchange
import headway.cli.inspect
import headway.cli.launch
import headway.cli.learn
import headway.cli.map
import headway.cli.measure
import headway.cli.path
import headway.cli.plan
import headway.cli.sweep
import headway.cli.training  # noqa: F401 (imported for the commands it adds)
from headway.cli.command import run


def main() -> None:
    """Run the command named on the command line."""
    run()


if __name__ == "__main__":
    main()
