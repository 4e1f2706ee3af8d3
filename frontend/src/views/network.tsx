/** A PyPSA network: what it is, what its hours add up to, and the screens worth a look. */
import type { ComponentChildren } from "preact";
import { Chart, Figure, Table, type Line } from "../chart";
import { carrier, zoneName } from "../panels";
import { address, go, info, keyOf, move, useStore, type View } from "../state";
import type { NetworkInfo, Result, Series } from "../types";
import { number, percent, quantity, signed, t, unitName } from "../words";
import { RiskJob } from "./risk";
import { apart, colourOf, fuelName, stack } from "./years";

type Story = NetworkInfo["stories"][number];
const words = (x: Story): Record<string, string> => ({
  zone: zoneName(x.zone ?? ""), mw: quantity(x.mw, "MW"), hours: quantity(x.hours, "h"), name: carrier(x.technology ?? ""), link: x.link ?? "",
});
export const netStory = (x: Story): string => t(`net.story.${x.name}`, words(x));
const stamp = (iso: string): string => iso.replace("T", " ").slice(0, 16);
/** Figures of one zone, technology or link of the table of a run. */
const column = (r: Result, table: "technologies" | "links", name: string): (number | null)[] => (r.network?.[table][name] ?? []) as (number | null)[];
const texts = (r: Result, table: "technologies" | "links", name: string): string[] => (r.network?.[table][name] ?? []) as string[];

function Card(p: { nr: number; title: string; to: View; more: string; week?: string; children: ComponentChildren }) {
  const change = p.week ? { view: p.to, ...hourOf(p.week) } : { view: p.to };
  return (
    <article class="card">
      <h2><span class="nr">{p.nr}</span> {p.title}</h2>
      <p class="answer">{p.children}</p>
      <a href={address(change)} onClick={(e) => { e.preventDefault(); go(change); scrollTo(0, 0); }}>{p.more}</a>
    </article>
  );
}
/** Week and hour of it of a time like 2023-02-06T17. */
function hourOf(iso: string): { week: string; hour: number } {
  const at = new Date(`${iso}:00Z`), first = new Date(`${iso.slice(0, 10)}T00:00Z`);
  first.setUTCDate(first.getUTCDate() - ((first.getUTCDay() + 6) % 7));
  return { week: first.toISOString().slice(0, 10), hour: Math.round((at.getTime() - first.getTime()) / 3.6e6) };
}

