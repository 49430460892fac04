"""The pictures of a report, drawn by plotly in the colours and type of the site's light theme.

Each is plain data for plotly.js. Long curves are thinned to what a page can show, keeping every spike; tick labels are
escaped, since plotly reads a few tags in them.
"""

import html
import json
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.colors import hex_to_rgb, sequential
from plotly.subplots import make_subplots

from playground.ledger.series import Series

Picture = dict[str, Any]
Numbers = NDArray[np.float64]

INK, INK2, LINE, CASE = "#1b1e1d", "#565c59", "#dfdcd3", "#fffefc"
COLOURS = {"loss": "#0072b2", "val_loss": "#b97f00"}
SANS = "'Source Sans 3', 'Noto Sans CJK SC', 'PingFang SC', 'Microsoft YaHei', system-ui, sans-serif"
MOST_POINTS = 2000
SMOOTHING = 0.9
OPAQUE, LEAST = 0.45, 0.07
"""Where the scale of attention lets the page through no more, and how little of it stands for nothing; as the site."""
LABELLED = 24
"""Tokens of a sentence up to which each is named at the edge of its heat map."""


def curves(series: dict[str, Series], words: dict[str, str]) -> Picture:
    """The large picture: training loss, raw and smoothed, and held-out loss; `words` names the lines and the axis."""
    figure = go.Figure()
    loss = _columns(series.get("loss"))
    if loss is not None:
        step, value = loss
        raw = thinned(step, value)
        shared: dict[str, Any] = {"mode": "lines", "legendgroup": "loss"}
        faint = {"color": COLOURS["loss"], "width": 1}
        figure.add_scatter(x=raw[0], y=raw[1], line=faint, opacity=0.35, showlegend=False, hoverinfo="skip", **shared)
        over = thinned(step, smoothed(value, SMOOTHING))
        figure.add_scatter(x=over[0], y=over[1], line={"color": COLOURS["loss"]}, name=words["loss"], **shared)
    held = _columns(series.get("val_loss"))
    if held is not None:
        mode = "lines+markers" if len(held[0]) <= 60 else "lines"
        colour = {"color": COLOURS["val_loss"]}
        figure.add_scatter(x=held[0], y=held[1], mode=mode, line=colour, marker=colour, name=words["val_loss"])
    figure.update_layout(**_layout(380), hovermode="x unified", xaxis_title=words["step"])
    return _plain(figure)


