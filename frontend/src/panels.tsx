/** Levers and assumptions, kept apart. */
import { useState } from "preact/hooks";
import { change, control, info, move, scenario, settle, state, useStore, valueOf } from "./state";
import type { Control, Evidence, Value } from "./types";
import { has, number, quantity, t } from "./words";

export const zoneName = (zone: string): string => (has(`zone.${zone}`) ? t(`zone.${zone}`) : zone);
/** A carrier as people call it. */
export const carrier = (name: string): string => info.network?.technologies.find((x) => x.name === name)?.title ?? name;
const ADDED = /^(plant|store):/;
export const labelOf = (c: Control): string => {
  if (c.kind === "project") return c.title;
  const [head, zone] = c.key.split(":");
  if (info.network) return t(`control.${head!}`, { zone: c.zone, name: c.title ? carrier(c.title) : "", from: c.zone, to: c.zone_to });
  return zone ? t(`control.${head!}`, { zone: zoneName(zone) }) : t(`control.${c.key}`);
};
export function shown(c: Control, v: Value | null): string {
  if (v === null) return t(c.key === "pays" ? "value.short" : c.key === "quota" ? "value.nocap" : c.key === "fee" ? "value.scale" : "value.market");
  if (typeof v === "boolean") return c.kind === "project" ? (v ? t("value.planned") : t("value.notbuilt")) : v ? t("value.on") : t("value.off");
  if (typeof v === "string") return t(`choice.${c.key}.${v}`);
  return (ADDED.test(c.key) && v > 0 ? "+" : "") + quantity(v, c.unit, c.unit === "h" ? 6 : 3);
}

function Facts({ c }: { c: Control }) {
  const [open, put] = useState(false);
  if (!c.evidence.length && !has(`about.${c.key.split(":")[0]!}`)) return null;
  return (
    <details class="evidence" onToggle={(e) => put((e.currentTarget as HTMLDetailsElement).open)}>
      <summary>{t("panel.evidence")}<span class="hidden">: {labelOf(c)}</span></summary>
      {open && <>
        {has(`about.${c.key.split(":")[0]!}`) && <p>{t(`about.${c.key.split(":")[0]!}`)}</p>}
        <ul>{c.evidence.slice(0, 8).map((e, i) => <li key={i}><Fact e={e} /></li>)}</ul>
      </>}
    </details>
  );
}
function Fact({ e }: { e: Evidence }) {
  const s = e.source ? info.sources[e.source] : undefined;
  const size = e.value !== undefined ? quantity(e.value, e.unit ?? "") : e.capacity_mw !== undefined ? quantity(e.capacity_mw, "MW") : "";
  const between = e.low !== undefined && e.high !== undefined ? ` (${number(e.low)}–${number(e.high)})` : "";
  return <>
    {e.grade && <span class={`badge ${e.grade}`}>{t(`grade.${e.grade}`)}</span>}{" "}
    {[e.who, e.on, e.partner, e.item && e.item.replace(/_/g, " "), e.quantity && e.quantity.replace(/_/g, " ")].filter(Boolean).join(", ")} <b lang="en">{size}{e.value !== undefined ? between : ""}</b>
    {e.price_usd_per_mwh !== undefined && <> · {quantity(e.price_usd_per_mwh, "USD/MWh")}</>}
    {e.planned && <> · {t("evidence.planned", { date: e.planned.slice(0, 4) })} · {t("evidence.slip", { years: number(e.slip_years) })} {between}</>}
    {e.note && <> · <span lang="en">{e.note}</span></>}
    {s && <> · <span class="muted" lang="en">{s.title}, {s.date}</span></>}
  </>;
}

function Field({ c }: { c: Control }) {
  const s = useStore();
  const id = `c-${c.key.replace(/[^a-z0-9]/gi, "-")}`;
  const v = valueOf(s.screen, c.key), base = scenario(s.screen.base).defaults[c.key] ?? null;
  const changed = c.key in s.screen.values;
  const label = labelOf(c);
  const reset = changed && (
    <button type="button" class="reset" aria-label={`${t("panel.reset")}: ${label}`} title={t("panel.reset")} onClick={() => { const values = { ...s.screen.values }; delete values[c.key]; move({ base: s.screen.base, values }); }}>↺</button>
  );
  let input;
  if (c.kind === "range") {
    const capless = c.key === "quota", most = c.high ?? 1; // a cap grows until there is none: that is the far end
    const at = typeof v === "number" ? v : capless ? most : c.low ?? 0;
    const set = (e: Event, drag: boolean) => { const x = Number((e.currentTarget as HTMLInputElement).value); change(c.key, capless && x >= most && base === null ? null : x, drag); };
    input = <input id={id} type="range" min={c.low ?? 0} max={most} step={c.step ?? "any"} value={at} aria-valuetext={shown(c, v)}
      onInput={(e) => set(e, true)} onChange={settle} onBlur={settle} class={v === null ? "unset" : ""} />;
  } else if (c.kind === "choice") {
    input = <select id={id} value={String(v)} onChange={(e) => change(c.key, e.currentTarget.value)}>{c.choices.map((x) => <option key={x} value={x}>{t(`choice.${c.key}.${x}`)}</option>)}</select>;
  } else if (c.kind === "switch") {
    input = <input id={id} type="checkbox" role="switch" checked={v === true} onChange={(e) => change(c.key, e.currentTarget.checked)} />;
  } else {
    const years: number[] = [];
    for (let y = c.low ?? 2022; y <= (c.high ?? 2041); y++) years.push(y);
    input = <select id={id} value={String(v)} onChange={(e) => { const x = e.currentTarget.value; change(c.key, x === "true" ? true : x === "false" ? false : Number(x)); }}>
      <option value="false">{t("value.notbuilt")}</option><option value="true">{t("value.planned")}</option>
      {years.map((y) => <option key={y} value={String(y)}>{y}</option>)}
    </select>;
  }
  return (
    <div class={`field ${c.kind}${changed ? " changed" : ""}`}>
      <label for={id}>{label}{c.kind === "project" && c.capacity_mw ? <small> {quantity(c.capacity_mw, "MW")}, {zoneName(c.zone)}</small> : null}
        {info.network && c.capacity_mw !== null && <small> {t("control.has", { mw: quantity(c.capacity_mw, "MW") })}</small>}</label>
      <output for={id}>{c.kind === "range" ? shown(c, v) : ""}{reset}</output>
      {input}
      <small class="default">{t("panel.default", { value: shown(c, base) })}</small>
      <Facts c={c} />
    </div>
  );
}