export function NetStart() {
  const s = useStore(), r = s.result, n = info.network!;
  const facts: [string, string][] = [
    [t("net.zones"), number(info.zones.length, 6)], [t("net.hours"), number(n.hours, 6)], [t("net.from"), `${stamp(n.first)} – ${stamp(n.last)}`],
    [t("net.units"), `${number(n.units, 6)}, ${quantity(n.installed_mw, "MW")}`], [t("line.peak"), quantity(n.peak_mw, "MW")], [t("net.links"), number(n.links, 6)],
    ...(n.stores ? [[t("line.storage"), `${quantity(n.storage_mw, "MW")}, ${quantity(n.storage_mwh, "MWh")}`] as [string, string]] : []),
    [t("control.voll"), quantity(n.value_usd_per_mwh, "USD/MWh")],
  ];
  const a = (k: string): number | null => r?.annual[k]?.[0] ?? null;
  const prices = r ? info.zones.map((z) => ({ zone: z.name, at: r.zones["price_usd_per_mwh"]?.[z.name]?.[0] ?? 0 })).sort((x, y) => x.at - y.at) : [];
  const full = r ? texts(r, "links", "link").map((name, i) => ({ name, h: column(r, "links", "full_h")[i] ?? 0 })).sort((x, y) => y.h - x.h) : [];
  const names = r ? texts(r, "technologies", "technology") : [];
  return (
    <div class="start">
      <header>
        <p class="kicker">{t("net.kicker")}</p>
        <h1>{info.title}</h1>
        <p class="summary">{t("net.summary", { hours: number(n.hours, 6) })}</p>
      </header>
      <dl class="facts">{facts.map(([name, v]) => <div key={name}><dt>{name}</dt><dd>{v}</dd></div>)}</dl>
      <h2 class="quiet">{t("net.stories")}</h2>
      <div class="stories">
        {[{ name: "as", values: {} } as Story, ...n.stories].map((x) => {
          const screen = { base: info.default_scenario, values: x.values };
          return <button key={x.name} type="button" class="story" aria-pressed={keyOf(s.screen) === keyOf(screen)} onClick={() => move(screen)}><b>{netStory(x)}</b><span>{t(`net.about.${x.name}`, words(x))}</span></button>;
        })}
      </div>
      <h2 class="quiet">{t("net.questions")}</h2>
      <div class="cards">
        <Card nr={1} title={t("net.q.enough")} to="week" more={t("net.q.enough.more")} {...(r?.network ? { week: r.network.look } : {})}>
          {!r ? t("wait") : (a("unserved_mwh") ?? 0) > 0 ? t("net.q.enough.no", { hours: quantity(a("shortfall_h"), "h"), of: number(n.hours, 6), energy: quantity(a("unserved_mwh"), "MWh") }) : t("net.q.enough.yes", { of: number(n.hours, 6), peak: quantity(a("peak_mw"), "MW") })}</Card>
        <Card nr={2} title={t("net.q.price")} to="span" more={t("net.q.price.more")}>
          {!r ? t("wait") : t("net.q.price.answer", { price: quantity(a("price_usd_per_mwh"), "USD/MWh"), low: quantity(prices[0]?.at, "USD/MWh"), cheap: prices[0]?.zone ?? "", high: quantity(prices.at(-1)?.at, "USD/MWh"), dear: prices.at(-1)?.zone ?? "" })}</Card>
        <Card nr={3} title={t("net.q.links")} to="map" more={t("net.q.links.more")} {...(r?.network ? { week: r.network.look } : {})}>
          {!r ? t("wait") : !full.length || !full[0]!.h ? t("net.q.links.none") : t("net.q.links.answer", { link: full[0]!.name, hours: quantity(full[0]!.h, "h"), share: percent(full[0]!.h / n.hours), n: full.filter((x) => x.h > 0).length })}</Card>
        <Card nr={4} title={t("net.q.room")} to="room" more={t("net.q.room.more")}>{t("net.q.room.answer")}</Card>
      </div>
      {r?.network && <>
        <h2 class="quiet">{t("net.technologies")}</h2>
        <Table tall caption={t("net.technologies")} heads={[t("net.technology"), `${t("net.capacity")} [${unitName("MW")}]`, `${t("net.generation")} [${unitName("TWh")}]`, t("net.used"), `${t("key.curtailed")} [${unitName("GWh")}]`, ...(n.co2 ? [`CO₂ [${unitName("Mt")}]`] : [])]}
          rows={names.map((name, i) => [fuelName(name), ...["capacity_mw", "generation_twh"].map((k) => number(column(r, "technologies", k)[i])), percent(column(r, "technologies", "used_share")[i]), number(column(r, "technologies", "curtailed_gwh")[i]), ...(n.co2 ? [number(column(r, "technologies", "co2_mt")[i])] : [])])} />
      </>}
      <section class="box two">
        <div><h3>{t("net.dropped")}</h3>
          {n.dropped.length ? <><p class="hint">{t("net.dropped.about")}</p><ul class="sources" lang="en">{n.dropped.map((x, i) => <li key={i}>{x}</li>)}</ul></> : <p>{t("net.dropped.none")}</p>}
          {info.zones.length > 20 && <p>{t("net.many", { n: number(info.zones.length, 6) })} <code>gridrush web {info.title} --zones 8</code></p>}</div>
        <div><h3>{t("net.absent")}</h3><p>{t("net.absent.about")}</p></div>
      </section>
    </div>
  );
}