def small(series: dict[str, Series], shown: dict[str, str]) -> Picture | None:
    """Small pictures under the large one, two in a row; `shown` maps a curve's name to its title."""
    found = {name: columns for name in shown if (columns := _columns(series.get(name))) is not None}
    if not found:
        return None
    rows = -(-len(found) // 2)
    figure = make_subplots(
        rows=rows, cols=2, subplot_titles=[shown[name] for name in found], vertical_spacing=0.45 / rows
    )
    for place, (step, value) in enumerate(found.values()):
        x, y = thinned(step, value)
        line = {"color": INK2, "width": 1.5}
        figure.add_scatter(x=x, y=y, line=line, row=place // 2 + 1, col=place % 2 + 1, mode="lines", showlegend=False)
    figure.update_layout(**_layout(60 + 190 * rows))
    return _plain(figure)


def attention(maps: list[tuple[int, Numbers]], tokens: list[str], step: str) -> Picture:
    """One sentence at a few steps: a heat map (looking tokens, tokens looked at) each; `step` is a title's pattern.

    Colours go by the square root of a weight, as on the site: most weights are small.
    """
    titles = [step.format(step=f"{at:,}") for at, _ in maps]
    figure = make_subplots(rows=1, cols=len(maps), subplot_titles=titles, horizontal_spacing=0.02)
    names = [html.escape(token, quote=False).replace(" ", "␣") or "·" for token in tokens]
    labels = names if len(names) <= LABELLED else []
    places = list(range(len(tokens)))
    for column, (_at, weights) in enumerate(maps, 1):
        shade: dict[str, Any] = {"zmin": 0.0, "zmax": 1.0, "colorscale": _scale(), "showscale": column == len(maps)}
        bar = {"thickness": 8, "tickvals": [0, 0.5, 1], "ticktext": ["0", "25 %", "100 %"]}
        said = {"customdata": np.round(weights, 3), "hovertemplate": "%{customdata:.1%}<extra></extra>"}
        figure.add_heatmap(
            z=np.round(np.sqrt(weights), 3), **shade, **said, xgap=1, ygap=1, row=1, col=column, colorbar=bar
        )
        ticks = {"tickvals": places if labels else [], "ticktext": labels, "showgrid": False}
        # The picture is square whatever its room, and its axes end where it ends.
        figure.update_xaxes(**ticks, tickangle=-60, constrain="domain", ticks="", row=1, col=column)
        beside = ticks if column == 1 else {"showticklabels": False, "showgrid": False}
        figure.update_yaxes(
            **beside,
            autorange="reversed",
            scaleanchor=f"x{column if column > 1 else ''}",
            constrain="domain",
            constraintoward="top",
            ticks="",
            row=1,
            col=column,
        )
    figure.update_layout(**_layout(300))
    return _plain(figure)


def _scale() -> list[tuple[float, str]]:
    """Cividis from the page's own colour to its dark end."""
    paper = np.array(hex_to_rgb(CASE), np.float64)
    stops = [np.array(hex_to_rgb(stop), np.float64) for stop in reversed(sequential.Cividis)]
    found = []
    for at, colour in zip(np.linspace(0, 1, len(stops)).tolist(), stops, strict=True):
        opacity = LEAST + (1 - LEAST) * min(1.0, at / OPAQUE)
        mixed = np.round(colour * opacity + paper * (1 - opacity)).astype(int)
        found.append((at, "rgb({},{},{})".format(*mixed)))
    return found


def smoothed(value: Numbers, weight: float) -> Numbers:
    """An exponential moving average, divided by the weight that it has gathered: its start is not pulled down."""
    out, mean, gathered = np.empty_like(value), 0.0, 0.0
    for place, found in enumerate(value.tolist()):
        mean = weight * mean + (1 - weight) * found
        gathered = weight * gathered + (1 - weight)
        out[place] = mean / gathered
    return out


def thinned(x: Numbers, y: Numbers, most: int = MOST_POINTS) -> tuple[Numbers, Numbers]:
    """At most about `most` points: of each stretch the lowest and the highest, and the two ends."""
    if len(y) <= most:
        return x, y
    keep = {0, len(y) - 1}
    for stretch in np.array_split(np.arange(len(y)), most // 2):
        keep |= {int(stretch[np.argmin(y[stretch])]), int(stretch[np.argmax(y[stretch])])}
    places = np.array(sorted(keep))
    return x[places], y[places]


def _columns(found: Series | None) -> tuple[Numbers, Numbers] | None:
    if found is None or not found["step"]:
        return None
    return np.asarray(found["step"], np.float64), np.asarray(found["value"], np.float64)


def _layout(height: int) -> dict[str, Any]:
    axis = {"zeroline": False, "showline": False, "gridcolor": LINE, "tickcolor": LINE}
    return {
        "template": "none",
        "height": height,
        "margin": {"l": 60, "r": 24, "t": 36, "b": 48},
        "font": {"family": SANS, "size": 13, "color": INK2},
        "paper_bgcolor": CASE,
        "plot_bgcolor": "rgba(0,0,0,0)",
        "legend": {"orientation": "h", "x": 0, "y": 1.08},
        "hoverlabel": {"font": {"family": SANS, "color": INK}, "bgcolor": CASE},
        "xaxis": {**axis, "showgrid": False},
        "yaxis": axis,
    }


def _plain(figure: go.Figure) -> Picture:
    found: Picture = json.loads(figure.to_json())
    return found
