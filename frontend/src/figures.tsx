/** Key figures of a year, what levers and assumptions did to them, and their intervals. */
import { go, info, useStore, valueOf } from "./state";
import type { Result, Risk } from "./types";
import { number, quantity, range, signed, t } from "./words";
import { riskState } from "./views/risk";

export interface Key { name: string; unit: string; of: (r: Result, i: number) => number | null; good: -1 | 0 | 1; interval?: (r: Result, i: number) => [number | null, number | null] }
const at = (r: Result, k: string, i: number): number | null => r.annual[k]?.[i] ?? null;
/** The month of a year that is told: October, the month of the census. */
export const october = (i: number): number => 12 * i + 9;
const plain = (name: string, unit: string, good: Key["good"], of: string = name): Key => ({ name, unit, good, of: (r, i) => at(r, of, i) });
/** Key figures of a network: sums over all its hours. */
const OF_NETWORK: Key[] = [
  plain("unserved", "MWh", -1, "unserved_mwh"), plain("short", "h", -1, "shortfall_h"), plain("netprice", "USD/MWh", -1, "price_usd_per_mwh"),
  plain("running", "USD", -1, "running_cost_usd"), plain("co2", "Mt", -1, "co2_mt"), plain("curtailed", "GWh", -1, "curtailed_gwh"),
  plain("full", "h", -1, "full_link_h"), plain("netpeak", "MW", 0, "peak_mw"), plain("demand", "TWh", 0, "demand_twh"),
  plain("newcut", "MWh", -1, "new_cut_mwh"), plain("newcuth", "h", -1, "new_cut_h"),
];
export const keys = (): Key[] => (info.kind !== "network" ? KEYS : OF_NETWORK.filter((k) => k.name !== "co2" || info.network!.co2));
const KEYS: Key[] = [
  { name: "miners", unit: "MW", good: 0, of: (r, i) => r.monthly["mining_best_mw"]?.[october(i)] ?? null, interval: (r, i) => [r.monthly["mining_low_mw"]?.[october(i)] ?? null, r.monthly["mining_high_mw"]?.[october(i)] ?? null] },
  { name: "registered", unit: "MW", good: 0, of: (r, i) => r.monthly["registered_mw"]?.[october(i)] ?? null },
  { name: "unregistered", unit: "MW", good: -1, of: (r, i) => r.monthly["unregistered_mw"]?.[october(i)] ?? null },
  { name: "margin", unit: "MW", good: 1, of: (r, i) => { const a = at(r, "available_mw", i), p = at(r, "peak_mw", i); return a === null || p === null ? null : a - p; } },
  { name: "unserved", unit: "MWh", good: -1, of: (r, i) => { const v = at(r, "unserved_gwh", i); return v === null ? null : v * 1000; } },
  { name: "short", unit: "h", good: -1, of: (r, i) => at(r, "shortfall_h", i) },
  { name: "cut", unit: "GWh", good: 0, of: (r, i) => at(r, "interrupted_gwh", i) },
  { name: "imports", unit: "TWh", good: -1, of: (r, i) => at(r, "net_import_twh", i) },
  { name: "co2", unit: "Mt", good: -1, of: (r, i) => at(r, "co2_mt", i) },
  { name: "cost", unit: "USD", good: -1, of: (r, i) => r.system_cost_usd[i] ?? null },
  { name: "treasury", unit: "USD", good: 1, of: (r, i) => r.balances["treasury"]?.[i] ?? null },
];

function Change({ k, i }: { k: Key; i: number }) {
  const s = useStore();
  if (!s.result || !s.base || !Object.keys(s.screen.values).length) return null;
  const now = k.of(s.result, i), base = k.of(s.base, i), mid = s.levers ? k.of(s.levers, i) : null;
  if (now === null || base === null || mid === null) return null;
  const parts: [string, number][] = [["lever", mid - base], ["assumption", now - mid]];
  const seen = parts.filter(([, d]) => Math.abs(d) > 1e-6 * Math.max(1, Math.abs(base)));
  if (!seen.length) return <p class="delta none">{t("key.unchanged")}</p>;
  return <p class="delta">{seen.map(([who, d]) => <span key={who} class={`${who} ${k.good * d > 0 ? "good" : k.good * d < 0 ? "bad" : ""}`}>{signed(d, k.unit)} <small>{t(`key.by.${who}`)}</small></span>)}</p>;
}

export function KeyFigures() {
  const s = useStore();
  const r = s.result;
  const i = s.year - info.first_year;
  const risk = riskState.of(s.screen), net = info.network;
  const flexible = !net || (info.controls.some((c) => c.key.startsWith("load:") && s.screen.values[c.key]) && Number(valueOf(s.screen, "cut")) > 0);
  const label = (name: string): string => t(net && name === "short" ? "key.netshort" : `key.${name}`);
  return (
    <section class="keys" aria-labelledby="h-keys">
      <div class="row spread">
        <h2 id="h-keys">{net ? t("net.key.title", { hours: number(net.hours, 6) }) : t("key.title", { year: String(s.year) })}</h2>
        {!net && <label class="year">{t("key.year")} <input type="range" min={info.first_year} max={info.last_year} value={s.year} onInput={(e) => go({ year: Number(e.currentTarget.value) })} aria-valuetext={String(s.year)} /></label>}
      </div>
      <dl class={r && r.until < s.year ? "stale" : ""}>
        {keys().filter((k) => flexible || !k.name.startsWith("newcut")).map((k) => {
          const v = r ? k.of(r, i) : null, [low, high] = r && k.interval ? k.interval(r, i) : [null, null];
          return <div key={k.name} data-key={k.name}><dt>{label(k.name)}</dt><dd><strong>{r ? quantity(v, k.unit) : "…"}</strong>{low !== null && <small> {range(low, high, k.unit)}</small>}<Change k={k} i={i} /></dd></div>;
        })}
        <Lole risk={risk} year={s.year} />
      </dl>
      <p class="source">{t(net ? "net.key.note" : "key.note")}</p>
    </section>
  );
}

function Lole({ risk, year }: { risk: Risk | null; year: number }) {
  const at = risk ? risk.years.indexOf(year) : -1;
  const all = risk?.zones["system"];
  return <div data-key="lole"><dt>{t("key.lole")}</dt><dd>{at >= 0 && all ? <><strong>{quantity(all["LOLE_h"]?.[at], "h")}</strong><small> ± {quantity(all["LOLE_h_stderr"]?.[at], "h", 2)}</small></> : <a href={`?view=${info.network ? "span" : "years"}#risk`} onClick={(e) => { e.preventDefault(); go({ view: info.network ? "span" : "years" }); setTimeout(() => document.getElementById("risk")?.scrollIntoView(), 60); }}>{t("key.lole.ask")}</a>}</dd></div>;
}
