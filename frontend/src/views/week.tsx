/** A week hour by hour, and the map of one of its hours; any week of the years simulated. */
import { useEffect, useState } from "preact/hooks";
import { Refused, hours } from "../api";
import { Chart, type Line } from "../chart";
import { zoneName } from "../panels";
import { go, info, keyOf, monday, set, useStore } from "../state";
import type { Screen, Week } from "../types";
import { number, shortDay, t, weekday } from "../words";
import { fuelName, stack } from "./years";

const kept = new Map<string, Week>();
const SPANS = [24, 72, 168] as const;

export function useWeek(): Week | null {
  const s = useStore();
  const first = `${s.week}T00`, key = keyOf(s.screen) + first;
  const [, turn] = useState(0);
  const settled = !s.busy;
  useEffect(() => {
    if (kept.has(key) || !settled) return;
    const cut = new AbortController();
    const screen: Screen = s.screen;
    hours(screen, first, 168, cut.signal).then((w) => { kept.set(key, w); if (kept.size > 40) kept.delete(kept.keys().next().value!); turn((n) => n + 1); },
      (e) => { if (e instanceof Refused) set({ problems: e.problems }); });
    return () => cut.abort();
  }, [key, settled]);
  return kept.get(key) ?? null;
}

export function localTimes(w: Week): Date[] { return w.time.map((x) => new Date((x + 3600 * w.utc_offset_h) * 1000)); }
export const hourLabel = (d: Date): string => `${weekday(d)} ${shortDay(d)} ${String(d.getUTCHours()).padStart(2, "0")}:00`;

/** Six days before a time: its week begins no earlier. */
const before = (first: string): string => { const d = new Date(`${first}Z`); d.setUTCDate(d.getUTCDate() - 7); return d.toISOString(); };

export function WeekPicker() {
  const s = useStore();
  const shift = (days: number) => { const d = new Date(`${s.week}T00:00Z`); d.setUTCDate(d.getUTCDate() + days); const y = d.getUTCFullYear(); if (info.network ? d.toISOString() > before(info.network.first) && d.toISOString() <= info.network.last : y >= info.first_year && y <= info.last_year) go({ week: d.toISOString().slice(0, 10) }); };
  return (
    <div class="row picker">
      <button type="button" onClick={() => shift(-7)}>← {t("week.before")}</button>
      <label>{t("week.of")} <input type="date" min={info.network ? info.network.first.slice(0, 10) : `${info.first_year}-01-01`} max={info.network ? info.network.last.slice(0, 10) : `${info.last_year}-12-25`} value={s.week} onChange={(e) => { const v = e.currentTarget.value; if (v) go({ week: monday(new Date(`${v}T00:00Z`)).toISOString().slice(0, 10) }); }} /></label>
      <button type="button" onClick={() => shift(7)}>{t("week.after")} →</button>
    </div>
  );
}

const MOST_LINES = 8;
/** Zones with a line of their own: all, or the largest of many. */
function zonesShown(w: Week): string[] {
  const size = (z: string) => Math.max(...(w.zones[z]?.["load_mw"] ?? []).map((x) => x ?? 0));
  const all = info.zones.map((z) => z.name);
  return all.length <= MOST_LINES ? all : [...all].sort((a, b) => size(b) - size(a)).slice(0, MOST_LINES);
}
/** What a link may carry in an hour, in the direction of the flow. */
export const limitOf = (k: Week["links"][number], flow: number, i: number): number => (flow >= 0 ? k.forward_each_mw?.[i] ?? k.forward_mw : k.backward_each_mw?.[i] ?? k.backward_mw);

