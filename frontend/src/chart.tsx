/** Charts in SVG: they follow the theme, print sharp, and each has a table twin and downloads. */
import type { ComponentChildren } from "preact";
import { useCallback, useRef, useState } from "preact/hooks";
import { save } from "./api";
import type { Series } from "./types";
import { number, t, unitName } from "./words";

export interface Line { name: string; colour: string; values: Series; kind?: "line" | "area" | "band" | "dash" | "step"; low?: Series; width?: number }
export interface Marker { at: number; text: string }

interface Props {
  name: string; title: string; caption?: ComponentChildren; source?: string; unit: string; labels: string[]; ticks: { at: number; text: string }[];
  lines: Line[]; markers?: Marker[]; height?: number; zero?: boolean; until?: number; chosen?: number | undefined; choose?: (i: number) => void; scarce?: boolean;
}

function steps(low: number, high: number): number[] {
  const span = high - low || 1, rough = span / 5, ten = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((x) => x * ten).find((x) => x >= rough)!;
  const out: number[] = [];
  for (let v = Math.ceil(low / step - 1e-9) * step; v <= high + step * 1e-6; v += step) out.push(Math.abs(v) < step * 1e-6 ? 0 : v);
  return out;
}

/** The value all but one hour in twenty stay below: prices of scarcity would flatten all others. */
function usual(lines: Line[]): number | null {
  const all = lines.flatMap((l) => l.values.filter((v): v is number => v !== null && v !== undefined)).sort((a, b) => a - b);
  return all.length ? Math.max(1, all[Math.floor(0.95 * (all.length - 1))]!) : null;
}

/** Width of an element, followed from the moment it is there. */
export function useWidth<T extends HTMLElement>(): [(e: T | null) => void, number] {
  const [width, put] = useState(720), watch = useRef<ResizeObserver | null>(null);
  const ref = useCallback((e: T | null) => {
    watch.current?.disconnect();
    if (!e) return;
    watch.current = new ResizeObserver(([seen]) => seen && put(Math.max(260, Math.round(seen.contentRect.width))));
    watch.current.observe(e);
  }, []);
  return [ref, width];
}

