/** Monte Carlo over unit outages: a job with progress, time left and cancel. */
import { Table } from "../chart";
import { Progress, begin, going } from "../jobs";
import { info, keyOf, useStore } from "../state";
import type { Risk, Screen } from "../types";
import { t } from "../words";

const done = new Map<string, Risk>();
export const riskState = { of: (s: Screen): Risk | null => done.get(keyOf(s)) ?? null };

export function RiskJob() {
  const s = useStore();
  const net = info.network;
  const years = net ? [info.first_year] : [2021, 2022, 2025, 2030, 2035, 2040].filter((y) => y >= info.first_year && y <= info.last_year);
  const asked = s.screen, risk = riskState.of(asked), key = `risk ${keyOf(asked)}`;
  const start = () => begin(key, "/api/jobs/risk", { screen: asked, years: [...new Set([...years, s.year])].sort().slice(0, 8), samples: 200 }, (x) => done.set(keyOf(asked), (x as { risk: Risk }).risk));
  const all = risk?.zones["system"];
  return (
    <section id="risk" aria-labelledby="h-risk" class="box">
      <h3 id="h-risk">{t("risk.title")}</h3>
      <p>{t(net ? "net.risk.about" : "risk.about")} {net && !net.fails && t("net.risk.never")}</p>
      <p class="row"><button type="button" class="main" disabled={going(key)} onClick={() => void start()}>{t("risk.start")}</button></p>
      <Progress of={key} />
      {risk && all && <Table caption={t("risk.title")} heads={[net ? t("net.network") : t("chart.year"), t("risk.lole"), t("risk.error"), t("risk.eue"), t("risk.error")]}
        rows={risk.years.map((y, i) => [net ? info.title : String(y), all["LOLE_h"]?.[i] ?? null, all["LOLE_h_stderr"]?.[i] ?? null, all["EUE_mwh"]?.[i] ?? null, all["EUE_mwh_stderr"]?.[i] ?? null])} />}
    </section>
  );
}
