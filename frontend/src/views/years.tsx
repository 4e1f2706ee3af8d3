/** Years 2019 to 2040: miners, balance, shortage, sources; levers and assumptions drawn apart. */
import { Chart, type Line } from "../chart";
import { carrier } from "../panels";
import { go, info, useStore } from "../state";
import type { Result, Series } from "../types";
import { month, t } from "../words";
import { RiskJob } from "./risk";

export const FUELS: Record<string, string> = { coal: "var(--coal)", gas: "var(--gas)", oil: "var(--oil)", hydro: "var(--hydro)", wind: "var(--wind)", solar: "var(--solar)", nuclear: "var(--nuclear)", other: "var(--other)" };
export const fuelName = (f: string): string => (info.network ? (f === "fed in" ? t("net.fedin") : carrier(f)) : t(`fuel.${f}`));

const ORDER = ["nuclear", "lignite", "coal", "biomass", "waste", "gas", "oil", "hydro", "wind", "solar", "other"];
const KIND: [string, RegExp][] = [
  ["nuclear", /nuclear|uran|atom/i], ["lignite", /lignite|braunk|brown coal|peat/i], ["coal", /coal|steink/i], ["biomass", /bio|wood/i], ["waste", /waste/i], ["oil", /oil|diesel|petrol/i], ["hydro", /hydro|ror|water|run.?of|phs|reservoir/i],
  ["wind", /wind/i], ["solar", /solar|pv|\bsun/i], ["gas", /gas|ccgt|ocgt|turbine|lng|h2|hydrogen/i],
];
const shade = (kind: string): string => FUELS[kind] ?? `var(--${kind})`;
const kindOf = (f: string): string => KIND.find(([, like]) => like.test(f))?.[0] ?? "other";
/** Series by fuel from the bottom of the stack up. Carriers of one kind get shades of its colour, unknown ones the file's colour. */
export function stack<V>(by: Record<string, V>): { name: string; colour: string; values: V }[] {
  if (!info.network) return ORDER.filter((f) => by[f]).map((f) => ({ name: f, colour: FUELS[f] ?? "var(--other)", values: by[f]! }));
  const all = info.network.technologies.map((x) => x.name), known = [...all].sort((a, b) => ORDER.indexOf(kindOf(a)) - ORDER.indexOf(kindOf(b)));
  return known.filter((f) => by[f]).map((f) => ({ name: f, colour: colourOf(f), values: by[f]! }));
}
export function colourOf(f: string): string {
  if (!info.network) return FUELS[f] ?? "var(--other)";
  const all = info.network.technologies.map((x) => x.name), kind = kindOf(f), nth = all.filter((x) => kindOf(x) === kind).indexOf(f);
  const own = info.network.technologies.find((x) => x.name === f)?.colour;
  if (kind === "other" && own) return own;
  return nth > 0 ? `color-mix(in oklab, ${shade(kind)}, ${nth % 2 ? "var(--paper)" : "var(--ink)"} ${Math.min(60, 18 * Math.ceil(nth / 2) + 10)}%)` : shade(kind);
}

export function yearTicks(years: number[]): { at: number; text: string }[] { return years.map((y, i) => ({ at: i, text: String(y) })); }

/** The run, beside the base and beside the base with the levers alone. */
export function apart(s: ReturnType<typeof useStore>, pick: (r: Result) => Series | undefined, colour: string): Line[] {
  const keys = Object.keys(s.screen.values), out: Line[] = [];
  const lever = keys.some((k) => info.controls.find((c) => c.key === k)?.panel === "lever");
  const assumed = keys.some((k) => info.controls.find((c) => c.key === k)?.panel === "assumption");
  if (s.base && keys.length) out.push({ name: t("line.base"), colour: "var(--axis)", kind: "dash", values: pick(s.base) ?? [] });
  if (s.levers && lever && assumed) out.push({ name: t("line.levers"), colour: "var(--lever)", kind: "line", width: 1.6, values: pick(s.levers) ?? [] });
  if (s.result) out.push({ name: keys.length ? (lever && assumed ? t("line.both") : lever ? t("line.levers") : t("line.assumptions")) : t("line.run"), colour, values: pick(s.result) ?? [] });
  return out;
}