/** A figure with a caption, a source line, a table twin and downloads around a drawing. */
export function Figure(p: { name: string; title: string; caption?: ComponentChildren; source?: string | undefined; heads: string[]; rows: (string | number | null)[][]; children: ComponentChildren }) {
  const ref = useRef<HTMLElement>(null);
  const csv = () => save(`${p.name}.csv`, "\ufeff" + [p.heads, ...p.rows].map((r) => r.map((c) => (typeof c === "string" && /[",\n]/.test(c) ? `"${c.replace(/"/g, '""')}"` : (c ?? ""))).join(",")).join("\r\n"), "text/csv");
  const png = () => { const svg = ref.current?.querySelector("svg"); if (svg) void picture(svg as SVGSVGElement, p.name, p.title); };
  const [open, put] = useState(false);
  return (
    <figure ref={ref} id={`fig-${p.name}`} aria-labelledby={`h-${p.name}`}>
      <h3 id={`h-${p.name}`}>{p.title}</h3>
      {p.caption && <figcaption>{p.caption}</figcaption>}
      {p.children}
      {p.source && <p class="source">{p.source}</p>}
      <details class="twin" onToggle={(e) => put((e.currentTarget as HTMLDetailsElement).open)}>
        <summary>{t("chart.table")}<span class="hidden">: {p.title}</span></summary>
        {open && <Table caption={p.title} heads={p.heads} rows={p.rows} />}
        <p class="row">
          <button type="button" class="small" onClick={csv}>CSV<span class="hidden">: {p.title}</span></button>
          <button type="button" class="small" onClick={png}>PNG<span class="hidden">: {p.title}</span></button>
        </p>
      </details>
    </figure>
  );
}

export function Table(p: { caption: string; heads: string[]; rows: (string | number | null)[][]; tall?: boolean }) {
  // a column of numbers stands to the right, one of words to the left
  const numeric = p.heads.map((_, j) => j > 0 && p.rows.every((r) => typeof r[j] !== "string" || /^([+−~]?\d|$|…)/.test(r[j] as string) || r[j] === t("none")));
  return (
    <div class={p.tall ? "scroll tall" : "scroll"} tabIndex={0} role="region" aria-label={p.caption}>
      <table>
        <caption>{p.caption}</caption>
        <thead><tr>{p.heads.map((h, i) => <th key={i} scope="col" class={numeric[i] ? "n" : ""}>{h}</th>)}</tr></thead>
        <tbody>{p.rows.map((r, i) => <tr key={i}>{r.map((c, j) => j === 0 ? <th key={j} scope="row">{c}</th> : <td key={j} class={numeric[j] ? "n" : ""}>{typeof c === "string" ? c : number(c, 4)}</td>)}</tr>)}</tbody>
      </table>
    </div>
  );
}

export function Chart(given: Props) {
  const p = { ...given, unit: unitName(given.unit) };
  const [ref, width] = useWidth<HTMLDivElement>();
  const [at, point] = useState<number | null>(null);
  const n = p.labels.length, height = p.height ?? 260, left = 52, right = 14, top = 16, foot = 26;
  const stacked = p.lines.filter((l) => l.kind === "area");
  const sums: number[][] = [];
  let below: number[] = new Array<number>(n).fill(0);
  for (const l of stacked) { below = below.map((b, i) => b + Math.max(0, l.values[i] ?? 0)); sums.push(below); }
  let low = p.zero === false ? Infinity : 0, high = -Infinity;
  for (const v of below) if (stacked.length) high = Math.max(high, v);
  for (const l of p.lines) if (l.kind !== "area") for (const s of [l.values, l.low ?? []]) for (const v of s) if (v !== null && v !== undefined) { low = Math.min(low, v); high = Math.max(high, v); }
  const peak = high, cap = p.scarce ? usual(p.lines) : null;
  if (cap !== null && high > 4 * cap) high = 1.5 * cap;
  if (!Number.isFinite(high)) high = 1;
  if (!Number.isFinite(low)) low = 0;
  if (high - low < 1e-9) high = low + 1;
  const grid = steps(low, high);
  const topValue = Math.max(high, grid.at(-1) ?? high) + (high - low) * 0.02;
  const x = (i: number) => left + ((width - left - right) * i) / Math.max(1, n - 1);
  const y = (v: number) => height - foot - ((height - foot - top) * (Math.min(v, topValue) - low)) / (topValue - low);
  const path = (s: Series, step = false) => {
    let d = "", pen = false;
    s.forEach((v, i) => {
      if (v === null || v === undefined) { pen = false; return; }
      d += pen ? (step ? `H${x(i).toFixed(1)}V${y(v).toFixed(1)}` : `L${x(i).toFixed(1)} ${y(v).toFixed(1)}`) : `M${x(i).toFixed(1)} ${y(v).toFixed(1)}`;
      pen = true;
    });
    return d;
  };
  const area = (upper: (number | null)[], lower: (number | null)[]) => {
    const up = upper.map((v, i) => `${i ? "L" : "M"}${x(i).toFixed(1)} ${y(v ?? 0).toFixed(1)}`).join("");
    return up + lower.map((_, k) => { const i = n - 1 - k; return `L${x(i).toFixed(1)} ${y(lower[i] ?? 0).toFixed(1)}`; }).join("") + "Z";
  };
  const nearest = (e: PointerEvent) => {
    const box = (e.currentTarget as SVGElement).getBoundingClientRect();
    return Math.min(n - 1, Math.max(0, Math.round(((((e.clientX - box.left) / box.width) * width - left) / (width - left - right)) * (n - 1))));
  };
  const key = (e: KeyboardEvent) => {
    const jump = e.key === "ArrowRight" ? 1 : e.key === "ArrowLeft" ? -1 : e.key === "PageUp" ? -Math.ceil(n / 12) : e.key === "PageDown" ? Math.ceil(n / 12) : 0;
    const next = e.key === "Home" ? 0 : e.key === "End" ? n - 1 : jump ? Math.min(n - 1, Math.max(0, (at ?? p.chosen ?? 0) + jump)) : null;
    if (next !== null) { e.preventDefault(); point(next); p.choose?.(next); } else if (e.key === "Escape") point(null);
  };
  const shown = p.lines.filter((l) => l.kind !== "band" || l.name);
  const told = at !== null ? at : null;
  const gap = Math.ceil(p.ticks.length / Math.max(2, Math.floor((width - left) / 62)));
  return (
    <Figure name={p.name} title={p.title} caption={p.caption} source={p.source} heads={[t("chart.when"), ...shown.map((l) => `${l.name} [${p.unit}]`)]}
      rows={p.labels.map((l, i) => [l, ...shown.map((s) => s.values[i] ?? null)])}>
      <ul class="legend">{shown.map((l) => <li key={l.name}><span class={`key ${l.kind === "area" || l.kind === "band" ? "" : l.kind === "dash" ? "dash" : "line"}`} style={{ "--c": l.colour }} />{l.name}</li>)}</ul>
      <div class="plot" ref={ref}>
        <svg viewBox={`0 0 ${width} ${height}`} width={width} height={height} role="img" tabIndex={0} aria-label={`${p.title}. ${t("chart.keys")}`}
          onPointerMove={(e) => point(nearest(e))} onPointerLeave={() => point(null)} onKeyDown={key} onBlur={() => point(null)} onClick={(e) => p.choose?.(nearest(e as unknown as PointerEvent))}>
          {grid.map((v) => <g key={v}><line class="grid" x1={left} x2={width - right} y1={y(v)} y2={y(v)} /><text class="muted" x={left - 7} y={y(v) + 4} text-anchor="end">{number(v)}</text></g>)}
          <text class="muted" x={left - 44} y={11}>{p.unit}{peak > topValue ? `; ${t("chart.off", { most: number(peak) })}` : ""}</text>
          {p.ticks.filter((_, i) => i % gap === 0).map((k) => <text key={k.at} class="muted" x={x(k.at)} y={height - 8} text-anchor={k.at === 0 ? "start" : k.at > n - 2 ? "end" : "middle"}>{k.text}</text>)}
          {stacked.map((l, i) => <path key={l.name} d={area(sums[i]!, i ? sums[i - 1]! : new Array<number>(n).fill(low))} fill={l.colour} class="area" />).reverse()}
          {p.lines.filter((l) => l.kind === "band").map((l, i) => <path key={i} d={area(l.values, l.low ?? [])} fill={l.colour} class="wash" />)}
          {p.lines.filter((l) => l.kind !== "area" && l.kind !== "band").map((l) => <path key={l.name} d={path(l.values, l.kind === "step")} stroke={l.colour} class={l.kind === "dash" ? "series dash" : "series"} stroke-width={l.width ?? 2} />)}
          {p.until !== undefined && p.until < n - 1 && <rect class="pending" x={x(p.until)} y={top} width={x(n - 1) - x(p.until)} height={height - foot - top} />}
          <line class="axis" x1={left} x2={width - right} y1={y(Math.max(low, 0))} y2={y(Math.max(low, 0))} />
          {p.markers?.map((m) => <line key={m.text} class="mark" x1={x(m.at)} x2={x(m.at)} y1={top} y2={height - foot} />)}
          {p.chosen !== undefined && <line class="chosen" x1={x(p.chosen)} x2={x(p.chosen)} y1={top} y2={height - foot} />}
          {p.markers?.map((m, i) => <text key={m.text} class="note halo" x={x(m.at) + (x(m.at) > width * 0.7 ? -5 : 5)} y={top + 10 + 14 * (i % 3)} text-anchor={x(m.at) > width * 0.7 ? "end" : "start"}>{m.text}</text>)}
          {told !== null && <line class="cursor" x1={x(told)} x2={x(told)} y1={top} y2={height - foot} />}
        </svg>
        {told !== null && (
          <div class={x(told) > width / 2 ? "tip left" : "tip"} role="status">
            <b>{p.labels[told]}</b>
            {shown.map((l) => <span key={l.name}><i style={{ "--c": l.colour }} />{l.name} <em>{l.kind === "band" ? `${number(l.low?.[told])}–${number(l.values[told])}` : number(l.values[told])} {p.unit}</em></span>)}
          </div>
        )}
      </div>
    </Figure>
  );
}

/** A drawing as a PNG with its title, colours as on screen. */
async function picture(svg: SVGSVGElement, name: string, title: string): Promise<void> {
  const copy = svg.cloneNode(true) as SVGSVGElement;
  const from = [svg, ...svg.querySelectorAll("*")], to = [copy, ...copy.querySelectorAll("*")];
  from.forEach((e, i) => {
    const look = getComputedStyle(e), put = to[i]!;
    for (const k of ["fill", "stroke", "stroke-width", "stroke-dasharray", "font-family", "font-size", "font-weight", "fill-opacity", "opacity", "paint-order", "stroke-linejoin"]) put.setAttribute(k, look.getPropertyValue(k));
  });
  const box = svg.viewBox.baseVal, scale = 2;
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("width", String(box.width)); copy.setAttribute("height", String(box.height));
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(new XMLSerializer().serializeToString(copy))}`;
  await image.decode();
  const canvas = Object.assign(document.createElement("canvas"), { width: box.width * scale, height: (box.height + 30) * scale });
  const pen = canvas.getContext("2d")!, look = getComputedStyle(document.body);
  pen.scale(scale, scale);
  pen.fillStyle = look.backgroundColor; pen.fillRect(0, 0, box.width, box.height + 30);
  pen.fillStyle = look.color; pen.font = `600 15px ${look.fontFamily}`; pen.fillText(title, 8, 20);
  pen.drawImage(image, 0, 30, box.width, box.height);
  canvas.toBlob((b) => b && save(`${name}.png`, b, "image/png"));
}
