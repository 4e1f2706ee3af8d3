/** Headroom: the new load each zone takes at a risk target, by how much of the year it lets itself be cut. A job. */
import { useState } from "preact/hooks";
import { Figure } from "../chart";
import { Progress, begin, going } from "../jobs";
import { zoneName } from "../panels";
import { info, keyOf, useStore } from "../state";
import { number, percent, quantity, t, unitName } from "../words";

interface Found { lole_h?: number; headroom: { zone: string; share: number; mw: number; stderr: number }[]; year: number; target_lole_h: number; samples: number }
const known = new Map<string, Found>();
const TARGETS = [2.4, 8, 24, 100];
const title = (f: Found): string => info.network ? t("net.room.title", { hours: number(f.target_lole_h) }) : t("room.title", { year: String(f.year), hours: number(f.target_lole_h) });

export function Room() {
  const s = useStore();
  const [target, aim] = useState(24);
  const key = `${keyOf(s.screen)} ${s.year} ${target}`, found = known.get(key);
  const start = () => begin(key, "/api/jobs/headroom", { screen: s.screen, year: s.year, target_lole_h: target, shares: [0, 0.01, 0.05] }, (x) => known.set(key, x as Found));
  const zones = found ? [...new Set(found.headroom.map((h) => h.zone))] : [], most = Math.max(1, ...(found?.headroom.map((h) => Math.abs(h.mw)) ?? []));
  return (
    <div class="charts one">
      <p class="lede">{info.network ? t("net.room.about", { hours: number(info.network.hours, 6) }) : t("room.about", { year: String(s.year) })} {info.network && !info.network.fails && t("net.risk.never")}</p>
      <p class="row"><label>{t("room.target")} <select value={String(target)} onChange={(e) => aim(Number(e.currentTarget.value))}>{TARGETS.map((x) => <option key={x} value={String(x)}>{t(info.network ? "net.room.hours" : "room.hours", { hours: number(x) })}</option>)}</select></label>
        <button type="button" class="main" disabled={going(key)} onClick={() => void start()}>{t("room.start")}</button></p>
      {!found && <Progress of={key} />}
      {found && !found.headroom.length && <p>{t("net.room.none", { short: quantity(found.lole_h, "h"), target: quantity(found.target_lole_h, "h") })}</p>}
      {found && found.headroom.length > 0 && (
        <Figure name="room" title={title(found)} caption={t("room.caption")} source={found.samples ? t("room.source", { samples: number(found.samples) }) : t("net.room.source")}
          heads={[t("map.zone"), t("room.cut"), unitName("MW"), t("risk.error")]} rows={found.headroom.map((h) => [zoneName(h.zone), percent(h.share), h.mw, h.stderr])}>
          <div class="bars">{zones.map((z) => <div key={z}><h4>{info.zones.some((x) => x.name === z) ? zoneName(z) : z}</h4>
            {found.headroom.filter((h) => h.zone === z).map((h) => <div key={h.share} class="bar-row"><span>{t("room.share", { share: percent(h.share) })}</span><meter min={0} max={most} value={Math.max(0, h.mw)} aria-label={`${z} ${percent(h.share)}`} /><b>{quantity(h.mw, "MW")}</b><small>± {quantity(h.stderr, "MW", 2)}</small></div>)}</div>)}</div>
        </Figure>)}
    </div>
  );
}
