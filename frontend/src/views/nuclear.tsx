/** The question of the country: would a nuclear plant have helped in time, and what would. */
import { useEffect } from "preact/hooks";
import { Figure, Table, useWidth } from "../chart";
import { october } from "../figures";
import { titleOf } from "../panels";
import { asked, go, info, move, outlook, useStore } from "../state";
import type { Result } from "../types";
import { month, number, quantity, t, year as whole } from "../words";

const STORIES = ["open-door", "nuclear", "coal", "gas", "import", "register-and-fee", "interruptible", "ban"];
const KINDS: [string, RegExp, string][] = [
  ["battery", /battery/, "var(--battery)"], ["sun", /solar|wind/, "var(--wind)"], ["gas", /gas/, "var(--gas)"],
  ["coal", /coal/, "var(--coal)"], ["line", /line/, "var(--kind-line)"], ["nuclear", /nuclear/, "var(--nuclear)"],
];

const yearOf = (iso: string): number => { const d = new Date(`${iso}T00:00Z`); return d.getUTCFullYear() + (d.getTime() - Date.UTC(d.getUTCFullYear(), 0)) / 3.156e10; };
export interface Span { low: number; best: number; high: number }
/** When a project serves: first decile, median and last decile of the delays such projects had. */
export const spanOf = (p: (typeof info.projects)[string]): Span => ({ low: p.serves[0], best: p.serves[1], high: p.serves[2] });
export const nuclearSpan = (): Span | null => {
  const all = Object.values(info.projects).filter((p) => p.technology === "nuclear").map(spanOf).sort((a, b) => a.best - b.best);
  return all[0] ?? null;
};

export function Nuclear() {
  const s = useStore(), after = Number(info.as_of.slice(0, 4)) + 1, span = nuclearSpan(), last = Math.min(after + 1, info.last_year);
  const stories = STORIES.filter((n) => info.scenarios.some((x) => x.name === n));
  const settled = !s.busy;
  useEffect(() => { if (settled && span) void outlook([info.default_scenario, ...stories], last); }, [settled]);
  if (!span) return null;
  const was = asked(info.default_scenario, last), i = after - info.first_year;
  const miners = (r: Result | undefined, y: number) => r?.monthly["mining_best_mw"]?.[october(y)] ?? null;
  const short = (r: Result) => { let sum = 0; for (let y = i; y <= last - info.first_year; y++) sum += r.annual["unserved_gwh"]?.[y] ?? 0; return 1000 * sum; };
  const open = asked("open-door", last), known = new Set(open?.projects.map((p) => p.project));
  const since = (name: string, r: Result): string => {
    const own = r.projects.filter((p) => !known.has(p.project)).sort((a, b) => a.best - b.best)[0];
    if (own) return t("nuclear.from", { year: whole(own.best) });
    return name === "open-door" ? t("nuclear.never") : month(info.decided.slice(0, 7));
  };
  return (
    <section class="nuclear" aria-labelledby="h-nuclear">
      <h2 id="h-nuclear">{t("nuclear.question", { year: String(after) })}</h2>
      <p class="lede"><strong>{t("nuclear.no")}</strong> {t("nuclear.why", { low: whole(span.low), best: whole(span.best), high: whole(span.high) })}</p>
      <ol class="reasons">
        <li>{t("nuclear.time", { years: number(Math.round(span.best - yearOf(info.as_of))) })}</li>
        <li>{was ? t("nuclear.gone", { peak: quantity(miners(was, i - 1), "MW"), before: String(after - 1), left: quantity(miners(was, i), "MW"), year: String(after) }) : t("wait")}</li>
        <li>{t("nuclear.peaks")}</li>
      </ol>
      <div class="charts one">
        <Times r={s.result} after={after} />
        <div>
          <h3>{t("nuclear.table", { year: String(after) })}</h3>
          <p class="source">{t("nuclear.table.about", { first: String(after), last: String(last) })}</p>
          <Table caption={t("nuclear.table", { year: String(after) })} tall heads={[t("nuclear.story"), t("nuclear.acts"), t("nuclear.miners", { year: String(after) }), t("nuclear.short", { first: String(after), last: String(last) })]}
            rows={stories.map((n) => { const r = asked(n, last); return [titleOf(n), r && open ? since(n, r) : "…", r ? quantity(miners(r, i), "MW") : "…", r ? quantity(short(r), "MWh") : "…"]; })} />
          <p class="row"><button type="button" class="main" onClick={() => move({ base: "nuclear", values: {} })}>{t("nuclear.try")}</button>
            <button type="button" onClick={() => { go({ view: "plants" }); scrollTo(0, 0); }}>{t("q.closes.more")}</button></p>
        </div>
      </div>
    </section>
  );
}

