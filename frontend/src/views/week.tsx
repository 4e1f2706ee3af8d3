/** A week hour by hour, and the map of one of its hours; any week of the years simulated. */
import { useEffect, useState } from "preact/hooks";
import { Refused, hours } from "../api";
import { Chart, type Line } from "../chart";
import { go, info, keyOf, monday, set, useStore } from "../state";
import type { Screen, Week } from "../types";
import { number, shortDay, t, weekday } from "../words";
import { FUELS, fuelName } from "./years";

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

export function WeekPicker() {
  const s = useStore();
  const shift = (days: number) => { const d = new Date(`${s.week}T00:00Z`); d.setUTCDate(d.getUTCDate() + days); const y = d.getUTCFullYear(); if (y >= info.first_year && y <= info.last_year) go({ week: d.toISOString().slice(0, 10) }); };
  return (
    <div class="row picker">
      <button type="button" onClick={() => shift(-7)}>← {t("week.before")}</button>
      <label>{t("week.of")} <input type="date" min={`${info.first_year}-01-01`} max={`${info.last_year}-12-25`} value={s.week} onChange={(e) => { const v = e.currentTarget.value; if (v) go({ week: monday(new Date(`${v}T00:00Z`)).toISOString().slice(0, 10) }); }} /></label>
      <button type="button" onClick={() => shift(7)}>{t("week.after")} →</button>
    </div>
  );
}

export function WeekView() {
  const s = useStore(), w = useWeek();
  const [span, put] = useState<number>(168);
  const from = span === 168 ? 0 : Math.min(168 - span, Math.floor(s.hour / 24) * 24);
  const body = () => {
    if (!w) return <p class="wait">{t("wait")}</p>;
    const cut = <T,>(v: T[]): T[] => v.slice(from, from + span);
    const at = cut(localTimes(w)), n = w.national;
    const labels = at.map(hourLabel);
    const ticks = at.flatMap((d, i) => (d.getUTCHours() % (span > 24 ? 24 : 3) === 0 ? [{ at: i, text: span > 24 ? `${weekday(d)} ${d.getUTCDate()}` : `${d.getUTCHours()}:00` }] : []));
    const supply: Line[] = ["nuclear", "coal", "gas", "oil", "hydro", "wind", "solar", "other"].filter((f) => w.generation_mw[f]).map((f) => ({ name: fuelName(f), colour: FUELS[f]!, kind: "area", values: cut(w.generation_mw[f]!) }));
    for (const [k, name, colour] of [["discharged_mw", "storage", "var(--battery)"], ["import_mw", "imports", "var(--imports)"], ["interrupted_mw", "cut", "var(--cut)"], ["unserved_mw", "unserved", "var(--alarm)"]] as const)
      if (n[k]?.some((x) => (x ?? 0) > 0.5)) supply.push({ name: t(`line.${name}`), colour, kind: "area", values: cut(n[k]!) });
    const wanted = n["load_mw"]!.map((x, i) => (x ?? 0) + (n["registered_mw"]![i] ?? 0));
    const without = wanted.map((x, i) => x - (n["registered_mw"]![i] ?? 0) - (n["unregistered_mw"]![i] ?? 0));
    const zones = info.zones.map((z) => z.name), tones = ["var(--coal)", "var(--gas)", "var(--hydro)", "var(--wind)", "var(--nuclear)"];
    const common = { labels, ticks, chosen: s.hour - from >= 0 && s.hour - from < span ? s.hour - from : undefined, choose: (i: number) => go({ hour: from + i }) };
    return <>
      <Chart name="week" title={t("week.supply")} caption={t("week.supply.caption")} source={info.metered ? undefined : t("week.synthetic")} unit="MW" height={320} {...common}
        lines={[...supply, { name: t("line.wanted"), colour: "var(--ink)", values: cut(wanted) }, { name: t("line.without"), colour: "var(--miners)", kind: "dash", values: cut(without) }]} />
      <Chart name="flows" title={t("week.flows")} unit="%" {...common} zero={false} caption={t("week.flows.caption")}
        lines={w.links.map((k, j): Line => ({ name: `${k.from} → ${k.to}`, colour: tones[j % tones.length]!, values: cut(k.flow_mw).map((f) => (f === null ? null : (100 * f) / Math.max(1, f >= 0 ? k.forward_mw : k.backward_mw))) }))} />
      <Chart name="prices" title={t("week.prices")} unit="USD/MWh" {...common} lines={zones.map((z, j): Line => ({ name: t(`zone.${z}`), colour: tones[j % tones.length]!, values: cut(w.zones[z]?.["price_usd_per_mwh"] ?? []), kind: "step" }))} />
      <p class="source">{t("week.note", { hours: number(w.utc_offset_h) })}</p>
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