/** Zones of a network whose controls are shown: the one chosen, and what is changed elsewhere. */
let chosenZone = "";
function useZone(): [string, (z: string) => void] {
  const [zone, put] = useState(chosenZone || (info.network?.stories.find((x) => x.name === "load")?.zone ?? info.zones[0]?.name ?? ""));
  return [zone, (z) => { chosenZone = z; put(z); }];
}

export function Panel({ which }: { which: "lever" | "assumption" }) {
  const s = useStore(), [zone, choose] = useZone();
  const near = (c: Control) => !info.network || !c.zone || c.zone === zone || c.zone_to === zone || c.key in s.screen.values;
  const all = info.controls.filter((c) => c.panel === which && near(c));
  const groups = [...new Set(all.map((c) => c.group))];
  const first = (c: Control) => info.network ? !(c.key.startsWith("plant:") && !c.capacity_mw && !(c.key in s.screen.values)) : c.kind !== "project" || c.key.startsWith("build:nuclear-balkhash") || valueOf(s.screen, c.key) !== false && c.key in s.screen.values;
  const main = all.filter(first), more = all.filter((c) => !first(c));
  const count = all.filter((c) => c.key in s.screen.values).length;
  return (
    <section class={`panel ${which}`} aria-labelledby={`p-${which}`}>
      <h2 id={`p-${which}`}>{t(`panel.${which}s`)} {count > 0 && <span class="count">{count}</span>}</h2>
      <p class="hint">{t(info.network ? `net.panel.${which}s` : `panel.${which}s.hint`)}</p>
      {info.network && which === "lever" && info.zones.length > 1 && (
        <p class="row"><label for="zone">{t("net.zone")}</label> <select id="zone" value={zone} onChange={(e) => choose(e.currentTarget.value)}>{info.zones.map((z) => <option key={z.name} value={z.name}>{z.name}</option>)}</select></p>)}
      {groups.map((g) => (
        <fieldset key={g}>
          <legend>{t(info.network ? `net.group.${g}` : `group.${g}`)}</legend>
          {main.filter((c) => c.group === g).map((c) => <Field key={c.key} c={c} />)}
          {more.some((c) => c.group === g) && (
            <details class="more"><summary>{t(info.network ? "net.more" : "panel.more", { n: more.filter((c) => c.group === g).length })}</summary>{more.filter((c) => c.group === g).map((c) => <Field key={c.key} c={c} />)}</details>
          )}
        </fieldset>
      ))}
    </section>
  );
}

export function Differences() {
  const s = useStore();
  const keys = Object.keys(s.screen.values);
  return (
    <div class="differences">
      {info.network ? <b>{info.title}</b> : <label for="base">{t("base.label")}</label>}
      {!info.network && <select id="base" value={s.screen.base} onChange={(e) => move({ base: e.currentTarget.value, values: state.screen.values })}>
        {info.scenarios.map((x) => <option key={x.name} value={x.name}>{titleOf(x.name)}</option>)}
      </select>}
      {keys.length === 0 ? <span class="muted">{t("base.same")}</span> : (
        <ul aria-label={t("base.differs")}>
          {keys.map((k) => { const c = control(k); if (!c) return null; return (
            <li key={k} class={c.panel}><button type="button" onClick={() => { const values = { ...s.screen.values }; delete values[k]; move({ base: s.screen.base, values }); }} aria-label={`${t("panel.reset")}: ${labelOf(c)}`}>
              {labelOf(c)}: {shown(c, scenario(s.screen.base).defaults[k] ?? null)} → <b>{shown(c, s.screen.values[k] ?? null)}</b> <span aria-hidden="true">✕</span></button></li>); })}
        </ul>
      )}
    </div>
  );
}
export const titleOf = (name: string): string => info.network ? t("net.base") : (has(`scenario.${name}`) ? t(`scenario.${name}`) : scenario(name).title);
export const storyOf = (name: string): string => (has(`story.${name}`) ? t(`story.${name}`) : scenario(name).story);
