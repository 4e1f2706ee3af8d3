/** Plants and dates, money, claims, comparison, take-away. */
import { useEffect, useState } from "preact/hooks";
import { Refused, post, save } from "../api";
import { Chart, Figure, Table, useWidth, type Line } from "../chart";
import { keys } from "../figures";
import { Progress, begin, going } from "../jobs";
import { control } from "../state";
import { labelOf, shown, titleOf, zoneName } from "../panels";
import { go, info, keyOf, set, state, useStore, valueOf } from "../state";
import type { Result, Screen } from "../types";
import { quantity, t, unitName, year as yearOf } from "../words";
import { NetCharts, netStory } from "./network";
import { yearTicks } from "./years";

export function Plants() {
  const s = useStore(), r = s.result;
  const [ref, width] = useWidth<HTMLDivElement>();
  if (!r) return <p class="wait">{t("wait")}</p>;
  const list = r.projects, from = Number(info.as_of.slice(0, 4)), to = info.last_year + 5, row = 24, left = Math.min(230, width * 0.42), height = list.length * row + 44;
  const x = (y: number) => left + ((width - left - 16) * (Math.min(to, y) - from)) / (to - from);
  const nuclear = list.find((p) => p.technology === "nuclear");
  const title = (p: string) => control(`build:${p}`)?.title ?? p;
  return (
    <div class="charts one">
      <p class="lede">{nuclear ? t("plants.nuclear", { best: yearOf(nuclear.best), low: yearOf(nuclear.low), high: yearOf(nuclear.high) }) : t("plants.nonuclear")}</p>
      <Figure name="schedule" title={t("plants.title")} caption={t("plants.caption")} source={t("plants.source")} heads={[t("plants.project"), unitName("MW"), t("map.zone"), t("plants.low"), t("plants.best"), t("plants.high")]}
        rows={list.map((p) => [title(p.project), p.capacity_mw, zoneName(p.zone), yearOf(p.low), yearOf(p.best), yearOf(p.high)])}>
        <div class="plot" ref={ref}>
          <svg viewBox={`0 0 ${width} ${height}`} width={width} height={height} role="img" aria-label={t("plants.title")}>
            {Array.from({ length: Math.floor((to - from) / 2) + 1 }, (_, k) => from + 2 * k).map((y, k) => <g key={y}><line class="grid" x1={x(y)} x2={x(y)} y1={20} y2={height - 8} />{(width > 640 || k % 3 === 0) && <text class="muted" x={x(y)} y={14} text-anchor="middle">{y}</text>}</g>)}
            <line class="chosen" x1={x(2022)} x2={x(2022)} y1={20} y2={height - 8} />
            {list.map((p, i) => { const y = 36 + i * row, tone = p.technology === "nuclear" ? "var(--nuclear)" : p.zone_to ? "var(--kind-line)" : /wind|solar/.test(p.technology) ? "var(--wind)" : /gas/.test(p.technology) ? "var(--gas)" : /battery/.test(p.technology) ? "var(--battery)" : "var(--coal)"; return (
              <g key={p.project}><text x={left - 10} y={y + 4} text-anchor="end">{title(p.project).slice(0, width < 600 ? 20 : 34)}</text>
                <line x1={x(p.low)} x2={x(p.high)} y1={y} y2={y} stroke={tone} stroke-width={5} stroke-opacity={0.35} /><circle cx={x(p.best)} cy={y} r={5.5} fill={tone}><title>{`${title(p.project)}: ${yearOf(p.best)}`}</title></circle>
                {width > 700 && <text class="muted" x={x(p.high) + 10} y={y + 4}>{quantity(p.capacity_mw, "MW")}</text>}</g>); })}
          </svg>
        </div>
      </Figure>
    </div>
  );
}

