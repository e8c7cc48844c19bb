"""`python -m kith.cli`, where `kith` itself is not on the path."""

import sys

from kith.cli import main

sys.exit(main())
