"""`python -m rokgraph` is `rokgraph`."""

from rokgraph.cli import main

raise SystemExit(main())