export function Money() {
  const s = useStore(), r = s.result;
  if (!r) return <p class="wait">{t("wait")}</p>;
  const i = s.year - info.first_year;
  const parties = ["treasury", "utility", "consumers", "registered", "unregistered", "abroad", "resources"].filter((p) => r.balances[p]);
  const tones = ["var(--good)", "var(--coal)", "var(--flow)", "var(--registered)", "var(--hidden)", "var(--gas)", "var(--axis)"];
  const lines = r.lines.filter((l) => Math.abs(r.ledger[l.line]?.[i] ?? 0) > 1);
  const bn = (v: (number | null)[] | undefined) => (v ?? []).map((x) => (x === null ? null : x / 1e9));
  const until = r.until < info.last_year ? r.until - info.first_year : undefined;
  return (
    <div class="charts">
      <section class="box span"><h3>{t("money.who", { year: String(s.year) })}</h3><p>{t("money.about")}</p>
        <Table tall caption={t("money.who", { year: String(s.year) })} heads={[t("money.line"), t("money.payer"), t("money.payee"), t("money.amount")]} rows={lines.map((l) => [t(`ledger.${l.line}`), t(`party.${l.payer}`), t(`party.${l.payee}`), quantity(r.ledger[l.line]?.[i], "USD")])} />
        <h3>{t("money.balance", { year: String(s.year) })}</h3>
        <Table caption={t("money.balance", { year: String(s.year) })} heads={[t("money.party"), t("money.net")]} rows={parties.map((p) => [t(`party.${p}`), quantity(r.balances[p]?.[i], "USD")])} /></section>
      <Chart name="balances" title={t("money.balances")} caption={t("money.balances.caption")} unit={t("unit.bnUSD")} labels={r.years.map(String)} ticks={yearTicks(r.years)} chosen={i} choose={(k) => go({ year: info.first_year + k })} until={until} zero={false}
        lines={parties.filter((p) => p !== "resources").map((p): Line => ({ name: t(`party.${p}`), colour: tones[parties.indexOf(p)] ?? "var(--ink)", values: bn(r.balances[p]) }))} />
      <Chart name="fees" title={t("money.fees")} caption={t("money.fees.caption")} unit={t("unit.MUSD")} labels={r.years.map(String)} ticks={yearTicks(r.years)} chosen={i} until={until}
        lines={[{ name: t("ledger.fee"), colour: "var(--good)", values: (r.ledger["fee"] ?? []).map((x) => (x ?? 0) / 1e6) }, ...(r.ledger["profit_tax"] ? [{ name: t("ledger.profit_tax"), colour: "var(--flow)", values: r.ledger["profit_tax"].map((x) => (x ?? 0) / 1e6) }] : [])]} />
    </div>
  );
}

interface Judged { claims: Record<string, string | number | null>[]; relief: Record<string, string | number | null>[] }
let judged: Judged | null = null;
export function Claims() {
  const start = () => begin("claims", "/api/jobs/claims", {}, (x) => { judged = x as Judged; });
  const show = (x: unknown, unit: unknown) => (typeof x === "number" ? String(unit) === "1" && x > 1990 && x < 2110 ? yearOf(x) : quantity(x, unit === "count" ? "1" : String(unit)) : t("none"));
  return (
    <div class="charts one">
      <p class="lede">{t("claims.about")}</p>
      {!judged && <p class="row"><button type="button" class="main" disabled={going("claims")} onClick={() => void start()}>{t("claims.start")}</button></p>}
      {!judged && <Progress of="claims" />}
      {judged && <>
        <ul class="claims">{judged.claims.map((c, i) => <li key={i}>
          <p class="quote" lang="en">{c["text"]}</p><p class="who" lang="en">{c["who"]}, {c["said"]}</p>
          <p class={`verdict ${String(c["verdict"]).replace(/ /g, "-")}`}>{t(`verdict.${String(c["verdict"]).replace(/ /g, "-")}`)}</p>
          <p>{t("claims.said")} <b>{show(c["value"], c["unit"])}</b> · {t("claims.found")} <b>{show(c["best"], c["unit"])}</b> {typeof c["low"] === "number" && typeof c["high"] === "number" && c["low"] !== c["high"] ? <small>({show(c["low"], c["unit"])}–{show(c["high"], c["unit"])})</small> : ""}</p>
          <p class="small" lang="en">{c["why"]}</p></li>)}</ul>
        <h3>{t("relief.title")}</h3>
        <Table tall caption={t("relief.title")} heads={[t("relief.remedy"), t("relief.year"), t("relief.power"), t("relief.avoided"), t("relief.cost")]} rows={judged.relief.map((x) => [titleOf(String(x["scenario"])), typeof x["first_year_best"] === "number" ? `${yearOf(x["first_year_best"])} (${yearOf(Number(x["first_year_low"]))}–${yearOf(Number(x["first_year_high"]))})` : "", x["power_mw"] as number, x["eue_avoided_gwh"] as number, x["cost_usd_per_mwh"] as number])} />
      </>}
    </div>
  );
}

