"""The widget's CSS. Colours come from the front-end's theme (``--jp-…``); only states have colours of their own.

Everything is below ``.ftw`` (live) or ``.ftw-still`` (saved), so that nothing else on the page changes. What is drawn
on the canvas cannot read a theme: it is drawn light, and in a dark theme the whole canvas is inverted and its hues
turned back, which keeps a blue blue. ipycytoscape's own white background and its frame are taken off.
"""

from __future__ import annotations

from fasttrack_jupyter.kernel.looks import LOOKS
from fasttrack_jupyter.kernel.widget_metrics import SERIES

GRAPH_HEIGHT = "142px"
DARK = ("[data-jp-theme-light='false']", ".vscode-dark", ".vscode-high-contrast")
"""How front-ends say that their theme is dark."""
DARK_CANVAS = (("invert", 0.9), ("hue-rotate", 180), ("brightness", 1.2))
"""What a dark theme does to the canvas: white becomes the surface of a card, each state's stroke stays ≥ 3:1 on it."""

_BOTH = """
.ftw,.ftw-still{color:var(--jp-ui-font-color1,var(--vscode-foreground,inherit));
 font:var(--jp-ui-font-size1,13px)/1.4 var(--jp-ui-font-family,system-ui,sans-serif)}
.ftw-head{display:flex;flex-wrap:wrap;gap:2px 10px;align-items:baseline}
.ftw-name{font-weight:600}
.ftw-heard{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.ftw-totals>span{margin-right:6px;white-space:nowrap}
.ftw-none{margin:4px 2px;color:var(--jp-ui-font-color2,#616161)}
table.ftw-table.ftw-table{border-collapse:collapse;width:auto;min-width:60%;margin:0;border:0;
 table-layout:auto;font-size:inherit}
table.ftw-table.ftw-table th,table.ftw-table.ftw-table td{text-align:left;padding:2px 8px;border:0;
 vertical-align:baseline;white-space:nowrap;background:none;max-width:34em;overflow:hidden;text-overflow:ellipsis}
table.ftw-table.ftw-table td.ftw-why{white-space:normal;min-width:8em}
table.ftw-table.ftw-table tbody tr{border-top:1px solid var(--jp-border-color2,#8884);background:none}
table.ftw-table thead th{font-weight:400;color:var(--jp-ui-font-color2,#616161);position:sticky;top:0;
 background:var(--jp-layout-color1,var(--vscode-editor-background,Canvas))}
table.ftw-table tbody th{font-weight:500}
table.ftw-table td.ftw-number{font-variant-numeric:tabular-nums}
table.ftw-table tr.ftw-picked th{box-shadow:inset 3px 0 var(--jp-brand-color1,#1976d2)}
table.ftw-table progress{width:70px;height:8px;vertical-align:middle;accent-color:var(--ftw-running-line)}
"""

