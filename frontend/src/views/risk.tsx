/** Monte Carlo over unit outages: a job with progress, time left and cancel. */
import { useState } from "preact/hooks";
import { Refused, job } from "../api";
import { Table } from "../chart";
import { info, keyOf, set, useStore } from "../state";
import type { JobState, Risk, Screen } from "../types";
import { number, percent, t } from "../words";

const done = new Map<string, Risk>();
export const riskState = { of: (s: Screen): Risk | null => done.get(keyOf(s)) ?? null };

export function Progress({ state, cancel }: { state: JobState; cancel: (() => void) | null }) {
  const going = state.state === "running" || state.state === "waiting";
  return (
    <div class="job" role="status">
      <progress max={1} value={state.share} aria-label={t("job.progress")} />
      <span>{going ? percent(state.share) : t(`job.${state.state}`)} {going && state.seconds_left !== null ? t("job.left", { seconds: number(state.seconds_left, 2) }) : ""} <span class="muted">{state.word}</span></span>
      {going && cancel && <button type="button" onClick={cancel}>{t("job.cancel")}</button>}
      {state.state === "failed" && <span class="alarm">{typeof state.error === "string" ? state.error : ""}</span>}
    </div>
  );
}

export function RiskJob() {
  const s = useStore();
  const [now, put] = useState<JobState | null>(null), [stop, hold] = useState<(() => void) | null>(null);
  const net = info.network;
  const years = net ? [info.first_year] : [2021, 2022, 2025, 2030, 2035, 2040].filter((y) => y >= info.first_year && y <= info.last_year);
  const asked = s.screen, risk = riskState.of(s.screen);
  const start = async () => {
    try {
      const end = await job("/api/jobs/risk", { screen: asked, years: [...new Set([...years, s.year])].sort().slice(0, 8), samples: 200 }, (x) => {
        put(x);
        if (x.state === "done") { done.set(keyOf(asked), (x.result as { risk: Risk }).risk); set({}); }
      });
      hold(() => end);
    } catch (e) { if (e instanceof Refused) set({ problems: e.problems }); }
  };
  const all = risk?.zones["system"];
  return (
    <section id="risk" aria-labelledby="h-risk" class="box">
      <h3 id="h-risk">{t("risk.title")}</h3>
      <p>{t(net ? "net.risk.about" : "risk.about")} {net && !net.fails && t("net.risk.never")}</p>
      <p class="row"><button type="button" class="main" disabled={now?.state === "running" || now?.state === "waiting"} onClick={() => void start()}>{t("risk.start")}</button></p>
      {now && <Progress state={now} cancel={stop} />}
      {risk && all && <Table caption={t("risk.title")} heads={[net ? t("net.network") : t("chart.year"), t("risk.lole"), t("risk.error"), t("risk.eue"), t("risk.error")]}
        rows={risk.years.map((y, i) => [net ? info.title : String(y), all["LOLE_h"]?.[i] ?? null, all["LOLE_h_stderr"]?.[i] ?? null, all["EUE_mwh"]?.[i] ?? null, all["EUE_mwh_stderr"]?.[i] ?? null])} />}
    </section>
  );
}