/** What a screen beside this one is called: its story, or what differs from it. */
function sideName(b: Screen): string {
  const story = info.network?.stories.find((x) => keyOf({ base: b.base, values: x.values }) === keyOf(b));
  if (story) return netStory(story);
  const moved = Object.keys(b.values);
  if (!moved.length) return titleOf(b.base);
  if (!info.network) return `${titleOf(b.base)} *`;
  return moved.slice(0, 2).map((k) => { const c = control(k); return c ? `${labelOf(c)} ${shown(c, b.values[k] ?? null)}` : k; }).join(", ") + (moved.length > 2 ? " …" : "");
}

export function Compare() {
  const s = useStore();
  const all: [string, Screen, Result | null][] = [[t("compare.this"), s.screen, s.result], ...s.beside.map((b): [string, Screen, Result | null] => [sideName(b), b, s.others[keyOf(b)] ?? null])];
  useEffect(() => { if (!s.beside.length) go({ beside: [{ base: s.screen.base === "no-rush" || !info.scenarios.some((x) => x.name === "no-rush") ? info.default_scenario : "no-rush", values: {} }] }); }, []);
  const results = info.network ? t("net.compare") : t("compare.results", { year: String(s.year) });
  const i = s.year - info.first_year, tones = ["var(--accent)", "var(--gas)", "var(--nuclear)", "var(--good)"];
  const inputs = [...new Set(all.flatMap(([, x]) => Object.keys(x.values))), ...info.controls.map((c) => c.key)].filter((k, n, a) => a.indexOf(k) === n).filter((k) => new Set(all.map(([, x]) => String(valueOf(x, k)))).size > 1);
  const lines = (pick: (r: Result) => (number | null)[] | undefined): Line[] => all.flatMap(([name, , r], j) => (r ? [{ name, colour: tones[j]!, values: pick(r) ?? [] }] : []));
  const years = s.result?.years ?? [], common = { labels: years.map(String), ticks: yearTicks(years), chosen: i, choose: (k: number) => go({ year: info.first_year + k }) };
  return (
    <div class="charts">
      <section class="box span">
        <div class="row">
          <label for="add">{t("compare.with")}</label>
          <select id="add" value="" disabled={s.beside.length >= 3} onChange={(e) => { const n = e.currentTarget.value; e.currentTarget.value = ""; if (n) go({ beside: [...s.beside, n === "*" ? structuredClone(s.screen) : n[0] === "!" ? { base: info.default_scenario, values: info.network!.stories.find((x) => `!${x.name}` === n)!.values } : { base: n, values: {} }] }); }}>
            <option value="">{t("compare.choose")}</option><option value="*">{t("compare.keep")}</option>{info.scenarios.map((x) => <option key={x.name} value={x.name}>{titleOf(x.name)}</option>)}
            {info.network?.stories.map((x) => <option key={x.name} value={`!${x.name}`}>{netStory(x)}</option>)}
          </select>
          {s.beside.map((b, j) => <button key={j} type="button" class="chip" aria-label={`${t("compare.remove")}: ${sideName(b)}`} onClick={() => go({ beside: s.beside.filter((_, k) => k !== j) })}>{sideName(b)} ✕</button>)}
        </div>
        <h3>{t("compare.inputs")}</h3>
        {inputs.length ? <Table caption={t("compare.inputs")} heads={[t("compare.input"), ...all.map(([n]) => n)]} rows={inputs.map((k) => { const c = control(k)!; return [labelOf(c), ...all.map(([, x]) => shown(c, valueOf(x, k)))]; })} /> : <p class="muted">{t(all.some(([, x]) => x.base !== s.screen.base) ? "compare.base" : "compare.same")}</p>}
        <h3>{results}</h3>
        <Table tall caption={results} heads={[t("compare.figure"), ...all.flatMap(([n], j) => (j ? [n, t("compare.difference")] : [n]))]}
          rows={keys().map((k) => [t(info.network && k.name === "short" ? "key.netshort" : `key.${k.name}`), ...all.flatMap(([, , r], j) => { const v = r ? k.of(r, i) : null, own = s.result ? k.of(s.result, i) : null; const text = r ? quantity(v, k.unit) : "…"; return j ? [text, v !== null && own !== null ? (v - own > 0 ? "+" : "") + quantity(v - own, k.unit) : ""] : [text]; })])} />
      </section>
      {info.network ? <NetCharts lines={lines} r={s.result} /> : <>
      <Chart name="c-miners" title={t("key.miners")} unit="MW" {...common} lines={lines((r) => r.years.map((_, k) => r.monthly["mining_best_mw"]?.[12 * k + 9] ?? null))} />
      <Chart name="c-unserved" title={t("years.unserved")} unit="GWh" {...common} lines={lines((r) => r.annual["unserved_gwh"])} />
      <Chart name="c-peak" title={t("line.peak")} unit="MW" {...common} zero={false} lines={lines((r) => r.annual["peak_mw"])} />
      <Chart name="c-cost" title={t("years.cost")} unit={t("unit.bnUSD")} {...common} zero={false} lines={lines((r) => r.system_cost_usd.map((v) => (v === null ? null : v / 1e9)))} />
      <Chart name="c-co2" title={t("years.co2")} unit="Mt" {...common} zero={false} lines={lines((r) => r.annual["co2_mt"])} /></>}
    </div>
  );
}

