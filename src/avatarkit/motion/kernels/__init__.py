"""What the engines compute for every number: loops that are compiled, see :mod:`avatarkit.compiled`.

Only compiling loads these modules. What calls them takes them by name from :mod:`avatarkit.motion.entries`.
"""
