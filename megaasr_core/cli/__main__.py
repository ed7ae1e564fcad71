"""`python -m megaasr_core.cli`: the command line without its script on the path."""

from .main import main

if __name__ == "__main__":
    main()