export function Years() {
  const s = useStore(), r = s.result;
  if (!r) return <p class="wait">{t("wait")}</p>;
  const until = r.until < info.last_year ? r.until - info.first_year : undefined;
  const years = r.years.map(String), ticks = yearTicks(r.years), chosen = s.year - info.first_year;
  const choose = (i: number) => go({ year: info.first_year + i });
  const events = info.events.filter((e) => /^\d{4}-\d\d/.test(e.on)).map((e) => ({ at: r.months.indexOf(e.on.slice(0, 7)), text: e.event }));
  const ban = events.find((e) => /China/.test(e.text) && /ban/i.test(e.text));
  const markers = [...(ban && ban.at > 0 ? [{ at: ban.at, text: t("event.ban") }] : []), { at: r.months.indexOf(info.decided.slice(0, 7)), text: t("event.decided") }].filter((x) => x.at >= 0);
  const m = r.monthly;
  const common = { labels: years, ticks, until, chosen, choose };
  return (
    <div class="charts">
      <Chart name="miners" title={t("years.miners")} caption={t("years.miners.caption")} source={t("years.miners.source")} unit="MW" labels={r.months.map(month)} ticks={r.years.map((y, i) => ({ at: 12 * i, text: String(y) }))} until={until === undefined ? undefined : 12 * until + 11} markers={markers}
        lines={[{ name: t("line.interval"), colour: "var(--miners)", kind: "band", values: m["mining_high_mw"] ?? [], low: m["mining_low_mw"] ?? [] },
          { name: t("line.registered"), colour: "var(--registered)", kind: "area", values: m["registered_mw"] ?? [] }, { name: t("line.unregistered"), colour: "var(--unregistered)", kind: "area", values: m["unregistered_mw"] ?? [] },
          ...(s.base && Object.keys(s.screen.values).length ? [{ name: t("line.base"), colour: "var(--ink)", kind: "dash" as const, values: s.base.monthly["mining_best_mw"] ?? [] }] : [])]} />
      <Chart name="margin" title={t("years.margin")} caption={t("years.margin.caption")} unit="MW" {...common} zero={false}
        lines={[{ name: t("line.available"), colour: "var(--good)", values: r.annual["available_mw"] ?? [] }, { name: t("line.peak"), colour: "var(--alarm)", values: r.annual["peak_mw"] ?? [] },
          ...(s.base && Object.keys(s.screen.values).length ? [{ name: t("line.basepeak"), colour: "var(--axis)", kind: "dash" as const, values: s.base.annual["peak_mw"] ?? [] }] : [])]} />
      <Chart name="unserved" title={t("years.unserved")} caption={t("years.unserved.caption")} unit="GWh" {...common} lines={apart(s, (x) => x.annual["unserved_gwh"], "var(--alarm)")} />
      <Chart name="cut" title={t("years.cut")} caption={t("years.cut.caption")} unit="GWh" {...common} lines={apart(s, (x) => x.annual["interrupted_gwh"], "var(--miners)")} />
      <Chart name="generation" title={t("years.generation")} unit="TWh" {...common} lines={Object.entries(r.generation_twh).filter(([, v]) => v.some((x) => (x ?? 0) > 0.05)).map(([f, v]): Line => ({ name: fuelName(f), colour: FUELS[f] ?? "var(--other)", kind: "area", values: v }))} />
      <Chart name="imports" title={t("years.imports")} unit="TWh" {...common} lines={apart(s, (x) => x.annual["net_import_twh"], "var(--ink)")} />
      <Chart name="co2" title={t("years.co2")} unit="Mt" {...common} zero={false} lines={apart(s, (x) => x.annual["co2_mt"], "var(--ink)")} />
      <Chart name="cost" title={t("years.cost")} caption={t("years.cost.caption")} unit={t("unit.bnUSD")} {...common} zero={false} lines={apart(s, (x) => x.system_cost_usd.map((v) => (v === null ? null : v / 1e9)), "var(--ink)")} />
      <RiskJob />
    </div>
  );
}
