"""How to speak, asked for in the session's extra parameters."""

from __future__ import annotations

import pytest
from server_kit import LoudnessEngine, Start, tone

from avatarkit.motion.style import Emotion, Style
from avatarkit.server.ingress.manner import style_of


@pytest.mark.parametrize(
    ("text", "style"),
    [
        ("happy", Style(Emotion.HAPPY)),
        ("sad:0.25", Style(Emotion.SAD, 0.25)),
        ("calm:", Style(Emotion.CALM)),
        ("", None),
    ],
)
def test_an_emotion_with_or_without_its_intensity(text: str, style: Style | None) -> None:
    assert style_of({"motion_style": text, "server_post_process": "false"}) == style


@pytest.mark.parametrize("text", ["joyful", "happy:2", "happy:-0.1", "happy:nan", "happy:much", ":0.5"])
def test_other_styles_are_refused_with_the_choices(text: str) -> None:
    with pytest.raises(ValueError, match="neutral, happy, sad"):
        style_of({"motion_style": text})


async def test_the_engine_is_told(start: Start) -> None:
    engine = LoudnessEngine()
    async with start(engine=engine) as server:
        client = await server.open()
        await client.configure(extra_params={"motion_style": "angry:0.5"})
        await client.next()

        await client.audio("r", tone(0.5), end=True)
        await client.until_end("r")

        assert engine.style == Style(Emotion.ANGRY, 0.5)


async def test_a_style_that_there_is_not_ends_the_session_with_the_reason(start: Start) -> None:
    async with start(engine=LoudnessEngine()) as server:
        client = await server.open()
        await client.configure(extra_params={"motion_style": "grumpy"})

        refusal = await client.next()

        assert refusal.server_error.code == 3
        assert "motion_style must be one of" in refusal.server_error.message


async def test_too_many_parameters_are_refused(start: Start) -> None:
    async with start(engine=LoudnessEngine()) as server:
        client = await server.open()
        await client.configure(extra_params={f"name{i}": "x" for i in range(40)})

        assert "extra parameters" in (await client.next()).server_error.message
