/**
 * A drawing on the page as a file: a copy of the SVG with the styles that it has here written into it, with a margin, on
 * the colour of its case, so that it looks the same anywhere.
 */
const STYLES = ["fill", "stroke", "stroke-width", "stroke-dasharray", "stroke-linecap", "stroke-linejoin", "opacity", "fill-opacity", "stroke-opacity", "font-family", "font-size", "font-weight", "font-style", "text-anchor", "dominant-baseline", "letter-spacing", "visibility"];
const SVG = "http://www.w3.org/2000/svg";
const MARGIN = 24;

/** The SVG as text, complete in itself; `fonts` is CSS that brings its fonts along. */
export function svgText(svg: SVGSVGElement, fonts = ""): string {
  const copy = svg.cloneNode(true) as SVGSVGElement;
  const shown = [svg, ...svg.querySelectorAll<SVGElement>("*")];
  const copied = [copy, ...copy.querySelectorAll<SVGElement>("*")];
  shown.forEach((element, i) => {
    const style = getComputedStyle(element);
    const target = copied[i];
    for (const name of STYLES) target?.style.setProperty(name, style.getPropertyValue(name));
    target?.removeAttribute("class");
  });
  const { width, height } = size(svg);
  attributes(copy, { x: MARGIN, y: MARGIN, width, height });
  const outer = attributes(document.createElementNS(SVG, "svg"), { width: width + 2 * MARGIN, height: height + 2 * MARGIN });
  if (fonts) outer.append(Object.assign(document.createElementNS(SVG, "style"), { textContent: fonts }));
  outer.append(attributes(document.createElementNS(SVG, "rect"), { width: "100%", height: "100%", fill: groundOf(svg) }), copy);
  return new XMLSerializer().serializeToString(outer);
}

/** The same as pixels, `scale` times as large as on the page. Rejects where the browser cannot draw it. */
export async function pngBlob(svg: SVGSVGElement, scale = 2): Promise<Blob> {
  const image = new Image();
  // A picture may not fetch anything, so its fonts travel inside it.
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svgText(svg, await fontsOf(svg)))}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(image.width * scale);
  canvas.height = Math.round(image.height * scale);
  canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("the picture cannot be drawn"))), "image/png");
  });
}

/** The page's font rules for the families and styles that the drawing uses, each font as a data: address. */
async function fontsOf(svg: SVGSVGElement): Promise<string> {
  const used = [...svg.querySelectorAll("text, tspan")].map((text) => getComputedStyle(text));
  const rules = [...document.styleSheets].flatMap((sheet) => fontRules(sheet.cssRules)).filter((rule) =>
    used.some((style) => style.fontFamily.includes(family(rule)) && style.fontStyle === (rule.style.getPropertyValue("font-style") || "normal")));
  const texts = rules.map(async (rule) => {
    const [, address] = /url\("?([^")]+)"?\)/.exec(rule.style.getPropertyValue("src")) ?? [];
    if (address === undefined) return "";
    const font = await (await fetch(new URL(address, rule.parentStyleSheet?.href ?? location.href))).blob();
    return rule.cssText.replace(address, await dataAddress(font));
  });
  return (await Promise.all(texts)).join("\n");
}

function fontRules(rules: CSSRuleList): CSSFontFaceRule[] {
  return [...rules].flatMap((rule) => (rule instanceof CSSFontFaceRule ? [rule] : rule instanceof CSSGroupingRule ? fontRules(rule.cssRules) : []));
}

function family(rule: CSSFontFaceRule): string {
  return rule.style.getPropertyValue("font-family").replaceAll('"', "");
}

function dataAddress(blob: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(reader.error ?? new Error("the font cannot be read"));
    reader.readAsDataURL(blob);
  });
}

function attributes<E extends Element>(element: E, values: Record<string, string | number>): E {
  for (const [name, value] of Object.entries(values)) element.setAttribute(name, String(value));
  return element;
}

function size(svg: SVGSVGElement): { width: number; height: number } {
  const { width, height } = svg.getBoundingClientRect();
  return { width: Math.ceil(width) || 640, height: Math.ceil(height) || 360 };
}

function groundOf(svg: SVGSVGElement): string {
  for (let element: Element | null = svg; element; element = element.parentElement) {
    const colour = getComputedStyle(element).backgroundColor;
    if (colour && colour !== "transparent" && !/, 0\)$/.test(colour)) return colour;
  }
  return "#ffffff";
}
