"""What our OpenAPI documents promise holds for requests that nobody thought of, and none of them gives a 500.

``API_EXAMPLES=50 python -m pytest tests/server/test_described_apis.py`` tries other requests each time, and more.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from server_kit import Running

from avatarkit.server.buckets import Buckets
from avatarkit.server.console import admin, open_api, session_tokens
from avatarkit.server.http.operations import Operation
from avatarkit.server.library.jobs import JobRunner

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")
from schemathesis.checks import not_a_server_error  # noqa: E402
from schemathesis.specs.openapi import checks  # noqa: E402

EXAMPLES = int(os.environ.get("API_EXAMPLES", "2"))
"""Requests to each operation, as many right as wrong ones."""
CHECKS = (
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
)


def checks_of(case: Any) -> list[Any]:
    """A wrong body must be refused; unknown parameters of a query are ignored, and wrong keys are another test's."""
    wrong = {place.value for place, part in case.meta.components.items() if part.mode.is_negative}
    return [*CHECKS, checks.negative_data_rejection] if wrong == {"body"} else [*CHECKS]


def probe(url: str, document: dict[str, Any], headers: dict[str, str]) -> int:
    """Ask everything that the document describes, rightly and wrongly; how many requests that were."""
    asked = 0
    for result in schemathesis.openapi.from_dict(document).get_all_operations():
        operation = result.ok()
        for mode in schemathesis.GenerationMode:

            @settings(
                max_examples=EXAMPLES,
                deadline=None,
                derandomize="API_EXAMPLES" not in os.environ,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy(generation_mode=mode))
            def ask(case: Any) -> None:
                nonlocal asked
                asked += 1
                response = case.call(base_url=url, headers=headers)
                case.validate_response(response, checks=checks_of(case), headers=headers)

            ask()
    return asked


@pytest.mark.stores("postgresql")  # it minds more than SQLite does
@pytest.mark.parametrize(
    ("path", "operations"),
    [
        ("/v1/admin/openapi.json", admin.OPERATIONS),
        ("/v1/open/openapi.json", (*open_api.OPERATIONS, *session_tokens.OPERATIONS)),
    ],
    ids=["admin", "open"],
)
async def test_answers_are_as_described_and_never_a_500(
    server: Running, path: str, operations: tuple[Operation, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(JobRunner, "wake", lambda _self: None)  # building is another test's
    server.services.open_api_rates = Buckets(0, 0, server.services.clock)
    headers = {
        "X-Admin-Key": server.credentials.admin_key,
        "X-API-Key": server.credentials.api_key,
        "X-App-ID": server.credentials.app_id,
    }
    document = (await server.http.get(path)).json()
    described = {(method.upper(), place) for place, methods in document["paths"].items() for method in methods}
    assert described == {(operation.method, operation.path) for operation in operations}

    assert await asyncio.to_thread(probe, server.url, document, headers) >= EXAMPLES * len(operations)
