"""``python -m course`` is the same as the command ``course``."""

from course.cli import main

raise SystemExit(main())
