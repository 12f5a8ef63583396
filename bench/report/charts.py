"""Bar charts as SVG, readable without a program: plain text, a label on every bar, no colour alone tells anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

import msgspec

_FONT = "font-family='system-ui, sans-serif'"
_OURS, _THEIRS = "#0f6fb3", "#9aa5b1"
_PARTS = ("#0f6fb3", "#5aa9dd", "#173f5f", "#7a5195", "#bc5090", "#ef5675", "#ff764a", "#ffa600", "#c9b458", "#58a05c")
_WIDTH, _LABEL, _BAR = 860, 230, 18


class Bar(msgspec.Struct, frozen=True):
    """One bar: its label, its length, what stands beside it."""

    label: str
    value: float
    text: str
    ours: bool = False


def bars(title: str, panels: Sequence[tuple[str, Sequence[Bar]]]) -> str:
    """A chart with a panel for each question, each on a scale of its own."""
    lines, y = [], 34
    for name, panel in panels:
        lines.append(_text(0, y, name, size=13, weight="600"))
        y += 10
        most = max((bar.value for bar in panel), default=1.0) or 1.0
        for bar in panel:
            length = max(1.0, bar.value / most * (_WIDTH - _LABEL - 120))
            colour = _OURS if bar.ours else _THEIRS
            lines.append(_text(_LABEL - 8, y + 13, bar.label, anchor="end"))
            lines.append(f"<rect x='{_LABEL}' y='{y}' width='{length:.1f}' height='{_BAR - 4}' fill='{colour}'/>")
            lines.append(_text(_LABEL + length + 6, y + 12, bar.text))
            y += _BAR
        y += 24
    return _page(title, lines, y)


def stacks(title: str, rows: Sequence[tuple[str, Mapping[str, float]]], names: Sequence[str]) -> str:
    """A bar of shares for each row; parts in the same order everywhere, named in the legend."""
    used = [name for name in names if any(shares.get(name, 0) > 0.004 for _, shares in rows)]
    colours = {name: _PARTS[index % len(_PARTS)] for index, name in enumerate(used)}
    lines, y = [], 34
    for label, shares in rows:
        lines.append(_text(_LABEL - 8, y + 14, label, anchor="end"))
        x, width = float(_LABEL), _WIDTH - _LABEL - 20
        for name in used:
            part = shares.get(name, 0.0) * width
            tip = f"<title>{escape(name)} {shares.get(name, 0):.0%}</title>"
            lines.append(
                f"<rect x='{x:.1f}' y='{y}' width='{part:.1f}' height='18' fill='{colours[name]}'>{tip}</rect>"
            )
            if part > 26:
                lines.append(_text(x + 3, y + 13, f"{shares[name]:.0%}", colour="#fff", size=10))
            x += part
        y += 24
    for index, name in enumerate(used):
        x, row = 10 + (index % 4) * 210, y + 12 + (index // 4) * 20
        lines.append(f"<rect x='{x}' y='{row}' width='12' height='12' fill='{colours[name]}'/>")
        lines.append(_text(x + 18, row + 11, name))
    return _page(title, lines, y + 20 + (len(used) // 4 + 1) * 20)


def _text(x: float, y: float, text: str, *, anchor: str = "start", size: int = 12, weight: str = "400",
          colour: str = "#1b1f24") -> str:  # fmt: skip
    return (
        f"<text x='{x:.1f}' y='{y:.1f}' font-size='{size}' font-weight='{weight}' fill='{colour}' "
        f"text-anchor='{anchor}'>{escape(text)}</text>"
    )


def _page(title: str, lines: Sequence[str], height: float) -> str:
    head = (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='-12 0 {_WIDTH + 24} {height:.0f}' role='img' {_FONT} "
        f"aria-label='{escape(title, quote=True)}'>"
    )
    background = f"<rect x='-12' y='0' width='{_WIDTH + 24}' height='{height:.0f}' fill='#ffffff'/>"
    return "\n".join([head, background, _text(0, 16, title, size=14, weight="700"), *lines, "</svg>"]) + "\n"
