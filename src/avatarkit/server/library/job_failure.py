"""Why a job failed, in the words of the Open API."""

from __future__ import annotations


class JobFailure(Exception):  # noqa: N818 - an outcome, not a fault of the program
    """A job cannot be done.

    Attributes:
        code: ``source_download_failed``, ``invalid_image``, ``image_quality_rejected``, ``preprocess_failed`` or
            ``avatar_generation_failed``.
        message: What was wrong and what to do, for people; it holds no URL and no path.
        is_retryable: Whether the same job may succeed later.
    """

    def __init__(self, code: str, message: str, *, is_retryable: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.is_retryable = is_retryable
