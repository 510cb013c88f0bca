"""`python -m avatarkit.cli` is the `avatarkit` command."""

from avatarkit.cli import main

if __name__ == "__main__":
    main()
