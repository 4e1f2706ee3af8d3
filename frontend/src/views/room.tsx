/** Headroom: the new load each zone takes at a risk target, by how much of the year it lets itself be cut. A job. */
import { useState } from "preact/hooks";
import { Refused, job } from "../api";
import { Figure } from "../chart";
import { zoneName } from "../panels";
import { info, keyOf, set, useStore } from "../state";
import type { JobState } from "../types";
import { number, percent, quantity, t, unitName } from "../words";
import { Progress } from "./risk";

interface Found { headroom: { zone: string; share: number; mw: number; stderr: number }[]; year: number; target_lole_h: number; samples: number }
const known = new Map<string, Found>();
const TARGETS = [2.4, 8, 24, 100];

export function Room() {
  const s = useStore();
  const [target, aim] = useState(24), [now, put] = useState<JobState | null>(null), [stop, hold] = useState<(() => void) | null>(null);
  const key = `${keyOf(s.screen)} ${s.year} ${target}`, found = known.get(key), going = now?.state === "running" || now?.state === "waiting";
  const start = async () => {
    try {
      const end = await job("/api/jobs/headroom", { screen: s.screen, year: s.year, target_lole_h: target, shares: [0, 0.01, 0.05] }, (x) => { put(x); if (x.state === "done") { known.set(key, x.result as Found); set({}); } });
      hold(() => end);
    } catch (e) { if (e instanceof Refused) set({ problems: e.problems }); }
  };
  const zones = found ? [...new Set(found.headroom.map((h) => h.zone))] : [], most = Math.max(1, ...(found?.headroom.map((h) => Math.abs(h.mw)) ?? []));
  return (
    <div class="charts one">
      <p class="lede">{t("room.about", { year: String(s.year) })}</p>
      <p class="row"><label>{t("room.target")} <select value={String(target)} onChange={(e) => aim(Number(e.currentTarget.value))}>{TARGETS.map((x) => <option key={x} value={String(x)}>{t("room.hours", { hours: number(x) })}</option>)}</select></label>
        <button type="button" class="main" disabled={going} onClick={() => void start()}>{t("room.start")}</button></p>
      {now && !found && <Progress state={now} cancel={stop} />}
      {found && (
        <Figure name="room" title={t("room.title", { year: String(found.year), hours: number(found.target_lole_h) })} caption={t("room.caption")} source={t("room.source", { samples: number(found.samples) })}
          heads={[t("map.zone"), t("room.cut"), unitName("MW"), t("risk.error")]} rows={found.headroom.map((h) => [zoneName(h.zone), percent(h.share), h.mw, h.stderr])}>
          <div class="bars">{zones.map((z) => <div key={z}><h4>{info.zones.some((x) => x.name === z) ? zoneName(z) : z}</h4>
            {found.headroom.filter((h) => h.zone === z).map((h) => <div key={h.share} class="bar-row"><span>{t("room.share", { share: percent(h.share) })}</span><meter min={0} max={most} value={Math.max(0, h.mw)} aria-label={`${z} ${percent(h.share)}`} /><b>{quantity(h.mw, "MW")}</b><small>± {quantity(h.stderr, "MW", 2)}</small></div>)}</div>)}</div>
        </Figure>)}
    </div>
  );
}