/** All hours: by month or day, from highest to lowest, by technology, zone and link. */
export function Span() {
  const s = useStore(), r = s.result, n = info.network!;
  if (!r?.network) return <p class="wait">{t("wait")}</p>;
  const labels = r.months, ticks = labels.map((m, i) => ({ at: i, text: n.by_day ? m.slice(5) : m })), zones = info.zones.map((z) => z.name);
  const at = (q: string, z: string): number | null => r.zones[q]?.[z]?.[0] ?? null, base = (q: string, z: string): number | null => s.base?.zones[q]?.[z]?.[0] ?? null;
  const moved = Object.keys(s.screen.values).length > 0 && s.base;
  const quantities: [string, string][] = [["demand_twh", "TWh"], ["generation_twh", "TWh"], ["net_import_twh", "TWh"], ["price_usd_per_mwh", "USD/MWh"], ["unserved_mwh", "MWh"], ["shortfall_h", "h"], ["curtailed_gwh", "GWh"]];
  const links = texts(r, "links", "link");
  return (
    <div class="charts">
      <Chart name="spells" title={t(n.by_day ? "net.days" : "net.months")} caption={t("net.months.about")} unit="MW" labels={labels} ticks={ticks}
        lines={[...stack(r.network.generation_mw).filter((f) => f.values.some((v) => (v ?? 0) > 0.5)).map((f): Line => ({ name: fuelName(f.name), colour: f.colour, kind: "area", values: f.values })), { name: t("line.wanted"), colour: "var(--ink)", values: r.monthly["load_mw"] ?? [] }]} />
      <Chart name="netunserved" title={t("key.unserved")} caption={t("net.unserved.about")} unit="MW" labels={labels} ticks={ticks} lines={apart(s, (x) => x.monthly["unserved_mw"], "var(--alarm)")} />
      <Duration name="load" title={t("net.duration.load")} unit="MW" r={r} lines={[{ name: t("line.load"), colour: "var(--ink)", values: r.network.duration["load_mw"] ?? [] }, { name: t("line.residual"), colour: "var(--gas)", values: r.network.duration["residual_mw"] ?? [] }]} />
      <Duration name="price" title={t("net.duration.price")} unit="USD/MWh" r={r} caption={t("net.duration.price.about")} lines={apart(s, (x) => x.network?.duration["price_usd_per_mwh"], "var(--accent)")} />
      <section class="box span"><h3>{t("net.byzone")}</h3>
        <Table tall caption={t("net.byzone")} heads={[t("map.zone"), ...quantities.map(([q, unit]) => `${t(`net.zone.${q}`)} [${unitName(unit)}]`)]}
          rows={zones.map((z) => [zoneName(z), ...quantities.map(([q]) => { const now = at(q, z), was = base(q, z); return `${number(now)}${moved && now !== null && was !== null && Math.abs(now - was) > 1e-3 * Math.max(1e-3, Math.abs(was)) ? ` (${signed(now - was, "1")})` : ""}`; })])} />
        {moved && <p class="hint">{t("net.byzone.moved")}</p>}
        {links.length > 0 && <><h3>{t("net.bylink")}</h3>
          <Table tall caption={t("net.bylink")} heads={[t("net.link"), t("net.between"), `${t("net.limit")} [${unitName("MW")}]`, t("net.mean"), `${t("net.full")} [${unitName("h")}]`, `${t("net.rent")} [${t("unit.MUSD")}]`]}
            rows={links.map((name, i) => [name, `${zoneName(texts(r, "links", "from")[i] ?? "")} → ${zoneName(texts(r, "links", "to")[i] ?? "")}`, `${number(column(r, "links", "forward_mw")[i])} / ${number(column(r, "links", "backward_mw")[i])}`, percent(column(r, "links", "used_share")[i]), number(column(r, "links", "full_h")[i], 6), number((column(r, "links", "rent_usd")[i] ?? 0) / 1e6)])} /></>}
      </section>
      <RiskJob />
    </div>
  );
}

/** Values from the highest to the lowest hour. */
function Duration(p: { name: string; title: string; unit: string; r: Result; lines: Line[]; caption?: string }) {
  const share = p.r.network?.duration["share"] ?? [], n = share.length;
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((x) => ({ at: Math.round(x * (n - 1)), text: percent(x) }));
  return <Chart name={`d-${p.name}`} title={p.title} caption={p.caption ?? t("net.duration.about")} unit={p.unit} zero={false} scarce={p.unit === "USD/MWh"} labels={share.map((x) => t("net.duration.at", { share: percent(x) }))} ticks={ticks} lines={p.lines} />;
}

/** Charts of a comparison of networks. */
export function NetCharts({ lines, r }: { lines: (pick: (r: Result) => Series | undefined) => Line[]; r: Result | null }) {
  if (!r?.network) return null;
  const ticks = r.months.map((m, i) => ({ at: i, text: m }));
  const names = texts(r, "technologies", "technology"), most = Math.max(1e-9, ...names.map((_, i) => column(r, "technologies", "generation_twh")[i] ?? 0));
  return <>
    <Chart name="c-unserved" title={t("key.unserved")} unit="MW" labels={r.months} ticks={ticks} lines={lines((x) => x.monthly["unserved_mw"])} />
    <Chart name="c-netprice" title={t("key.netprice")} unit="USD/MWh" labels={r.months} ticks={ticks} zero={false} scarce lines={lines((x) => x.monthly["price_usd_per_mwh"])} />
    <Duration name="c" title={t("net.duration.price")} unit="USD/MWh" r={r} lines={lines((x) => x.network?.duration["price_usd_per_mwh"])} />
    <Figure name="c-made" title={t("net.made")} heads={[t("net.technology"), unitName("TWh")]} rows={names.map((x, i) => [fuelName(x), column(r, "technologies", "generation_twh")[i] ?? null])}>
      <div class="bars one">{names.map((x, i) => { const v = column(r, "technologies", "generation_twh")[i] ?? 0; return <div key={x} class="bar-row line"><span>{fuelName(x)}</span><i class="fill" style={{ "--c": colourOf(x), "--w": `${(100 * Math.max(0, v)) / most}%` }} /><b>{quantity(v, "TWh")}</b></div>; })}</div>
    </Figure>
  </>;
}