_LIVE = """
.ftw{height:360px;min-height:220px;overflow:hidden;resize:vertical;display:flex;flex-direction:column;
 border:1px solid var(--jp-border-color2,#8886);border-radius:3px;padding:6px;box-sizing:border-box;
 background:var(--jp-layout-color1,transparent)}
.ftw>*{flex:0 0 auto}
.ftw .ftw-style{display:none}
.ftw .ftw-bar{align-items:center;flex-wrap:wrap;overflow:visible}
.ftw .ftw-bar>.ftw-grow{flex:1 1 260px;min-width:200px;height:auto}
.ftw .ftw-grow .widget-html-content{line-height:1.5}
.ftw .jupyter-button{width:auto;height:26px;line-height:24px;padding:0 10px}
.ftw .jupyter-button:focus-visible,.ftw select:focus-visible,.ftw [tabindex]:focus-visible{
 outline:2px solid var(--jp-brand-color1,#1976d2);outline-offset:1px}
.ftw .widget-html,.ftw .jupyter-widgets{margin:1px}
.ftw .ftw-said{padding:1px 2px;height:auto}
.ftw .ftw-said .widget-html-content{line-height:1.4;white-space:normal;overflow-wrap:anywhere}
.ftw .ftw-graph.custom-widget,.ftw .ftw-graph .custom-widget,.ftw .ftw-graph.custom-widget:hover{
 background:transparent;border:0;resize:none}
.ftw .ftw-graph.ftw-graph{width:100%;height:GRAPH_HEIGHT;margin:0;position:relative;overflow:hidden;
 border-bottom:1px solid var(--jp-border-color2,#8884)}
.ftw .ftw-folded{height:auto;padding:6px 0}
.ftw .ftw-folded img{width:100%;height:26px;display:block}
.ftw .ftw-body{flex:1 1 0;min-height:0;align-items:stretch;overflow:hidden}
.ftw .ftw-list{flex:1 1 58%;min-width:0;min-height:0;overflow:auto;height:auto;align-items:flex-start}
.ftw .ftw-list .widget-html-content{width:100%;line-height:1.4;height:auto;flex:1 1 auto;min-width:0}
.ftw .ftw-detail{flex:1 1 42%;min-width:0;min-height:0;overflow:hidden;
 border-left:1px solid var(--jp-border-color2,#8884)}
.ftw .ftw-detail .ftw-bar{flex:0 0 auto;padding-left:4px}
.ftw .ftw-detail .widget-dropdown{width:auto;flex:1 1 130px;min-width:90px}
.ftw .ftw-detail .widget-toggle-buttons{width:auto}
.ftw .ftw-detail .widget-toggle-buttons .jupyter-button{margin:0 1px}
.ftw .ftw-pane{flex:1 1 0;min-height:0;height:auto;overflow:auto;padding-left:6px;display:flex}
.ftw .ftw-pane.ftw-log{flex-direction:column-reverse}
.ftw .ftw-pane .widget-html-content{width:100%;height:auto;line-height:1.4;flex:0 0 auto}
.ftw .ftw-pane.ftw-log .widget-html-content{margin-bottom:auto}
.ftw .ftw-links{height:auto;margin-right:8px}
.ftw .ftw-pane pre{margin:0;padding:0 0 2px;white-space:pre-wrap;overflow-wrap:anywhere;background:none;border:0;
 color:inherit;font:var(--jp-code-font-size,12px)/1.35 var(--jp-code-font-family,ui-monospace,monospace)}
.ftw .ftw-pane img{max-width:100%;background:#fff}
.ftw .ftw-pane iframe{width:100%;height:170px;border:1px solid var(--jp-border-color2,#8884);background:#fff;
 color-scheme:light}
.ftw .ftw-pane code{font-size:.95em;background:var(--jp-layout-color2,#8882);padding:0 3px;border-radius:2px}
.ftw figure{margin:6px 0}
.ftw .ftw-charts{display:flex;flex-wrap:wrap;gap:2px 6px;align-items:flex-start}
.ftw .ftw-chart{margin:2px 0}
.ftw .ftw-chart figcaption{max-width:186px}
.ftw .ftw-chart figcaption b{font-weight:600;color:var(--jp-ui-font-color1,inherit)}
.ftw .ftw-chart figcaption span{white-space:nowrap}
.ftw .ftw-chart svg{vertical-align:top}
.ftw .ftw-chart figcaption svg{vertical-align:middle}
.ftw .ftw-chart path,.ftw .ftw-chart figcaption line{fill:none;stroke-width:1.5px;stroke-linejoin:round}
.ftw .ftw-grid line{stroke:var(--jp-border-color2,#8884)}
.ftw .ftw-grid text{font-size:10px;fill:var(--jp-ui-font-color2,#616161)}
.ftw table.ftw-matrix{border-spacing:1px;border-collapse:separate;font-size:11px;width:auto;margin:0}
.ftw table.ftw-matrix td,.ftw table.ftw-matrix th{padding:1px 4px;min-width:24px;text-align:center;font-weight:400;
 font-variant-numeric:tabular-nums;max-width:90px;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.ftw table.ftw-matrix th{color:var(--jp-ui-font-color2,#616161)}
.ftw figcaption{color:var(--jp-ui-font-color2,#616161)}
.ftw .ftw-link{background:none;border:0;padding:0;font:inherit;cursor:pointer;text-decoration:underline;
 color:var(--jp-content-link-color,var(--jp-brand-color1,#1976d2));display:none}
.jp-LabShell .ftw .ftw-link{display:inline}
"""