export function WeekView() {
  const s = useStore(), w = useWeek(), net = info.network;
  const [span, put] = useState<number>(168);
  const from = span === 168 ? 0 : Math.min(168 - span, Math.floor(s.hour / 24) * 24);
  const body = () => {
    if (!w) return <p class="wait">{t("wait")}</p>;
    if (!w.time.length) return <p class="wait">{t("net.nohours")}</p>;
    const cut = <T,>(v: T[]): T[] => v.slice(from, from + span);
    const at = cut(localTimes(w)), n = w.national;
    const labels = at.map(hourLabel);
    const ticks = at.flatMap((d, i) => (d.getUTCHours() % (span > 24 ? 24 : 3) === 0 ? [{ at: i, text: span > 24 ? `${weekday(d)} ${d.getUTCDate()}` : `${d.getUTCHours()}:00` }] : []));
    const supply: Line[] = stack(w.generation_mw).map((f): Line => ({ name: fuelName(f.name), colour: f.colour, kind: "area", values: cut(f.values) }));
    for (const [k, name, colour] of [["discharged_mw", "storage", "var(--battery)"], ["import_mw", "imports", "var(--imports)"], ["interrupted_mw", "cut", "var(--cut)"], ["cut_mw", "netcut", "var(--cut)"], ["unserved_mw", "unserved", "var(--alarm)"]] as const)
      if (n[k]?.some((x) => (x ?? 0) > 0.5)) supply.push({ name: t(`line.${name}`), colour, kind: "area", values: cut(n[k]!) });
    const extra = (k: string, i: number): number => n[k]?.[i] ?? 0;
    const wanted = n["load_mw"]!.map((x, i) => (x ?? 0) + extra("registered_mw", i));
    const without = wanted.map((x, i) => x - extra("registered_mw", i) - extra("unregistered_mw", i) - extra("new_load_mw", i));
    const most = [...w.links].sort((a, b) => b.forward_mw + b.backward_mw - a.forward_mw - a.backward_mw).slice(0, MOST_LINES).map((k) => k.link);
    const charged = n["charged_mw"]!.some((x) => (x ?? 0) > 0.5) && net ? wanted.map((x, i) => x + extra("charged_mw", i) + extra("exported_mw", i)) : null;
    const zones = zonesShown(w), tones = ["var(--coal)", "var(--gas)", "var(--hydro)", "var(--wind)", "var(--nuclear)", "var(--good)", "var(--miners)", "var(--axis)"];
    const common = { labels, ticks, chosen: s.hour - from >= 0 && s.hour - from < span ? s.hour - from : undefined, choose: (i: number) => go({ hour: from + i }) };
    return <>
      <Chart name="week" title={t("week.supply")} caption={t(net ? "net.week.caption" : "week.supply.caption")} source={info.metered ? undefined : t("week.synthetic")} unit="MW" height={320} {...common}
        lines={[...supply, { name: t("line.wanted"), colour: "var(--ink)", values: cut(wanted) }, ...(charged ? [{ name: t("line.charging"), colour: "var(--axis)", kind: "dash" as const, values: cut(charged) }] : []),
          ...(!net || n["new_load_mw"]!.some((x) => (x ?? 0) > 0) ? [{ name: t(net ? "line.withoutnew" : "line.without"), colour: "var(--miners)", kind: "dash" as const, values: cut(without) }] : [])]} />
      {w.links.length > 0 && <Chart name="flows" title={t("week.flows")} unit="%" {...common} zero={false} caption={t("week.flows.caption")}
        lines={w.links.filter((k) => most.includes(k.link)).map((k, j): Line => ({ name: `${k.from} → ${k.to}${w.links.some((x) => x !== k && x.from === k.from && x.to === k.to) ? ` (${k.link})` : ""}`, colour: tones[j % tones.length]!, values: cut(k.flow_mw.map((f, i) => (f === null ? null : (100 * f) / Math.max(1, limitOf(k, f, i))))) }))} />}
      <Chart name="prices" title={t("week.prices")} unit="USD/MWh" scarce {...common} lines={zones.map((z, j): Line => ({ name: zoneName(z), colour: tones[j % tones.length]!, values: cut(w.zones[z]?.["price_usd_per_mwh"] ?? []), kind: "step" }))} />
      <p class="source">{net ? t("net.week.note") : t("week.note", { hours: number(w.utc_offset_h) })}</p>
    </>;
  };
  return (
    <div class="charts one">
      <WeekPicker />
      <div class="row" role="group" aria-label={t("week.zoom")}>{SPANS.map((x) => <button key={x} type="button" aria-pressed={span === x} onClick={() => put(x)}>{t("week.days", { n: x / 24 })}</button>)}</div>
      {body()}
    </div>
  );
}
