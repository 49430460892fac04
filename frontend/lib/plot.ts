/**
 * The one place that touches plotly: it is loaded here when a plot is first needed (or foreseen), drawn in the colours
 * and type of the page, and redrawn at most eight times a second and only while it is seen.
 *
 * Plotly would write its own rules into a `<style>`, which the content policy forbids and the look does not want: an
 * element with the id that it looks for tells it that the rules are there already. `styles/plot.css` has the few needed.
 */
import type { Data, Layout, PlotlyHTMLElement } from "plotly.js";
import "../styles/plot.css";
import { onTheme } from "./theme";

type Plotly = typeof import("plotly.js-basic-dist-min");

export interface Theme {
  ink: string;
  ink2: string;
  line: string;
  accent: string;
  case: string;
  sans: string;
  /** Pixels of a small label: grows with the page's type. */
  size: number;
  color(name: string): string;
}

export interface Picture {
  data: Partial<Data>[];
  layout: Partial<Layout>;
}

export interface Size {
  width: number;
  height: number;
}

const STYLES_ARE_OURS = "plotly.js-style-global";
const REDRAW_MS = 125;

let loading: Promise<Plotly> | undefined;

/** Loads plotly, once. Call it without waiting where a plot is likely to come. */
export function loadPlotly(): Promise<Plotly> {
  if (loading === undefined) {
    const mark = document.createElement("meta");
    mark.id = STYLES_ARE_OURS;
    mark.className = "no-inline-styles";
    document.head.append(mark);
    loading = import("plotly.js-basic-dist-min").then((module) =>
      "default" in module ? (module.default as Plotly) : module,
    );
  }
  return loading;
}

/** The tokens of the page as colours that plotly can read, in the theme that `element` is shown in. */
export function themeOf(element: HTMLElement): Theme {
  const probe = document.createElement("span");
  element.append(probe);
  const color = (name: string): string => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  probe.style.font = "var(--s0) var(--sans)";
  const { fontFamily, fontSize } = getComputedStyle(probe);
  const named = new Map(["c1", "c2", "c3", "c4", "c5", "c6", "c7"].map((name) => [name, color(name)]));
  const theme = {
    ink: color("ink"),
    ink2: color("ink-2"),
    line: color("line"),
    accent: color("accent"),
    case: color("case"),
    sans: fontFamily,
    size: parseFloat(fontSize),
    color: (name: string): string => named.get(name) ?? theme.ink,
  };
  probe.remove();
  return theme;
}

/** The layout that every plot starts from: no frame, no legend, hairlines, and the page's own type. */
export function baseLayout(theme: Theme, { width, height }: Size): Partial<Layout> {
  const axis = { zeroline: false, showline: false, ticks: "" as const, tickcolor: theme.line, automargin: false };
  return {
    width,
    height,
    paper_bgcolor: theme.case, // also the ground of a picture that is taken along
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: theme.sans, size: theme.size, color: theme.ink2 },
    showlegend: false,
    hovermode: false,
    dragmode: false,
    xaxis: { ...axis, showgrid: false },
    yaxis: { ...axis, gridcolor: theme.line, gridwidth: 1 },
  };
}

const CONFIG = {
  displayModeBar: false,
  doubleClick: false,
  showTips: false,
  displaylogo: false,
  staticPlot: true,
} as const;

/** A plot in an element: asks `make` for its picture when something changed, and draws it when it is worth while. */
export class Plot {
  private plotly: Plotly | null = null;
  private dirty = false;
  private seen = true;
  private drawnAt = -Infinity;
  private waiting = 0;
  private readonly endings: (() => void)[] = [];

  /** `drawn` hears of each drawing, with the theme and size that it was made for. */
  constructor(
    private readonly element: HTMLElement,
    private readonly make: (theme: Theme, size: Size) => Picture,
    private readonly drawn: () => void = () => {},
  ) {
    void loadPlotly().then((plotly) => {
      this.plotly = plotly;
      this.draw();
    });
    const sizes = new ResizeObserver(() => this.changed());
    sizes.observe(element);
    const sight = new IntersectionObserver((entries) => {
      this.seen = entries.at(-1)?.isIntersecting ?? true;
      if (this.seen && this.dirty) this.changed();
    });
    sight.observe(element);
    const shown = (): void => {
      if (this.dirty) this.changed();
    };
    document.addEventListener("visibilitychange", shown);
    const stopTheme = onTheme(() => this.changed());
    this.endings.push(
      () => sizes.disconnect(),
      () => sight.disconnect(),
      () => document.removeEventListener("visibilitychange", shown),
      stopTheme,
    );
  }

  /** Says that the picture is out of date. */
  changed(): void {
    this.dirty = true;
    if (this.waiting !== 0 || this.plotly === null || !this.seen || document.hidden) return;
    const wait = Math.max(0, this.drawnAt + REDRAW_MS - performance.now());
    this.waiting = window.setTimeout(() => {
      requestAnimationFrame(() => {
        this.waiting = 0;
        this.draw();
      });
    }, wait);
  }

  /** The picture as a file, as large as on the page. */
  async image(format: "svg" | "png"): Promise<string> {
    const plotly = await loadPlotly();
    const { clientWidth: width, clientHeight: height } = this.element;
    return plotly.toImage(this.element as PlotlyHTMLElement, {
      format,
      width,
      height,
      scale: format === "png" ? 2 : 1,
    });
  }

  destroy(): void {
    clearTimeout(this.waiting);
    for (const end of this.endings) end();
    this.plotly?.purge(this.element);
    this.plotly = null;
  }

  private draw(): void {
    const { clientWidth: width, clientHeight: height } = this.element;
    if (this.plotly === null || width === 0) return;
    this.dirty = false;
    this.drawnAt = performance.now();
    const { data, layout } = this.make(themeOf(this.element), { width, height });
    void this.plotly.react(this.element, data as Data[], layout, CONFIG).then(this.drawn);
  }
}
