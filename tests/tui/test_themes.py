"""Themes: readable by measure, checked before use, and none at all where the user wants no colour."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.app import App

from tests.tui.driving import driving
from tests.tui.fakes import FakeBucket
from tracetui.tui.kit import themes
from tracetui.tui.kit.styles import ROLES

GOOD = """
[base]
background = "#101010"
foreground = "#eeeeee"
red = "#ff8888"
green = "#88ff88"
yellow = "#ffff88"
blue = "#8888ff"
magenta = "#ff88ff"
cyan = "#88ffff"
"""
COLOURED = [name for name in themes.SHIPPED if name != "terminal"]


def _grounds(palette: themes.Palette) -> dict[str, str]:
    return {"background": palette.base["background"]} | {name: palette.roles[name] for name in themes.SURFACES[1:]}


def test_contrast_is_that_of_wcag() -> None:
    assert themes.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert themes.contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)
    assert themes.contrast("#777777", "#ffffff") < 4.5


@pytest.mark.parametrize("name", COLOURED)
def test_every_role_can_be_read_on_everything_it_stands_on(name: str) -> None:
    palette = themes.load(name)
    least = 7.0 if name == "high-contrast" else 4.5
    for ground, back in _grounds(palette).items():
        for role in (*ROLES, *themes.CODE):
            assert themes.contrast(palette.roles[role], back) >= least, f"{role} on {ground}"
        assert themes.contrast(palette.base["foreground"], back) >= least


@pytest.mark.parametrize("name", COLOURED)
def test_the_cursor_row_can_be_told_from_the_others(name: str) -> None:
    grounds = _grounds(themes.load(name))
    assert themes.contrast(grounds["background"], grounds["cursor-row"]) >= 1.2


@pytest.mark.parametrize("name", COLOURED)
def test_selected_text_can_be_read(name: str) -> None:
    theme = themes.load(name).textual()
    back, fore = (theme.variables[f"screen-selection-{part}"] for part in ("background", "foreground"))
    assert themes.contrast(back, fore) >= 4.5


# Machado, Oliveira and Fernandes 2009, severity 1.0, on linear RGB.
_VISION = {
    "protan": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deutan": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritan": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}


@pytest.mark.parametrize("vision", _VISION)
def test_good_and_bad_stay_apart_for_colour_blind_eyes(vision: str) -> None:
    roles = themes.load("colour-blind").roles

    def seen(color: str) -> tuple[float, ...]:
        linear = [(int(color[at : at + 2], 16) / 255) ** 2.2 for at in (1, 3, 5)]
        out = [max(0.0, sum(k * c for k, c in zip(row, linear))) ** (1 / 2.2) for row in _VISION[vision]]
        return tuple(255 * value for value in out)

    for one, other in (("good", "bad"), ("added", "removed"), ("change", "bad"), ("warn", "good")):
        assert sum((a - b) ** 2 for a, b in zip(seen(roles[one]), seen(roles[other]))) ** 0.5 > 45, (one, other)


def test_left_out_roles_are_derived_and_named_ones_stay() -> None:
    palette = themes.parse(GOOD + '[roles]\ngood = "#123456"\n', "mine")
    assert palette.roles["good"] == "#123456"
    assert palette.roles["added"] == "#123456", "what derives from a named role follows it"
    assert palette.dark
    assert set(ROLES) <= set(palette.roles)


@given(st.tuples(*[st.integers(0, 0xFFFFFF)] * 6), st.booleans())
def test_derived_roles_can_always_be_read(colours: tuple[int, ...], dark: bool) -> None:
    back, fore = ("#101215", "#e8e8e8") if dark else ("#fafafa", "#202020")
    lines = [f'{name} = "#{value:06x}"' for name, value in zip(themes.BASE[2:], colours)]
    text = f'dark = {str(dark).lower()}\n[base]\nbackground = "{back}"\nforeground = "{fore}"\n' + "\n".join(lines)
    palette = themes.parse(text, "any")
    for ground in _grounds(palette).values():
        for role in ROLES:
            assert themes.contrast(palette.roles[role], ground) >= 4.5, (role, palette.roles[role], ground)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("not toml [", "not TOML"),
        (GOOD.replace("#ff8888", "#zzz"), "red is not a colour"),
        (GOOD.replace('"#ff8888"', "7"), "red is not a colour"),
        (GOOD.replace("#ff8888", "#ff888880"), "opaque"),
        (GOOD.replace("#ff8888", "ansi_red"), "cannot be mixed"),
        (GOOD.replace('cyan = "#88ffff"', ""), "lacks cyan"),
        (GOOD + 'purple = "#000000"', "purple"),
        (GOOD + '[roles]\nhappy = "#000000"', "happy"),
        ("fonts = 1" + GOOD, "fonts"),
        ("dark = 3" + GOOD, "dark"),
        (GOOD.replace("#ff8888", "\\u001b]0;x\\u0007[/]"), "red is not a colour"),
    ],
)
def test_a_bad_theme_is_named_in_one_safe_line(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(themes.ThemeError) as caught:
        themes.load("mine", tmp_path)
    message = str(caught.value)
    assert says in message
    assert str(path) in message
    assert message.isprintable()


def test_names_lists_own_themes_after_the_shipped_ones(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(GOOD)
    (tmp_path / "dark.toml").write_text(GOOD)
    (tmp_path / "..hidden.toml").write_text(GOOD)
    assert themes.names(tmp_path) == [*themes.SHIPPED, "mine"]
    assert themes.load("dark", tmp_path).base["background"] == "#101010", "an own file wins"
    with pytest.raises(themes.ThemeError, match="high-contrast"):
        themes.load("nowhere", tmp_path)


@pytest.mark.parametrize("name", themes.SHIPPED)
async def test_a_shipped_theme_applies(name: str) -> None:
    app: App[None] = App()
    async with app.run_test() as pilot:
        assert themes.install(app, name) == []
        await pilot.pause()
        assert app.theme == name
        assert app.get_css_variables()["good"] == themes.load(name).roles["good"]


async def test_a_bad_own_theme_leaves_the_app_alive(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(GOOD.replace("#88ff88", "nonsense"))
    app: App[None] = App()
    async with app.run_test() as pilot:
        problems = themes.install(app, "mine", tmp_path)
        await pilot.pause()
        assert app.theme == themes.DEFAULT
        assert len(problems) == 1
        assert "mine.toml" in problems[0]


async def test_no_color_sends_no_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app: App[None] = App()
    async with app.run_test() as pilot:
        themes.install(app, "light")
        await pilot.pause()
        for strip in app.screen._compositor.render_strips():
            filtered = strip.apply_filter(app.get_line_filters()[-1], app.screen.styles.background)
            for segment in filtered:
                assert segment.style is None or segment.style.color is None or segment.style.color.is_default
                assert segment.style is None or segment.style.bgcolor is None or segment.style.bgcolor.is_default


@pytest.mark.parametrize("name", COLOURED)
async def test_what_stands_on_the_screen_can_be_read(name: str) -> None:
    """As painted: letters of every colour, those of keys that cannot be used now too, on what they stand on."""
    least = 7.0 if name == "high-contrast" else 4.5
    async with driving(FakeBucket.filled(), config={"theme": name}) as driver:
        for keys in ((), ("2", "j"), ("3",), ("2", "enter", "4"), ("question_mark",)):
            await driver.press(*keys)
            await driver.settle()
            seen = 0
            for strip in driver.app.screen._compositor.render_strips():
                for text, style, _ in strip:
                    if style is None or style.color is None or not any(map(str.isalnum, text)):
                        continue
                    fore, back = style.color.get_truecolor(), (style.bgcolor or style.color).get_truecolor()
                    if style.bgcolor is None:
                        continue
                    if style.reverse:
                        fore, back = back, fore
                    assert not style.dim, text
                    assert themes.contrast(fore.hex, back.hex) >= least, (keys, text, style)
                    seen += 1
            assert seen > 20