/** Miners by month above, and below it when each remedy can serve: the same years for both. */
function Times({ r, after }: { r: Result | null; after: number }) {
  const [ref, width] = useWidth<HTMLDivElement>();
  const from = info.first_year, to = info.last_year + 3, left = Math.min(150, width * 0.36), top = 96, row = 27;
  const rows: { name: string; span: Span; tone: string }[] = [{ name: "rules", span: { low: after, best: after, high: after + 0.5 }, tone: "var(--accent)" }];
  for (const [name, like, tone] of KINDS) {
    const found = Object.values(info.projects).filter((p) => (name === "line") === p.line && like.test(p.line ? "line" : p.technology)).map(spanOf).sort((a, b) => a.best - b.best)[0];
    if (found) rows.push({ name, span: found, tone });
  }
  const height = top + rows.length * row + 8, x = (y: number) => left + ((width - left - 12) * (Math.min(to, y) - from)) / (to - from);
  const best = r?.monthly["mining_best_mw"] ?? [], most = Math.max(1, ...best.map((v) => v ?? 0)), y = (v: number) => top - 14 - ((top - 44) * v) / most;
  const at = best.findIndex((v) => v === most);
  const area = best.length ? `M${x(from)} ${y(0)}${best.map((v, k) => `L${x(from + (k + 0.5) / 12).toFixed(1)} ${y(v ?? 0).toFixed(1)}`).join("")}L${x(from + best.length / 12)} ${y(0)}Z` : "";
  return (
    <Figure name="times" title={t("nuclear.times")} caption={t("nuclear.times.caption")} source={t("plants.source")} heads={[t("nuclear.remedy"), t("plants.low"), t("plants.best"), t("plants.high")]}
      rows={rows.map((k) => [t(`remedy.${k.name}`), whole(k.span.low), whole(k.span.best), whole(k.span.high)])}>
      <div class="plot" ref={ref}>
        <svg viewBox={`0 0 ${width} ${height}`} width={width} height={height} role="img" aria-label={`${t("nuclear.times")}: ${rows.map((k) => `${t(`remedy.${k.name}`)} ${whole(k.span.best)}`).join(", ")}`}>
          {Array.from({ length: Math.floor((to - from) / 5) + 1 }, (_, k) => Math.ceil(from / 5) * 5 + 5 * k).filter((v) => v <= to).map((v) => <g key={v}><line class="grid" x1={x(v)} x2={x(v)} y1={18} y2={height - 4} /><text class="muted" x={x(v)} y={12} text-anchor="middle">{v}</text></g>)}
          <rect x={x(after)} y={18} width={x(after + 1) - x(after)} height={height - 22} fill="var(--alarm)" fill-opacity={0.13} />
          <path d={area} fill="var(--miners)" />
          <text x={left - 8} y={y(0)} text-anchor="end" class="miner">{t("key.miners")}</text>
          {at >= 0 && <text class="halo" x={x(from + (at + 0.5) / 12) + 8} y={y(most) + 10}>{quantity(most, "MW")}</text>}
          <text class="halo strong" x={x(after + 1) + 4} y={y(0) - 6}>{after}</text>
          {rows.map((k, j) => { const h = top + 12 + j * row; return (
            <g key={k.name}><text x={left - 8} y={h + 4} text-anchor="end">{t(`remedy.${k.name}`)}</text>
              <line x1={x(k.span.low)} x2={Math.max(x(k.span.high), x(k.span.low) + 4)} y1={h} y2={h} stroke={k.tone} stroke-width={7} stroke-opacity={0.4} /><circle cx={x(k.span.best)} cy={h} r={5.5} fill={k.tone} />
              {width > 420 && <text class="muted halo" x={x(k.span.high) > width - 60 ? x(k.span.low) - 10 : x(k.span.high) + 9} y={h + 4} text-anchor={x(k.span.high) > width - 60 ? "end" : "start"}>{whole(k.span.best)}</text>}</g>); })}
        </svg>
      </div>
    </Figure>
  );
}