_ANSI = {
    "red": ("#b71c1c", "#ff8a80"), "green": ("#1b5e20", "#8bd17c"), "yellow": ("#7a5900", "#e5c15c"),
    "blue": ("#0d47a1", "#82b1ff"), "magenta": ("#7b1fa2", "#e6a0f0"), "cyan": ("#00606b", "#6fd6e0"),
    "grey": ("#616161", "#b0b0b0"),
}  # fmt: skip
"""Of logs: light and dark, each ≥ 4.5:1 on the surface."""


def _variables(which: str) -> str:
    colours = "".join(
        f"--ftw-{name}:{getattr(look, which).fill};--ftw-{name}-line:{getattr(look, which).stroke};"
        for name, look in LOOKS.items()
    )
    place = which == "dark"
    colours += "".join(f"--ftw-series-{at}:{pair[place]};" for at, pair in enumerate(SERIES))
    return colours + "".join(f"--ftw-ansi-{name}:{pair[place]};" for name, pair in _ANSI.items())


def _themed() -> str:
    states = "".join(f".ftw-mark.ftw-{name}{{color:var(--ftw-{name}-line)}}" for name in LOOKS)
    ansi = "".join(f".ftw-ansi-{name}{{color:var(--ftw-ansi-{name})}}" for name in _ANSI)
    dark = ",".join(f"{theme} {place}" for theme in DARK for place in (".ftw", ".ftw-still"))
    light = ",".join(f"[data-jp-theme-light='true'] {place}" for place in (".ftw", ".ftw-still"))
    return (
        f".ftw,.ftw-still{{{_variables('light')}}}{dark}{{{_variables('dark')}color-scheme:dark}}"
        f"{light}{{color-scheme:light}}{states}{ansi}.ftw-bold{{font-weight:600}}"
    )


def live_class(stills: str) -> str:
    """The class of the widget whose still pictures have the class ``stills``."""
    return f"{stills}-live"


def live_style(stills: str) -> str:
    """The widget's style; while it is shown, and its kernel lives, the still pictures of class ``stills`` are not."""
    lives = f"body:has(.{live_class(stills)}:not(.jupyter-widgets-disconnected))"
    live = _LIVE.replace("GRAPH_HEIGHT", GRAPH_HEIGHT)
    dark = " ".join(f"{name}({amount}{'deg' if name == 'hue-rotate' else ''})" for name, amount in DARK_CANVAS)
    canvases = ",".join(f"{theme} .ftw .ftw-graph canvas" for theme in DARK)
    return (
        f"<style>{_themed()}{_BOTH}{live}{canvases}{{filter:{dark}}}"
        f"{lives} .{stills},{lives} .jp-OutputArea-child:has(.{stills}){{display:none}}"
        ".ftw.jupyter-widgets-disconnected{display:none}</style>"
    )


def still_style(stills: str) -> str:
    """The style of a still picture; where its widget is gone, JupyterLab's notice of that is not shown beside it."""
    gone = f".jp-OutputArea-child:has(.{stills})+.jp-OutputArea-child:has(>.jupyter-widgets):not(:has(.ftw))"
    return f"<style>{_themed()}{_BOTH}.ftw-still img{{max-width:100%;margin:4px 0}}{gone}{{display:none}}</style>"