/** Files of what the view shows, made by the server from the run behind it. */
function Forms() {
  const [waits, put] = useState("");
  const take = async (form: string) => {
    put(form);
    try {
      const a = await post(`/api/take/${form}`, { session: "take", screen: state.screen, view: state.view, beside: state.view === "compare" ? state.beside : [], first: `${state.week}T00`, hours: 168 });
      save(/filename="([^"]+)"/.exec(a.headers.get("content-disposition") ?? "")?.[1] ?? `run.${form}`, await a.blob(), a.headers.get("content-type") ?? "");
    } catch (e) { if (e instanceof Refused) set({ problems: e.problems }); } finally { put(""); }
  };
  return <>{(["csv", "xlsx", "json", "nc", "zip", ...(info.network ? ["pypsa"] : [])]).map((f) => <button key={f} type="button" disabled={waits === f} onClick={() => void take(f)}>{t(`take.${f}`)}</button>)}</>;
}
export const TakeView = () => <section class="box takeaway" aria-label={t("take.view")}><p class="row"><b>{t("take.view")}</b> <Forms /></p></section>;

export function Take() {
  const s = useStore();
  const [python, put] = useState(""), [paths, hold] = useState<Record<string, Record<string, { summary?: string; description?: string }>>>({});
  useEffect(() => { post("/api/scenario", s.screen).then((a) => a.json()).then((x: { python: string }) => put(x.python), () => put("")); }, [keyOf(s.screen)]);
  useEffect(() => { fetch("/openapi.json").then((a) => a.json()).then((x: { paths: typeof paths }) => hold(x.paths), () => hold({})); }, []);
  return (
    <div class="charts one">
      <section class="box"><h3>{t("take.files")}</h3><p>{t(info.network ? "net.take" : "take.files.about")}</p>
        <p class="row"><Forms />
          <button type="button" onClick={freeze}>{t("take.frozen")}</button></p></section>
      <section class="box"><h3>{t("take.link")}</h3><p>{t("take.link.about")}</p><p><input class="link" type="text" readOnly value={location.href} aria-label={t("take.link")} onFocus={(e) => e.currentTarget.select()} /></p></section>
      <section class="box"><h3>{t("take.python")}</h3><pre tabIndex={0} role="region" aria-label={t("take.python")}><code>{python}</code></pre><p class="row"><button type="button" onClick={() => void navigator.clipboard?.writeText(python)}>{t("take.copy")}</button></p></section>
      <section class="box"><h3>{t("take.api")}</h3><p>{t("take.api.about")} <a href="/openapi.json">openapi.json</a></p>
        <dl class="api" lang="en">{Object.entries(paths).flatMap(([p, verbs]) => Object.entries(verbs).map(([v, about]) => <div key={p + v}><dt><code>{v.toUpperCase()} {p}</code></dt><dd>{about.description ?? about.summary}</dd></div>))}</dl></section>
      {!info.network && <section class="box"><h3>{t("take.sources")}</h3><ul class="sources" lang="en">{Object.entries(info.sources).map(([k, x]) => <li key={k}>{x.title}, {x.date}. {x.address}</li>)}</ul></section>}
    </div>
  );
}

/** The page as it stands, in one file that needs no server. */
async function freeze(): Promise<void> {
  const copy = document.documentElement.cloneNode(true) as HTMLElement;
  const style = await Promise.all([...document.querySelectorAll<HTMLLinkElement>("link[rel=stylesheet]")].map((l) => fetch(l.href).then((a) => a.text())));
  copy.querySelectorAll("script,link,input,select,button,.panels").forEach((e) => e.remove());
  const sheet = document.createElement("style");
  sheet.textContent = style.join("\n");
  copy.querySelector("head")!.append(sheet);
  copy.querySelectorAll("a[href]").forEach((a) => a.removeAttribute("href"));
  save(`${info.name}-${state.screen.base}.html`, `<!doctype html>\n${copy.outerHTML}`, "text/html");
}
