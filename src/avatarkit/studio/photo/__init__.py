"""One portrait becomes a talking avatar: picture, face, fit, texture, bundle. Runs offline on the CPU.

See ``docs/photo-avatars.md`` for how, how well, and for whom.
"""

from avatarkit.studio.photo.create import Progress, create
from avatarkit.studio.photo.refusal import ADVICE

__all__ = ["ADVICE", "Progress", "create"]
